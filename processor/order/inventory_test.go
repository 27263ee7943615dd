package order

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/processor/inventory"
	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// TestWithInventory runs random orders against the real inventory stage, with
// its log behind or up to date: every command finds the claim that it means,
// and in the end nothing is claimed and no unit is lost.
func TestWithInventory(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = time.Now().UnixNano()
	}
	t.Logf("replay with -run TestWithInventory -order.seed=%d", seed)
	rnd := rand.New(rand.NewSource(seed))
	p := &pair{t: t, world: newWorld(t, rnd), stock: stagetest.NewTask(inventory.New(inventory.Config{})),
		outcomes: map[string]int{}, last: map[record.SKU]record.Availability{}, units: map[record.SKU]record.Quantity{}}
	for _, id := range []string{"HCM-1", "HN-1"} {
		row := record.TableRow{Key: id, Version: 1, JSON: fmt.Appendf(nil, `{"id":%q}`, id)}
		p.orders(record.Entry{Kind: record.KindWarehouse, Key: []byte(id), Body: record.AppendTableRow(nil, &row)})
	}
	// What is never in stock is a combo here.
	p.orders(record.Entry{Kind: record.KindCatalog, Key: []byte("D"), Body: catalogRow(t, "D", 1, "A", 2, "B", 1)})
	for range 30_000 {
		p.step(rnd)
	}
	p.finish()
	t.Logf("outcomes %v", p.outcomes)
	for _, want := range []string{"reserve granted", "reserve partial", "reserve refused", "confirm done", "release done", "ship done", "fill granted",
		"reduce done", "ship_unclaimed done", "return done"} {
		require.Positive(t, p.outcomes[want], want)
	}
}

type pair struct {
	t     *testing.T
	world *world // draws events; its own model and inventory rest
	stock *stagetest.Task

	toStock, toOrders []record.Entry
	outcomes          map[string]int
	last              map[record.SKU]record.Availability
	units             map[record.SKU]record.Quantity // received, less shipped
	stockIDs          int
}

func (p *pair) step(rnd *rand.Rand) {
	w := p.world
	w.now += record.Millis(rnd.Intn(300))
	switch n := rnd.Intn(10); {
	case n < 3:
		e := w.randomEvent()
		w.sent = append(w.sent, e)
		p.event(e)
	case n < 6:
		p.decideStock(rnd.Intn(4))
	case n < 9:
		n := min(rnd.Intn(4), len(p.toOrders))
		p.orders(p.toOrders[:n:n]...)
		p.toOrders = p.toOrders[n:]
	case rnd.Intn(8) == 0:
		p.stockIDs++
		sku, qty := worldSKUs[rnd.Intn(3)], record.Quantity(1+rnd.Intn(8))
		c := record.StockCommand{Verb: record.VerbReceive, EventID: fmt.Sprint("s", p.stockIDs), SKU: sku, Warehouse: "HCM-1", Qty: qty, OccurredAt: w.now}
		if rnd.Intn(2) == 0 {
			c.Warehouse = "HN-1"
		}
		p.units[sku] += qty
		p.toStock = append(p.toStock, record.Entry{Kind: record.KindStock, Key: []byte(sku), Body: record.AppendStockCommand(nil, &c)})
	}
}

func (p *pair) event(e sentEvent) {
	p.orders(record.Entry{Kind: record.KindOrderEvent, Key: []byte(e.e.OrderKey), Origin: record.Origin{Topic: e.topic}, Body: record.AppendOrderEvent(nil, e.e)})
}

func (p *pair) orders(entries ...record.Entry) {
	task := p.world.task
	task.Entries(p.world.now, append(entries, record.Entry{Kind: record.KindTick})...)
	for _, x := range task.Take() {
		if x.Log == stage.LogOrders {
			p.toOrders = append(p.toOrders, x.Entry)
			continue
		}
		p.toStock = append(p.toStock, x.Entry)
	}
}

// decideStock lets inventory decide the next n commands, and looks at the
// outcomes.
func (p *pair) decideStock(n int) {
	n = min(n, len(p.toStock))
	p.stock.Entries(p.world.now, append(p.toStock[:n:n], record.Entry{Kind: record.KindTick})...)
	p.toStock = p.toStock[n:]
	for _, x := range p.stock.Take() {
		switch {
		case x.Entry.Kind == record.KindAvailability:
			var a record.Availability
			require.NoError(p.t, a.Decode(x.Entry.Body))
			p.last[a.SKU] = a
			continue
		case x.Log == stage.LogOrders:
			p.toOrders = append(p.toOrders, x.Entry)
		}
		var d record.Decision
		require.NoError(p.t, d.Decode(x.Entry.Body))
		what := d.Verb.String() + " " + d.Outcome.String()
		p.outcomes[what]++
		switch what {
		case "confirm done", "ship done", "release done", "receive done", "reserve granted", "reserve partial", "reserve refused", "fill granted", "fill partial",
			"reduce done", "ship_unclaimed done", "return done":
		case "release no_claim": // of a reserve that was refused, which the order didn't know yet
		case "reduce no_claim", "reduce stale": // of units that were on their way when the attempt ended
		default:
			require.Failf(p.t, "a command that doesn't fit", "%s: %+v", what, d)
		}
		switch d.Verb {
		case record.VerbShip, record.VerbShipUnclaimed:
			p.units[d.SKU] -= d.Requested
			for _, m := range d.Moves {
				p.units[d.SKU] += max(m.After.OnHand-m.Before.OnHand, 0) // found
			}
		case record.VerbReturn:
			p.units[d.SKU] += d.Requested
		}
	}
}

// finish cancels all that is left.
func (p *pair) finish() {
	rest := func() {
		for len(p.toStock) > 0 || len(p.toOrders) > 0 {
			p.decideStock(len(p.toStock))
			entries := p.toOrders
			p.toOrders = nil
			p.orders(entries...)
		}
	}
	rest()
	var keys []record.OrderKey
	for k, v := range p.world.task.State {
		if k[0] == keyOrder && !isInbox(v) {
			keys = append(keys, record.OrderKey(k[1:]))
		}
	}
	for _, key := range keys {
		p.event(sentEvent{withHash(event("end", record.OrderCancelled, key)), ""})
		rest()
	}
	for sku, want := range p.units {
		onHand := record.Quantity(0)
		for _, r := range p.last[sku].Rows {
			require.Zero(p.t, r.Held, "%s at %s", sku, r.Warehouse)
			require.Zero(p.t, r.Allocated, "%s at %s", sku, r.Warehouse)
			onHand += r.OnHand
		}
		require.Equal(p.t, want, onHand, sku)
	}
	require.NoError(p.t, checkState(p.world.task))
}
