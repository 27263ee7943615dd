package order_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/channels"
	"holdfast/processor/intake"
	"holdfast/processor/inventory"
	"holdfast/processor/order"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// night is all four stages, fed with public JSON.
type night struct {
	t *testing.T
	*stagetest.Driver
	events int
}

func newNight(t *testing.T) *night {
	names := []string{"web", "pos"}
	cfg := order.DefaultConfig()
	cfg.AcceptAgeMillis = 0
	d := stagetest.NewDriver(intake.New(intake.Config{Channels: names}), order.New(cfg),
		inventory.New(inventory.Config{}), channels.New(channels.Config{Channels: names}))
	d.Clock = 1000
	return &night{t: t, Driver: d}
}

func (n *night) row(table, key, row string) { n.Public(table, []byte(key), []byte(row)) }

func (n *night) receive(sku, at string, qty int) {
	n.events++
	n.Public("stock.feed", []byte(sku), fmt.Appendf(nil,
		`{"holdfast":1,"event_id":"s-%d","type":"stock.receive","sku":%q,"warehouse":%q,"qty":%d}`, n.events, sku, at, qty))
}

// order places an order of lines "SKU", qty, …; more goes into "order".
func (n *night) order(channel, id, more string, lines ...any) {
	list := ""
	for i := 0; i < len(lines); i += 2 {
		list += fmt.Sprintf(`,{"sku":%q,"qty":%d}`, lines[i], lines[i+1])
	}
	n.Public("channel."+channel+".orders", []byte(id), fmt.Appendf(nil, `{"holdfast":1,"event_id":"c-%s","type":"order.created","order_id":%q,`+
		`"order":{"payment":"prepaid","currency":"VND","total_minor":1,%s"lines":[%s]}}`, id, id, more, list[1:]))
}

// told is the last event of an order: type, status, and its lines.
func (n *night) told(key record.OrderKey) (out []string) {
	for _, p := range n.Published("order.events") {
		if p.Key != string(key) {
			continue
		}
		var u record.OrderUpdate
		require.NoError(n.t, json.Unmarshal(p.Value, &u))
		out = []string{u.Type + " " + u.Status}
		for _, l := range u.Lines {
			out = append(out, fmt.Sprintf("%s %s/%s %d %s %s", l.Line, l.Combo, l.SKU, l.Qty, l.State, l.Warehouse))
		}
	}
	return out
}

// available is what the stock's last event says.
func (n *night) available(sku, at string) (units record.Quantity) {
	n.Advance(n.Clock + 1000)
	for _, p := range n.Published("stock.events") {
		var u record.StockUpdate
		require.NoError(n.t, json.Unmarshal(p.Value, &u))
		if u.SKU == record.SKU(sku) && u.Warehouse == record.WarehouseID(at) {
			units = u.Available
		}
	}
	return units
}

// Combos from the public catalog to the public events: whole sets are kept, and
// what they can't use is for sale again.
func TestComboFromCatalogToEvents(t *testing.T) {
	n := newNight(t)
	n.row("warehouses", "W", `{"id":"W"}`)
	n.row("catalog", "KIT", `{"sku":"KIT","components":[{"sku":"A","qty":2},{"sku":"B","qty":1}]}`)
	n.receive("A", "W", 9)
	n.receive("B", "W", 3)

	n.order("web", "1", `"allow":"all",`, "KIT", 2, "A", 6)
	require.Equal(t, []string{"order.rejected rejected", "1 KIT/A 4 short ", "1 KIT/B 2 released ", "2 /A 6 short "}, n.told("web/main/1"))
	n.order("web", "2", `"allow":"all",`, "KIT", 1, "A", 1)
	require.Equal(t, []string{"order.accepted allocated", "1 KIT/A 2 allocated W", "1 KIT/B 1 allocated W", "2 /A 1 allocated W"}, n.told("web/main/2"))
	n.order("pos", "3", "", "KIT", 4)
	require.Equal(t, []string{"order.accepted partly_short", "1 KIT/A 4 allocated W", "1 KIT/A 4 short ", "1 KIT/B 2 allocated W", "1 KIT/B 2 short "},
		n.told("pos/main/3"))
	require.Equal(t, record.Quantity(2), n.available("A", "W"), "of five units two sets are kept, the rest waits for nobody")
	require.Equal(t, record.Quantity(0), n.available("B", "W"))
	n.receive("B", "W", 5)
	require.Equal(t, "order.accepted partly_short", n.told("pos/main/3")[0], "short sets don't wait")
	require.Equal(t, record.Quantity(5), n.available("B", "W"))
	n.row("catalog", "KIT", `{"sku":"KIT"}`)
	n.order("web", "4", "", "KIT", 1)
	require.Equal(t, []string{"order.rejected rejected", "1 /KIT 1 short "}, n.told("web/main/4"))
	require.Empty(t, n.Dead())
}

// T20 from the public table to the public events.
func TestT20_CapacityFromTableToEvents(t *testing.T) {
	n := newNight(t)
	n.row("warehouses", "NEAR", `{"id":"NEAR","lat":10.8,"lng":106.7,"capacity_per_hour":3}`)
	n.row("warehouses", "FAR", `{"id":"FAR","lat":21.0,"lng":105.9}`)
	n.receive("A", "NEAR", 50)
	n.receive("A", "FAR", 2)
	at := func(id int) string {
		n.order("web", fmt.Sprint(id), `"ship_to":{"lat":10.7,"lng":106.6},`, "A", 1)
		return n.told(record.MakeOrderKey("web", "main", fmt.Sprint(id)))[1]
	}
	for id, want := range []string{"NEAR", "NEAR", "NEAR", "FAR", "FAR", "NEAR"} { // the last: FAR has nothing left
		require.Equal(t, "1 /A 1 allocated "+want, at(id))
	}
	n.receive("A", "FAR", 2)
	require.Equal(t, "1 /A 1 allocated FAR", at(10))
	n.Advance(3_600_000)
	require.Equal(t, "1 /A 1 allocated NEAR", at(11))
}
