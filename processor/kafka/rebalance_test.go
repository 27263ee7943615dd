package kafka_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/topology"
)

// load writes all the time, until the returned function is called.
func (w *world) load(keys ...string) (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			w.write(10, keys...)
			w.out.poll(ctx, w.t) // no faster than it comes out, so that a test ends
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// Members come and go, of processes with one worker and with several, while
// records come in. Partitions so move between processes, and between workers of
// one process that share a directory.
func TestMembersComeAndGo(t *testing.T) {
	t.Parallel()
	comeAndGo(newWorld(t))
}

func comeAndGo(w *world) {
	w.t.Helper()
	a := w.start("a", nil, workers(2))
	a.awaitPhase("running", partitions)
	stop := w.load(w.keys()...)
	for round := range 3 {
		b := w.start("b", nil, away)
		w.until("partitions moved", func() bool {
			return a.count("running")+b.count("running") == partitions && b.count("running") > 0
		}, a, b)
		if round == 1 {
			b.crash() // its members stay in the group for a while
		} else {
			require.NoError(w.t, b.stop())
		}
		a.awaitPhase("running", partitions)
	}
	stop()
	w.settled()
	require.NoError(w.t, a.stop())
	require.Empty(w.t, a.seen.reasons())
	require.Equal(w.t, w.fed, w.stored(a.fs))
}

// hung is a member of the group that takes part in nothing: it keeps its place by
// heartbeats, and doesn't join again when the others do.
func (w *world) hung(rebalance time.Duration) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cl, err := kgo.NewClient(kgo.WithContext(ctx), kgo.SeedBrokers(w.addr), kgo.ConsumerGroup(w.group()), kgo.ConsumeTopics(w.input(0).Topic),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.BlockRebalanceOnPoll(), kgo.SessionTimeout(time.Minute), kgo.HeartbeatInterval(100*time.Millisecond),
		kgo.RebalanceTimeout(rebalance), kgo.DisableAutoCommit(), kgo.DisableClientMetrics())
	require.NoError(w.t, err)
	w.t.Cleanup(func() {
		cancel()
		cl.CloseAllowingRebalance()
	})
	w.until("the member has partitions", func() bool {
		poll, cancel := context.WithTimeout(w.ctx, 20*time.Millisecond)
		defer cancel()
		cl.PollFetches(poll)
		if len(cl.CommittedOffsets()) > 0 {
			return true // and rebalances are blocked from now on
		}
		cl.AllowRebalance()
		return false
	})
}

// While one member hangs, nobody's join comes to its end. Nothing can be committed
// meanwhile, and so no transaction may be open: it would keep every reader
// waiting, be aborted by its timeout, and its producer be fenced, which looks as
// if another process had taken over.
func TestAMemberHangs(t *testing.T) {
	t.Parallel()
	hanging(newWorld(t))
}

func hanging(w *world) {
	w.t.Helper()
	hurried := func(_ *processor.Config, k *kafka.Config) {
		k.TransactionTimeout, k.RebalanceTimeout = time.Second, 5*time.Second
	}
	a := w.start("a", nil, hurried)
	w.write(1, w.keys()...)
	w.settled()
	w.hung(5 * time.Second) // then the group goes on without it
	rejoins := a.wire.fault(1, wireFault{key: kmsg.JoinGroup, before: func() {}})
	b := w.start("b", nil, hurried)
	require.NoError(w.t, rejoins.await(w.ctx))
	w.write(5, w.keys()...)
	// For longer than a transaction may last.
	deadline := time.NewTimer(2 * time.Second)
	for wait := true; wait; {
		select {
		case <-deadline.C:
			wait = false
		case <-a.done:
			w.t.Fatalf("the process has ended: %v", a.err)
		default:
			w.out.drain(w.t)
			require.Empty(w.t, w.openTransactions())
		}
	}
	w.settled()
	_, failed := a.seen.transactions()
	require.Zero(w.t, failed)
	require.NoError(w.t, a.stop())
	require.NoError(w.t, b.stop())
}

// A stop doesn't wait for a join that a hung member holds up.
func TestStopWhileAMemberHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := func(_ *processor.Config, k *kafka.Config) {
		k.SessionTimeout, k.RebalanceTimeout = time.Minute, time.Minute
	}
	a := w.start("a", nil, slow)
	w.write(1, w.keys()...)
	w.settled()
	w.hung(time.Minute)
	b := w.start("b", nil, slow)
	w.until("the group waits", func() bool { return w.groupState() == "PreparingRebalance" })
	begun := time.Now()
	a.cancel()
	b.cancel()
	require.NoError(t, a.wait())
	require.NoError(t, b.wait())
	require.Less(t, time.Since(begun), 20*time.Second)
}

// A member that leaves is gone at once; whoever just stops keeps its place.
func TestLeavingGivesPartitionsUpAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// Nobody could wait for this session to time out.
	patient := func(_ *processor.Config, k *kafka.Config) { k.SessionTimeout = 4 * time.Minute }
	a, b := w.start("a", nil, patient, away), w.start("b", nil, patient, away)
	w.until("both have some", func() bool { return a.count("running") == 2 && b.count("running") == 2 }, a, b)
	w.write(5, w.keys()...)
	w.out.await(t, w.fed)
	require.NoError(t, a.stop())
	b.awaitPhase("running", partitions)
	w.write(5, w.keys()...)
	w.settled()
	require.NoError(t, b.stop())
}

// A worker loses its session and can't get a new one. Another worker of the
// process is given its partitions, and must get its stores.
func TestAWorkerThatCantJoinHoldsNoStores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.broker.Cluster()
	id := w.topology.TransactionalID(topology.StageInventory, "a", 0)
	works := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TxnID: id, Observe: true, Count: -1})
	l := w.start("a", nil, workers(2))
	for works.Hits() == 0 {
		w.write(3, w.keys()...)
		w.settled()
	}
	never := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TxnID: id, Err: kerr.CoordinatorLoadInProgress, Count: -1})
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TxnID: id, Err: kerr.InvalidTxnState, Count: -1})
	w.write(3, w.keys()...)
	require.NoError(t, never.Wait(w.ctx, 1))
	w.settled()
	never.Remove()
	require.NoError(t, l.stop())
	require.Equal(t, w.fed, w.stored(l.fs))
}
