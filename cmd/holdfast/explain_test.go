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

// TestExplainAWholeLife: the stages' own records of a combo, a part cancelled,
// what the warehouse did, a part returned, and what couldn't be done, in words.
func TestExplainAWholeLife(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply", "--set", "channels=web")
	n := h.startNode(t.TempDir(), "--set", "channels=web")
	h.sendText(`{"id":"HCM-1"}`, "warehouses")
	h.sendText(`{"sku":"SET","components":[{"sku":"CAP","qty":2}]}`, "catalog")
	h.sendText(`{"holdfast":1,"event_id":"s-1","type":"stock.count","sku":"TEE","warehouse":"HCM-1","qty":5}
{"holdfast":1,"event_id":"s-2","type":"stock.count","sku":"CAP","warehouse":"HCM-1","qty":4}
`, "stock.feed")
	h.follow("channel.web.stock").until(func(r tailed) bool { return r.field("sku") == "SET" && r.field("sellable") == 2.0 })
	events := h.follow("order.events")
	step := func(topic, event, want string) {
		t.Helper()
		h.sendText(event, topic)
		require.Equal(t, want, events.next().field("type"))
	}
	const key = "web/main/W-2"
	order := func(id, kind, more string) string {
		return `{"holdfast":1,"event_id":"` + id + `","type":"` + kind + `","order_id":"W-2"` + more + `}`
	}
	warehouse := func(id, kind, more string) string {
		return `{"holdfast":1,"event_id":"` + id + `","type":"fulfilment.` + kind + `","order_key":"` + key + `"` + more + `}`
	}
	step("channel.web.orders", order("e-1", "order.created", `,"occurred_at":"`+time.Now().UTC().Format(time.RFC3339)+
		`","order":{"payment":"prepaid","lines":[{"line":"1","sku":"TEE","qty":3},{"line":"2","sku":"SET","qty":1}]}`), "order.accepted")
	step("channel.web.orders", order("e-2", "order.cancelled", `,"by":"buyer","reason":"one too many","lines":[{"line":"1","qty":1}]`), "order.cancelled")
	step("fulfilment.feed", warehouse("f-1", "picked", ""), "order.picking")
	step("fulfilment.feed", warehouse("f-2", "packed", ""), "order.packed")
	step("fulfilment.feed", warehouse("f-3", "shipped", `,"carrier":"ghn","tracking":"G123"`), "order.shipped")
	step("channel.web.orders", order("e-3", "order.cancelled", `,"by":"seller"`), "order.refused")
	step("channel.web.orders", order("e-4", "order.amended", ""), "order.refused")
	step("fulfilment.feed", warehouse("f-4", "delivered", ""), "order.delivered")
	step("channel.web.orders", order("e-5", "return.received", `,"lines":[{"line":"2","qty":1,"restock":"sellable"}]`), "order.returned")
	h.good("audit", "--settle", "--set", "channels=web") // what came back is decided a stage later

	text := h.good("explain", key)
	read, details, ok := strings.Cut(text, "\nDetails\n")
	require.True(t, ok)
	for _, want := range []string{
		"Order W-2 from the website was delivered.",
		"The order came in from the website, paid: 3 x TEE and 1 x SET. We reserved 3 x TEE and 2 x CAP (for SET) at HCM-1.",
		"The buyer cancelled 1 x TEE (reason given: one too many).",
		"The warehouse has begun to pick the goods.", "The goods are packed.",
		"2 x TEE and 2 x CAP (for SET) from HCM-1 left with ghn, tracking number G123.",
		"The seller cancelled. It changed nothing, because it had been sent already.",
		"A message of the kind order.amended came in. It changed nothing, because that can't be done yet.",
		"were delivered.",
		"2 x CAP (for SET) came back.",
	} {
		require.Contains(t, oneLine(read), want)
	}
	for _, want := range []string{"Gave back a part: 1 x TEE at HCM-1.", "Shipped 2 x TEE at HCM-1", "Came back, for sale: 2 x CAP at HCM-1", "order.refused"} {
		require.Contains(t, details, want)
	}
	s := decodeJSON[explain.Story](t, h.good("explain", key, "-o", "json"))
	require.Len(t, s.Inputs, 9)
	require.Len(t, s.Events, 9)
	verbs := map[string]int{}
	for _, d := range s.Decisions {
		verbs[d.Verb]++
	}
	require.Equal(t, map[string]int{"reserve": 2, "confirm": 2, "reduce": 1, "ship": 2, "return": 1}, verbs)
	n.stop()
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
