package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"

	"holdfast/processor"
	"holdfast/state"
	"holdfast/topology"
	"holdfast/topology/record"
)

// single is one worker over one partition, driven step by step, with a trace of
// all that it does in its order.
type single struct {
	broker *Broker
	faults *Faults
	now    time.Time
	disk   *vfs.MemFS
	node   *processor.Node
	loop   *processor.Loop
	cfg    processor.Config

	trace   []string
	events  []string // what people are told
	crashAt string   // ends the process there, once
	dead    bool
	ended   bool // by itself, with an error
	beside  bool // running what runs beside the loop
}

const singleStage = topology.StageInventory

func newSingle(t *testing.T) *single {
	c := topology.Default()
	c.AppID, c.Channels, c.LogPartitions, c.PublicPartitions = "sim", []string{"web"}, 1, 1
	top, err := topology.New(c)
	require.NoError(t, err)
	s := &single{faults: &Faults{}, now: time.UnixMilli(epochMillis), disk: vfs.NewCrashableMem()}
	s.broker = NewBroker(top, func() record.Millis { return record.Millis(s.now.UnixMilli()) }, s.faults)
	s.cfg = processor.Default()
	s.cfg.Topology = top
	s.cfg.Slots = map[string]*topology.SlotTable{}
	for _, short := range top.Logs() {
		s.cfg.Slots[short] = topology.DefaultSlots(short, 1)
	}
	s.cfg.Env = processor.Env{
		Now:   func() time.Time { return s.now },
		Spawn: s.spawn,
		At:    func(point string) { s.reached(point, false); s.crash() },
	}
	s.cfg.Metrics = (*singleObserver)(s)
	s.cfg.InstanceID, s.cfg.DataDir, s.cfg.ClusterID = "i0", "data", "simulation"
	s.cfg.TopicIDs = map[string][16]byte{top.Name(topology.Changelog(singleStage)): topicID("x")}
	s.cfg.Stages = []processor.StageConfig{{Name: singleStage, New: toys()[singleStage], Workers: 1}}
	s.start(t)
	return s
}

// singleObserver notes what restores did.
type singleObserver single

func (o *singleObserver) Ended(*processor.Transaction) {}
func (o *singleObserver) Restored(_ string, _ processor.TopicPartition, records, _ int64, _ time.Duration) {
	o.events = append(o.events, fmt.Sprintf("restored: %d deltas", records))
}
func (o *singleObserver) Halted(string, processor.TopicPartition, string) {}
func (o *singleObserver) Wiped(_ string, _ processor.TopicPartition, reason string) {
	o.events = append(o.events, "wiped: "+reason)
}

func (o *singleObserver) Verified(string, processor.TopicPartition, processor.Verified) {}

// start begins a life of the process and lets it come to rest.
func (s *single) start(t *testing.T) {
	s.dead, s.ended = false, false
	cluster := s.broker.Cluster("i0")
	plain := cluster.pause
	cluster.pause = func(point string, ready func() bool) error {
		if s.reached(point, true); s.dead && s.beside {
			return errProcessEnded
		}
		s.crash()
		for i := 0; ready != nil && !ready() && i < 100; i++ {
			s.now = s.now.Add(time.Second)
			s.broker.Advance()
		}
		return plain(point, ready)
	}
	s.cfg.Cluster = cluster
	s.cfg.Store = state.Config{FS: s.disk, SyncFlush: true, MemTableBytes: 256 << 10}
	node, err := processor.NewNode(s.cfg)
	require.NoError(t, err)
	s.node, s.loop = node, node.NewLoop(singleStage, 0)
	s.protect(t, func() { require.NoError(t, s.loop.Join(context.Background())) })
	s.rest(t)
}

// reached notes a step, and whether the process ends there.
func (s *single) reached(point string, request bool) {
	if s.dead {
		return
	}
	if last := len(s.trace) - 1; request && last >= 0 {
		s.trace[last] += " > " + point
	} else {
		s.trace = append(s.trace, point)
	}
	if s.crashAt == point {
		s.crashAt = ""
		s.trace[len(s.trace)-1] += " crash"
		s.dead = true
	}
}

func (s *single) crash() {
	if s.dead {
		panic(crash{})
	}
}

// spawn runs at once what runs beside the loop. What is left of it when the
// process ends there meets errors.
func (s *single) spawn(fn func()) {
	s.beside = true
	fn()
	s.beside = false
	s.crash()
}

// protect runs a part of the process's life up to its crash.
func (s *single) protect(t *testing.T, fn func()) (crashed bool) {
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(crash); !ok {
				panic(v)
			}
			crashed = true
			disk := s.disk.CrashClone(vfs.CrashCloneCfg{})
			s.loop.Crash()
			s.disk = disk
		}
	}()
	fn()
	return false
}

// round is one step of the loop, and what a process does when it fails: join
// again, or start again.
func (s *single) round(t *testing.T) {
	s.now = s.now.Add(10 * time.Millisecond)
	rejoin := false
	crashed := s.protect(t, func() {
		var err error
		if rejoin, err = s.loop.Step(context.Background()); err != nil {
			s.events = append(s.events, "the process ends: "+err.Error())
			s.ended = true
		}
		if rejoin {
			s.trace = append(s.trace, "joins again")
			require.NoError(t, s.loop.Join(context.Background()))
		}
	})
	if crashed {
		s.trace = append(s.trace, "starts again")
		s.start(t)
	}
}

// rest goes on until nothing is left to do.
func (s *single) rest(t *testing.T) {
	for i := 0; i < 40 && !s.ended; i++ {
		s.broker.Advance()
		s.round(t)
	}
}

// TestCommit shows every step of a transaction in its order, and what follows
// from a failure at each of them.
//
// A step of the loop is a line, with the requests that it makes.
//
//	transaction [produce=N] [begin] [flush] [end=FAULT] [settle] [crash=STEP]
//
// feeds two records, lets the transaction that decides them meet the fault, and
// goes on until it is done.
func TestCommit(t *testing.T) {
	datadriven.Walk(t, "testdata/commit", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s := newSingle(t)
			tp := processor.TopicPartition{Topic: s.cfg.Topology.Name(topology.LogInventory)}
			s.feed("v0")
			s.feed("v1")
			s.trace = nil
			arrange(t, s, d)
			s.rest(t)
			return shorten(s.trace) + s.outcome(t, tp)
		})
	})
}

func arrange(t *testing.T, s *single, d *datadriven.TestData) {
	failure := errors.New("asked for")
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "produce":
			var n int
			arg.Scan(t, 0, &n)
			s.faults.Produce = func(*processor.Out) error {
				if n--; n == 0 {
					return kerr.MessageTooLarge
				}
				return nil
			}
		case "begin":
			s.faults.Begin = once(failure)
		case "flush":
			s.faults.Flush = once(failure)
		case "settle":
			s.faults.Settle = once(processor.ErrSessionLost)
		case "end":
			fault := EndFault(slices.Index(endFaultNames[:], arg.Vals[0]))
			s.faults.End = func(bool) EndFault {
				defer func() { fault = EndFine }()
				return fault
			}
			s.faults.Delay = func() record.Millis { return 100 }
		case "crash":
			s.crashAt = strings.ReplaceAll(arg.Vals[0], "-", " ")
		default:
			d.Fatalf(t, "unknown argument %s", arg.Key)
		}
	}
}

// shorten leaves the rounds out in which nothing happened.
func shorten(trace []string) string {
	const idle = "poll > poll request\n"
	text := strings.Join(trace, "\n") + "\n"
	for strings.Contains(text, idle+idle) {
		text = strings.ReplaceAll(text, idle+idle, idle)
	}
	return strings.TrimSuffix(text, idle)
}

// feed puts a record on the stage's log.
func (s *single) feed(body string) {
	var e record.EnvelopeBuilder
	e.Add(record.KindStock, []byte("k"), record.Origin{}, []byte(body))
	s.broker.Append(processor.TopicPartition{Topic: s.cfg.Topology.Name(topology.LogInventory)}, nil, e.Close())
}

// decided returns the numbers under which the records were decided, as committed.
func (s *single) decided() string {
	l := s.broker.log(processor.TopicPartition{Topic: s.cfg.Topology.Name(topology.LogAvailability)})
	var numbers []string
	for o := l.firstVisible(0, l.end()); o < l.end(); o = l.firstVisible(o+1, l.end()) {
		err := record.Entries(l.entries[o].value, func(e record.Entry) error {
			number, _, _ := strings.Cut(string(e.Body), ":")
			numbers = append(numbers, number)
			return nil
		})
		if err != nil {
			panic("BUG: " + err.Error())
		}
	}
	return strings.Join(numbers, " ")
}

// outcome tells what is on the log and in the store, and that both agree.
func (s *single) outcome(t *testing.T, tp processor.TopicPartition) string {
	var b strings.Builder
	fmt.Fprintf(&b, "----\ncommitted: %d transactions, input offset %d, decided %s\n",
		len(s.broker.committed), s.broker.group(s.cfg.Topology.Group(singleStage)).offsets[tp], s.decided())
	require.False(t, s.ended)
	require.Empty(t, s.broker.violations)
	require.Empty(t, s.broker.unsettled(nil))
	require.NoError(t, s.loop.Stop())
	st := s.cfg.Topology.Stage(singleStage)
	c := s.cfg.Store
	c.Dir = "data/" + singleStage + "/0"
	name := s.cfg.Topology.Name(st.Changelog)
	c.Identity = state.Identity{ClusterID: "simulation", Topic: name, TopicID: topicID("x")}
	store, err := state.Open(c)
	require.NoError(t, err)
	defer store.Abandon()
	p := store.Position()
	fmt.Fprintf(&b, "store: input offset %d, changelog offset %d\n", p.Input, p.Changelog)
	return b.String()
}
