package order

import (
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"holdfast/processor/inventory"
	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// realInventory is the inventory stage as a shop uses it: it decides a command
// at a time, and is done with it.
type realInventory struct {
	t        require.TestingT
	task     *stagetest.Task
	ids      int
	received map[record.SKU]record.Quantity
	rows     map[record.SKU]map[record.WarehouseID]record.Counters
	// moved is what the ledger says that an order took off what is on hand, less
	// what it brought back.
	moved map[claimKey]record.Quantity
	// found are units that nobody had counted, until they left.
	found map[record.SKU]record.Quantity
}

func newRealInventory(t require.TestingT) *realInventory {
	return &realInventory{t: t, task: stagetest.NewTask(inventory.New(inventory.Config{})), received: map[record.SKU]record.Quantity{},
		rows: map[record.SKU]map[record.WarehouseID]record.Counters{}, moved: map[claimKey]record.Quantity{}, found: map[record.SKU]record.Quantity{}}
}

func (r *realInventory) command(c *record.Command) []*record.Decision {
	return r.decide(record.Entry{Kind: record.KindCommand, Key: []byte(c.SKU), Body: record.AppendCommand(nil, c)})
}

func (r *realInventory) receive(sku record.SKU, at record.WarehouseID, qty record.Quantity) []*record.Decision {
	r.ids++
	r.received[sku] += qty
	c := record.StockCommand{Verb: record.VerbReceive, EventID: fmt.Sprint("s", r.ids), SKU: sku, Warehouse: at, Qty: qty, OccurredAt: base}
	return r.decide(record.Entry{Kind: record.KindStock, Key: []byte(sku), Body: record.AppendStockCommand(nil, &c)})
}

func (r *realInventory) decide(e record.Entry) (out []*record.Decision) {
	r.task.Entries(base, e)
	for _, x := range r.task.Take() {
		if x.Entry.Kind == record.KindAvailability {
			var a record.Availability
			require.NoError(r.t, a.Decode(x.Entry.Body))
			r.rows[a.SKU] = map[record.WarehouseID]record.Counters{}
			for _, row := range a.Rows {
				r.rows[a.SKU][row.Warehouse] = row.Counters
			}
			continue
		}
		d := &record.Decision{}
		require.NoError(r.t, d.Decode(x.Entry.Body))
		require.NotContains(r.t, []record.Outcome{record.OutcomeRejected, record.OutcomeConflict, record.OutcomeExists}, d.Outcome, "%+v", d)
		for _, m := range d.Moves {
			by := m.Before.OnHand - m.After.OnHand
			if by < 0 && (d.Verb == record.VerbShip || d.Verb == record.VerbShipUnclaimed) {
				r.found[d.SKU] -= by
			} else if d.OrderKey != "" {
				r.moved[claimKey{d.OrderKey, d.SKU}] += by
			}
		}
		if x.Log == stage.LogOrders {
			out = append(out, d)
		}
	}
	return out
}

// stand is where all SKUs stand, and how many units wait.
func (r *realInventory) stand() string {
	var s strings.Builder
	for _, sku := range worldSKUs {
		for _, at := range []record.WarehouseID{"HCM-1", "HN-1"} {
			if c, ok := r.rows[sku][at]; ok {
				fmt.Fprintf(&s, "%s %s %+v\n", sku, at, c)
			}
		}
	}
	fmt.Fprintf(&s, "found %v\n", r.found)
	return s.String()
}
