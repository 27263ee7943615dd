package closing

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"holdfast/processor"
	"holdfast/processor/inventory"
	"holdfast/processor/stage"
	"holdfast/topology"
	"holdfast/topology/record"
)

// Result is what a run showed. Of several partitions, peaks and ratios are those
// of the worst one, the other figures are sums.
type Result struct {
	Reservations, Shipped, Released, Open int64
	Lines                                 int64 // commands and stock records decided
	Transactions                          int64
	Seconds                               float64 // of deciding, with making the load and judging
	LinesPerSecond                        float64

	ChangelogWritten int64   // bytes
	ChangelogPeak    int64   // bytes of one partition
	ChangelogEnd     int64   // bytes
	StateEnd         int64   // bytes, as a changelog would hold them
	Trims            int64   // how often a changelog's start moved
	DeltaMax         int64   // bytes
	PeakRatio        float64 // changelog to bound; at most 1, or the run fails
	// PeakRatioNow is the same with the state's size at that moment in the bound,
	// instead of the largest since the changelog's start.
	PeakRatioNow float64
	// PeakFactor is how many times as long as the state (the largest since its
	// start) a changelog was at worst; 2·(1+1/f) is the bound's, without the part
	// that doesn't grow with the state.
	PeakFactor float64

	Marks []Mark // at each tenth of the reservations

	RestoreRecords, RestoreBytes int64
	RestoreSeconds               float64 // one partition after the other
}

const (
	instance  = "closing"
	clusterID = "in memory"
)

func topicID() [16]byte { return [16]byte{1} }

// saleStart is where the log's time begins.
const saleStart record.Millis = 1_794_330_000_000 // 2026-11-11, morning in Ha Noi

// run is one run while it lasts.
type run struct {
	cfg   *Config
	log   *log
	load  *load
	judge *judge
	loop  *processor.Loop
	halts halts
	tally tally
	marks []Mark
}

// Run decides the whole load and restores the state from what is left of the
// changelogs. It fails with a *TooLongError at the first transaction after which
// a changelog is longer than its bound.
func Run(ctx context.Context, c Config) (Result, error) {
	if err := c.Validate(); err != nil {
		return Result{}, fmt.Errorf("configuration: %w", err)
	}
	r, err := newRun(&c)
	if err != nil {
		return Result{}, err
	}
	begun := time.Now()
	if err := r.decide(ctx); err != nil {
		return r.result(), err
	}
	out := r.result()
	out.Seconds = time.Since(begun).Seconds()
	out.LinesPerSecond = float64(out.Lines) / out.Seconds
	for p := range c.Partitions {
		restored, err := r.restore(ctx, p)
		if err != nil {
			return out, fmt.Errorf("partition %d: %w", p, err)
		}
		out.RestoreRecords += restored.records
		out.RestoreBytes += restored.bytes
		out.RestoreSeconds += restored.seconds
	}
	return out, nil
}

func newRun(c *Config) (*run, error) {
	tc := topology.Default()
	tc.LogPartitions = int32(c.Partitions)
	top, err := topology.New(tc)
	if err != nil {
		return nil, fmt.Errorf("making the topology: %w", err)
	}
	slots := map[string]*topology.SlotTable{}
	for _, short := range top.Logs() {
		slots[short] = topology.DefaultSlots(short, tc.LogPartitions)
	}
	r := &run{cfg: c, log: newLog(top, saleStart, c.PollMillis), tally: tally{}}
	r.judge = &judge{share: c.boundShare(), logBytesMin: c.Store.LogBytesMin, logs: make([]judged, c.Partitions)}
	r.log.ended = r.judge.transaction
	var decision record.Decision
	r.log.sent = func(envelope []byte) error { return r.tally.add(envelope, &decision) }
	r.load = newLoad(c, r.log, slots[topology.LogInventory])

	node, err := processor.NewNode(r.nodeConfig(top, slots))
	if err != nil {
		return nil, err
	}
	r.loop = node.NewLoop(topology.StageInventory, 0)
	return r, nil
}

// nodeConfig is a node's with one worker, whose time is the log's. What runs
// beside the loop in production is done at once.
func (r *run) nodeConfig(top *topology.Topology, slots map[string]*topology.SlotTable) processor.Config {
	n := processor.Default()
	n.Topology, n.Slots, n.Cluster = top, slots, r.log
	n.Env = processor.Env{
		Now:   func() time.Time { return r.log.now.Time() },
		Spawn: func(fn func()) { fn() },
	}
	n.Metrics = &r.halts
	n.Stages = []processor.StageConfig{{Name: topology.StageInventory, Workers: 1, New: r.newStage}}
	n.InstanceID, n.ClusterID, n.DataDir = instance, clusterID, filepath.Join(r.cfg.Dir, "node")
	n.TopicIDs = map[string][16]byte{top.Name(topology.Changelog(topology.StageInventory)): topicID()}
	n.Store = r.cfg.Store
	n.CommitIntervalMin = time.Duration(r.cfg.TransactionMillis) * time.Millisecond
	n.CommitIntervalMax = n.CommitIntervalMin
	return n
}

func (r *run) newStage(tp processor.TopicPartition) stage.Stage {
	w := newWatch(inventory.New(inventory.Config{}))
	r.judge.logs[tp.Partition].watch = w
	return w
}

// nodeDir is where the node keeps a partition's store.
func (r *run) nodeDir(partition int) string {
	return filepath.Join(r.cfg.Dir, "node", topology.StageInventory, strconv.Itoa(partition))
}

// decide drives the loop until the whole load is decided, and stops the node.
func (r *run) decide(ctx context.Context) error {
	if err := r.loop.Join(ctx); err != nil {
		return err
	}
	err := r.steps(ctx)
	if stopErr := r.loop.Stop(); err == nil {
		err = stopErr
	}
	if err == nil {
		err = r.judge.err // the last transaction may have ended in Stop
	}
	if err != nil {
		return err
	}
	return r.tally.check(tally{
		"receive done":    int64(len(warehouses()) * r.cfg.SKUs),
		"reserve granted": int64(r.load.reserved),
		"ship done":       r.load.shipped,
		"release done":    r.load.released,
	})
}

func (r *run) steps(ctx context.Context) error {
	for !r.load.done() || r.log.lag() > 0 {
		if !r.load.done() {
			r.load.write()
		}
		rejoin, err := r.loop.Step(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case r.judge.err != nil:
			return r.judge.err
		case len(r.halts) > 0:
			return fmt.Errorf("a partition halts: %s", r.halts[0])
		case err != nil:
			return fmt.Errorf("a round of the loop: %w", err)
		case rejoin:
			return errAbort
		}
		if err := r.mark(); err != nil {
			return fmt.Errorf("measuring: %w", err)
		}
	}
	return nil
}

// lag counts the records of log.inventory that aren't consumed.
func (l *log) lag() (n int) {
	for _, p := range l.partitions {
		if p.short == topology.LogInventory {
			n += len(p.entries)
		}
	}
	return n
}

func (r *run) result() Result {
	out := Result{
		Reservations: int64(r.load.reserved), Shipped: r.load.shipped, Released: r.load.released,
		Lines: int64(r.load.commands), Transactions: r.judge.commits, Marks: r.marks,
	}
	out.Open = out.Reservations - out.Shipped - out.Released
	for p := range r.judge.logs {
		g := &r.judge.logs[p]
		changelog := r.log.of(topology.Changelog(topology.StageInventory), p)
		out.ChangelogWritten += changelog.written
		out.ChangelogEnd += changelog.bytes
		out.ChangelogPeak = max(out.ChangelogPeak, g.peak)
		out.PeakRatio = max(out.PeakRatio, g.peakRatio)
		out.PeakRatioNow = max(out.PeakRatioNow, g.peakRatioNow)
		out.PeakFactor = max(out.PeakFactor, g.peakFactor)
		out.DeltaMax = max(out.DeltaMax, g.deltaMax)
		out.Trims += g.trims
		if g.watch != nil {
			out.StateEnd += g.watch.bytes
		}
	}
	return out
}

// halts are the reasons why partitions stopped: nothing here may be one.
type halts []string

var _ processor.Observer = (*halts)(nil)

// Halted is part of processor.Observer.
func (h *halts) Halted(_ string, _ processor.TopicPartition, reason string) { *h = append(*h, reason) }

// Wiped is part of processor.Observer.
func (h *halts) Wiped(_ string, _ processor.TopicPartition, reason string) { *h = append(*h, reason) }

func (h *halts) Verified(string, processor.TopicPartition, processor.Verified) {}

// Ended is part of processor.Observer.
func (h *halts) Ended(t *processor.Transaction) {
	for _, reason := range t.DeadLetters {
		*h = append(*h, "dead letter: "+reason)
	}
}

// Restored is part of processor.Observer.
func (*halts) Restored(string, processor.TopicPartition, int64, int64, time.Duration) {}
