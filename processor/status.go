package processor

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"holdfast/topology/record"
)

// PartitionStatus is where one partition of one stage stands on this node.
type PartitionStatus struct {
	Stage     string           `json:"stage"`
	Topic     string           `json:"topic"`
	Partition record.Partition `json:"partition"`
	Phase     string           `json:"phase"` // waiting, restoring, running, halted, paused
	Reason    string           `json:"reason,omitempty"`
	// Restoring: deltas still to be read, and the estimate of how long.
	RecordsLeft int64         `json:"records_left,omitempty"`
	ETA         time.Duration `json:"eta_ns,omitempty"`
	// Next is the input offset to be decided next, -1 when it isn't known yet;
	// At the append time of the last record decided, 0 when there was none yet.
	Next record.Offset `json:"next_offset"`
	At   record.Millis `json:"-"`
	// Verified is when this node last found the whole of its store right; zero:
	// not yet.
	Verified time.Time `json:"verified_at,omitzero"`
}

// Health is how a node is as a whole.
type Health struct {
	State  string `json:"state"` // restoring, running, stopping
	Ready  bool   `json:"ready"`
	Reason string `json:"reason"` // for people
	// Waiting are the workers that wait for the brokers for longer than usual.
	Waiting []Waiting `json:"waiting,omitempty"`
}

// States of a node.
const (
	StateRestoring = "restoring"
	StateRunning   = "running"
	StateStopping  = "stopping"
)

type statusKey struct {
	stage string
	tp    TopicPartition
}

type statusEntry struct {
	PartitionStatus
	progress *restoreProgress
	consumed *consumed
}

// memberKey names one worker of the node.
type memberKey struct {
	stage string
	slot  int
}

// statusBoard is written by the workers at changes of phase and read by the
// health pages.
type statusBoard struct {
	mu       sync.Mutex
	entries  map[statusKey]statusEntry
	members  map[memberKey]bool // whether it is a member of its group
	waiting  map[memberKey]*waiting
	standbys map[statusKey]standbyEntry
	stopping bool
	room     func() error // nil: nobody looks
}

func newStatusBoard() *statusBoard {
	return &statusBoard{entries: map[statusKey]statusEntry{}, members: map[memberKey]bool{}, waiting: map[memberKey]*waiting{}, standbys: map[statusKey]standbyEntry{}}
}

func (b *statusBoard) member(stage string, slot int, is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.members[memberKey{stage, slot}] = is
}

// watch has a worker's waiting told of.
func (b *statusBoard) watch(stage string, slot int, w *waiting) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting[memberKey{stage, slot}] = w
}

func (b *statusBoard) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopping = true
}

// health sums it up. A node without partitions is ready once all its workers are
// members of their groups: then it is what the groups want it to be, a spare that
// takes over within seconds, and an orchestrator that waited for it to be given
// something might wait for ever (eight partitions, nine nodes). Before that,
// nobody knows what it will have to restore.
//
// A halted partition makes it not ready, though the others go on: a new version
// that halts partitions must not be rolled out further by itself. Nor is a node
// ready whose workers wait for the brokers.
func (b *statusBoard) health(now time.Time) Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.phases()
	if b.room != nil && h.State != StateStopping {
		if err := b.room(); err != nil {
			h.Ready, h.Reason = false, err.Error()+"; "+h.Reason
		}
	}
	if h.Waiting = b.waits(now); len(h.Waiting) > 0 && h.State != StateStopping {
		h.Ready = false
		h.Reason = h.Waiting[0].String() + "; " + h.Reason
	}
	return h
}

func (b *statusBoard) phases() Health {
	if b.stopping {
		return Health{State: StateStopping, Reason: "finishing transactions and closing stores"}
	}
	phases := map[string]int{}
	for _, e := range b.entries {
		phases[e.Phase]++
	}
	joined := 0
	for _, is := range b.members {
		if is {
			joined++
		}
	}
	coming := phases[phaseWaiting.String()] + phases[phaseRestoring.String()]
	switch n := len(b.entries); {
	case joined < len(b.members) || len(b.members) == 0:
		return Health{State: StateRestoring, Reason: fmt.Sprintf("%d of %d workers are members of their groups; %d of %d partitions are running", joined, len(b.members), phases[phaseRunning.String()], n)}
	case n == 0:
		return Health{State: StateRunning, Ready: true, Reason: "no partition assigned yet: a spare, all workers are members of their groups"}
	case coming > 0:
		return Health{State: StateRestoring, Reason: fmt.Sprintf("%d of %d partitions wait or restore", coming, n)}
	case phases[phaseHalted.String()] > 0:
		return Health{State: StateRunning, Reason: fmt.Sprintf("%d of %d partitions have halted", phases[phaseHalted.String()], n)}
	default:
		// A paused partition is the fault of what came in: another node would do no
		// better, and a newer version may be the cure.
		paused := ""
		if p := phases[phasePaused.String()]; p > 0 {
			paused = fmt.Sprintf(", %d of them paused for their dead letters", p)
		}
		return Health{State: StateRunning, Ready: true, Reason: fmt.Sprintf("%d partitions%s", n, paused)}
	}
}

func (b *statusBoard) set(stage string, t *task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries[statusKey{stage, t.tp}] = statusEntry{
		PartitionStatus: PartitionStatus{Stage: stage, Topic: t.tp.Topic, Partition: t.tp.Partition, Phase: t.phase.String(), Reason: t.reason, Verified: t.verified},
		progress:        t.progress,
		consumed:        &t.consumed,
	}
}

func (b *statusBoard) remove(stage string, t *task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.entries, statusKey{stage, t.tp})
}

// list returns all partitions, sorted; now is for the estimates.
func (b *statusBoard) list(now time.Time) []PartitionStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]PartitionStatus, 0, len(b.entries))
	for _, e := range b.entries {
		s := e.PartitionStatus
		if s.Phase == phaseRestoring.String() && e.progress != nil {
			s.RecordsLeft, s.ETA = e.progress.left(now)
		}
		s.Next, s.At = e.consumed.read()
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b PartitionStatus) int {
		if a.Stage != b.Stage {
			if a.Stage < b.Stage {
				return -1
			}
			return 1
		}
		return TopicPartition{a.Topic, a.Partition}.compare(TopicPartition{b.Topic, b.Partition})
	})
	return out
}

func (p *restoreProgress) left(now time.Time) (records int64, eta time.Duration) {
	next, end, begun := p.next.Load(), p.end.Load(), p.begun.Load()
	records = max(0, end-next)
	if first := p.first.Load(); next > first && records > 0 {
		eta = time.Duration(float64(now.UnixNano()-begun) / float64(next-first) * float64(records))
	}
	return records, eta
}
