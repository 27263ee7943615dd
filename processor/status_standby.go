package processor

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"holdfast/topology/record"
)

// StandbyStatus is where a store stands that this node keeps up to date for a
// partition of another node.
type StandbyStatus struct {
	Stage     string           `json:"stage"`
	Topic     string           `json:"topic"` // of the input
	Partition record.Partition `json:"partition"`
	// Next is the changelog offset to be read next. Whole is false while what the
	// store lacks is only to be read from a log that was trimmed meanwhile.
	Next  record.Offset `json:"next_changelog_offset"`
	Whole bool          `json:"whole"`
	// Lag is how many changelog offsets the store lacks, markers among them.
	Lag int64 `json:"lag_records"`
	// Behind is how long ago it had all that there was, or was opened: at most so
	// much is missing of what came since.
	Behind time.Duration `json:"-"`
}

type standbyEntry struct {
	next  record.Offset
	end   record.Offset // of the changelog, as last heard
	whole bool
	even  time.Time
}

// left is how much the store lacks. The marker that ends a log is never shown to
// who reads it, so one that has everything may seem to lack that.
func (e *standbyEntry) left() int64 {
	return max(0, int64(e.end-e.next))
}

// standsBy notes where a standby's store is; nil: it has none any longer.
func (b *statusBoard) standsBy(stage string, tp TopicPartition, e *standbyEntry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e == nil {
		delete(b.standbys, statusKey{stage, tp})
	} else {
		b.standbys[statusKey{stage, tp}] = *e
	}
}

func (b *statusBoard) listStandbys(now time.Time) []StandbyStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]StandbyStatus, 0, len(b.standbys))
	for k, e := range b.standbys {
		out = append(out, StandbyStatus{Stage: k.stage, Topic: k.tp.Topic, Partition: k.tp.Partition, Next: e.next, Lag: e.left(), Whole: e.whole, Behind: max(0, now.Sub(e.even))})
	}
	slices.SortFunc(out, func(a, b StandbyStatus) int {
		return cmp.Or(strings.Compare(a.Stage, b.Stage), TopicPartition{a.Topic, a.Partition}.compare(TopicPartition{b.Topic, b.Partition}))
	})
	return out
}
