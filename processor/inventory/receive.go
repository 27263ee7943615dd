package inventory

import (
	"fmt"

	"holdfast/topology/record"
)

// receive adds units that came in.
func receive(it *Item, c *record.StockCommand, d *record.Decision) {
	if c.Qty <= 0 {
		panic(fmt.Sprintf("BUG: receipt of %d units of %s at %s", c.Qty, c.SKU, c.Warehouse))
	}
	book(it, c, d)
}

// book adds the command's units, which may be below zero, where on hand stays
// within its bounds. The bounds are asked so that nothing can run over.
func book(it *Item, c *record.StockCommand, d *record.Decision) {
	onHand := it.onHand(c.Warehouse)
	switch {
	case c.Qty < -onHand:
		reject(d, record.ReasonBelowZero)
		return
	case c.Qty > record.OnHandMax-onHand:
		reject(d, record.ReasonAboveMax)
		return
	}
	it.feed(c.Warehouse).move(d, c.Qty, record.Counters{OnHand: c.Qty})
	d.Outcome = record.OutcomeDone
}
