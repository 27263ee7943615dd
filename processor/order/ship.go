package order

import "holdfast/topology/record"

// act is a number of units of a line that the event being decided shipped or
// cancelled.
type act struct {
	line      int
	qty       record.Quantity
	warehouse record.WarehouseID
}

// ship decides that units left the building: the named lines, or all, at the
// named warehouse or wherever they are allocated.
//
// Units ship once: a channel and the warehouse may both tell of the same
// shipment, so units that it names and that have shipped already are no news.
// Units that aren't allocated can't ship; the event says so in its reason, and
// when none could, it is refused.
func (t *turn) ship(e *record.OrderEvent) {
	o := t.o
	t.acts = t.acts[:0]
	lacking, shippedBefore, known := false, false, 0
	for i := range o.Lines {
		l := &o.Lines[i]
		allocated, shipped := l.at(UnitAllocated, e.Warehouse), l.at(UnitShipped, e.Warehouse)
		want := allocated
		if len(e.Lines) > 0 {
			want = 0
			for _, n := range e.Lines {
				if n.Line == l.ID {
					want += n.Qty * l.PerSet
					if i == 0 || o.Lines[i-1].ID != l.ID {
						known++
					}
				}
			}
			if want > allocated {
				lacking = lacking || want-allocated > shipped
				want = allocated
			}
		}
		shippedBefore = shippedBefore || shipped > 0
		if want > 0 {
			t.shipLine(i, want, e.Warehouse)
		}
	}
	lacking = lacking || known < len(e.Lines)
	switch {
	case len(t.acts) > 0:
		t.sendShipments()
		u := update{Type: record.UpdateShipped, Carrier: e.Carrier, Tracking: e.Tracking}
		if lacking {
			u.Reason = reasonNotAllocated
		}
		t.changed = true
		t.tell(u)
	case lacking, !shippedBefore:
		t.refuse(reasonNotAllocated)
	}
}

// shipLine turns allocated units of a line into shipped ones.
func (t *turn) shipLine(line int, want record.Quantity, at record.WarehouseID) {
	l := &t.o.Lines[line]
	for i := 0; i < len(l.Parts) && want > 0; {
		p := l.Parts[i]
		if p.State != UnitAllocated || at != "" && p.Warehouse != at {
			i++
			continue
		}
		n := min(p.Qty, want)
		l.split(i, n, UnitShipped, p.Warehouse)
		t.acts = append(t.acts, act{line: line, qty: n, warehouse: p.Warehouse})
		want -= n
		i = 0
	}
}

// sendShipments sends one command per SKU, with the units of all its lines
// added up by warehouse.
func (t *turn) sendShipments() {
	for item := range t.o.Items {
		var parts []record.WarehouseQty
		for _, a := range t.acts {
			if t.o.Lines[a.line].Item == item {
				parts = addUnits(parts, a.warehouse, a.qty)
			}
		}
		if len(parts) > 0 {
			t.command(item, record.Command{Verb: record.VerbShip, Parts: parts})
		}
	}
}

func addUnits(parts []record.WarehouseQty, at record.WarehouseID, qty record.Quantity) []record.WarehouseQty {
	for i := range parts {
		if parts[i].Warehouse == at {
			parts[i].Qty += qty
			return parts
		}
	}
	return append(parts, record.WarehouseQty{Warehouse: at, Qty: qty})
}

// at counts the line's units in a state at a warehouse, or at any.
func (l *Line) at(state UnitState, warehouse record.WarehouseID) record.Quantity {
	var n record.Quantity
	for _, p := range l.Parts {
		if p.State == state && (warehouse == "" || p.Warehouse == warehouse) {
			n += p.Qty
		}
	}
	return n
}
