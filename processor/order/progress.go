package order

import "holdfast/topology/record"

// pick and pack decide that a warehouse works on units: allocated ones are
// picked, allocated or picked ones packed. Units that are that far already are
// no news; what isn't allocated can't be worked on.
func (t *turn) pick(e *record.OrderEvent) {
	t.advance(e, UnitPicked, UnitPicked|UnitPacked|unitsGone, record.UpdatePicking, UnitAllocated)
}

func (t *turn) pack(e *record.OrderEvent) {
	t.advance(e, UnitPacked, UnitPacked|unitsGone, record.UpdatePacked, UnitPicked, UnitAllocated)
}

// deliver decides that units are with the buyer. What is there has left: units
// that we don't know as shipped ship first, whether their shipment is still on
// its way to us or was never told.
func (t *turn) deliver(e *record.OrderEvent) {
	const reached = UnitDelivered | UnitReturned
	t.beginMoves()
	s := shipment{at: e.Warehouse}
	if len(e.Lines) == 0 {
		if !t.gone(s.at) {
			t.shipAll(&s)
		}
	} else {
		t.wanted(e)
		for _, w := range t.wants {
			l := &t.o.Lines[w.line]
			t.leave(&s, w.line, l.due(UnitDelivered, reached, s.at, w.qty)-l.units(UnitShipped))
		}
	}
	if len(t.acts) > 0 {
		t.tellShipment(&s, e)
	}
	t.advance(e, UnitDelivered, reached, record.UpdateDelivered, UnitShipped)
}

// advance moves the named units, or all, to a state from states before it.
func (t *turn) advance(e *record.OrderEvent, to, reached UnitState, typ string, from ...UnitState) {
	t.acts = t.acts[:0]
	moved, lacking, unknown := record.Quantity(0), false, false
	if len(e.Lines) == 0 {
		before := record.Quantity(0)
		for i := range t.o.Lines {
			l := &t.o.Lines[i]
			before += l.at(reached, e.Warehouse)
			moved += l.advance(l.Qty, e.Warehouse, to, from)
		}
		lacking = moved+before == 0
	} else {
		unknown = t.wanted(e)
		for _, w := range t.wants {
			l := &t.o.Lines[w.line]
			before := l.at(reached, e.Warehouse)
			n := l.advance(l.due(to, reached, e.Warehouse, w.qty), e.Warehouse, to, from)
			l.name(to, e.Warehouse, min(w.qty, n+before))
			t.changed = true
			moved += n
			lacking = lacking || w.qty > n+before
		}
	}
	reason := ""
	switch {
	case unknown:
		reason = reasonLineUnknown
	case lacking:
		reason = reasonNotAllocated
	}
	switch {
	case moved > 0:
		t.changed = true
		t.tell(update{Type: typ, Reason: reason, Carrier: e.Carrier, Tracking: e.Tracking})
	case reason != "":
		t.refuse(reason)
	}
}

// advance moves at most n units at a warehouse, or at any, and returns how many.
func (l *Line) advance(n record.Quantity, at record.WarehouseID, to UnitState, from []UnitState) (moved record.Quantity) {
	for _, state := range from {
		for i := 0; i < len(l.Parts) && moved < n; {
			p := l.Parts[i]
			if p.State != state || at != "" && p.Warehouse != at {
				i++
				continue
			}
			k := min(p.Qty, n-moved)
			l.split(i, k, to, p.Warehouse)
			moved += k
			i = 0
		}
	}
	return moved
}
