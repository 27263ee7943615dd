package metrics_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"holdfast/processor"
	"holdfast/processor/kafka/embedded"
	"holdfast/processor/metrics"
	"holdfast/topology/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// standing is a node whose places the test sets.
type standing []processor.PartitionStatus

func (s *standing) Status() []processor.PartitionStatus { return *s }
func (s *standing) Standbys() []processor.StandbyStatus { return nil }
func (s *standing) Health() processor.Health            { return processor.Health{} }

const topic = "log"

// written is a topic of three partitions that transactions write to, all in the
// same way.
type written struct {
	t      *testing.T
	client *kgo.Client
	next   record.Offset // the end of each partition
}

func (w *written) records(n int, at time.Time) {
	var rs []*kgo.Record
	for p := range int32(3) {
		for range n {
			rs = append(rs, &kgo.Record{Topic: topic, Partition: p, Value: []byte("v"), Timestamp: at})
		}
	}
	require.NoError(w.t, w.client.ProduceSync(w.t.Context(), rs...).FirstErr())
	w.next += record.Offset(n)
}

func (w *written) transaction(n int, at time.Time, commit kgo.TransactionEndTry) {
	require.NoError(w.t, w.client.BeginTransaction())
	w.records(n, at)
	require.NoError(w.t, w.client.EndTransaction(w.t.Context(), commit))
	w.next++ // the marker
}

// TestLag: what is behind a place is counted by what a stage would be given of it.
func TestLag(t *testing.T) {
	b, err := embedded.Start(embedded.Config{InMemory: true})
	require.NoError(t, err)
	defer b.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.TransactionalID("w"), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableClientMetrics())
	require.NoError(t, err)
	defer client.Close()
	plain, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.DisableClientMetrics())
	require.NoError(t, err)
	defer plain.Close()
	created, err := kadm.NewClient(plain).CreateTopic(t.Context(), 3, 1, nil, topic)
	require.NoError(t, err)

	now := time.Now()
	node := &standing{}
	lag := metrics.NewLag(node, plain, map[string][16]byte{topic: created.ID}, slog.New(slog.DiscardHandler), func() time.Time { return now })
	_, ago := lag.Measured()
	require.Negative(t, ago)
	// f places the partitions, the last record having been decided a minute ago.
	f := func(places []record.Offset, want ...metrics.Behind) {
		t.Helper()
		*node = nil
		for p, next := range places {
			*node = append(*node, processor.PartitionStatus{Stage: "orders", Topic: topic, Partition: record.Partition(p), Next: next, At: record.Millis(now.Add(-time.Minute).UnixMilli())})
		}
		require.NoError(t, lag.Measure(t.Context()))
		have, ago := lag.Measured()
		require.Zero(t, ago)
		require.Len(t, have, len(want))
		for p, b := range want {
			got := have[metrics.Place{Stage: "orders", TopicPartition: processor.TopicPartition{Topic: topic, Partition: record.Partition(p)}}]
			require.Equal(t, b.Records, got.Records, "partition %d at %d", p, places[p])
			require.InDelta(t, b.Seconds, got.Seconds, 0.002, "partition %d at %d", p, places[p])
		}
	}
	none := metrics.Behind{}
	f(nil)
	f([]record.Offset{0, 0, 0}, none, none, none)

	w := &written{t: t, client: client}
	w.transaction(2, now.Add(-30*time.Second), kgo.TryCommit) // 0 1, marker 2
	w.transaction(3, now.Add(-20*time.Second), kgo.TryAbort)  // 3 4 5, marker 6
	w.transaction(1, now.Add(-10*time.Second), kgo.TryCommit) // 7, marker 8
	f([]record.Offset{0, 1, 2}, metrics.Behind{Records: 3, Seconds: 30}, metrics.Behind{Records: 2, Seconds: 30}, metrics.Behind{Records: 1, Seconds: 10})
	f([]record.Offset{7, 8, 9}, metrics.Behind{Records: 1, Seconds: 10}, none, none)
	// A place that isn't known yet isn't told.
	f([]record.Offset{8, 8, -1}, none, none)

	// What isn't committed yet isn't there to be decided.
	require.NoError(t, client.BeginTransaction())
	w.records(1, now)
	f([]record.Offset{8, 9, 7}, none, none, metrics.Behind{Records: 1, Seconds: 10})
	require.NoError(t, client.EndTransaction(t.Context(), kgo.TryAbort))
	w.next++
	f([]record.Offset{8, 9, 11}, none, none, none)

	// Far behind: the difference, and the age of the last one decided.
	w.transaction(5000, now, kgo.TryCommit)
	f([]record.Offset{8, 8, w.next - 1}, metrics.Behind{Records: int64(w.next - 8), Seconds: 60}, metrics.Behind{Records: int64(w.next - 8), Seconds: 60}, none)

	b.Close()
	require.Error(t, lag.Measure(t.Context()), "there is no broker any longer")
}
