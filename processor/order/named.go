package order

import (
	"slices"

	"holdfast/topology/record"
)

// Named is how many units of a line the events of a warehouse have named so far
// for one level: picked, packed, shipped or delivered. Events of one order come
// in any order, and each speaks of some units only:
//
//	picked 1, then shipped 1    1 shipped, the rest allocated
//	shipped 1, then picked 1    the same: the unit that was picked has left since
//
// So what an event moves isn't what it names, but what all events of its level
// have named, less the units that are that far already. What was named and
// isn't there at all doesn't count: that was refused.
type Named struct {
	Warehouse record.WarehouseID // "" where the event said none
	Level     UnitState
	Qty       record.Quantity
}

// want is a number of units of a line that an event names.
type want struct {
	line    int
	qty     record.Quantity
	restock record.Restock // OrderReturned
}

// wanted translates the lines that an event names: sold units into units of the
// order's lines, of which a combo has one per component. A line that is named
// twice is wanted once, with both quantities. unknown tells that the order
// doesn't have all of them.
func (t *turn) wanted(e *record.OrderEvent) (unknown bool) {
	t.wants = t.wants[:0]
	for _, n := range e.Lines {
		found := false
		if e.Type != record.OrderReturned {
			n.Restock = 0
		}
		for i := range t.o.Lines {
			if l := &t.o.Lines[i]; l.ID == n.Line {
				found = true
				t.addWant(want{line: i, qty: n.Qty * l.PerSet, restock: n.Restock})
			}
		}
		unknown = unknown || !found
	}
	return unknown
}

func (t *turn) addWant(w want) {
	for i := range t.wants {
		if t.wants[i].line == w.line && t.wants[i].restock == w.restock {
			t.wants[i].qty += w.qty
			return
		}
	}
	t.wants = append(t.wants, w)
}

// due returns how many of n units that are named for a level aren't that far:
// there have to be as many as were named, at the warehouse and in all.
func (l *Line) due(level, reached UnitState, at record.WarehouseID, n record.Quantity) record.Quantity {
	all, here := n, n
	for _, x := range l.Named {
		if x.Level == level {
			all += x.Qty
			if x.Warehouse == at {
				here += x.Qty
			}
		}
	}
	due := all - l.units(reached)
	if at != "" {
		due = max(due, here-l.at(reached, at))
	}
	return min(max(due, 0), n)
}

// name notes that n more units were named for a level.
func (l *Line) name(level UnitState, at record.WarehouseID, n record.Quantity) {
	if n == 0 {
		return
	}
	k := slices.IndexFunc(l.Named, func(x Named) bool { return x.Level == level && x.Warehouse == at })
	if k < 0 {
		k = len(l.Named)
		l.Named = append(l.Named, Named{Warehouse: at, Level: level})
	}
	l.Named[k].Qty += n
}

// at counts the line's units in the states at a warehouse, or at any.
func (l *Line) at(in UnitState, warehouse record.WarehouseID) record.Quantity {
	var n record.Quantity
	for _, p := range l.Parts {
		if p.State.in(in) && (warehouse == "" || p.Warehouse == warehouse) {
			n += p.Qty
		}
	}
	return n
}

// soldLine tells that line i is the first of a line as it was sold: of a combo,
// the first component.
func (o *Order) soldLine(i int) bool { return i == 0 || o.Lines[i].ID != o.Lines[i-1].ID }
