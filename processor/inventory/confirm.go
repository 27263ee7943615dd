package inventory

import "holdfast/topology/record"

// confirm turns all held units of the claim into allocated ones. Units that
// still wait will be allocated when they come.
func confirm(it *Item, h *Hold, c *record.Command, d *record.Decision) {
	d.Allocated = true
	if !claimed(h, c, d) {
		return
	}
	d.Requested, d.Missing, d.Waiting = h.units()+h.Waiting, h.Missing, h.Waiting
	if h.Allocated {
		d.Outcome = record.OutcomeExists
		return
	}
	h.Allocated = true
	for i := range h.Parts {
		qty := h.Parts[i].Qty
		row := &it.Rows[it.mustFind(h.Parts[i].Warehouse)]
		row.move(d, qty, record.Counters{Held: -qty, Allocated: qty})
	}
	d.Outcome = record.OutcomeDone
}

// claimed tells that the hold is the one that the command means. When it
// isn't, the outcome says why.
func claimed(h *Hold, c *record.Command, d *record.Decision) bool {
	switch {
	case h.live() && h.Attempt > c.Attempt:
		d.Outcome = record.OutcomeStale
	case !h.live() || h.Attempt < c.Attempt:
		d.Outcome = record.OutcomeNoClaim
	default:
		return true
	}
	return false
}
