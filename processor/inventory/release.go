package inventory

import "holdfast/topology/record"

// release gives back all that the order still claims of the SKU, held or
// allocated, and leaves the line. It also ends a claim of an earlier attempt
// than the one it names; one of a later attempt makes it stale. ranked is the
// list that it waits with, if it waits.
func release(it *Item, h *Hold, ranked []record.Ranked, c *record.Command, d *record.Decision) {
	if !h.live() {
		d.Outcome = record.OutcomeNoClaim
		return
	}
	d.Allocated = h.Allocated
	if h.Attempt > c.Attempt {
		d.Outcome = record.OutcomeStale
		return
	}
	d.Requested = h.units() + h.Waiting
	for i := range h.Parts {
		qty := h.Parts[i].Qty
		it.Rows[it.mustFind(h.Parts[i].Warehouse)].move(d, qty, h.counted(-qty))
	}
	if h.Waiting > 0 {
		it.wait(d.OrderKey, h, -h.Waiting)
		it.leaveLine(h, ranked)
	}
	it.giveBack(h, 0, d)
	it.Holds--
	h.reset()
	d.Outcome = record.OutcomeDone
}
