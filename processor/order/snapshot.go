package order

import "holdfast/topology/record"

// A marketplace doesn't send events but its whole order (a snapshot) or its
// state (a status) at a time of its own. The newest wins, in the same second
// the one that is further along, and an order only moves forward.

// wordOf is the state that a snapshot or status means: a snapshot all of whose
// units are cancelled is a cancel, whatever it calls itself.
func wordOf(e *record.OrderEvent) record.ChannelState {
	if e.Order == nil || len(e.Order.Lines) == 0 || e.State >= record.StateCancelled {
		return e.State
	}
	for i := range e.Order.Lines {
		if l := &e.Order.Lines[i]; l.Cancelled < l.Qty {
			return e.State
		}
	}
	return record.StateCancelled
}

// newer tells that a marketplace's word isn't overtaken by one that came
// before. Shipped outranks cancelled whenever it was said.
func (o *Order) newer(e *record.OrderEvent) bool {
	said, last := e.OccurredAt/1000, o.StateAt/1000
	switch {
	case said > last:
		return true
	case said == last:
		return wordOf(e) > o.State
	}
	return o.State == record.StateCancelled && wordOf(e) >= record.StateShipped
}

// hear notes a marketplace's word; other events are no such thing.
func (o *Order) hear(e *record.OrderEvent) {
	if isMarketplaceWord(e) {
		o.State = max(o.State, wordOf(e))
		o.StateAt = max(o.StateAt, e.OccurredAt)
	}
}

// word applies a snapshot or a status to a decided order.
func (t *turn) word(e *record.OrderEvent) {
	o := t.o
	if !o.newer(e) {
		return
	}
	before, state := o.State, wordOf(e)
	switch {
	case state == record.StateCancelled && before != state:
		o.hear(e)
		t.cancel(e)
		return
	case state <= before:
		o.hear(e)
	default:
		if state == record.StatePaid || state >= record.StateShipped && (o.Phase == PhaseLive || o.Phase == PhaseExpired) {
			t.pay()
		}
		if state >= record.StateShipped && o.Phase == PhasePending {
			// The payment revived the order: this word is applied when it is decided.
			o.forgetLast()
			t.keep(e)
			return
		}
		o.hear(e)
		if state >= record.StateShipped {
			t.ship(e)
		}
		if state == record.StateCompleted {
			t.complete()
		}
	}
	t.compare(e)
}

// complete ends an order that has shipped as far as it will.
func (t *turn) complete() {
	o := t.o
	if o.Completed || o.Phase != PhaseLive || o.units(UnitShipped) == 0 {
		return
	}
	o.Completed = true
	t.tell(update{Type: record.UpdateCompleted})
}

// compare looks at what a snapshot says beyond its state: changes of lines,
// which aren't followed.
func (t *turn) compare(e *record.OrderEvent) {
	if e.Order == nil || len(e.Order.Lines) == 0 || t.o.Phase != PhaseLive {
		return
	}
	o := t.o
	same := len(e.Order.Lines) == o.soldLines()
	cancelled := false
	for i := range e.Order.Lines {
		l := &e.Order.Lines[i]
		at := o.line(l.Line, i)
		if at < 0 || o.Lines[at].soldQty() != l.Qty || o.soldSKU(at) != l.SKU {
			same = false
			continue
		}
		cancelled = cancelled || l.Cancelled*o.Lines[at].PerSet > o.Lines[at].units(UnitCancelled)
	}
	switch {
	case !same:
		t.refuse(reasonAmend)
	case cancelled:
		t.refuse(reasonPartialCancel)
	}
}

// line returns the index of a line, or -1. hint is where it probably is.
func (o *Order) line(id string, hint int) int {
	if hint < len(o.Lines) && o.Lines[hint].ID == id {
		return hint
	}
	for i := range o.Lines {
		if o.Lines[i].ID == id {
			return i
		}
	}
	return -1
}
