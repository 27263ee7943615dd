package inventory

import "holdfast/topology/record"

// shipUnclaimed takes out units that left the building though their order had
// no claim on them: cancelled, expired, short or waiting. They are gone, so
// there is nothing to refuse: what isn't there by our count is booked in just
// before, and what is promised to others by now is a shortage.
func shipUnclaimed(it *Item, c *record.Command, d *record.Decision) {
	d.Requested = unitsOf(c)
	for _, p := range c.Parts {
		it.place(p.Warehouse).takeOut(d, p.Qty, record.Counters{OnHand: -p.Qty})
	}
	d.Outcome = record.OutcomeDone
}

// takeOut moves units out of the building, by delta. Those of which on hand knew
// nothing have been there all the same: they are booked in by a movement of
// their own just before.
func (r *Row) takeOut(d *record.Decision, qty record.Quantity, delta record.Counters) {
	if found := qty - r.OnHand; found > 0 {
		r.move(d, found, record.Counters{OnHand: found})
		d.Reason = record.ReasonFoundByShipment
	}
	r.move(d, qty, delta)
}
