package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/explain"
	"holdfast/topology/record"
)

// orderText is a paid order of one line in the canonical form.
func orderText(channel, id, allow, sku string, qty int) string {
	return fmt.Sprintf(`{"holdfast":1,"event_id":"e-%s","type":"order.created","channel":%q,"order_id":%q,"occurred_at":%q,"order":{"payment":"prepaid","currency":"VND","allow":%q,"lines":[{"line":"1","sku":%q,"qty":%d}]}}`,
		id, channel, id, time.Now().UTC().Format(time.RFC3339), allow, sku, qty)
}

// TestStock: counters by warehouse, what is kept back, what shops were told, and
// who waits in which order.
func TestStock(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply", "--set", "channels=web,shopee")
	n := h.startNode(t.TempDir(), "--set", "channels=web,shopee")
	h.sendText(`{"id":"HCM-1"}`+"\n"+`{"id":"HN-1","serves":["web"]}`, "warehouses")
	h.sendText(`{"sku":"SET","components":[{"sku":"TEE","qty":2}]}`, "catalog")
	h.sendText(`{"holdfast":1,"event_id":"s-1","type":"stock.count","sku":"TEE","warehouse":"HCM-1","qty":10}
{"holdfast":1,"event_id":"s-2","type":"stock.count","sku":"TEE","warehouse":"HN-1","qty":4}
{"holdfast":1,"event_id":"s-3","type":"stock.damage","sku":"TEE","warehouse":"HN-1","qty":1}
{"holdfast":1,"event_id":"s-4","type":"stock.policy","sku":"TEE","warehouse":"HN-1","safety":1}
{"holdfast":1,"event_id":"s-5","type":"stock.policy","sku":"TEE","channel":"shopee","buffer":2,"cap":5}
`, "stock.feed")
	web := h.follow("channel.web.stock")
	h.follow("stock.events").until(func(r tailed) bool { return r.field("unavailable") == 1.0 })

	var s explain.Stock
	for begun := time.Now(); len(s.Policies) == 0; { // the last of the feed
		require.Less(t, time.Since(begun), answerWithin)
		if r := h.run("stock", "TEE", "-o", "json"); r.code == exitGood {
			s = decodeJSON[explain.Stock](t, r.out)
		}
	}
	require.True(t, s.Fed)
	require.Len(t, s.Warehouses, 2)
	require.Equal(t, explain.Counters{OnHand: 4, Unavailable: 1, Available: 3}, s.Warehouses[1].Counters)
	require.Equal(t, record.Quantity(1), s.Warehouses[1].Safety)
	require.Equal(t, "log.availability", s.Topic)
	require.Empty(t, s.Waiting.Orders)
	two, five := record.Quantity(2), record.Quantity(5)
	require.Equal(t, []explain.ShopPolicy{{Channel: "shopee", Buffer: &two, Cap: &five}}, s.Policies)

	// A backorder waits, then what a marketplace has sold already overtakes it.
	events := h.follow("order.events")
	h.sendText(orderText("web", "W-1", "backorder", "TEE", 16), "channel.web.orders")
	events.until(func(r tailed) bool { return r.field("order_key") == "web/main/W-1" })
	h.sendText(orderText("shopee", "S-1", "all", "TEE", 2), "channel.shopee.orders")
	events.until(func(r tailed) bool { return r.field("order_key") == "shopee/main/S-1" })
	web.until(func(r tailed) bool { return r.field("sellable") == 0.0 && r.field("sku") == "TEE" })
	s = decodeJSON[explain.Stock](t, h.good("stock", "TEE", "-o", "json"))
	require.Equal(t, record.Quantity(5), s.Waiting.Units)
	require.Len(t, s.Waiting.Orders, 2)
	require.Equal(t, []any{record.OrderKey("shopee/main/S-1"), record.Quantity(2), true}, []any{s.Waiting.Orders[0].OrderKey, s.Waiting.Orders[0].Units, s.Waiting.Orders[0].Fact})
	require.Equal(t, []any{record.OrderKey("web/main/W-1"), record.Quantity(3), false}, []any{s.Waiting.Orders[1].OrderKey, s.Waiting.Orders[1].Units, s.Waiting.Orders[1].Fact})
	require.NotEmpty(t, s.Sellable)
	for _, x := range s.Sellable {
		require.Zero(t, x.Sellable, "%+v", x)
		require.Positive(t, x.Version)
	}
	text := h.good("stock", "TEE")
	for _, want := range []string{
		"TEE: 0 can be promised, and orders wait for 5.",
		"HN-1       4        1",
		"2 are kept back from shopee (buffer for this SKU).",
		"shopee is never shown more than 5 (cap for this SKU).",
		"2 x shopee/main/S-1 since ", "(sold already)\n  3 x web/main/W-1 since ", "(backorder)",
	} {
		require.Contains(t, text, want)
	}

	// Stock comes, one unit too few for both: the fact has all that it waits for.
	h.sendText(`{"holdfast":1,"event_id":"s-9","type":"stock.receive","sku":"TEE","warehouse":"HCM-1","qty":4}`, "stock.feed")
	for range 2 {
		events.until(func(r tailed) bool { return r.field("type") == "order.filled" })
	}
	s = decodeJSON[explain.Stock](t, h.good("stock", "TEE", "-o", "json"))
	require.Equal(t, record.Quantity(1), s.Waiting.Units)
	require.Len(t, s.Waiting.Orders, 1)
	require.Equal(t, record.OrderKey("web/main/W-1"), s.Waiting.Orders[0].OrderKey)

	combo := decodeJSON[explain.Stock](t, h.good("stock", "SET", "-o", "json"))
	require.True(t, combo.Combo)
	require.Len(t, combo.Components, 1)
	require.Equal(t, record.Quantity(2), combo.Components[0].Qty)
	require.Equal(t, record.SKU("TEE"), combo.Components[0].SKU)
	require.Len(t, combo.Components[0].Warehouses, 2)
	text = h.good("stock", "SET")
	require.Contains(t, text, "SET has no stock of its own.")
	require.Contains(t, text, "2 x TEE, of which 0 can be promised")
	n.stop()
	require.Contains(t, h.bad(exitFailed, "stock", "tee"), "no SKU tee in the logs")
}
