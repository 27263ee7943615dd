package kafka_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/processor/kafka"
)

// buffers counts what a node's clients hold of records: fetched and not decided yet,
// produced and not written yet.
type buffers struct{ fetched, produced, fetchedMax, producedMax atomic.Int64 }

func (h *buffers) OnFetchRecordBuffered(r *kgo.Record) {
	raise(&h.fetchedMax, h.fetched.Add(int64(len(r.Value))))
}

func (h *buffers) OnFetchRecordUnbuffered(r *kgo.Record, _ bool) { h.fetched.Add(-int64(len(r.Value))) }

func (h *buffers) OnProduceRecordBuffered(r *kgo.Record) {
	raise(&h.producedMax, h.produced.Add(int64(len(r.Value))))
}

func (h *buffers) OnProduceRecordUnbuffered(r *kgo.Record, _ error) {
	h.produced.Add(-int64(len(r.Value)))
}

func raise(most *atomic.Int64, to int64) {
	for {
		m := most.Load()
		if to <= m || most.CompareAndSwap(m, to) {
			return
		}
	}
}

// option gives a life the counters, and small bounds that a load exceeds many
// times over.
func (h *buffers) option(c *processor.Config, k *kafka.Config) {
	k.Client = append(k.Client, kgo.WithHooks(h))
	k.FetchBytesMax, k.FetchPartitionBytesMax = heldFetchMax, heldFetchMax/4
	c.BatchBytesMax, c.BatchRecordsMax, c.PollRecordsMax = 64<<10, 1000, 500
	c.EndTimeout = time.Second
}

const heldFetchMax = 32 << 10

// overload is a load of some megabytes, many times what a node may hold. It isn't
// compressed, so that a fetch is as large in memory as on the wire, and comes in
// small batches, of which a broker gives whole ones only.
const (
	overloadNumbers = 300
	overloadDigits  = 250
)

func (w *world) overload() {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(heldFetchMax/4), kgo.DisableClientMetrics())
	require.NoError(w.t, err)
	defer client.Close()
	var records []*kgo.Record
	for range overloadNumbers {
		for i := range 10 {
			for p := range partitions {
				key := w.keyOn(p, i)
				w.fed[key]++
				records = append(records, &kgo.Record{
					Topic: w.input(p).Topic, Partition: int32(p), Key: []byte(key), Value: fmt.Appendf(nil, "%0*d", overloadDigits, w.fed[key]),
				})
			}
		}
	}
	require.NoError(w.t, client.ProduceSync(w.ctx, records...).FirstErr())
}

// Whatever the brokers answer to what is written, and for however long: what a
// node holds in memory doesn't grow with what waits for it, it says what it waits
// for, no partition halts, and when the brokers take records again nothing is lost
// and nothing is done twice.
func TestMemoryIsBoundedWhileBrokersRefuse(t *testing.T) {
	t.Parallel()
	for _, e := range []*kerr.Error{kerr.NotEnoughReplicas, kerr.KafkaStorageError, kerr.PolicyViolation, kerr.ThrottlingQuotaExceeded} {
		t.Run(e.Message, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var h buffers
			l := w.start("a", nil, h.option)
			w.write(2, w.keys()...)
			w.settled()
			fault := w.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: w.changelog(0).Topic, Err: e, Count: -1})
			w.overload()
			w.until("the node says what it waits for", func() bool {
				health := l.node.Health()
				return len(health.Waiting) > 0 && health.Waiting[0].Cause != "" && !health.Ready
			}, l)
			require.Contains(t, l.node.Health().Reason, "has been waiting for the brokers")
			fault.Remove()
			w.settled()
			h.judge(t)
			w.until("the node is ready", func() bool { return l.node.Health().Ready }, l)
			require.Empty(t, l.seen.reasons())
			require.NoError(t, l.stop())
			require.Equal(t, w.fed, w.stored(l.fs))
		})
	}
}

// The end of a transaction is never answered, nor anything else from then on, for
// longer than the node's patience; then all goes on.
func TestMemoryIsBoundedWhileBrokersAreSilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var h buffers
	l := w.start("a", nil, h.option)
	w.write(2, w.keys()...)
	w.settled()
	l.wire.fault(1, wireFault{key: kmsg.EndTxn, before: l.wire.freeze})
	w.overload()
	w.until("the brokers are silent", l.wire.frozen, l)
	w.until("the node says that it waits", func() bool { return len(l.node.Health().Waiting) > 0 }, l)
	l.wire.melt()
	w.settled()
	h.judge(t)
	require.Empty(t, l.seen.reasons())
	require.NoError(t, l.stop())
	require.Equal(t, w.fed, w.stored(l.fs))
}

// judge holds what was in memory at most against the formula of README: two
// fetches of each client, one that is worked off and one that waits, unpacked; and
// what one transaction writes.
func (h *buffers) judge(t *testing.T) {
	t.Helper()
	require.Positive(t, h.fetchedMax.Load())
	require.LessOrEqual(t, h.fetchedMax.Load(), int64(2*heldFetchMax))
	require.Positive(t, h.producedMax.Load())
	require.LessOrEqual(t, h.producedMax.Load(), int64(512<<10))
}
