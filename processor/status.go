package processor

import (
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
	Phase     string           `json:"phase"` // waiting, restoring, running, halted
	Reason    string           `json:"reason,omitempty"`
	// Restoring: deltas still to be read, and the estimate of how long.
	RecordsLeft int64         `json:"records_left,omitempty"`
	ETA         time.Duration `json:"eta_ns,omitempty"`
}

type statusKey struct {
	stage string
	tp    TopicPartition
}

type statusEntry struct {
	PartitionStatus
	progress *restoreProgress
}

// statusBoard is written by the workers at changes of phase and read by the
// health pages.
type statusBoard struct {
	mu      sync.Mutex
	entries map[statusKey]statusEntry
}

func newStatusBoard() *statusBoard { return &statusBoard{entries: map[statusKey]statusEntry{}} }

func (b *statusBoard) set(stage string, t *task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries[statusKey{stage, t.tp}] = statusEntry{
		PartitionStatus: PartitionStatus{Stage: stage, Topic: t.tp.Topic, Partition: t.tp.Partition, Phase: t.phase.String(), Reason: t.reason},
		progress:        t.progress,
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
