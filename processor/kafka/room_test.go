package kafka_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/processor/kafka"
)

// There is no room on the disk: partitions with state wait, the node isn't ready
// and says why, and what comes in meanwhile is decided once there is room.
func TestPartitionsWaitForRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var full atomic.Bool
	noRoom := errors.New("no room on the disk of data: 3 MiB are free")
	l := w.start("a", nil, func(c *processor.Config, _ *kafka.Config) {
		c.Room = func() error {
			if full.Load() {
				return noRoom
			}
			return nil
		}
	})
	w.write(3, w.keys()...)
	w.settled()
	require.True(t, l.node.Health().Ready, l.node.Health().Reason)

	full.Store(true)
	require.False(t, l.node.Health().Ready)
	require.Contains(t, l.node.Health().Reason, noRoom.Error())
	l.awaitPhase("restoring", partitions)
	for _, s := range l.node.Status() {
		require.Equal(t, noRoom.Error(), s.Reason)
	}
	committed, _ := l.seen.transactions()
	w.write(3, w.keys()...)
	// The loop goes round meanwhile: it notices that a partition is given to
	// another node, which has room, and gives it.
	other := w.start("b", nil)
	other.awaitPhase("running", partitions/2)
	l.awaitPhase("restoring", partitions/2)
	now, _ := l.seen.transactions()
	require.Equal(t, committed, now)

	full.Store(false)
	l.awaitPhase("running", partitions/2)
	w.settled()
	require.Empty(t, l.seen.reasons())
	for _, s := range l.node.Status() {
		require.Empty(t, s.Reason)
	}
	require.NoError(t, l.stop())
	require.NoError(t, other.stop())
}
