package inventory

import "holdfast/topology/record"

// takeBack books in units that had left and came back, sellable or not. It
// needs no claim: that of the units ended when they were shipped.
//
// Units that stand on the shelf again can't be refused: on hand may come to lie
// above what a feed may bring it to.
func takeBack(it *Item, c *record.Command, d *record.Decision) {
	d.Requested = unitsOf(c)
	for _, p := range c.Parts {
		delta := record.Counters{OnHand: p.Qty}
		if c.Unavailable {
			delta.Unavailable = p.Qty
		}
		it.place(p.Warehouse).move(d, p.Qty, delta)
	}
	d.Outcome = record.OutcomeDone
}
