package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
	"holdfast/topology/record"
)

// TestAPoisonRecordIsSkipped: a record on an internal log that nobody can decide
// halts its partition; with leave, what can't be decided becomes a dead letter,
// once, and the partition goes on. Then nothing is left of it that an audit finds.
func TestAPoisonRecordIsSkipped(t *testing.T) {
	h, _ := withBroker(t)
	one := []string{"--set", "topics.log_partitions=1", "--set", "updates.window=20ms"}
	h.good(append([]string{"topics", "apply"}, one...)...)
	dir := t.TempDir()
	n := h.startNode(dir, one...)
	h.sendText(`{"id":"HCM-1"}`, "warehouses")
	h.sendText(`{"holdfast":1,"event_id":"s-1","type":"stock.count","sku":"TEE","warehouse":"HCM-1","qty":10}`, "stock.feed")
	stock := h.follow("channel.web.stock")
	stock.until(func(r tailed) bool { return r.field("sellable") == 10.0 })

	client, err := kgo.NewClient(kgo.SeedBrokers(h.brokers), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableClientMetrics())
	require.NoError(t, err)
	defer client.Close()
	var b record.EnvelopeBuilder
	b.Add(record.KindTick, nil, record.Origin{}, nil)
	b.Add(record.KindCommand, []byte("TEE"), record.Origin{Topic: "holdfast.stock.feed"}, []byte("garbage"))
	poison, err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "holdfast." + topology.LogInventory, Value: b.Close()}).First()
	require.NoError(t, err)
	halted := func() {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(n.log.String(), "partition halted") }, answerWithin, 5*time.Millisecond)
		require.Contains(t, n.log.String(), "BUG: inventory at holdfast.log.inventory/0@")
	}
	halted()
	n.cancel()
	require.Equal(t, exitGood, n.ended())

	place := record.Origin{Topic: "holdfast.log.inventory", Offset: record.Offset(poison.Offset)}
	n = h.startNode(dir, append(one, "--skip", "log.inventory/0@0")...) // another one
	halted()
	n.cancel()
	require.Equal(t, exitGood, n.ended())
	n = h.startNode(dir, append(one, "--skip", "log.orders/0@1", "--skip", place.String())...)
	h.sendText(`{"holdfast":1,"event_id":"s-2","type":"stock.receive","sku":"TEE","warehouse":"HCM-1","qty":5}`, "stock.feed")
	stock.until(func(r tailed) bool { return r.field("sellable") == 15.0 })
	letters := h.letters()
	require.Len(t, letters.Letters, 1)
	n.stop()
	require.Contains(t, n.log.String(), "becomes dead letters, as was asked")
	n = h.startNode(dir, one...) // and never again
	h.sendText(`{"holdfast":1,"event_id":"s-3","type":"stock.receive","sku":"TEE","warehouse":"HCM-1","qty":5}`, "stock.feed")
	stock.until(func(r tailed) bool { return r.field("sellable") == 20.0 })
	n.stop()
	dead := h.tail("dlq")
	require.Len(t, dead, 1)
	require.Equal(t, "skipped", dead[0].reason())
	require.Equal(t, "garbage", dead[0].Value)
	require.Equal(t, "1 command", dead[0].Headers["holdfast-skipped-entry"])
	h.good("state", "verify", "--data-dir", dir, one[0], one[1])

	require.Contains(t, h.bad(exitUsage, "run", "--data-dir", dir, "--skip", "log.inventory"), "must be TOPIC/PARTITION@OFFSET")
	require.Contains(t, h.bad(exitUsage, "run", "--data-dir", dir, "--skip", "changelog.inventory/0@5", one[0], one[1]), "no stage reads partition 0 of")
}
