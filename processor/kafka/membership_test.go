package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
)

func TestMembership(t *testing.T) {
	ctx := context.Background()
	client, err := kgo.NewClient()
	require.NoError(t, err)
	defer client.Close()
	here := map[string][]int32{"log": {1}}
	owned := func(tp processor.TopicPartition) bool {
		return tp == processor.TopicPartition{Topic: "log", Partition: 1}
	}
	nothing := func(processor.TopicPartition) bool { return false }
	write := func(m *membership, key kmsg.Key) { m.OnBrokerWrite(kgo.BrokerMetadata{}, key.Int16(), 0, 0, 0, nil) }
	read := func(m *membership, key kmsg.Key, err error) {
		m.OnBrokerRead(kgo.BrokerMetadata{}, key.Int16(), 0, 0, 0, err)
	}

	t.Run("joining", func(t *testing.T) {
		m := &membership{}
		require.False(t, m.isJoining())
		m.onRevoked(ctx, client, nil)
		require.True(t, m.isJoining())
		joined, err := m.await(ctx, time.Millisecond)
		require.NoError(t, err)
		require.False(t, joined)
		write(m, kmsg.JoinGroup)
		read(m, kmsg.JoinGroup, nil)
		read(m, kmsg.SyncGroup, context.Canceled)
		require.True(t, m.isJoining())
		go read(m, kmsg.SyncGroup, nil)
		joined, err = m.await(ctx, time.Minute)
		require.NoError(t, err)
		require.True(t, joined)
		require.False(t, m.changed(owned), "nothing was taken away")
		m.onLost(ctx, client, nil)
		require.True(t, m.isJoining())
		canceled, cancel := context.WithCancel(ctx)
		cancel()
		joined, err = m.await(canceled, time.Minute)
		require.NoError(t, err)
		require.False(t, joined)
	})
	t.Run("changed", func(t *testing.T) {
		m := &membership{}
		m.onAssigned(ctx, client, here)
		require.False(t, m.changed(nothing), "given for the first time")
		m.onRevoked(ctx, client, here)
		require.True(t, m.changed(owned))
		require.True(t, m.changed(owned), "until a transaction ends")
		m.ending()
		require.False(t, m.changed(owned))
		m.onLost(ctx, client, nil)
		require.True(t, m.changed(owned), "a loss of nothing counts too")
		m.ending()
		m.onAssigned(ctx, client, here)
		require.True(t, m.changed(owned), "what is owned and is given was away")
		m.ending()
		require.False(t, m.changed(owned))
	})
	t.Run("joined", func(t *testing.T) {
		f := func(s *session, want bool) {
			t.Helper()
			require.Equal(t, want, s.Joined())
		}
		s := &session{group: &membership{}}
		f(s, false)
		s.group.onAssigned(ctx, client, here)
		f(s, false) // the offsets of what it was given aren't there yet
		s.assigned = []processor.TopicPartition{{Topic: "log", Partition: 1}}
		f(s, true)
		s.group.onRevoked(ctx, client, here)
		s.assigned = nil
		f(s, true) // what it had is somebody else's: it is a member all the same

		s = &session{group: &membership{}}
		s.group.onAssigned(ctx, client, here)
		s.group.onRevoked(ctx, client, here)
		f(s, true) // taken away before it was ever polled

		s = &session{group: &membership{}}
		s.group.onAssigned(ctx, client, nil)
		f(s, true) // given nothing
	})
	t.Run("errors", func(t *testing.T) {
		for _, err := range []error{kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.CoordinatorNotAvailable, kerr.UnknownServerError, context.DeadlineExceeded} {
			m := &membership{}
			m.OnGroupManageError(err)
			joined, err := m.await(ctx, 0)
			require.True(t, joined)
			require.NoError(t, err)
		}
		for _, err := range []error{kerr.FencedInstanceID, kerr.GroupAuthorizationFailed, kerr.InvalidSessionTimeout} {
			m := &membership{}
			m.OnGroupManageError(err)
			joined, got := m.await(ctx, 0)
			require.False(t, joined)
			require.ErrorIs(t, got, err)
		}
	})
}
