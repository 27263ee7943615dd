package order

import "holdfast/topology/record"

// A channel knows nothing of components: it is told, and it tells, of lines and
// quantities as they were sold. This is the way there; events go the other way
// by Line.PerSet.

// sold returns the end of the lines that make up one sold line, which begins
// at from.
func (o *Order) sold(from int) (to int) {
	to = from + 1
	if o.Lines[from].Combo == "" {
		return to
	}
	for to < len(o.Lines) && o.Lines[to].ID == o.Lines[from].ID && o.Lines[to].Combo != "" {
		to++
	}
	return to
}

// soldLines counts the lines as they were sold.
func (o *Order) soldLines() int {
	n := 0
	for i := 0; i < len(o.Lines); i = o.sold(i) {
		n++
	}
	return n
}

// soldSKU returns what was sold in a line.
func (o *Order) soldSKU(line int) record.SKU {
	if l := &o.Lines[line]; l.Combo != "" {
		return l.Combo
	}
	return o.Items[o.Lines[line].Item].SKU
}

// soldQty returns how many were sold in a line: units, or sets.
func (l *Line) soldQty() record.Quantity { return l.Qty / l.PerSet }

// hasCombos tells that a line of the order is a combo's.
func (o *Order) hasCombos() bool {
	for i := range o.Lines {
		if o.Lines[i].Combo != "" {
			return true
		}
	}
	return false
}

// action is a line of a status record, of a component yet.
type action struct {
	act
	what string
}

// eachSoldAction is eachAction in what was sold. A set has shipped when the last
// of its components has; it is cancelled or short as soon as one of them is.
func (t *turn) eachSoldAction(u *update, fn func(id string, qty record.Quantity, what string, at record.WarehouseID)) {
	o := t.o
	if !o.hasCombos() {
		t.eachAction(u, func(line int, qty record.Quantity, what string, at record.WarehouseID) {
			fn(o.Lines[line].ID, qty, what, at)
		})
		return
	}
	var all []action
	t.eachAction(u, func(line int, qty record.Quantity, what string, at record.WarehouseID) {
		all = append(all, action{act{line: line, qty: qty, warehouse: at}, what})
	})
	for from := 0; from < len(o.Lines); {
		to := o.sold(from)
		if o.Lines[from].Combo != "" {
			for _, what := range [...]string{actionShip, actionCancel, actionShort} {
				if sets, at := o.setsOf(all, from, to, what); sets > 0 {
					fn(o.Lines[from].ID, sets, what, at)
				}
			}
			from = to
			continue
		}
		for _, a := range all {
			if a.line == from {
				fn(o.Lines[from].ID, a.qty, a.what, a.warehouse)
			}
		}
		from = to
	}
}

// setsOf returns how many sets of the lines from to to the actions of a kind
// make up, and the warehouse if it is one.
func (o *Order) setsOf(all []action, from, to int, what string) (sets record.Quantity, at record.WarehouseID) {
	n := make([]record.Quantity, to-from)
	first := true
	for _, a := range all {
		if a.what != what || a.line < from || a.line >= to {
			continue
		}
		n[a.line-from] += a.qty
		if first {
			at, first = a.warehouse, false
		} else if at != a.warehouse {
			at = ""
		}
	}
	if first {
		return 0, ""
	}
	if what != actionShip {
		for i, units := range n {
			perSet := o.Lines[from+i].PerSet
			sets = max(sets, (units+perSet-1)/perSet)
		}
		return sets, at
	}
	before, after := o.Lines[from].soldQty(), o.Lines[from].soldQty()
	for i, units := range n {
		l := &o.Lines[from+i]
		gone := l.units(unitsGone)
		before, after = min(before, (gone-units)/l.PerSet), min(after, gone/l.PerSet)
	}
	return after - before, at
}
