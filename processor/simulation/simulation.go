package simulation

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"holdfast/loadtest/audit"
	"holdfast/processor"
	"holdfast/state"
	"holdfast/topology"
	"holdfast/topology/record"
)

// Simulation is one run. Everything in it is decided by one source of chance,
// so the same seed gives the same run.
type Simulation struct {
	Broker   *Broker
	Topology *topology.Topology
	Stages   Stages

	// Visited and Crashed count the points that were reached, and at which a
	// process ended.
	Visited, Crashed map[string]int
	Stats            Stats
	// Faults counts what went wrong at the broker, on the way to it and with
	// clocks and disks, by kind; what happened to processes is in Stats.
	Faults map[string]int
	Report *audit.Report // after Audit

	// MayHalt lets a partition halt: then it is left out of what must be
	// consumed in the end. nil: none may.
	MayHalt func(tp processor.TopicPartition) bool

	random    *rand.Rand
	options   Options
	slots     map[string]*topology.SlotTable
	now       time.Time
	processes []*process
	machines  []*machine
	lives     int
	current   *routine
	plan      plan
	failures  []Failure
	halted    map[processor.TopicPartition]bool
	out       io.Writer // trace; nil: none
}

// Stats is what happened in a run.
type Stats struct {
	Rounds, Crashes, Freezes, Stops, Twins, Wiped, Committed, Unknown int
}

func (s *Stats) add(o Stats) {
	s.Rounds += o.Rounds
	s.Crashes += o.Crashes
	s.Freezes += o.Freezes
	s.Stops += o.Stops
	s.Twins += o.Twins
	s.Wiped += o.Wiped
	s.Committed += o.Committed
	s.Unknown += o.Unknown
}

// machine is where an instance runs: what it has of a disk when no process does,
// and when it is started again.
type machine struct {
	instance string
	disk     *vfs.MemFS
	runs     *process // nil: none
	startAt  time.Time
}

// plan: the process ends, or freezes, when it reaches the point for the n-th
// time.
type plan struct {
	p      *process
	point  string
	n      int
	freeze bool
	gone   bool // its members are put out of their groups at once
	until  int  // round in which the plan is given up
}

// epoch is when all runs begin.
const epochMillis = 1_762_790_400_000

// New prepares a run. trace may be nil.
func New(seed uint64, options func(*rand.Rand) Options, stages Stages, trace io.Writer) *Simulation {
	s := &Simulation{
		Stages: stages, Visited: map[string]int{}, Crashed: map[string]int{}, Faults: map[string]int{},
		random: rand.New(rand.NewPCG(seed, 0x686f6c6466617374)),
		now:    time.UnixMilli(epochMillis), out: trace,
		halted: map[processor.TopicPartition]bool{},
	}
	s.options = options(s.random)
	c := topology.Default()
	c.AppID, c.Channels = "sim", []string{"shopee", "web"}
	c.LogPartitions, c.PublicPartitions = s.options.Partitions, s.options.Public
	t, err := topology.New(c)
	if err != nil {
		panic(fmt.Sprintf("BUG: %v", err))
	}
	s.Topology = t
	s.slots = map[string]*topology.SlotTable{}
	for _, short := range t.Logs() {
		s.slots[short] = topology.DefaultSlots(short, s.options.Partitions)
	}
	s.Broker = NewBroker(t, s.millis, s.chaos())
	s.Broker.trace = s.tracef
	for i := range s.options.Instances {
		s.machines = append(s.machines, &machine{instance: fmt.Sprintf("i%d", i), disk: vfs.NewCrashableMem()})
	}
	s.tracef("options: %+v", s.options)
	return s
}

func (s *Simulation) millis() record.Millis { return record.Millis(s.now.UnixMilli()) }

// between returns a number from low to high.
func (s *Simulation) between(low, high int) int { return low + s.random.IntN(high-low+1) }

func (s *Simulation) percent(p int) bool  { return p > 0 && s.random.IntN(100) < p }
func (s *Simulation) permille(p int) bool { return p > 0 && s.random.IntN(1000) < p }
func (s *Simulation) switches() bool      { return s.percent(s.options.SwitchPercent) }

func (s *Simulation) tracef(format string, args ...any) {
	if s.out == nil {
		return
	}
	who := ""
	if s.current != nil {
		who = s.current.name + ": "
	}
	fmt.Fprintf(s.out, "%9.3f %s%s\n", float64(s.now.UnixMilli()-epochMillis)/1000, who, withoutAddresses(fmt.Sprintf(format, args...)))
}

// Feed gives the next record from outside, until there is none.
type Feed func(now record.Millis) (in Input, ok bool)

// Run feeds the inputs under all faults, then goes on without any until nothing
// is left to do.
func (s *Simulation) Run(next Feed) {
	for more := true; more || s.Stats.Rounds < s.options.RoundsMin; {
		if s.failed() || s.Stats.Rounds > roundsMax {
			break
		}
		s.Stats.Rounds++
		if more && s.percent(s.options.InputPercent) {
			var in Input
			if in, more = next(s.millis()); more {
				s.feed(in)
			}
		}
		s.disturb()
		s.machinesUp()
		s.runOne()
		s.advance(time.Duration(s.random.IntN(2000)) * time.Microsecond)
	}
	s.rest()
}

const roundsMax = 20_000

func (s *Simulation) feed(in Input) {
	topic := s.Topology.Lookup(in.Topic)
	p := in.Partition
	if p < 0 {
		p = topology.KafkaPartition(in.Key, topic.Partitions)
	}
	p %= topic.Partitions
	tp := processor.TopicPartition{Topic: topic.Name, Partition: record.Partition(p)}
	at := in.At
	if at == 0 {
		at = s.Broker.appendTime(tp)
	}
	s.Broker.log(tp).append(entry{at: at, key: in.Key, value: in.Value, headers: in.Headers})
}

func (s *Simulation) advance(d time.Duration) {
	s.now = s.now.Add(d)
	s.Broker.Advance()
}

// runOne lets one routine of those that could go on have its turn.
func (s *Simulation) runOne() {
	var ready []*routine
	for _, p := range s.processes {
		if p.frozen {
			continue
		}
		for _, r := range p.routines {
			if r.runnable() {
				ready = append(ready, r)
			}
		}
	}
	if len(ready) == 0 {
		s.advance(time.Duration(s.between(1, 500)) * time.Millisecond)
		return
	}
	r := ready[s.random.IntN(len(ready))]
	s.run(r)
	s.after(r.p)
}

// after takes the dead away once nothing of them is on the stack.
func (s *Simulation) after(p *process) {
	if p.dead && slices.Contains(s.processes, p) {
		p.reap()
		s.stopped(p)
		return
	}
	p.settleRoutines()
}

// stopped notes that a process has ended: its machine starts another one later,
// unless it has done so already.
func (s *Simulation) stopped(p *process) {
	for _, m := range s.machines {
		if m.runs == p {
			m.runs, m.disk = nil, p.disk
			if s.percent(s.options.DiskPercent) {
				s.Faults["disk empty at the start"]++
				m.disk = vfs.NewCrashableMem()
			}
			// Sometimes within the session timeout, sometimes beyond.
			m.startAt = s.now.Add(time.Duration([]int{0, 50, 500, 5000, 20000}[s.random.IntN(5)]) * time.Millisecond)
		}
	}
}

func (s *Simulation) machinesUp() {
	for _, m := range s.machines {
		if m.runs == nil && !s.now.Before(m.startAt) {
			m.runs = s.start(m.instance, m.disk)
			if s.permille(10 * s.options.CrashPermille) {
				s.planCrash(m.runs, []string{"join", "committed", "bounds", "read", "fetch"})
			}
			for _, p := range s.processes {
				if p.instance == m.instance && p != m.runs {
					p.rival, m.runs.rival = true, true
				}
			}
		}
	}
	for _, p := range slices.Clone(s.processes) {
		if p.frozen && s.now.After(p.until) {
			s.tracef("%s goes on", p)
			p.frozen = false
		}
	}
}

// rest goes on without faults until nothing has happened for longer than
// anything in the system waits.
func (s *Simulation) rest() {
	if s.failed() {
		return
	}
	s.tracef("no more faults")
	s.options = s.options.quiet()
	s.plan = plan{}
	for _, m := range s.machines {
		m.startAt = s.now
	}
	for _, p := range s.processes {
		p.until = s.now
	}
	s.advance(time.Millisecond)
	quietSince, entries := s.now, 0
	for round := 0; ; round++ {
		s.machinesUp()
		s.turn()
		if s.failed() {
			return
		}
		if n := s.Broker.entries(); n != entries || s.Broker.unsettled(s.halted) != "" {
			quietSince, entries = s.now, n
			s.advance(restStep)
		} else if s.now.Sub(quietSince) > restHorizon {
			return
		} else {
			s.advance(restJump)
		}
		if round > restRounds {
			s.fail(RuleRest, "doesn't come to rest; %s", s.Broker.unsettled(s.halted))
			for _, p := range s.processes {
				for _, st := range p.node.Status() {
					s.fail(RuleRest, "%s: %s %s/%d %s %s", p, st.Stage, st.Topic, st.Partition, st.Phase, st.Reason)
				}
			}
			return
		}
	}
}

const (
	restStep = 20 * time.Millisecond
	// restJump and restHorizon: everything that the inputs set off is due within
	// the horizon.
	restJump    = 500 * time.Millisecond
	restHorizon = 30 * time.Second
	restRounds  = 4000
)

// turn lets everybody run once.
func (s *Simulation) turn() {
	for _, p := range slices.Clone(s.processes) {
		for _, r := range slices.Clone(p.routines) {
			if r.runnable() && !p.dead {
				s.run(r)
			}
		}
		s.after(p)
	}
}

// Stop ends all processes gracefully, or at once where something failed: who
// knows what they would wait for.
func (s *Simulation) Stop() {
	if s.failed() {
		s.Abandon()
		return
	}
	for _, p := range s.processes {
		p.stopping = true
	}
	for round := 0; len(s.processes) > 0; round++ {
		s.turn()
		s.advance(restStep)
		if round > restRounds {
			s.fail(RuleRest, "%s doesn't stop", s.processes[0])
			s.Abandon()
			return
		}
	}
}

// Abandon takes everything away as it is.
func (s *Simulation) Abandon() {
	for _, p := range slices.Clone(s.processes) {
		p.dead = true
		p.reap()
	}
}

// nodeConfig is the configuration of a process: which stages it runs with how
// many workers is drawn anew for every life.
func (s *Simulation) nodeConfig(p *process, cluster *Cluster) processor.Config {
	cfg := processor.Default()
	cfg.Topology, cfg.Slots, cfg.Cluster = s.Topology, s.slots, cluster
	cfg.Env = processor.Env{Now: func() time.Time { return s.now.Add(p.skew) }, Spawn: p.spawn, At: p.reached}
	cfg.Metrics = (*observer)(s)
	cfg.InstanceID, cfg.DataDir, cfg.ClusterID = p.instance, "data", "simulation"
	cfg.TopicIDs = map[string][16]byte{}
	for _, topic := range s.Topology.Topics {
		cfg.TopicIDs[topic.Name] = topicID(topic.Name)
	}
	cfg.Store = s.options.Store
	cfg.Store.FS, cfg.Store.Shared = p.disk, p.shared
	cfg.LeaveGroup = s.percent(s.options.LeavePercent)
	cfg.Standbys, cfg.StandbyLookEvery, cfg.TrimGrace = s.options.Standbys, 200*time.Millisecond, 100*time.Millisecond
	cfg.PollRecordsMax, cfg.BatchRecordsMax = s.options.PollRecordsMax, s.options.BatchRecordMax
	cfg.CommitIntervalMax, cfg.LateStart = s.options.CommitInterval, s.options.LateStart
	cfg.CommitIntervalMin = min(cfg.CommitIntervalMin, cfg.CommitIntervalMax)
	if s.out != nil {
		cfg.Logger = s.logger()
	}
	for _, st := range s.Topology.Stages {
		if newStage := s.Stages[st.Name]; newStage != nil {
			cfg.Stages = append(cfg.Stages, processor.StageConfig{Name: st.Name, New: newStage, Workers: s.between(1, s.options.WorkersMax)})
		}
	}
	return cfg
}

// storeConfig is that of a task's store on a disk, as a process opens it.
func (s *Simulation) storeConfig(disk vfs.FS, st *topology.Stage, p record.Partition) state.Config {
	c := s.options.Store
	c.FS = disk
	c.Dir = disk.PathJoin("data", st.Name, fmt.Sprint(p))
	topic := s.Topology.Name(st.Changelog)
	c.Identity = state.Identity{ClusterID: "simulation", Topic: topic, TopicID: topicID(topic), Partition: int32(p)}
	return c
}

func topicID(name string) [16]byte {
	sum := sha256.Sum256([]byte(name))
	return [16]byte(sum[:16])
}

// Describe tells what happened, on one line.
func (s *Simulation) Describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%+v, %d entries, %.1f s", s.Stats, s.Broker.entries(), s.now.Sub(time.UnixMilli(epochMillis)).Seconds())
	return b.String()
}
