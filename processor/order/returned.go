package order

import "holdfast/topology/record"

// returned decides that units came back: the named lines, or all that left.
// Where they went from here on is inventory's: on hand, for sale or not, or
// nowhere. A return doesn't follow from a cancel, and a cancel not from a
// return: what came back stays returned.
func (t *turn) returned(e *record.OrderEvent) {
	t.acts = t.acts[:0]
	unknown, lacking := false, false
	if len(e.Lines) == 0 {
		t.wants = t.wants[:0]
		for i := range t.o.Lines {
			if n := t.o.Lines[i].units(UnitShipped | UnitDelivered); n > 0 {
				t.wants = append(t.wants, want{line: i, qty: n})
			}
		}
		lacking = len(t.wants) == 0 && t.o.units(UnitReturned) == 0
	} else {
		unknown = t.wanted(e)
	}
	var back [record.RestockNone + 1][][]record.WarehouseQty // by restock and item
	moved := false
	for _, w := range t.wants {
		l := &t.o.Lines[w.line]
		for n := w.qty; n > 0; {
			k, at := l.comeBack(n, e.Warehouse)
			if k == 0 {
				lacking = true
				break
			}
			n, moved = n-k, true
			items := &back[w.restock]
			for len(*items) <= l.Item {
				*items = append(*items, nil)
			}
			(*items)[l.Item] = addUnits((*items)[l.Item], at, k)
		}
	}
	for _, restock := range [...]record.Restock{record.RestockSellable, record.RestockUnavailable} {
		for item, parts := range back[restock] {
			if len(parts) > 0 {
				t.command(item, record.Command{Verb: record.VerbReturn, Parts: parts, OccurredAt: e.OccurredAt,
					Unavailable: restock == record.RestockUnavailable})
			}
		}
	}
	t.tellReturn(moved, unknown, lacking)
}

func (t *turn) tellReturn(moved, unknown, lacking bool) {
	reason := ""
	switch {
	case unknown:
		reason = reasonLineUnknown
	case lacking:
		reason = reasonNotShipped
	}
	switch {
	case moved:
		t.changed = true
		t.tell(update{Type: record.UpdateReturned, Reason: reason})
	case reason != "":
		t.refuse(reason)
	}
}

// comeBack returns at most n units of one part, delivered ones first, and tells
// how many and where: the warehouse that is named, or the one that they left.
func (l *Line) comeBack(n record.Quantity, to record.WarehouseID) (record.Quantity, record.WarehouseID) {
	for _, state := range [...]UnitState{UnitDelivered, UnitShipped} {
		for i, p := range l.Parts {
			if p.State != state {
				continue
			}
			if to == "" {
				to = p.Warehouse
			}
			k := min(n, p.Qty)
			l.split(i, k, UnitReturned, to)
			return k, to
		}
	}
	return 0, ""
}
