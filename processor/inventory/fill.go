package inventory

import "holdfast/topology/record"

// fill gives an order that waits what its own ranked list now has, up to what
// it waits for. It tells whether that was anything; when it wasn't, there is no
// decision.
func fill(it *Item, h *Hold, ranked []record.Ranked, d *record.Decision, p *picker) bool {
	d.Requested, d.Attempt, d.Allocated = h.Waiting, h.Attempt, h.Allocated
	p.spared = 0
	granted, fenced := p.takeFenced(it, h, ranked, h.Waiting, false, h.Place.class == classFact, d)
	if granted == 0 {
		return false
	}
	h.Waiting -= granted
	it.wait(d.OrderKey, h, -granted)
	d.Waiting = h.Waiting
	if h.Waiting > 0 {
		d.Outcome, d.Reason = record.OutcomePartial, record.ReasonOutOfStock
		if fenced {
			d.Reason = record.ReasonQuota
		}
	} else {
		d.Outcome = record.OutcomeGranted
		it.leaveLine(h, ranked)
	}
	return true
}

// canServe tells that a warehouse of the list has something, and that quotas
// leave some of it to the order.
func canServe(it *Item, order record.OrderKey, at place, ranked []record.Ranked) bool {
	return hasStock(it, ranked) && it.mayServe(order, at)
}

// hasStock tells that a warehouse of the list has something.
func hasStock(it *Item, ranked []record.Ranked) bool {
	for i := range ranked {
		if at, ok := it.find(ranked[i].Warehouse); ok && it.Rows[at].Available() > 0 {
			return true
		}
	}
	return false
}
