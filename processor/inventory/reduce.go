package inventory

import (
	"fmt"

	"holdfast/topology/record"
)

// reduce gives back a part of the claim: units at warehouses, and up to Qty
// units that wait. ranked is the list that it waits with, if it waits.
//
// Units that wait may have been filled while the command was on its way. Then
// fewer wait than it names, what is left of it is Missing, and the orders stage,
// which learns of the fill after it sent the command, gives the fill's excess
// back by a command of its own. Units at warehouses leave a claim by the order's
// own commands alone, so they are there.
//
// What was given back is taken off Requested too: the hold is as if it had
// never been asked for.
func reduce(it *Item, h *Hold, ranked []record.Ranked, c *record.Command, d *record.Decision) {
	if c.Qty < 0 || c.Qty == 0 && len(c.Parts) == 0 {
		panic(fmt.Sprintf("BUG: %s gives back %d units of %s that wait, and none else", c.OrderKey, c.Qty, c.SKU))
	}
	d.Requested = c.Qty + unitsOf(c)
	d.Missing = d.Requested
	if !claimed(h, c, d) {
		return
	}
	d.Allocated = h.Allocated
	for _, p := range c.Parts {
		if n := h.take(p.Warehouse, p.Qty); n != p.Qty {
			panic(fmt.Sprintf("BUG: %s gives back %d units of %s at %s, and claims %d", c.OrderKey, p.Qty, c.SKU, p.Warehouse, n))
		}
		it.Rows[it.mustFind(p.Warehouse)].move(d, p.Qty, h.counted(-p.Qty))
	}
	it.giveBack(h, h.units(), d)
	d.Missing = c.Qty
	if n := min(c.Qty, h.Waiting); n > 0 {
		d.Missing -= n
		h.Waiting -= n
		it.wait(d.OrderKey, h, -n)
		if h.Waiting == 0 {
			it.leaveLine(h, ranked)
		}
	}
	h.Requested -= d.Requested - d.Missing
	d.Waiting = h.Waiting
	d.Outcome = record.OutcomeDone
	if !h.live() {
		it.Holds--
		h.reset()
	}
}

// unitsOf returns the units of the command's parts.
func unitsOf(c *record.Command) record.Quantity {
	var n record.Quantity
	for _, p := range c.Parts {
		if p.Qty <= 0 {
			panic(fmt.Sprintf("BUG: %s: %s of %d units of %s at %s", c.OrderKey, c.Verb, p.Qty, c.SKU, p.Warehouse))
		}
		n += p.Qty
	}
	return n
}
