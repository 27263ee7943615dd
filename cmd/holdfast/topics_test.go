package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor/kafka/embedded"
	"holdfast/topology"
)

// plainClient talks to the broker past the commands.
func plainClient(t *testing.T, b *embedded.Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Addr())}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

func defaultTopology(t *testing.T) *topology.Topology {
	t.Helper()
	s := DefaultSettings()
	topo, err := s.Topology(1)
	require.NoError(t, err)
	return topo
}

func TestTopicsApply(t *testing.T) {
	h, b := withBroker(t)
	topo := defaultTopology(t)

	plan := decodeJSON[topicsReport](t, h.good("topics", "plan", "-o", "json"))
	require.Len(t, plan.Create, len(topo.Topics))
	require.Equal(t, topo.Logs(), plan.SlotTables)
	require.Empty(t, plan.Different)
	require.False(t, plan.Applied)
	require.NotEmpty(t, plan.Cluster)
	require.Contains(t, h.good("topics", "plan"), "would create holdfast.log.orders: 8 partitions, replication 1\n")
	topics, err := kadm.NewClient(plainClient(t, b)).ListTopics(t.Context())
	require.NoError(t, err)
	require.Empty(t, topics, "a plan changes nothing")

	out := h.good("topics", "apply")
	require.Contains(t, out, "created holdfast.log.orders: 8 partitions, replication 1\n")
	require.Contains(t, out, "wrote slot table of log.inventory\n")
	require.Contains(t, out, "43 of 43 topics of application holdfast are there\n")
	require.Equal(t, "43 of 43 topics of application holdfast are there\n", h.good("topics", "plan"))
	again := decodeJSON[topicsReport](t, h.good("topics", "apply", "-o", "json"))
	require.Empty(t, again.Create)
	require.Empty(t, again.SlotTables)

	cl := plainClient(t, b)
	d, err := checkCluster(t.Context(), cl, topo)
	require.NoError(t, err)
	require.Equal(t, plan.Cluster, d.ClusterID)
	require.Len(t, d.TopicIDs, len(topo.Topics))
	require.NotZero(t, d.TopicIDs["holdfast.changelog.orders"])
	require.Len(t, d.Slots, 3)
	require.Equal(t, topology.DefaultSlots("log.orders", 8), d.Slots["log.orders"])
	for i := range topo.Topics {
		info := b.Cluster().TopicInfo(topo.Topics[i].Name)
		for name, value := range topo.Topics[i].Configs {
			require.Equal(t, value, *info.Configs[name])
		}
	}
}

func TestApplicationsAreApart(t *testing.T) {
	h, b := withBroker(t)
	h.good("topics", "apply", "--app-id", "a", "--set", "channels=web", "--set", "topics.log_partitions=2")
	require.Contains(t, h.good("topics", "plan", "--set", "channels=web"), "0 of 19 topics of application holdfast are there")
	_, err := checkCluster(t.Context(), plainClient(t, b), defaultTopology(t))
	require.ErrorContains(t, err, "topics are missing: holdfast.channel.shopee.orders, ")
	require.ErrorContains(t, err, "create them with: holdfast topics apply --brokers "+b.Addr())
}

func TestWhatIsThereIsComparedAndNeverChanged(t *testing.T) {
	h, b := withBroker(t)
	create := func(name string, partitions int32, configs map[string]string) {
		require.NoError(t, b.Cluster().CreateTopic(name, partitions, configs))
	}
	create("holdfast.log.orders", 4, map[string]string{"message.timestamp.type": "LogAppendTime", "retention.ms": "-1", "max.message.bytes": "2097152", "segment.bytes": "67108864"})
	create("holdfast.log.inventory", 8, map[string]string{"retention.ms": "-1", "max.message.bytes": "2097152"})
	create("holdfast.changelog.orders", 8, map[string]string{"cleanup.policy": "compact"})
	create("holdfast.warehouses", 1, map[string]string{"max.message.bytes": "9388608"})
	create("holdfast.order.events", 12, map[string]string{"max.message.bytes": "8388608", "retention.ms": "1000"})

	for _, command := range []string{"plan", "apply"} {
		r := h.run("topics", command)
		require.Equal(t, exitViolation, r.code, r.errout)
		for _, want := range []string{
			"WRONG holdfast.log.orders: partitions is 4, must be 8\n",
			"WRONG holdfast.log.inventory: message.timestamp.type is CreateTime, must be LogAppendTime\n",
			"differs holdfast.log.inventory: segment.bytes is 104857600, planned 67108864\n",
			"WRONG holdfast.changelog.orders: cleanup.policy is compact, must be delete\n",
			"WRONG holdfast.changelog.orders: retention.ms is 604800000, must be -1\n",
			"WRONG holdfast.changelog.orders: max.message.bytes is 1048588, must be at least 2097152\n",
			"WRONG holdfast.warehouses: cleanup.policy is delete, must be compact\n",
			"differs holdfast.order.events: partitions is 12, planned 4\n",
			"differs holdfast.order.events: retention.ms is 1000, planned 604800000\n",
		} {
			require.Contains(t, r.out, want, command)
		}
		require.NotContains(t, r.out, "holdfast.warehouses: max.message.bytes")
	}
	require.Equal(t, "compact", *b.Cluster().TopicInfo("holdfast.changelog.orders").Configs["cleanup.policy"])
	require.Len(t, b.Cluster().PartitionInfos("holdfast.log.orders"), 4)

	_, err := checkCluster(t.Context(), plainClient(t, b), defaultTopology(t))
	require.ErrorContains(t, err, "slot tables are missing: log.orders; write them with: holdfast topics apply")
	require.ErrorContains(t, err, "holdfast.log.orders: partitions is 4, must be 8")
	require.ErrorContains(t, err, "message.timestamp.type is CreateTime")
	require.NotContains(t, err.Error(), "holdfast.order.events")
}

func TestSlotTablesAreJudged(t *testing.T) {
	h, b := withBroker(t)
	h.good("topics", "apply")
	topo, cl := defaultTopology(t), plainClient(t, b)
	put := func(key string, s *topology.SlotTable) {
		value, err := json.Marshal(s)
		require.NoError(t, err)
		require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "holdfast.slots", Key: []byte(key), Value: value}).FirstErr())
	}
	moved := topology.DefaultSlots("log.orders", 8)
	moved.Epoch, moved.Table[0] = 3, 7
	put("log.orders", moved)
	put("log.orders", topology.DefaultSlots("log.orders", 8)) // an older epoch never wins
	d, err := checkCluster(t.Context(), cl, topo)
	require.NoError(t, err)
	require.Equal(t, moved, d.Slots["log.orders"])

	grown := topology.DefaultSlots("log.orders", 16)
	grown.Epoch = 4
	put("log.orders", grown)
	put("log.inventory", topology.DefaultSlots("log.x", 8))
	_, err = checkCluster(t.Context(), cl, topo)
	require.ErrorContains(t, err, "holdfast.slots: partitions of log.orders is 16, must be 8")
	require.ErrorContains(t, err, `slot table of "log.x" under the key "log.inventory"`)
	require.Equal(t, exitViolation, h.run("topics", "plan").code)
}

func TestReadCommittedEndsBehindMarkers(t *testing.T) {
	_, b := withBroker(t)
	require.NoError(t, b.Cluster().CreateTopic("x", 3, nil))
	cl := plainClient(t, b, kgo.TransactionalID("writer"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	transact := func(end kgo.TransactionEndTry, partition int32, value string) {
		require.NoError(t, cl.BeginTransaction())
		require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "x", Partition: partition, Value: []byte(value)}).FirstErr())
		require.NoError(t, cl.EndTransaction(t.Context(), end))
	}
	read := func() (values []string) {
		require.NoError(t, readCommitted(t.Context(), plainClient(t, b), false, []string{"x"}, func(r *kgo.Record) error {
			values = append(values, string(r.Value))
			return nil
		}))
		return values
	}
	require.Empty(t, read(), "an empty topic has an end too")
	transact(kgo.TryAbort, 0, "aborted")
	require.Empty(t, read(), "nothing but an aborted record and its marker")
	transact(kgo.TryCommit, 1, "one")
	transact(kgo.TryAbort, 1, "aborted")
	require.Equal(t, []string{"one"}, read())
	require.NoError(t, b.Cluster().DeleteRecords("x", 1, 2))
	transact(kgo.TryCommit, 1, "two")
	require.Equal(t, []string{"two"}, read(), "a log that starts above 0")

	ctx, cancel := context.WithCancel(t.Context())
	err := readCommitted(ctx, plainClient(t, b), true, []string{"x"}, func(r *kgo.Record) error {
		if string(r.Value) == "two" {
			go transact(kgo.TryCommit, 2, "three")
		} else {
			require.Equal(t, "three", string(r.Value))
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
}

// TestTopicsApplyOnTwoBrokers: they may be three, one of which is away, so topics
// get three copies or none; who has only two says so.
func TestTopicsApplyOnTwoBrokers(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(2))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	h := &harness{t: t, environ: []string{"KAFKA_BROKERS=" + strings.Join(c.ListenAddrs(), ",")}}
	require.Contains(t, h.good("topics", "plan"), "would create holdfast.log.orders: 8 partitions, replication 3\n")
	errout := h.bad(exitFailed, "topics", "apply")
	require.Contains(t, errout, "INVALID_REPLICATION_FACTOR")
	require.Contains(t, errout, "set topics.replication and topics.min_insync")
	require.Contains(t, h.good("topics", "apply", "--set", "topics.replication=2"), "created holdfast.log.orders: 8 partitions, replication 2\n")
}
