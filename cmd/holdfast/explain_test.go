package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"holdfast/loadtest/explain"
	"holdfast/topology"
	"holdfast/topology/record"
)

// oneLine undoes the cutting into lines.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// TestExplain: an order that is held and paid, its SKU, and what can't be
// explained.
func TestExplain(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply", "--set", "channels=web")
	n := h.startNode(t.TempDir(), "--set", "channels=web")
	h.sendText(`{"id":"HCM-1","name":"Thu Duc"}`, "warehouses")
	h.sendText(`{"holdfast":1,"event_id":"s-1","type":"stock.receive","sku":"A/B/C","warehouse":"HCM-1","qty":3,"reason":"PO 77"}`, "stock.feed")
	h.follow("channel.web.stock").until(func(r tailed) bool { return r.field("sellable") == 3.0 })
	events := h.follow("order.events")
	held := `{"holdfast":1,"event_id":"e-1","type":"order.created","channel":"web","order_id":"W-1","occurred_at":"` + time.Now().UTC().Format(time.RFC3339) +
		`","order":{"payment":"unpaid","hold_seconds":600,"lines":[{"line":"1","sku":"A/B/C","qty":2}]}}`
	h.sendText(held, "channel.web.orders")
	require.Equal(t, "held", events.next().field("status"))
	h.sendText(`{"holdfast":1,"event_id":"e-2","type":"order.paid","order_id":"W-1"}`, "channel.web.orders")
	require.Equal(t, "allocated", events.next().field("status"))
	dead := h.follow("dlq")
	h.sendText(`{"holdfast":1,"event_id":"e-3","type":"order.dance","order_id":"W-1"}`, "channel.web.orders")
	dead.next()

	s := decodeJSON[explain.Story](t, h.good("explain", "web/main/W-1", "-o", "json"))
	require.Equal(t, "allocated", s.Status)
	require.Len(t, s.Inputs, 3)
	require.Equal(t, []string{"order.created", "order.paid", "unreadable"}, []string{s.Inputs[0].Type, s.Inputs[1].Type, s.Inputs[2].Type})
	require.Equal(t, "unknown_type", s.Inputs[2].Refused)
	require.Equal(t, []explain.InputLine{{Line: "1", SKU: "A/B/C", Qty: 2}}, s.Inputs[0].Lines)
	require.Len(t, s.Decisions, 2)
	require.Equal(t, []string{"reserve", "confirm"}, []string{s.Decisions[0].Verb, s.Decisions[1].Verb})
	require.Len(t, s.Events, 2)
	text := h.good("explain", "web/main/W-1")
	for _, want := range []string{
		"Order W-1 from the website is confirmed, and waits to be picked.",
		"Now: 2 x A/B/C reserved at Thu Duc.",
		"The order came in from the website, not paid yet: 2 x A/B/C.",
		"We set aside 2 x A/B/C at Thu Duc until the payment comes, for 10 minutes.",
		"The payment came in time. We reserved 2 x A/B/C at Thu Duc.",
		"A message about the order came in. It couldn't be read.",
	} {
		require.Contains(t, oneLine(text), want)
	}

	sku := decodeJSON[explain.SKUStory](t, h.good("explain", "--sku", "A/B/C", "-o", "json"))
	require.Equal(t, explain.Counters{OnHand: 3, Allocated: 2, Available: 1}, sku.Warehouses[0].Counters)
	require.Len(t, sku.Entries, 3)
	require.Equal(t, []string{"receive", "reserve", "confirm"}, []string{sku.Entries[0].Verb, sku.Entries[1].Verb, sku.Entries[2].Verb})
	require.Equal(t, "PO 77", sku.Entries[0].Text)
	require.Equal(t, record.OrderKey("web/main/W-1"), sku.Entries[1].OrderKey)
	newest := decodeJSON[explain.SKUStory](t, h.good("explain", "--sku", "A/B/C", "--limit", "1", "-o", "json"))
	require.Equal(t, sku.Entries[2:], newest.Entries)
	require.EqualValues(t, 2, newest.Omitted)
	require.Contains(t, h.good("explain", "--sku", "A/B/C"), "Received 3, event s-1 (PO 77)")
	n.stop()

	require.Contains(t, h.bad(exitFailed, "explain", "A/B/C"), "no order A/B/C in the logs")
	require.Contains(t, h.bad(exitFailed, "explain", "web/main/w-1"), "no order web/main/w-1 in the logs")
	require.Contains(t, h.bad(exitFailed, "explain", "TEE"), "no SKU TEE in the logs")
	require.Contains(t, h.bad(exitUsage, "explain"), "one of them: an order key")
	require.Contains(t, h.bad(exitUsage, "explain", "TEE", "--sku", "TEE"), "one of them")
	require.Contains(t, h.bad(exitUsage, "explain", "TEE", "--limit", "0"), "--limit 0")
}

// TestExplainReadsOlderEvents: a public topic that was given more partitions
// keeps the older events of an order where they were.
func TestExplainReadsOlderEvents(t *testing.T) {
	h, b := withBroker(t)
	few := []string{"--set", "channels=web", "--set", "topics.public_partitions=1"}
	h.good(append([]string{"topics", "apply"}, few...)...)
	n := h.startNode(t.TempDir(), few...)
	events := h.follow("order.events")
	h.sendText(orderText("web", "W-1", "all", "TEE", 1), "channel.web.orders")
	require.Equal(t, "order.rejected", events.next().field("type"))
	n.stop()
	home := func(partitions int32) int32 { return topology.KafkaPartition([]byte("web/main/W-1"), partitions) }
	grown := 2
	for home(int32(grown)) == 0 { // else it would be found where it is
		grown++
	}
	_, err := kadm.NewClient(plainClient(t, b)).UpdatePartitions(t.Context(), grown, "holdfast.order.events")
	require.NoError(t, err)
	s := decodeJSON[explain.Story](t, h.good("explain", "web/main/W-1", "-o", "json"))
	require.Len(t, s.Events, 1)
	require.Equal(t, "rejected", s.Status)
}
