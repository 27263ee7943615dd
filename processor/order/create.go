package order

import (
	"fmt"

	"holdfast/topology/record"
)

// create begins the life of an order: it reserves, unless a cancel is here
// already. Events that came before their order are taken into account.
func (t *turn) create(e *record.OrderEvent) {
	if age := int64(t.now - e.OccurredAt); t.cfg.AcceptAgeMillis > 0 && e.OccurredAt != 0 && age > t.cfg.AcceptAgeMillis {
		t.deadLetter(e, t.origin, "too_old", fmt.Sprintf("it is %s old, at most %s are accepted", ageText(age), ageText(t.cfg.AcceptAgeMillis)))
		return
	}
	if n := explodedLines(e.Order, t.combos); n > linesMax {
		t.deadLetter(e, t.origin, "too_large", fmt.Sprintf("its combos make %d lines, the most is %d", n, linesMax))
		return
	}
	o := t.store
	o.reset()
	t.o = o
	o.fillIn(e, t.combos)
	t.changed = true
	if t.inbox.Due != 0 {
		t.inbox.Due, t.inboxChanged = 0, true
	}
	if isMarketplaceWord(e) && wordOf(e) > record.StatePaid {
		// What it says beyond "this is the order" comes second.
		t.inbox.Events = append(t.inbox.Events, waitingEvent{e, t.origin})
		t.inboxChanged = true
	} else {
		o.note(e)
		o.hear(e)
	}
	if t.meetsCancel() {
		return
	}
	if !o.Paid {
		o.ExpiresAt = t.now + t.holdMillis(e)
	}
	t.reserve()
}

// ageText writes a time for people: in days, below two days in hours, below two
// hours in minutes.
func ageText(millis int64) string {
	for _, u := range [...]struct {
		millis int64
		name   string
	}{{dayMillis, "days"}, {dayMillis / 24, "hours"}, {dayMillis / 24 / 60, "minutes"}} {
		if millis >= 2*u.millis {
			return fmt.Sprintf("%.1f %s", float64(millis)/float64(u.millis), u.name)
		}
	}
	return fmt.Sprintf("%.1f seconds", float64(millis)/1000)
}

// fillIn takes over what was ordered, combos exploded.
func (o *Order) fillIn(e *record.OrderEvent, combos *catalog) {
	b := e.Order
	if b == nil || len(b.Lines) == 0 {
		panic(fmt.Sprintf("BUG: %s of order %q has no lines", e.Type, e.OrderKey))
	}
	o.CreateHash, o.Attempt = e.ContentHash, 1
	o.Fact, o.Payment, o.Allow = e.Fact, b.Payment, b.Allow
	o.PickupAt, o.HasPlace, o.LatE6, o.LngE6 = b.PickupAt, b.HasPlace, b.LatE6, b.LngE6
	o.Paid = b.Payment != record.PaymentUnpaid || isMarketplaceWord(e) && isPayment(e)
	o.StateAt = e.OccurredAt
	x := explosion{o: o}
	if len(b.Lines) > linesSearched {
		x.items = make(map[record.SKU]int, len(b.Lines))
	}
	for i := range b.Lines {
		x.add(&b.Lines[i], combos.of(b.Lines[i].SKU))
	}
}

// holdMillis is how long the units of an unpaid order stay held.
func (t *turn) holdMillis(e *record.OrderEvent) record.Millis {
	if e.Fact && record.IsMarketplace(t.channel()) {
		return record.Millis(t.cfg.MarketplaceHoldMillis)
	}
	seconds := e.Order.HoldSeconds
	if seconds <= 0 {
		seconds = record.HoldSecondsUsed
	}
	return record.Millis(seconds * 1000)
}

// meetsCancel looks whether the order's cancel came before the order. Then
// nothing is reserved, and the cancel is all that is told. A shipment that
// came early, too, outranks it: then the order is decided first.
func (t *turn) meetsCancel() bool {
	if t.inbox.any(isShipment) {
		return false
	}
	t.inbox.sort()
	for i, e := range t.inbox.Events {
		if !isCancel(e.OrderEvent) || !t.coversRest(e.OrderEvent) {
			continue
		}
		// Payments stand before it in rank: they are known and ask for nothing.
		rest := t.inbox.Events[:0]
		for j, w := range t.inbox.Events {
			if j == i || isPayment(w.OrderEvent) {
				t.o.note(w.OrderEvent)
				t.o.hear(w.OrderEvent)
				t.o.Paid = t.o.Paid || isPayment(w.OrderEvent)
			} else {
				rest = append(rest, w)
			}
		}
		t.inbox.Events, t.inboxChanged = rest, true
		t.origin, t.cause = e.Origin, e.EventID
		t.cancelAll()
		return true
	}
	return false
}
