package kafka_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/processor/stage"
)

// hasty is a life that brokers soon lose patience with, and that itself has no
// limit by which it would get over an end that hangs.
func hasty(c *processor.Config, k *kafka.Config) {
	k.SessionTimeout, k.TransactionTimeout = time.Second, time.Second
	c.EndTimeout = 2 * limit
}

// A process is stopped in the middle of its work for longer than its session
// lasts, another one takes its place and decides the same records, and then the
// first goes on where it was.
func TestAStoppedProcessGoesOnWhenItIsReplaced(t *testing.T) {
	t.Parallel()
	t.Run("while it decides", func(t *testing.T) {
		t.Parallel()
		stoppedDeciding(newWorld(t))
	})
	for _, at := range steps() {
		t.Run("before "+at.Name(), func(t *testing.T) {
			t.Parallel()
			stoppedAt(newWorld(t), at)
		})
	}
}

// steps are the requests of a transaction, in their order.
func steps() []kmsg.Key { return []kmsg.Key{kmsg.Produce, kmsg.TxnOffsetCommit, kmsg.EndTxn} }

func stoppedDeciding(w *world) {
	w.t.Helper()
	a := w.start("a", nil, hasty)
	w.write(3, w.keys()...)
	w.settled()
	goOn := make(chan struct{})
	freeze := sync.OnceFunc(a.wire.freeze)
	a.hook.set(func(stage.Tx, *stage.Record) {
		freeze()
		<-goOn
	})
	replace(w, a, func() { close(goOn) })
}

func stoppedAt(w *world, at kmsg.Key) {
	w.t.Helper()
	a := w.start("a", nil, hasty)
	w.write(3, w.keys()...)
	w.settled()
	a.wire.fault(1, wireFault{key: at, before: a.wire.freeze})
	replace(w, a, func() {})
}

// replace lets a second process take over from one that stops as soon as it gets
// a record, and then lets that go on.
func replace(w *world, a *life, goOn func()) {
	w.t.Helper()
	w.write(3, w.keys()...)
	w.until("the process stands still", a.wire.frozen)
	b := w.start("b", nil, hasty)
	w.settled()
	b.awaitPhase("running", partitions)
	w.write(3, w.keys()...)
	goOn()
	a.wire.melt()
	w.settled()
	w.until("both work", func() bool { return a.count("running") > 0 && a.count("running")+b.count("running") == partitions }, a, b)
	w.write(3, w.keys()...)
	w.settled()
	require.NoError(w.t, a.stop())
	require.NoError(w.t, b.stop())
	require.Empty(w.t, a.seen.reasons())
	require.Empty(w.t, b.seen.reasons())
}

// Two processes run as the same instance: the first ends, with a reason, and
// doesn't come back.
func TestTheSameInstanceRunsTwice(t *testing.T) {
	t.Parallel()
	twice(newWorld(t))
}

func twice(w *world) {
	w.t.Helper()
	a := w.start("a", nil)
	w.write(3, w.keys()...)
	w.settled()
	rival := w.start("a", nil)
	rival.awaitPhase("running", partitions)
	w.write(3, w.keys()...)
	err := a.wait()
	require.Error(w.t, err)
	require.Regexp(w.t, "PRODUCER_FENCED|FENCED_INSTANCE_ID", err.Error())
	w.write(3, w.keys()...)
	w.settled()
	require.NoError(w.t, rival.stop())
	require.Equal(w.t, w.fed, w.stored(rival.fs))
}

// The brokers are slow, and abort a transaction by its timeout: its producer is
// fenced then, but by nobody else. The process goes on.
func TestATransactionTimesOut(t *testing.T) {
	t.Parallel()
	for _, at := range steps()[1:] {
		t.Run("before "+at.Name(), func(t *testing.T) {
			t.Parallel()
			timedOut(newWorld(t), at)
		})
	}
}

func timedOut(w *world, at kmsg.Key) {
	w.t.Helper()
	l := w.start("a", nil, func(c *processor.Config, k *kafka.Config) {
		k.TransactionTimeout, k.SessionTimeout = time.Second, limit
	})
	w.write(3, w.keys()...)
	w.settled()
	held := l.wire.fault(1, wireFault{key: at, before: func() {
		for w.ctx.Err() == nil && len(w.openTransactions()) > 0 {
			runtime.Gosched()
		}
	}})
	w.write(3, w.keys()...)
	require.NoError(w.t, held.await(w.ctx))
	w.settled()
	require.NoError(w.t, l.stop())
	require.Equal(w.t, w.fed, w.stored(l.fs))
}

// A process crashes with a transaction open. Its next life doesn't wait for that
// to time out, and decides what was in it.
func TestACrashWithATransactionOpen(t *testing.T) {
	t.Parallel()
	for _, at := range steps()[1:] {
		t.Run("before "+at.Name(), func(t *testing.T) {
			t.Parallel()
			crashedAt(newWorld(t), at)
		})
	}
}

func crashedAt(w *world, at kmsg.Key) {
	w.t.Helper()
	// Nobody could wait for this transaction or this session to time out.
	patient := func(_ *processor.Config, k *kafka.Config) {
		k.TransactionTimeout, k.SessionTimeout = 10*time.Minute, 4*time.Minute
	}
	a := w.start("a", nil, patient)
	w.write(3, w.keys()...)
	w.settled()
	stopped := a.wire.fault(1, wireFault{key: at, before: a.wire.freeze})
	w.write(3, w.keys()...)
	require.NoError(w.t, stopped.await(w.ctx))
	left := a.crash()
	require.Len(w.t, w.openTransactions(), 1)

	b := w.start("a", left, patient)
	w.settled()
	require.Empty(w.t, w.openTransactions())
	require.NoError(w.t, b.stop())
	require.Equal(w.t, w.fed, w.stored(b.fs))
}

// A graceful stop in the middle of a load leaves nothing to be done again.
func TestAStopFinishesTheTransaction(t *testing.T) {
	t.Parallel()
	stopped(newWorld(t))
}

func stopped(w *world) {
	w.t.Helper()
	l := w.start("a", nil, workers(2))
	l.awaitPhase("running", partitions)
	for range 3 {
		stop := w.load(w.keys()...)
		before, _ := l.seen.transactions()
		w.until("some are committed", func() bool {
			now, _ := l.seen.transactions()
			return now >= before+5
		}, l)
		require.NoError(w.t, l.stop())
		stop()
		require.Empty(w.t, w.openTransactions())
		// What is stored is what is in the changelog.
		require.Equal(w.t, w.fold(), w.stored(l.fs))
		l = w.start("a", l.fs, workers(2))
		l.awaitPhase("running", partitions)
		l.seen.read(func(o *observer) {
			for _, r := range o.restored {
				require.Zero(w.t, r.records, "partition %d", r.partition)
			}
		})
	}
	w.settled()
	require.NoError(w.t, l.stop())
}

// A process dies with a transaction open and doesn't come back. Whoever takes its
// partitions over ends it, long before it would have timed out.
func TestAMemberIsGoneWithATransactionOpen(t *testing.T) {
	t.Parallel()
	for _, at := range steps()[1:] {
		t.Run("before "+at.Name(), func(t *testing.T) {
			t.Parallel()
			goneAt(newWorld(t), at)
		})
	}
}

func goneAt(w *world, at kmsg.Key) {
	w.t.Helper()
	lasting := func(_ *processor.Config, k *kafka.Config) {
		k.SessionTimeout, k.TransactionTimeout = time.Second, 10*time.Minute
	}
	a := w.start("a", nil, lasting)
	b := w.start("b", nil, lasting)
	w.until("both have partitions", func() bool {
		return a.count("running") > 0 && a.count("running")+b.count("running") == partitions
	}, a, b)
	w.write(3, w.keys()...)
	w.settled()
	stopped := a.wire.fault(1, wireFault{key: at, before: a.wire.freeze})
	w.write(3, w.keys()...)
	require.NoError(w.t, stopped.await(w.ctx))
	a.crash()

	b.awaitPhase("running", partitions)
	w.settled()
	require.NoError(w.t, b.stop())
	require.Empty(w.t, b.seen.reasons())
}
