package order

import (
	"fmt"

	"holdfast/topology/record"
)

// take is the way of an event: to the verb, or into the inbox.
func (t *turn) take(e *record.OrderEvent) {
	t.cause = e.EventID
	switch {
	case t.o != nil:
		t.apply(e)
		t.drain()
	case e.Type == record.OrderSnapshot && wordOf(e) <= record.StateRecorded:
		// An order that the marketplace only tells us about: it asks for nothing,
		// and may not even have lines.
	case e.Type == record.OrderCreated, e.Type == record.OrderSnapshot:
		t.create(e)
		t.drain()
	default:
		t.keep(e)
	}
}

// apply decides an event of a known order.
func (t *turn) apply(e *record.OrderEvent) {
	o := t.o
	if e.Type == record.OrderCreated && e.ContentHash == o.CreateHash {
		return
	}
	seen := o.seen(e)
	if seen == seenSame {
		return
	}
	// The id of a marketplace's word is made of what changes rarely; which of two
	// is the newer is told by their times.
	conflict := seen == seenConflict && e.Type != record.OrderSnapshot && e.Type != record.OrderStatus
	if o.Phase == PhasePending {
		t.applyPending(e, conflict)
		return
	}
	o.note(e)
	t.changed = true
	if conflict {
		t.deadLetter(e, t.origin, reasonEventConflict, "this event id came before with other content")
		t.refuse(reasonEventConflict)
		return
	}
	if seen == seenConflict {
		// Inventory takes a shipment of the same cause and units for a repetition.
		t.cause = fmt.Sprintf("%s#%d", e.EventID, o.Seq+1)
	}
	switch e.Type {
	case record.OrderCreated:
		t.refuse(reasonOrderExists)
	case record.OrderPaid:
		t.pay()
	case record.OrderCancelled:
		t.cancel(e)
	case record.OrderPicked:
		t.pick(e)
	case record.OrderPacked:
		t.pack(e)
	case record.OrderShipped:
		t.ship(e)
	case record.OrderDelivered:
		t.deliver(e)
	case record.OrderReturned:
		t.returned(e)
	case record.OrderSnapshot, record.OrderStatus:
		t.word(e)
	default:
		t.refuse(reasonNotSupported)
	}
}

// applyPending decides an event of an order that isn't decided. Only a cancel
// has nothing to wait for, unless a shipment, which outranks it, waits too.
func (t *turn) applyPending(e *record.OrderEvent, conflict bool) {
	if !conflict {
		if isMarketplaceWord(e) && !t.o.news(e) {
			return
		}
		if isCancel(e) && t.coversRest(e) && !t.inbox.any(isShipment) {
			t.o.note(e)
			t.o.hear(e)
			t.cancelPending()
			return
		}
	}
	t.keep(e)
}

func isMarketplaceWord(e *record.OrderEvent) bool {
	return e.Type == record.OrderSnapshot || e.Type == record.OrderStatus
}

// isCancel tells events that ask for a cancel, be it of a part.
func isCancel(e *record.OrderEvent) bool {
	switch e.Type {
	case record.OrderCancelled:
		return true
	case record.OrderSnapshot:
		return wordOf(e) == record.StateCancelled
	case record.OrderStatus:
		return e.State == record.StateCancelled
	}
	return false
}

// isShipment tells events that say that something left.
func isShipment(e *record.OrderEvent) bool {
	return e.Type == record.OrderShipped || e.Type == record.OrderDelivered || isMarketplaceWord(e) && wordOf(e) >= record.StateShipped
}

// isPayment tells events after which no payment is awaited.
func isPayment(e *record.OrderEvent) bool {
	switch {
	case e.Type == record.OrderPaid:
		return true
	case isMarketplaceWord(e):
		s := wordOf(e)
		return s == record.StatePaid || s >= record.StateShipped
	}
	return false
}
