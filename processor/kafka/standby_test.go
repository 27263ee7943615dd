package kafka_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/topology/record"
)

// A node dies. Whoever stood by for its partitions reads no more of their
// changelogs than was written since.
func TestAStandbyTakesOver(t *testing.T) {
	t.Parallel()
	standbyTakesOver(newWorld(t))
}

func standbyTakesOver(w *world) {
	w.t.Helper()
	standby := func(c *processor.Config, k *kafka.Config) {
		c.Standbys, c.EndTimeout, k.SessionTimeout = 1, time.Second, time.Second
	}
	a, b := w.start("a", nil, standby), w.start("b", nil, standby)
	w.until("both have partitions", func() bool {
		return a.count("running") > 0 && a.count("running")+b.count("running") == partitions
	}, a, b)
	for range 30 {
		w.write(1, w.keys()...)
		w.out.await(w.t, w.fed)
	}
	w.settled()
	ends := func() (ends map[record.Partition]record.Offset) {
		ends = map[record.Partition]record.Offset{}
		for p := range partitions {
			var err error
			_, ends[record.Partition(p)], err = w.admin.Bounds(w.ctx, w.changelog(p))
			require.NoError(w.t, err)
		}
		return ends
	}
	even := func(l *life) map[record.Partition]record.Offset {
		next, now := map[record.Partition]record.Offset{}, ends()
		for _, s := range l.node.Standbys() {
			if s.Whole && s.Next >= now[s.Partition]-1 { // the last is a marker
				next[s.Partition] = s.Next
			}
		}
		return next
	}
	var next map[record.Partition]record.Offset
	w.until("each stands by for what the other has, and is even with it", func() bool {
		next = even(b)
		return len(next) == a.count("running") && len(even(a)) == b.count("running")
	}, a, b)
	for p := range next {
		require.Greater(w.t, next[p], record.Offset(30))
	}
	w.write(1, w.keys()...)
	b.seen.read(func(o *observer) { o.restored = nil })
	a.crash()
	b.awaitPhase("running", partitions)
	w.settled()
	end := ends()
	taken := map[record.Partition]bool{}
	b.seen.read(func(o *observer) {
		for _, r := range o.restored {
			if from, ok := next[r.partition]; ok && !taken[r.partition] {
				taken[r.partition] = true
				require.LessOrEqual(w.t, r.records, int64(end[r.partition]-from), "partition %d", r.partition)
			}
		}
		require.Empty(w.t, o.wiped)
	})
	require.Len(w.t, taken, len(next))
	w.until("nobody else is left", func() bool { return len(b.node.Standbys()) == 0 }, b)

	// A node comes back: it stands by, or has partitions, and b stands by for those.
	c := w.start("c", nil, standby)
	w.until("each stands by for what the other has", func() bool {
		return c.count("running") > 0 && b.count("running") > 0 && len(c.node.Standbys()) == b.count("running") && len(b.node.Standbys()) == c.count("running")
	}, b, c)
	w.write(1, w.keys()...)
	w.settled()
	w.until("b is even with c again", func() bool { return len(even(b)) == c.count("running") }, b, c)
	require.NoError(w.t, c.stop())
	require.NoError(w.t, b.stop())
	require.Empty(w.t, b.seen.reasons())
	require.Empty(w.t, c.seen.reasons())
	require.Equal(w.t, w.fed, w.stored(b.fs), "what b stood by for last is in its stores as well")
}
