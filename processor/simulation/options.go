package simulation

import (
	"math/rand/v2"
	"time"

	"holdfast/processor"
	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology/record"
)

// Stages makes the stage of a task, by the stage's name. Those that are missing
// aren't run.
type Stages map[string]func(tp processor.TopicPartition) stage.Stage

// Input is a record that somebody outside writes.
type Input struct {
	Topic     string // without prefix
	Partition int32  // -1: by key
	Key       []byte
	Value     []byte
	Headers   []stage.Header
	At        record.Millis // append time; 0: the broker's
}

// Options is what a run does, drawn from its seed. Percentages are per occasion;
// many of them are 0 in any one run, so that every fault also is met alone.
type Options struct {
	Instances  int // processes
	WorkersMax int // per stage and process
	Partitions int32
	Public     int32

	SwitchPercent int // at each point: somebody else runs
	SkewMillis    int // clocks of processes, either way
	BrokerSkew    int // clocks of partition leaders

	// Out of a thousand rounds of the scheduler.
	CrashPermille, FreezePermille, GonePermille, EvictPermille, StopPermille, HurryPermille, JumpPermille, RebalancePermille int

	EndPercent      int // the end of a transaction goes wrong
	ProducePermille int // a record is refused
	BeginPermille   int // a transaction can't begin
	SettlePercent   int // settling fails
	RequestPercent  int // a request of a restore gets no answer
	TickPercent     int // a tick is late or lost
	TrimPercent     int // the answer to DeleteRecords is an error
	FencePercent    int // the end of a gone member's transaction comes late
	EagerPercent    int // a rebalance takes everything from everybody
	SwapPercent     int // a partition gets another owner, needed or not
	DiskPercent     int // a process finds an empty disk when it starts
	LeavePercent    int // a process that stops leaves its groups
	Standbys        int
	PollRecordsMax  int
	BatchRecordMax  int
	CommitInterval  time.Duration // at most
	LateStart       time.Duration // nothing is committed so soon after the last time
	Store           state.Config  // sizes only

	RoundsMin    int // of the scheduler, with faults
	InputPercent int // of them bring an input, as long as there is one
}

// Draw returns the options of a seed.
func Draw(r *rand.Rand) Options {
	pick := func(values ...int) int { return values[r.IntN(len(values))] }
	// Half of the faults are off.
	maybe := func(values ...int) int {
		if v := pick(values...); r.IntN(2) == 0 {
			return v
		}
		return 0
	}
	o := Options{
		Instances: pick(1, 2, 2, 3), WorkersMax: pick(1, 1, 2), Partitions: 2, Public: 2,
		SwitchPercent: pick(2, 10, 30), SkewMillis: maybe(5, 200, 2000), BrokerSkew: maybe(2, 50, 500),
		CrashPermille: maybe(1, 3, 6), FreezePermille: maybe(1, 3), EvictPermille: maybe(2, 20), StopPermille: maybe(1, 2),
		HurryPermille: maybe(1, 10), JumpPermille: pick(1, 3), RebalancePermille: maybe(1, 3),
		EndPercent: maybe(2, 10, 25), ProducePermille: maybe(2, 10), SettlePercent: maybe(5, 30),
		BeginPermille: maybe(10, 50), RequestPercent: maybe(2, 10), DiskPercent: maybe(5, 30), LeavePercent: maybe(50, 100),
		TickPercent: maybe(10, 50), TrimPercent: maybe(10, 50), EagerPercent: maybe(100), SwapPercent: maybe(10, 50),
		PollRecordsMax: pick(2, 10, 50), BatchRecordMax: pick(1, 10, 100),
		Store: state.Config{
			SyncFlush:    true,
			FlushBytes:   int64(pick(1<<10, 8<<10, 64<<10)),
			FlushEvery:   time.Duration(pick(200, 1000, 5000)) * time.Millisecond,
			SweepShare:   []float64{0.25, 0.5, 1}[r.IntN(3)],
			LogBytesMin:  int64(pick(1<<10, 4<<10, 16<<10)),
			PartBytesMax: pick(300, 700, 4<<10),
		},
		RoundsMin: 2500, InputPercent: 15,
	}
	o.Standbys = pick(0, 1, 1, 2)
	o.CommitInterval = time.Duration(pick(1, 20, 100, 500)) * time.Millisecond
	o.LateStart = time.Duration(pick(0, 2, 2, 20)) * time.Millisecond
	o.Store.MemTableBytes = int64(pick(256<<10, 256<<10, 1<<20))
	o.GonePermille, o.FencePercent = pick(0, 1, 3), pick(0, 50, 100)
	if o.Store.PartBytesMax < 1<<10 {
		// Most of such parts is their header: a log of them is never as short
		// as an idle task wants it, compared with the state.
		o.Store.LogBytesMin = 16 << 10
	}
	return o
}

// quiet returns the options without faults.
func (o Options) quiet() Options {
	return Options{
		Instances: o.Instances, WorkersMax: o.WorkersMax, Partitions: o.Partitions, Public: o.Public, Standbys: o.Standbys,
		SkewMillis: o.SkewMillis, PollRecordsMax: o.PollRecordsMax, BatchRecordMax: o.BatchRecordMax, CommitInterval: o.CommitInterval, LateStart: o.LateStart, Store: o.Store,
		RoundsMin: o.RoundsMin, InputPercent: o.InputPercent,
	}
}
