//go:build kafka

package kafka_test

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/topology"
)

// The embedded broker lets a group rebalance when a static member comes back; a
// real one doesn't.

// A static member that is back within its session timeout finds its partitions as
// it left them, and nobody else notices.
func restartMovesNothing(w *world) {
	w.t.Helper()
	patient := func(_ *processor.Config, k *kafka.Config) { k.SessionTimeout = time.Minute }
	a, b := w.start("a", nil, workers(2), oneStandby, patient), w.start("b", nil, workers(2), oneStandby, patient)
	w.until("there is a group", func() bool { return a.count("running")+b.count("running") > 0 }, a, b)
	w.until("each worker has one", func() bool {
		members, settled, err := w.admin.Members(w.ctx, w.group())
		require.NoError(w.t, err)
		return settled && len(members) == partitions && !slices.ContainsFunc(members, func(m processor.GroupMember) bool { return len(m.Owned) != 1 }) &&
			a.count("running") == 2 && b.count("running") == 2
	}, a, b)
	w.write(5, w.keys()...)
	w.settled()
	had := a.in("running")
	joins := b.wire.fault(1000, wireFault{key: kmsg.JoinGroup, before: func() {}})
	for range 2 { // whoever leads the group
		require.NoError(w.t, a.stop())
		a = w.start(a.name, a.fs, workers(2), oneStandby, patient)
		a.awaitPhase("running", 2)
		require.Equal(w.t, had, a.in("running"))
		w.write(5, w.keys()...)
		w.settled()
		require.Empty(w.t, joins.hits)
		a, b = b, a
		had = a.in("running")
		joins = b.wire.fault(1000, wireFault{key: kmsg.JoinGroup, before: func() {}})
	}
	require.NoError(w.t, a.stop())
	require.NoError(w.t, b.stop())
}

// A static member starts again and wants more topics than it did before: it gets
// them, though the group gives it what it had and asks nobody to balance.
func moreTopics(w *world) {
	w.t.Helper()
	cfg := w.kafkaConfig()
	cfg.SessionTimeout = time.Minute
	cluster, err := kafka.NewCluster(cfg)
	require.NoError(w.t, err)
	defer cluster.Close()
	member := processor.Member{Group: w.group(), TransactionalID: w.topology.TransactionalID(topology.StageInventory, "a", 0), Topics: []string{w.input(0).Topic}}
	other := w.topology.Name(topology.LogOrders)
	for _, want := range []int{partitions, 2 * partitions} {
		s, err := cluster.Join(w.ctx, member)
		require.NoError(w.t, err)
		var f processor.Fetches
		w.until("it has all that it wants", func() bool {
			require.NoError(w.t, s.Poll(w.ctx, &f, 10, 10*time.Millisecond))
			if f.Rebalanced {
				require.NoError(w.t, s.Settle(w.ctx))
			}
			s.AllowRebalance()
			return len(s.Assigned()) == want
		})
		s.Close(false)
		member.Topics = append(member.Topics, other)
	}
}
