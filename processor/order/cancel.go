package order

import "holdfast/topology/record"

// cancel decides a cancel of a decided order: all that hasn't shipped, or what
// it names.
func (t *turn) cancel(e *record.OrderEvent) {
	o := t.o
	switch {
	case o.Phase == PhaseCancelled:
	case o.units(unitsUndone) == 0:
		t.refuse(reasonAlreadyShipped)
	case t.coversRest(e):
		t.release()
		t.cancelAll()
	default:
		t.cancelNamed(e)
	}
}

// cancelPending cancels an order that isn't decided.
func (t *turn) cancelPending() {
	t.abandon()
	t.cancelAll()
}

// cancelAll cancels all units that haven't shipped. Their claims are released
// already, or there are none.
func (t *turn) cancelAll() {
	o := t.o
	t.acts = t.acts[:0]
	for i := range o.Lines {
		l := &o.Lines[i]
		n := l.move(unitsUndone, UnitCancelled)
		if rest := l.rest(); rest > 0 {
			l.add(Part{State: UnitCancelled, Qty: rest})
			n += rest
		}
		if n > 0 {
			t.acts = append(t.acts, act{line: i, qty: n})
		}
	}
	o.Phase = PhaseLive
	if o.units(unitsGone) == 0 {
		o.Phase = PhaseCancelled
	}
	o.ExpiresAt, o.Retry = 0, false
	t.changed = true
	t.tell(update{Type: record.UpdateCancelled})
}

// coversRest tells that a cancel names, in its lines, all that is left to be
// cancelled. One without lines means all.
func (t *turn) coversRest(e *record.OrderEvent) bool {
	if e.Type != record.OrderCancelled || len(e.Lines) == 0 {
		return true
	}
	t.wanted(e)
	for i := range t.o.Lines {
		l := &t.o.Lines[i]
		left := l.units(unitsUndone) + l.rest()
		for _, w := range t.wants {
			if w.line == i {
				left -= w.qty
			}
		}
		if left > 0 {
			return false
		}
	}
	return true
}

// cancelNamed cancels the units that are named. Quantities of different events
// add up; what is no longer there to be cancelled is cut off.
func (t *turn) cancelNamed(e *record.OrderEvent) {
	unknown := t.wanted(e)
	t.beginMoves()
	shipped := false
	for _, w := range t.wants {
		if t.cancelUnits(w.line, w.qty) < w.qty {
			shipped = shipped || t.o.Lines[w.line].units(unitsGone) > 0
		}
	}
	u := update{Type: record.UpdateCancelled}
	switch {
	case unknown:
		u.Reason = reasonLineUnknown
	case shipped:
		u.Reason = reasonAlreadyShipped
	}
	switch {
	case len(t.acts) > 0:
		t.sendMoves(0)
		t.tell(u)
	case u.Reason != "":
		t.refuse(u.Reason)
	}
}

// cancelUnits cancels at most n units of a line, and returns how many. What the
// order lacks goes before what it has, and of that, what has cost the least work
// so far. Inside a state the last part of the line goes first: parts stand in
// the order of the warehouses that serve best, so what stays is together where
// it should be. What has shipped is never cancelled.
func (t *turn) cancelUnits(line int, n record.Quantity) (moved record.Quantity) {
	l := &t.o.Lines[line]
	for _, state := range [...]UnitState{UnitShort, UnitReleased, UnitWaiting, UnitHeld, UnitAllocated, UnitPicked, UnitPacked} {
		for i := len(l.Parts) - 1; i >= 0 && moved < n; i-- {
			p := l.Parts[i]
			if p.State != state {
				continue
			}
			k := min(p.Qty, n-moved)
			t.giveUpClaim(l.Item, p, k)
			l.split(i, k, UnitCancelled, p.Warehouse)
			moved += k
			i = len(l.Parts) // the parts have moved
		}
	}
	if moved > 0 {
		t.acts = append(t.acts, act{line: line, qty: moved})
	}
	return moved
}
