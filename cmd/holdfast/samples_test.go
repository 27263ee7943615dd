package main

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/audit"
	"holdfast/loadtest/explain"
	"holdfast/topology/record"
)

const (
	shopeeOrder  = "../../channel/shopee/testdata/get_order_detail.json"
	shopeePush   = "../../channel/shopee/testdata/push_order_status.json"
	shopifyOrder = "../../channel/shopify/testdata/orders_create.json"
)

// TestSamplesBecomeOrders: what Shopee and Shopify send becomes orders whose
// story is told; what they can't mean is with the dead letters.
func TestSamplesBecomeOrders(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply")
	dir := t.TempDir()
	n := h.startNode(dir, "--set", "orders.accept_age=off") // the samples are of 2025
	h.sendText(`{"id":"HCM-1"}`, "warehouses")
	h.sendText(`{"holdfast":1,"event_id":"s-1","type":"stock.count","sku":"TEE-RED-M","warehouse":"HCM-1","qty":100}`, "stock.feed")
	h.follow("channel.shopee.stock").until(func(r tailed) bool { return r.field("sellable") == 100.0 })

	events, dead := h.follow("order.events"), h.follow("holdfast.dlq")
	// Each comes twice, as webhooks do.
	h.good("send", "-t", "channel.shopee.orders", shopeeOrder, shopeePush, shopeeOrder, shopeePush)
	h.good("send", "-t", "channel.shopify.orders", shopifyOrder, shopifyOrder)
	for range 2 {
		require.Equal(t, "order.accepted", events.next().field("type"))
	}
	shipped := replace(t, readFile(t, shopeePush), `"READY_TO_SHIP"`, `"SHIPPED"`, `"update_time": 1762792199`, `"update_time": 1762800000`)
	h.sendText(shipped, "channel.shopee.orders")
	require.Equal(t, "order.shipped", events.next().field("type"))

	broken := replace(t, readFile(t, shopeeOrder), `"READY_TO_SHIP"`, `"DANCING"`)
	at := h.sendText(broken, "channel.shopee.orders")
	letter := dead.next()
	require.Equal(t, "unknown_status", letter.reason())
	require.Contains(t, letter.Headers["__streams.errors.message"], `order_status: "DANCING" isn't known`)
	require.True(t, isFrom(letter, at))
	require.True(t, sameValue(t, bodyOf(t, broken), letter.Value), "the value as it was sent")
	cutOff := bodyOf(t, readFile(t, shopifyOrder))
	cutOff = cutOff[:len(cutOff)/2]
	h.sendText(cutOff, "channel.shopify.orders", "--key", "k")
	letter = dead.next()
	require.Equal(t, "malformed", letter.reason())
	require.Equal(t, "k", *letter.Key)
	require.Equal(t, cutOff, letter.Value)

	report := decodeJSON[audit.Report](t, h.good("audit", "--settle", "-o", "json"))
	require.Equal(t, audit.Pass, report.Verdict)
	require.Equal(t, []any{2, 100, 98, 2, 2}, []any{report.Orders, int(report.UnitsIn), int(report.UnitsOnHand), int(report.UnitsAllocated), int(report.UnitsShipped)})
	require.Len(t, h.tail("holdfast.dlq"), 2, "nothing but what was broken")
	require.Len(t, h.tail("order.events"), 3, "repetitions change nothing")

	t.Run("shopee", func(t *testing.T) { tellsShopee(t, h) })
	t.Run("shopify", func(t *testing.T) { tellsShopify(t, h) })
	n.stop()
	h.good("state", "verify", "--data-dir", dir)
}

func tellsShopee(t *testing.T, h *harness) {
	const key = "shopee/main/251111QSK8S7BX"
	s := decodeJSON[explain.Story](t, h.good("explain", key, "-o", "json"))
	require.Equal(t, "shipped", s.Status)
	require.Len(t, s.Events, 2)
	require.Equal(t, []any{"order.accepted", "allocated"}, []any{s.Events[0].Type, s.Events[0].Status})
	require.Equal(t, []any{"order.shipped", "shipped"}, []any{s.Events[1].Type, s.Events[1].Status})
	require.Len(t, s.Decisions, 2)
	allocated, shipped := s.Decisions[0], s.Decisions[1]
	require.Equal(t, []any{"reserve", record.WarehouseID("HCM-1"), record.Quantity(2)}, []any{allocated.Verb, allocated.Warehouse, allocated.Qty})
	require.Equal(t, allocated.Before.Available-2, allocated.After.Available)
	require.Equal(t, "ship", shipped.Verb)
	require.Equal(t, shipped.Before.OnHand-2, shipped.After.OnHand)
	text := h.good("explain", key)
	for _, want := range []string{
		"Order 251111QSK8S7BX from Shopee is on its way.",
		"Shopee sent the order, to be paid on delivery: 2 x TEE-RED-M.",
		"We reserved 2 x TEE-RED-M at HCM-1.",
		"Allocated 2 x TEE-RED-M at HCM-1.",
		"1. order.accepted: allocated",
		"line 2600144043/10000605797: 2 x TEE-RED-M allocated at HCM-1",
		"2. order.shipped: shipped",
	} {
		require.Contains(t, oneLine(text), want)
	}
}

func tellsShopify(t *testing.T, h *harness) {
	const key = "shopify/main/5123456789012"
	s := decodeJSON[explain.Story](t, h.good("explain", key, "-o", "json"))
	require.Equal(t, "allocated", s.Status)
	require.NotEmpty(t, s.Inputs)
	require.Equal(t, "98880550-7158-44d4-b7cd-2c97c8a091b5", s.Inputs[0].EventID, "Shopify's own")
	require.Len(t, s.Decisions, 1)
	require.Len(t, s.Events, 1)
	require.Equal(t, record.Quantity(2), s.Decisions[0].Qty)
	text := h.good("explain", key)
	require.Contains(t, text, "Order 5123456789012 from the Shopify shop is confirmed, and waits to be picked.\n")
	require.Contains(t, text, "line 13123456789012: 2 x TEE-RED-M allocated at HCM-1")
}

// replace replaces pairs of text, each of which must be there.
func replace(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		require.Contains(t, text, pairs[i])
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// bodyOf returns the body of a payload file, on one line.
func bodyOf(t *testing.T, file string) string {
	t.Helper()
	var payload struct{ Body json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(file), &payload))
	var line bytes.Buffer
	require.NoError(t, json.Compact(&line, payload.Body))
	return line.String()
}

// isFrom tells that a dead letter names the one record that was sent as its
// origin.
func isFrom(letter tailed, sent sendReport) bool {
	if sent.Records != 1 {
		return false
	}
	p := sent.Partitions[0]
	return letter.Headers["__streams.errors.topic"] == sent.Topic &&
		letter.Headers["__streams.errors.partition"] == strconv.Itoa(int(p.Partition)) && letter.Headers["__streams.errors.offset"] == strconv.FormatInt(p.FirstOffset, 10)
}
