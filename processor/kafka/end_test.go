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
// knows. With retries the client finds out by itself; without, the run time has to.
func TestTheAnswerToAnEndIsLost(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]option{"retries": nil, "no retries": {impatient}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l := w.start("a", nil, options...)
			for range 4 {
				lost := l.wire.fault(1, wireFault{key: kmsg.EndTxn, lose: true})
				w.write(5, w.keys()...)
				require.NoError(t, lost.await(w.ctx))
			}
			w.write(5, w.keys()...)
			w.settled()
			require.NoError(t, l.stop())
			require.Equal(t, w.fed, w.stored(l.fs))
			if _, failed := l.seen.transactions(); options != nil {
				require.GreaterOrEqual(t, failed, 4)
			}
			require.Empty(t, l.seen.reasons())
		})
	}
}

// The broker answers the end of a transaction with an error that says nothing.
func TestTheAnswerToAnEndIsAnUnknownError(t *testing.T) {
	t.Parallel()
	t.Run("not committed", func(t *testing.T) {
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
	})
	t.Run("committed", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		l := w.start("a", nil)
		for range 4 {
			// Length, correlation id, no tags, throttle, error code.
			fault := l.wire.fault(1, wireFault{key: kmsg.EndTxn, after: func(frame []byte) { frame[13], frame[14] = 0xff, 0xff }})
			w.write(5, w.keys()...)
			require.NoError(t, fault.await(w.ctx))
		}
		w.settled()
		_, failed := l.seen.transactions()
		require.GreaterOrEqual(t, failed, 4)
		require.NoError(t, l.stop())
		require.Equal(t, w.fed, w.stored(l.fs))
	})
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
