package kafka_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/processor/stage"
)

// commitOffset sets the group's offset by hand, as an operator does.
func (w *world) commitOffset(p int, offset int64) {
	w.t.Helper()
	var offsets kadm.Offsets
	offsets.AddOffset(w.input(p).Topic, int32(p), offset, -1)
	require.NoError(w.t, kadm.NewClient(w.feed).CommitAllOffsets(w.ctx, w.group(), offsets))
}

// away is a life whose members leave the group at its end, so that offsets can be
// set by hand.
func away(c *processor.Config, _ *kafka.Config) { c.LeaveGroup = true }

func TestTheGroupIsAheadOfTheStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start("a", nil, away)
	w.write(3, w.keys()...)
	w.settled()
	require.NoError(t, l.stop())
	w.commitOffset(1, 8)

	l = w.start("a", l.fs, away)
	l.awaitPhase("halted", 1)
	require.Contains(t, l.seen.reasons()[1], "the group has committed offset 8 and the state ends at 6")
	l.awaitPhase("running", 3)
	w.write(1, w.keys()...)
	require.NoError(t, l.stop())

	w.commitOffset(1, 6)
	l = w.start("a", l.fs, away)
	w.settled()
	require.NoError(t, l.stop())
}

func TestTheGroupIsBehindTheStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start("a", nil, away)
	w.write(3, w.keys()...)
	w.settled()
	require.NoError(t, l.stop())
	for p := range partitions {
		w.commitOffset(p, int64(p))
	}
	l = w.start("a", l.fs, away)
	l.awaitPhase("running", partitions)
	w.write(2, w.keys()...)
	w.settled()
	require.NoError(t, l.stop())
	require.Empty(t, l.seen.reasons())

	// And with the store gone, too.
	for p := range partitions {
		w.commitOffset(p, 0)
	}
	l = w.start("a", nil, away)
	l.awaitPhase("running", partitions)
	w.write(2, w.keys()...)
	w.settled()
	require.NoError(t, l.stop())
}

func TestInputIsDeletedBeforeItIsDecided(t *testing.T) {
	t.Parallel()
	t.Run("while stopped", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		l := w.start("a", nil)
		w.write(3, w.keys()...)
		w.settled()
		require.NoError(t, l.stop())
		w.write(3, w.keyOn(2, 0))
		require.NoError(t, w.admin.Trim(w.ctx, w.input(2), 8))
		l = w.start("a", l.fs)
		l.awaitPhase("halted", 1)
		require.Contains(t, l.seen.reasons()[2], "records 6 to 7 were deleted before they were decided")
		l.awaitPhase("running", 3)
		require.NoError(t, l.stop())
	})
	t.Run("while running", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		l := w.start("a", nil, func(_ *processor.Config, k *kafka.Config) { k.FetchBytesMax, k.FetchPartitionBytesMax = 2<<10, 1<<10 })
		keys := w.keys()
		w.write(3, keys...)
		w.settled()
		block := make(chan struct{})
		l.hook.set(func(stage.Tx, *stage.Record) { <-block })
		for range 100 {
			w.write(1, w.keyOn(2, 0))
		}
		_, end, err := w.admin.Bounds(w.ctx, w.input(2))
		require.NoError(t, err)
		require.NoError(t, w.admin.Trim(w.ctx, w.input(2), end))
		close(block)
		l.awaitPhase("halted", 1)
		require.Contains(t, l.seen.reasons()[2], "OFFSET_OUT_OF_RANGE")
		l.awaitPhase("running", 3)
		others := []string{w.keyOn(0, 0), w.keyOn(1, 0), w.keyOn(3, 0)}
		w.write(3, others...)
		w.out.await(t, pick(w.fed, others...))
		require.NoError(t, l.stop())
	})
}

// The sweep has moved the changelog's start up; a new machine restores from what
// is left.
func TestRestoreFromATrimmedChangelog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	small := func(c *processor.Config, _ *kafka.Config) {
		c.Store.SweepShare, c.Store.LogBytesMin, c.Store.FlushBytes = 1, 1<<10, 1<<10
	}
	l := w.start("a", nil, small)
	trimmed := func() bool {
		for p := range partitions {
			start, _, err := w.admin.Bounds(w.ctx, w.changelog(p))
			require.NoError(t, err)
			if start == 0 {
				return false
			}
		}
		return true
	}
	for !trimmed() {
		w.write(5, w.keys()...)
		w.out.await(t, w.fed)
	}
	require.NoError(t, l.stop())
	w.settled()

	l = w.start("b", vfs.NewCrashableMem(), small)
	w.write(5, w.keys()...)
	w.settled()
	l.seen.read(func(o *observer) {
		require.Len(t, o.restored, partitions)
		for _, r := range o.restored {
			require.Positive(t, r.records)
		}
		require.Empty(t, o.wiped)
	})
	require.NoError(t, l.stop())
	require.Equal(t, w.fed, w.stored(l.fs))
}
