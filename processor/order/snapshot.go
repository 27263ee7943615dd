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

// further tells that a marketplace's word is beyond all that were heard. Then it
// holds, whenever it was said: an order only moves forward, so an older word of
// less is overtaken by a newer one, but never the other way round.
func (o *Order) further(e *record.OrderEvent) bool { return wordOf(e) > o.State }

// newer tells that it is the newest word, or that of the same second that is
// further along.
func (o *Order) newer(e *record.OrderEvent) bool {
	said, last := e.OccurredAt/1000, o.StateAt/1000
	return said > last || said == last && o.further(e)
}

// news tells that a word can change something.
func (o *Order) news(e *record.OrderEvent) bool {
	return o.further(e) || o.newer(e) || o.cancelsMore(e)
}

// cancelsMore tells that a snapshot has more units cancelled than the order.
func (o *Order) cancelsMore(e *record.OrderEvent) bool {
	if e.Order == nil {
		return false
	}
	for i := range e.Order.Lines {
		in := &e.Order.Lines[i]
		if at := o.line(in.Line, i); at >= 0 && in.Cancelled*o.Lines[at].PerSet > o.Lines[at].units(UnitCancelled) {
			return true
		}
	}
	return false
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
	if !o.news(e) {
		return
	}
	newer, further, state := o.newer(e), o.further(e), wordOf(e)
	if state == record.StateCancelled && o.State != state && (further || newer) {
		o.hear(e)
		t.cancel(e)
		return
	}
	ships := further && state >= record.StateShipped
	if further && state == record.StatePaid || ships && (o.Phase == PhaseLive || o.Phase == PhaseExpired) {
		t.pay()
	}
	if ships && o.Phase == PhasePending {
		// The payment revived the order: this word is applied when it is decided.
		o.forgetLast()
		t.keep(e)
		return
	}
	o.hear(e)
	t.cancelSnapshot(e, newer)
	if ships {
		t.ship(e)
	}
	if further && state == record.StateCompleted {
		t.complete()
	}
	if newer {
		t.compare(e)
	}
}

// cancelSnapshot cancels what a snapshot has as cancelled, beyond what is. Its
// quantities are absolute, and a cancel is final: so the highest quantity heard
// is also the newest, and one that comes late changes nothing. What has shipped
// can't be cancelled, which only a newer snapshot is told.
func (t *turn) cancelSnapshot(e *record.OrderEvent, newer bool) {
	o := t.o
	if !o.cancelsMore(e) {
		return
	}
	t.beginMoves()
	cut := false
	for i := range e.Order.Lines {
		in := &e.Order.Lines[i]
		first := o.line(in.Line, i)
		for at := first; at >= 0 && at < len(o.Lines) && o.Lines[at].ID == in.Line; at++ {
			l := &o.Lines[at]
			n := min(in.Cancelled*l.PerSet, l.Qty) - l.units(UnitCancelled)
			cut = n > 0 && t.cancelUnits(at, n) < n || cut
		}
	}
	u := update{Type: record.UpdateCancelled}
	if cut {
		u.Reason = reasonAlreadyShipped
	}
	switch {
	case len(t.acts) > 0:
		t.sendMoves(0)
		t.tell(u)
	case cut && newer:
		t.refuse(u.Reason)
	}
}

// complete ends an order that has shipped as far as it will.
func (t *turn) complete() {
	o := t.o
	if o.Completed || o.Phase != PhaseLive || o.units(UnitShipped|UnitDelivered) == 0 {
		return
	}
	o.Completed = true
	t.tell(update{Type: record.UpdateCompleted})
}

// compare looks at what a snapshot says beyond its state and what is cancelled:
// changes of lines, which aren't followed.
func (t *turn) compare(e *record.OrderEvent) {
	if e.Order == nil || len(e.Order.Lines) == 0 || t.o.Phase != PhaseLive {
		return
	}
	o := t.o
	same := len(e.Order.Lines) == o.soldLines()
	for i := range e.Order.Lines {
		in := &e.Order.Lines[i]
		at := o.line(in.Line, i)
		same = same && at >= 0 && o.Lines[at].Qty == in.Qty*o.Lines[at].PerSet && o.soldSKU(at) == in.SKU
	}
	if !same {
		t.refuse(reasonAmend)
	}
}

// line returns the index of a line, or of its first component, or -1. hint is
// where it probably is.
func (o *Order) line(id string, hint int) int {
	if hint < len(o.Lines) && o.Lines[hint].ID == id && o.soldLine(hint) {
		return hint
	}
	for i := range o.Lines {
		if o.Lines[i].ID == id {
			return i
		}
	}
	return -1
}
