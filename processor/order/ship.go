package order

import "holdfast/topology/record"

// shipment collects what becomes of an event that says that units left.
type shipment struct {
	at        record.WarehouseID // named by the event, or ""
	whole     bool               // the order, and not only what is at a warehouse
	dead      bool               // units left that had been given up
	unclaimed bool               // units left that weren't allocated
	lacking   bool               // not all that was named could leave
	unknown   bool               // lines were named that the order doesn't have
}

// ship decides that units left the building: the named lines, or all.
//
// Units ship once: a channel and the warehouse may both tell of the same
// shipment, so units that are named and have shipped already are no news. And a
// shipment is a fact, whatever we know of the units: those that were cancelled,
// released, never to be had or not yet paid leave all the same, and stock falls.
// Only what was never ordered can't.
func (t *turn) ship(e *record.OrderEvent) {
	t.beginMoves()
	s := shipment{at: e.Warehouse, whole: isMarketplaceWord(e)}
	if len(e.Lines) == 0 {
		s.lacking = !t.shipAll(&s)
	} else {
		s.unknown = t.wanted(e)
		for _, w := range t.wants {
			t.shipNamed(&s, w)
		}
	}
	t.tellShipment(&s, e)
}

// tellShipment sends and tells what came of a shipment.
func (t *turn) tellShipment(s *shipment, e *record.OrderEvent) {
	reason := ""
	switch {
	case s.dead:
		reason = reasonShippedAfterCancel
	case s.unclaimed:
		reason = reasonShippedUnallocated
	case s.unknown:
		reason = reasonLineUnknown
	case s.lacking:
		reason = reasonNotAllocated
	}
	switch {
	case len(t.acts) > 0:
		t.sendMoves(e.OccurredAt)
		t.afterShipment()
		t.tell(update{Type: record.UpdateShipped, Reason: reason, Carrier: e.Carrier, Tracking: e.Tracking})
	case reason != "":
		t.refuse(reason)
	}
}

// afterShipment: an order of which something left is neither cancelled nor
// rejected, and expired only while a payment may still revive the rest.
func (t *turn) afterShipment() {
	o := t.o
	switch {
	case o.Phase == PhaseCancelled, o.Phase == PhaseRejected, o.Phase == PhaseExpired && o.units(UnitReleased) == 0:
		o.Phase = PhaseLive
	}
}

// shipNamed ships what is named of a line.
func (t *turn) shipNamed(s *shipment, w want) {
	l := &t.o.Lines[w.line]
	before := l.at(unitsGone, s.at)
	moved := t.leave(s, w.line, l.due(UnitShipped, unitsGone, s.at, w.qty))
	l.name(UnitShipped, s.at, min(w.qty, moved+before))
	s.lacking = s.lacking || w.qty > moved+before
}

// leave makes units of a line leave, as many as there are, and returns how many.
// First go those that are the furthest, then those that the order still lacks,
// then those that are claimed at another warehouse than the one named. What was
// given up comes last: who ordered three, cancelled one and gets two, gets the
// two that were left.
func (t *turn) leave(s *shipment, line int, n record.Quantity) (moved record.Quantity) {
	for _, from := range [...]struct {
		states    UnitState
		elsewhere bool
	}{
		{UnitPacked, false}, {UnitPicked, false}, {UnitAllocated, false}, {UnitHeld, false},
		{UnitWaiting, false}, {UnitShort, false}, {unitsClaim, true}, {UnitReleased, false}, {UnitCancelled, false},
	} {
		moved += t.leaveFrom(s, line, n-moved, func(p Part) bool {
			away := s.at != "" && p.Warehouse != s.at
			return p.State.in(from.states) && (!p.State.in(unitsClaim) || away == from.elsewhere)
		})
	}
	return moved
}

// leaveFrom makes units leave from the parts that are chosen.
func (t *turn) leaveFrom(s *shipment, line int, n record.Quantity, chosen func(Part) bool) (moved record.Quantity) {
	l := &t.o.Lines[line]
	for i := 0; i < len(l.Parts) && moved < n; {
		p := l.Parts[i]
		if p.State.in(unitsGone) || !chosen(p) {
			i++
			continue
		}
		at := t.leavesFrom(s, p)
		if at == "" {
			return moved
		}
		k := min(p.Qty, n-moved)
		t.leaveOne(s, l.Item, p, k, at)
		l.split(i, k, UnitShipped, at)
		t.act(line, k, at)
		moved += k
		i = 0
	}
	return moved
}

// leaveOne notes what inventory has to know of k units of a part that leave.
func (t *turn) leaveOne(s *shipment, item int, p Part, k record.Quantity, at record.WarehouseID) {
	s.dead = s.dead || p.State.in(unitsDead)
	s.unclaimed = s.unclaimed || !p.State.in(unitsHard) || p.Warehouse != at
	if p.State.in(unitsClaim) && p.Warehouse == at {
		m := t.movesOf(item)
		m.ship = addUnits(m.ship, at, k)
		return
	}
	t.giveUpClaim(item, p, k)
	m := t.movesOf(item)
	m.unclaimed = addUnits(m.unclaimed, at, k)
}

// leavesFrom is the warehouse that units of a part leave: the one named, the one
// where they are or were, the first one of the order, the best for it. It is ""
// when there is none at all.
func (t *turn) leavesFrom(s *shipment, p Part) record.WarehouseID {
	if s.at != "" {
		return s.at
	}
	if p.Warehouse != "" {
		return p.Warehouse
	}
	for i := range t.o.Lines {
		for _, other := range t.o.Lines[i].Parts {
			if other.Warehouse != "" {
				return other.Warehouse
			}
		}
	}
	if ranked := t.places.rank(t.channel(), t.o); len(ranked) > 0 {
		return ranked[0].Warehouse
	}
	return ""
}

// shipAll ships what a shipment means that names no lines, and tells whether
// there is anything that it can have meant, or did mean when it was told before.
//
// A marketplace means its whole order, with what we lack of it. A warehouse means what
// the order has there, or anywhere. Only where there is no such thing, and
// nothing has left, units have left that we had given up, or never had.
func (t *turn) shipAll(s *shipment) bool {
	here := func(p Part) bool { return p.Warehouse != "" && (s.at == "" || p.Warehouse == s.at) }
	nowhere := func(p Part) bool { return p.Warehouse == "" }
	for _, chosen := range [...]func(Part) bool{
		func(p Part) bool { return p.State.in(unitsLive) && (s.whole || here(p)) },
		func(p Part) bool { return p.State.in(unitsDead) && (s.whole || here(p)) },
		func(p Part) bool { return p.State.in(unitsLive) && nowhere(p) },
		func(p Part) bool { return p.State.in(unitsDead) && nowhere(p) },
	} {
		for i := range t.o.Lines {
			t.leaveFrom(s, i, t.o.Lines[i].Qty, chosen)
		}
		if len(t.acts) > 0 || t.gone(s.at) {
			return true
		}
	}
	return false
}

// gone tells that units of the order left a warehouse, or any.
func (t *turn) gone(at record.WarehouseID) bool {
	for i := range t.o.Lines {
		if t.o.Lines[i].at(unitsGone, at) > 0 {
			return true
		}
	}
	return false
}
