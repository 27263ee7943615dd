package inventory

import "holdfast/topology/record"

// fill gives an order that waits what its own ranked list now has, up to what
// it waits for. It tells whether that was anything; when it wasn't, there is no
// decision.
func fill(it *Item, h *Hold, ranked []record.Ranked, d *record.Decision, p *picker) bool {
	d.Requested, d.Attempt, d.Allocated = h.Waiting, h.Attempt, h.Allocated
	granted := p.take(it, h, ranked, h.Waiting, false, d)
	if granted == 0 {
		return false
	}
	h.Waiting -= granted
	it.Waiting -= granted
	d.Waiting = h.Waiting
	if h.Waiting > 0 {
		d.Outcome, d.Reason = record.OutcomePartial, record.ReasonOutOfStock
	} else {
		d.Outcome = record.OutcomeGranted
		it.leaveLine(h, ranked)
	}
	return true
}

// canServe tells that a warehouse of the list has something.
func canServe(it *Item, ranked []record.Ranked) bool {
	for i := range ranked {
		if at, ok := it.find(ranked[i].Warehouse); ok && it.Rows[at].Available() > 0 {
			return true
		}
	}
	return false
}
