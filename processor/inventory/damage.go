package inventory

import "holdfast/topology/record"

// damage makes units that can be sold unavailable, or others available again
// when the quantity is below zero. They stay on hand. It can't concern more
// units than there are of that kind; it may leave less than is promised, as a
// count may.
func damage(it *Item, c *record.StockCommand, d *record.Decision) {
	var was record.Counters
	if at, ok := it.find(c.Warehouse); ok {
		was = it.Rows[at].Counters
	}
	if c.Qty > 0 && c.Qty > was.OnHand-was.Unavailable || c.Qty < -was.Unavailable {
		reject(d, record.ReasonBelowZero)
		return
	}
	it.feed(c.Warehouse).move(d, c.Qty, record.Counters{Unavailable: c.Qty})
	d.Outcome = record.OutcomeDone
}
