package kafka_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/processor/kafka"
)

func impatient(_ *processor.Config, k *kafka.Config) {
	k.Client = append(k.Client, kgo.RequestRetries(0))
}

// An answer to the end of a transaction is lost: it was committed, and nobody
// knows. With retries the client may find out by itself; without, the run time has
// to.
func TestTheAnswerToAnEndIsLost(t *testing.T) {
	t.Parallel()
	t.Run("retries", func(t *testing.T) {
		t.Parallel()
		failing(newWorld(t), wireFault{key: kmsg.EndTxn, lose: true}, 0)
	})
	t.Run("no retries", func(t *testing.T) {
		t.Parallel()
		failing(newWorld(t), wireFault{key: kmsg.EndTxn, lose: true}, 4, impatient)
	})
}

// The broker commits, and answers with an error that says nothing.
func TestTheAnswerToAnEndIsAnUnknownError(t *testing.T) {
	t.Parallel()
	failing(newWorld(t), wireFault{key: kmsg.EndTxn, after: unknownEnd}, 4)
}

// unknownEnd changes the answer: length, correlation id, no tags, throttle, error
// code.
func unknownEnd(frame []byte) { frame[13], frame[14] = 0xff, 0xff }

// failing lets a fault happen to four transactions, of which so many at least
// aren't known to be committed.
func failing(w *world, f wireFault, unknown int, options ...option) {
	w.t.Helper()
	l := w.start("a", nil, options...)
	for range 4 {
		fault := l.wire.fault(1, f)
		w.write(5, w.keys()...)
		require.NoError(w.t, fault.await(w.ctx))
	}
	w.write(5, w.keys()...)
	w.settled()
	require.NoError(w.t, l.stop())
	require.Equal(w.t, w.fed, w.stored(l.fs))
	_, failed := l.seen.transactions()
	require.GreaterOrEqual(w.t, failed, unknown)
	require.Empty(w.t, l.seen.reasons())
}

// The broker doesn't even try, and answers with the same error.
func TestAnEndIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start("a", nil)
	for range 4 {
		fault := w.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError})
		w.write(5, w.keys()...)
		require.NoError(t, fault.Wait(w.ctx, 1))
	}
	w.settled()
	_, failed := l.seen.transactions()
	require.GreaterOrEqual(t, failed, 4)
	require.NoError(t, l.stop())
	require.Equal(t, w.fed, w.stored(l.fs))
}

// Offsets that can't be committed: the transaction must not be, either.
func TestOffsetsAreRefused(t *testing.T) {
	t.Parallel()
	for _, e := range []*kerr.Error{kerr.UnknownServerError, kerr.IllegalGeneration, kerr.InvalidCommitOffsetSize} {
		t.Run(e.Message, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l := w.start("a", nil)
			w.write(5, w.keys()...)
			w.settled()
			fault := w.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Group: w.group(), Err: e, Count: 3})
			w.write(5, w.keys()...)
			require.NoError(t, fault.Wait(w.ctx, 3))
			w.settled()
			require.NoError(t, l.stop())
			require.Empty(t, l.seen.reasons())
		})
	}
}
