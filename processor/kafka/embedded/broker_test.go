package embedded_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/goleak"

	"holdfast/processor/kafka/embedded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, c embedded.Config) *embedded.Broker {
	t.Helper()
	b, err := embedded.Start(c)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func client(t *testing.T, b *embedded.Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.FetchMaxWait(50 * time.Millisecond),
	}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

func createTopic(t *testing.T, cl *kgo.Client, name, timestampType string) {
	t.Helper()
	configs := map[string]*string{}
	if timestampType != "" {
		configs["message.timestamp.type"] = &timestampType
	}
	_, err := kadm.NewClient(cl).CreateTopic(t.Context(), 1, 1, configs, name)
	require.NoError(t, err)
}

// read returns the first n records of a topic's only partition.
func read(t *testing.T, b *embedded.Broker, n int, topic string, opts ...kgo.Opt) []*kgo.Record {
	t.Helper()
	cl := client(t, b, append(opts,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		fetches := cl.PollFetches(ctx)
		require.NoError(t, fetches.Err())
		out = append(out, fetches.Records()...)
	}
	require.Len(t, out, n)
	return out
}

// longAgo is a producer's clock that is wrong by years. The records of a batch
// are a second apart.
func longAgo(i int) time.Time {
	return time.Date(2001, 2, 3, 4, 5, 0, 0, time.UTC).Add(time.Duration(i) * time.Second)
}

func batchOf(n int, topic string) []*kgo.Record {
	var rs []*kgo.Record
	for i := range n {
		rs = append(rs, &kgo.Record{
			Topic: topic, Timestamp: longAgo(i), Key: fmt.Appendf(nil, "key-%d", i),
			Value:   []byte(strings.Repeat("squeeze me ", 30+i)),
			Headers: []kgo.RecordHeader{{Key: "h", Value: fmt.Append(nil, i)}},
		})
	}
	return rs
}

func requireBatch(t *testing.T, got []*kgo.Record) {
	t.Helper()
	for i, r := range got {
		want := batchOf(i+1, r.Topic)[i]
		require.Equal(t, string(want.Key), string(r.Key))
		require.Equal(t, string(want.Value), string(r.Value))
		require.Equal(t, want.Headers, r.Headers)
	}
}

// The clocks of tests are days ahead, so that no other clock can be taken for it.
const skew = 100 * 24 * time.Hour

func requireStamped(t *testing.T, from time.Time, got []*kgo.Record) {
	t.Helper()
	to := time.Now().Add(skew)
	for _, r := range got {
		require.False(t, r.Timestamp.Before(from.Add(skew).Truncate(time.Millisecond)), "%v is before %v", r.Timestamp, from.Add(skew))
		require.False(t, r.Timestamp.After(to), "%v is after %v", r.Timestamp, to)
		require.Equal(t, got[0].Timestamp, r.Timestamp, "all records of a batch have one time")
	}
}

func TestAppendTime(t *testing.T) {
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		for _, n := range []int{1, 20} {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				b := start(t, embedded.Config{InMemory: true, Skew: func() time.Duration { return skew }})
				cl := client(t, b, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(50*time.Millisecond))
				createTopic(t, cl, "ours", "LogAppendTime")
				createTopic(t, cl, "theirs", "CreateTime")
				createTopic(t, cl, "plain", "")
				from := time.Now()
				require.NoError(t, cl.ProduceSync(t.Context(), append(append(batchOf(n, "ours"), batchOf(n, "theirs")...), batchOf(n, "plain")...)...).FirstErr())

				ours := read(t, b, n, "ours")
				requireBatch(t, ours)
				requireStamped(t, from, ours)
				for _, topic := range []string{"theirs", "plain"} {
					got := read(t, b, n, topic)
					requireBatch(t, got)
					for i, r := range got {
						require.True(t, r.Timestamp.Equal(longAgo(i)), "%v", r.Timestamp)
					}
				}
			})
		}
	}
}

func TestAppendTimeInTransactions(t *testing.T) {
	b := start(t, embedded.Config{InMemory: true, Skew: func() time.Duration { return skew }})
	cl := client(t, b, kgo.TransactionalID("app.stage.instance.0"))
	createTopic(t, cl, "ours", "LogAppendTime")
	from := time.Now()
	for _, commit := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		require.NoError(t, cl.BeginTransaction())
		require.NoError(t, cl.ProduceSync(t.Context(), batchOf(5, "ours")...).FirstErr())
		require.NoError(t, cl.EndTransaction(t.Context(), commit))
	}
	got := read(t, b, 5, "ours")
	require.Equal(t, int64(6), got[0].Offset, "five aborted records and their marker lie before")
	requireBatch(t, got)
	requireStamped(t, from, got)
}

func TestAppendTimeForOldClients(t *testing.T) {
	// Before Kafka 4 a producer named topics by their names.
	b := start(t, embedded.Config{InMemory: true, Skew: func() time.Duration { return skew }})
	cl := client(t, b, kgo.MaxVersions(kversion.V3_9_0()))
	createTopic(t, cl, "ours", "LogAppendTime")
	from := time.Now()
	require.NoError(t, cl.ProduceSync(t.Context(), batchOf(3, "ours")...).FirstErr())
	requireStamped(t, from, read(t, b, 3, "ours"))
}

func TestAppendTimeFollowsTheTopicsSettings(t *testing.T) {
	b := start(t, embedded.Config{InMemory: true, Skew: func() time.Duration { return skew }})
	cl := client(t, b)
	createTopic(t, cl, "changing", "")
	produce := func() {
		require.NoError(t, cl.ProduceSync(t.Context(), batchOf(1, "changing")...).FirstErr())
	}
	produce()
	v := "LogAppendTime"
	_, err := kadm.NewClient(cl).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "message.timestamp.type", Value: &v}}, "changing")
	require.NoError(t, err)
	from := time.Now()
	produce()
	got := read(t, b, 2, "changing")
	require.True(t, got[0].Timestamp.Equal(longAgo(0)))
	requireStamped(t, from, got[1:])
}

func TestDataDirSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	b := start(t, embedded.Config{DataDir: dir, Skew: func() time.Duration { return skew }})
	cl := client(t, b)
	createTopic(t, cl, "ours", "LogAppendTime")
	from := time.Now()
	require.NoError(t, cl.ProduceSync(t.Context(), batchOf(4, "ours")...).FirstErr())
	before, err := kadm.NewClient(cl).Metadata(t.Context())
	require.NoError(t, err)
	cl.Close()

	_, err = embedded.Start(embedded.Config{DataDir: dir})
	require.ErrorContains(t, err, "is another broker using it?")
	addr := b.Addr()
	b.Close()
	b.Close()

	b = start(t, embedded.Config{DataDir: dir, Listen: addr})
	require.Equal(t, addr, b.Addr())
	got := read(t, b, 4, "ours")
	requireBatch(t, got)
	requireStamped(t, from, got)
	after, err := kadm.NewClient(client(t, b)).Metadata(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, "kfake", after.Cluster)
	require.Equal(t, before.Cluster, after.Cluster)
	require.Equal(t, before.Topics["ours"].ID, after.Topics["ours"].ID)
}

func TestTemporaryDataDirIsRemoved(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	b := start(t, embedded.Config{})
	cl := client(t, b)
	createTopic(t, cl, "x", "")
	require.NoError(t, cl.ProduceSync(t.Context(), batchOf(1, "x")...).FirstErr())
	list, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Len(t, list, 1)
	b.Close()
	list, err = os.ReadDir(tmp)
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestTopicsAreNotMadeByAsking(t *testing.T) {
	b := start(t, embedded.Config{InMemory: true})
	cl := client(t, b, kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(0))
	require.Error(t, cl.ProduceSync(t.Context(), batchOf(1, "nobody-made-it")...).FirstErr())
	topics, err := kadm.NewClient(cl).ListTopics(t.Context())
	require.NoError(t, err)
	require.Empty(t, topics)
}

func TestListenAddresses(t *testing.T) {
	for _, c := range []struct{ listen, want string }{
		{"0.0.0.0:0", "127.0.0.1 only"},
		{"example.org:9092", "127.0.0.1 only"},
		{"9092", "missing port"},
		{"127.0.0.1:70000", "port"},
	} {
		_, err := embedded.Start(embedded.Config{Listen: c.listen, InMemory: true})
		require.ErrorContains(t, err, c.want, c.listen)
	}
	b := start(t, embedded.Config{Listen: "localhost:0", InMemory: true})
	require.Regexp(t, `^127\.0\.0\.1:[1-9]\d+$`, b.Addr())
	_, err := embedded.Start(embedded.Config{Listen: b.Addr(), InMemory: true})
	require.ErrorContains(t, err, "address already in use")
}
