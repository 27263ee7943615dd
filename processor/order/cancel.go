package order

import "holdfast/topology/record"

// cancel decides a cancel of a decided order. All that hasn't shipped is
// cancelled, or nothing: parts of an order can't be cancelled yet.
func (t *turn) cancel(e *record.OrderEvent) {
	o := t.o
	switch {
	case o.Phase == PhaseCancelled, o.Phase == PhaseRejected:
	case o.units(unitsUndone) == 0:
		t.refuse(reasonAlreadyShipped)
	case !t.coversRest(e):
		t.refuse(reasonPartialCancel)
	default:
		t.release()
		t.cancelAll()
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
	shipped := false
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
		shipped = shipped || l.units(UnitShipped) > 0
	}
	if !shipped {
		o.Phase = PhaseCancelled
	}
	o.ExpiresAt = 0
	t.changed = true
	t.tell(update{Type: record.UpdateCancelled})
}

// coversRest tells that a cancel names, in its lines, all that is left to be
// cancelled. One without lines means all.
func (t *turn) coversRest(e *record.OrderEvent) bool {
	if e.Type != record.OrderCancelled || len(e.Lines) == 0 {
		return true
	}
	for i := range t.o.Lines {
		l := &t.o.Lines[i]
		left := l.units(unitsUndone) + l.rest()
		for _, n := range e.Lines {
			if n.Line == l.ID {
				left -= n.Qty * l.PerSet
			}
		}
		if left > 0 {
			return false
		}
	}
	return true
}
