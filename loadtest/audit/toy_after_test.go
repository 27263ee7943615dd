package audit

import (
	"holdfast/topology/record"
	"maps"
	"slices"
)

// What becomes of an order after it has been decided.

func (p toyPart) claimed() bool { return p.state == record.LineHeld || p.state == record.LineAllocated }

// back is what giving the part's units back does.
func (p toyPart) back() record.Counters {
	if p.state == record.LineHeld {
		return record.Counters{Held: -p.qty}
	}
	return record.Counters{Allocated: -p.qty}
}

// ship sends off what the order claims; without a payment, what it holds too.
func (t *toy) ship(o *toyOrder) {
	t.heard(o, &record.OrderEvent{Type: record.OrderShipped})
	o.closed = true
	for i := range o.lines {
		l := &o.lines[i]
		d := t.command(o, l, record.VerbShip, "ship")
		for j := range l.parts {
			p := &l.parts[j]
			if !p.claimed() {
				continue
			}
			t.foundByShipment(d, p.warehouse, p.qty)
			by := p.back()
			by.OnHand = -p.qty
			t.move(d, p.warehouse, p.qty, by)
			p.state = record.LineShipped
		}
		if len(d.Moves) == 0 {
			d.Outcome = record.OutcomeNoClaim
		}
		t.decide("log.availability", l.sku, o.origin, d)
	}
	t.tell(o, record.UpdateShipped)
}

func (t *toy) foundByShipment(d *record.Decision, warehouse string, qty record.Quantity) {
	if found := qty - t.item(string(d.SKU), warehouse).OnHand; found > 0 {
		t.move(d, warehouse, found, record.Counters{OnHand: found})
		d.Reason = record.ReasonFoundByShipment
	}
}

// shipUnclaimed sends off what the order has no claim on.
func (t *toy) shipUnclaimed(o *toyOrder, warehouse string) {
	t.heard(o, &record.OrderEvent{Type: record.OrderShipped})
	for i := range o.lines {
		l := &o.lines[i]
		n := l.qty
		for _, p := range l.parts {
			n -= p.qty
		}
		if n == 0 {
			continue
		}
		t.stopWaiting(o, i, n)
		d := t.command(o, l, record.VerbShipUnclaimed, "ship")
		t.foundByShipment(d, warehouse, n)
		t.move(d, warehouse, n, record.Counters{OnHand: -n})
		l.parts = append(l.parts, toyPart{warehouse, n, record.LineShipped})
		t.decide("log.availability", l.sku, o.origin, d)
	}
	t.tell(o, record.UpdateShipped)
}

// stopWaiting takes units of a line out of the line for stock.
func (t *toy) stopWaiting(o *toyOrder, line int, n record.Quantity) {
	l := &o.lines[line]
	for _, w := range t.waiting[l.sku] {
		if w.order == o && w.line == line && w.qty > 0 {
			d := t.command(o, l, record.VerbReduce, "stop")
			w.qty -= min(n, w.qty)
			d.Waiting = w.qty
			t.decide("log.availability", l.sku, o.origin, d)
		}
	}
}

// reduce cancels a part of a line: what waits first, then what is claimed.
func (t *toy) reduce(o *toyOrder, line int, n record.Quantity) {
	l := &o.lines[line]
	t.heard(o, &record.OrderEvent{Type: record.OrderCancelled, By: "buyer", Lines: []record.LineQty{{Line: l.line, Qty: n}}})
	t.giveUp(o, line, n, record.LineCancelled)
	t.tell(o, record.UpdateCancelled)
	t.serve(l.sku, "order:"+o.key, o.origin)
}

func (t *toy) giveUp(o *toyOrder, line int, n record.Quantity, state string) {
	l := &o.lines[line]
	d := t.command(o, l, record.VerbReduce, "reduce")
	given := record.Quantity(0)
	for _, w := range t.waiting[l.sku] {
		if w.order == o && w.line == line {
			given = min(n, w.qty)
			w.qty -= given
			d.Waiting = w.qty
		}
	}
	for i := len(l.parts) - 1; i >= 0 && given < n; i-- {
		p := &l.parts[i]
		if !p.claimed() {
			continue
		}
		part := toyPart{p.warehouse, min(n-given, p.qty), p.state}
		t.move(d, p.warehouse, part.qty, part.back())
		p.qty -= part.qty
		given += part.qty
	}
	if given > 0 {
		l.parts = append(l.parts, toyPart{"", given, state})
	}
	t.decide("log.availability", l.sku, o.origin, d)
}

// giveBack takes back all that was shipped of the order.
func (t *toy) giveBack(o *toyOrder, restock record.Restock) {
	t.heard(o, &record.OrderEvent{Type: record.OrderReturned})
	for i := range o.lines {
		l := &o.lines[i]
		for j := range l.parts {
			p := &l.parts[j]
			if p.state != record.LineShipped && p.state != record.LineDelivered || p.qty == 0 {
				continue
			}
			p.state = record.LineReturned
			if restock == record.RestockNone {
				continue
			}
			d := t.command(o, l, record.VerbReturn, "return")
			by := record.Counters{OnHand: p.qty}
			if restock == record.RestockUnavailable {
				by.Unavailable = p.qty
			}
			t.move(d, p.warehouse, p.qty, by)
			t.decide("log.availability", l.sku, o.origin, d)
		}
	}
	t.tell(o, record.UpdateReturned)
	for i := range o.lines {
		t.serve(o.lines[i].sku, "order:"+o.key, o.origin)
	}
}

// expire lets time pass until the order's hold is due, and all that ends by then.
func (t *toy) expire(o *toyOrder) {
	t.clock = max(t.clock, o.due)
	t.workOff()
}

// workOff expires all that is due.
func (t *toy) workOff() {
	for _, key := range slices.Sorted(maps.Keys(t.orders)) {
		o := t.orders[key]
		if o.paid || o.closed || o.due > t.clock {
			continue
		}
		t.begin()
		t.write("log.orders", half(key), "", nil, factEntry{kind: record.KindTick})
		t.release(o, record.LineReleased, "expiry")
		t.tell(o, record.UpdateExpired)
	}
}

// payLate revives an expired order.
func (t *toy) payLate(o *toyOrder) {
	o.paid = true
	t.heard(o, &record.OrderEvent{Type: record.OrderPaid})
	o.attempt++
	for i := range o.lines {
		o.lines[i].parts, o.lines[i].left = nil, record.LineShort
	}
	t.reserve(o)
	t.wholeSets(o)
	t.tell(o, record.UpdateRevived)
}

// deliver notes that what was shipped has come to the buyer.
func (t *toy) deliver(o *toyOrder) {
	t.heard(o, &record.OrderEvent{Type: record.OrderDelivered})
	for i := range o.lines {
		for j := range o.lines[i].parts {
			if p := &o.lines[i].parts[j]; p.state == record.LineShipped {
				p.state = record.LineDelivered
			}
		}
	}
	t.tell(o, record.UpdateDelivered)
}

// wholeSets gives back what doesn't make a whole set of a combo.
func (t *toy) wholeSets(o *toyOrder) {
	sets := map[string]record.Quantity{}
	got := func(l *toyLine) (n record.Quantity) {
		for _, p := range l.parts {
			n += p.qty
		}
		return n
	}
	for i := range o.lines {
		l := &o.lines[i]
		if l.combo == "" {
			continue
		}
		n := got(l) / l.perSet
		if known, ok := sets[l.line]; !ok || n < known {
			sets[l.line] = n
		}
	}
	for i := range o.lines {
		l := &o.lines[i]
		if l.combo != "" && sets[l.line]*l.perSet < l.qty {
			t.giveUp(o, i, l.qty-sets[l.line]*l.perSet, record.LineShort)
			t.serve(l.sku, "order:"+o.key, o.origin)
		}
	}
}
