package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/processor/kafka/embedded"
	"holdfast/topology"
)

// Joining waits for a broker, and no longer than it is asked to.
func TestJoiningWaitsForABroker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wire := newWire()
	wire.cut()
	cluster, err := kafka.NewCluster(w.kafkaConfig(kgo.Dialer(wire.dial)))
	require.NoError(t, err)
	defer cluster.Close()
	ctx, cancel := context.WithTimeout(w.ctx, 300*time.Millisecond)
	defer cancel()
	_, err = cluster.Join(ctx, processor.Member{Group: w.group(), TransactionalID: "t.inventory.a.0", Topics: []string{w.input(0).Topic}})
	require.ErrorIs(t, err, context.DeadlineExceeded)

	// A node that starts without a broker can be stopped.
	l := w.start("a", nil, func(_ *processor.Config, k *kafka.Config) { k.Client = append(k.Client, kgo.Dialer(wire.dial)) })
	l.cancel()
	require.NoError(t, l.wait())
}

// What the brokers will never accept ends the process, with the reason.
func TestTheGroupRefusesTheMember(t *testing.T) {
	t.Parallel()
	for _, e := range []*kerr.Error{kerr.InvalidSessionTimeout, kerr.GroupAuthorizationFailed, kerr.InconsistentGroupProtocol} {
		t.Run(e.Message, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Group: w.group(), TopLevel: true, Err: e, Count: -1})
			require.ErrorIs(t, w.start("a", nil).wait(), e)
		})
	}
}

// The client's wrapper tells of a loss only once until the next transaction ends,
// and a join that failed is a loss, though of nothing. So a second one is seen by
// the partitions being given anew; else they would stay paused for ever.
func TestPartitionsAreLostAfterAFailedJoin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	faults := w.broker.Cluster()
	join := faults.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Group: w.group(), TopLevel: true, Err: kerr.UnknownServerError})
	l := w.start("a", nil)
	require.NoError(t, join.Wait(w.ctx, 1))
	l.awaitPhase("running", partitions)
	for range 2 {
		lost := faults.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: w.group(), TopLevel: true, Err: kerr.UnknownMemberID})
		again := faults.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.SyncGroup}, Group: w.group(), TopLevel: true, Observe: true})
		require.NoError(t, lost.Wait(w.ctx, 1))
		require.NoError(t, again.Wait(w.ctx, 1))
	}
	w.write(3, w.keys()...)
	w.settled()
	require.NoError(t, l.stop())
}

// A transaction of somebody else on the changelog is waited for by a restore; a
// stop doesn't wait for it.
func TestAForeignTransactionOnTheChangelog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start("a", nil)
	w.write(3, w.keys()...)
	w.settled()
	require.NoError(t, l.stop())

	foreign, err := kgo.NewClient(kgo.SeedBrokers(w.addr), kgo.TransactionalID("somebody"), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionTimeout(time.Minute), kgo.DisableClientMetrics())
	require.NoError(t, err)
	defer foreign.Close()
	require.NoError(t, foreign.BeginTransaction())
	require.NoError(t, foreign.ProduceSync(w.ctx, &kgo.Record{Topic: w.changelog(2).Topic, Partition: 2, Value: []byte("nonsense")}).FirstErr())

	l = w.start("b", nil)
	l.awaitPhase("running", partitions-1)
	require.NoError(t, l.stop())

	l = w.start("b", l.fs)
	l.awaitPhase("running", partitions-1)
	for _, s := range l.node.Status() {
		if s.Partition == 2 {
			require.Equal(t, "restoring", s.Phase)
			require.Positive(t, s.RecordsLeft)
		}
	}
	require.NoError(t, foreign.EndTransaction(w.ctx, kgo.TryAbort))
	l.awaitPhase("running", partitions)
	w.write(3, w.keys()...)
	w.settled()
	require.NoError(t, l.stop())
}

// A restore that no broker answers is tried again until one does, and so is a
// transaction under way.
func TestBrokersAreGoneForAWhile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, err := embedded.Start(embedded.Config{DataDir: dir})
	require.NoError(t, err)
	defer func() { b.Close() }()
	w := newWorldOn(t, b)
	l := w.start("a", nil, workers(2))
	w.write(3, w.keys()...)
	w.settled()
	for range 3 {
		w.write(20, w.keys()...)
		addr := b.Addr()
		b.Close()
		b, err = embedded.Start(embedded.Config{DataDir: dir, Listen: addr})
		require.NoError(t, err)
		w.broker = b
		w.write(3, w.keys()...)
	}
	w.settled()
	require.NoError(t, l.stop())
	require.Empty(t, l.seen.reasons())
	require.Equal(t, w.fed, w.stored(l.fs))
}

// Restores meet errors of the network: no partition halts for that.
func TestRestoresLoseTheirConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start("a", nil)
	w.write(3, w.keys()...)
	w.settled()
	require.NoError(t, l.stop())

	wire := newWire()
	bounds := wire.fault(3, wireFault{key: kmsg.ListOffsets, lose: true})
	committed := wire.fault(2, wireFault{key: kmsg.OffsetFetch, lose: true})
	l = w.start("b", nil, impatient, func(_ *processor.Config, k *kafka.Config) { k.Client = append(k.Client, kgo.Dialer(wire.dial)) })
	require.NoError(t, bounds.await(w.ctx))
	require.NoError(t, committed.await(w.ctx))
	l.awaitPhase("running", partitions)
	w.write(3, w.keys()...)
	w.settled()
	require.Empty(t, l.seen.reasons())
	require.NoError(t, l.stop())
}

// Trimming that fails is tried again, but not after each transaction.
func TestTrimmingFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fault := w.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DeleteRecords}, Topic: w.changelog(0).Topic, Err: kerr.PolicyViolation, Count: -1})
	l := w.start("a", nil, func(c *processor.Config, _ *kafka.Config) {
		c.Store.SweepShare, c.Store.LogBytesMin, c.Store.FlushBytes = 1, 1<<10, 1<<10
	})
	committed := func() int {
		n, _ := l.seen.transactions()
		return n
	}
	for fault.Hits() < 2 {
		w.write(5, w.keys()...)
		w.out.await(t, w.fed)
	}
	hits, from, begun := fault.Hits(), committed(), time.Now()
	for committed() < from+20 {
		w.write(5, w.keys()...)
		w.out.await(t, w.fed)
	}
	// Each partition tries at growing distances up to 2 s: six times until then,
	// and as often as 2 s have passed.
	require.LessOrEqual(t, fault.Hits()-hits, partitions*(7+int(time.Since(begun)/(2*time.Second))))
	fault.Remove()
	w.settled()
	require.NoError(t, l.stop())
}

// A topic that was deleted and made anew is another topic: what was read of the
// first can't be gone on with.
func TestTheInputIsMadeAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start("a", nil, func(_ *processor.Config, k *kafka.Config) {
		k.Client = append(k.Client, kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }))
	})
	w.write(3, w.keys()...)
	w.settled()
	topic := w.topology.Lookup(topology.LogInventory)
	c := w.broker.Cluster()
	require.NoError(t, c.DeleteTopic(topic.Name))
	require.NoError(t, c.CreateTopic(topic.Name, topic.Partitions, topic.Configs))
	l.awaitPhase("halted", partitions)
	for _, reason := range l.seen.reasons() {
		require.Contains(t, reason, "deleted")
	}
	require.NoError(t, l.stop())
}

// Leaders and coordinators move all the time.
func TestBrokersMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.broker.Cluster()
	_, _, err := c.AddNode(1, 0)
	require.NoError(t, err)
	l := w.start("a", nil, workers(2))
	w.write(3, w.keys()...)
	w.settled()
	for round := range 6 {
		for p := range int32(partitions) {
			for _, topic := range []string{w.input(0).Topic, w.changelog(0).Topic} {
				require.NoError(t, c.MoveTopicPartition(topic, p, (p+int32(round))%2))
			}
		}
		c.RehashCoordinators()
		w.write(10, w.keys()...)
	}
	w.settled()
	require.NoError(t, l.stop())
	require.Empty(t, l.seen.reasons())
}
