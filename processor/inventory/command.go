package inventory

import (
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// decideCommand decides what the orders stage asks for.
func (s *Stage) decideCommand(tx stage.Tx, e *record.Entry) error {
	c := &s.command
	if err := c.Decode(e.Body); err != nil {
		return err
	}
	if err := checkIDs(e.Key, c.SKU, string(c.OrderKey)); err != nil {
		return err
	}
	it := s.load(tx, c.SKU)
	s.endQuotas(tx, it)
	if c.Verb == record.VerbReturn || c.Verb == record.VerbShipUnclaimed {
		s.decideUnclaimed(tx, it, e.Origin)
		return nil
	}
	h := &s.hold
	stored := s.loadHold(tx, it, c.OrderKey, h)
	if stored && c.Verb == record.VerbReserve && h.Attempt < c.Attempt {
		s.replace(tx, it, e.Origin)
	}
	waited, at := h.Waiting > 0, h.Place

	d := s.begin(c.Verb, c.SKU, c.Cause)
	d.OrderKey, d.Attempt = c.OrderKey, c.Attempt
	switch c.Verb {
	case record.VerbReserve:
		reserve(&it.Item, h, c, d, &s.picker)
	case record.VerbConfirm:
		confirm(&it.Item, h, c, d)
	case record.VerbRelease:
		release(&it.Item, h, s.ranked(tx, it, h), c, d)
	case record.VerbReduce:
		reduce(&it.Item, h, s.ranked(tx, it, h), c, d)
	case record.VerbShip:
		ship(&it.Item, h, c, d)
	default:
		return fmt.Errorf("command with verb %s", c.Verb)
	}
	check(&it.Item, h, d)
	if s.changes(d) {
		it.changed(d, e.Origin)
		if c.Verb == record.VerbShip {
			s.noteMovements(tx, it, c.OccurredAt)
		}
		s.writeHold(tx, c.SKU, c.OrderKey, h, stored)
		switch {
		case waited && h.Waiting == 0:
			s.deleteWaiter(tx, c.SKU, at)
		case !waited && h.Waiting > 0:
			s.writeWaiter(tx, c, h.Place)
			if it.Behind {
				s.backTo(tx, it, h.Place)
			}
		}
	}
	s.send(tx, e.Origin)
	if c.Verb == record.VerbRelease || c.Verb == record.VerbReduce {
		s.serve(tx, it, "order:", string(c.OrderKey), e.Origin)
	}
	return nil
}

// decideUnclaimed decides on units that moved without the order's claim: its
// hold, if it has one, is neither asked nor changed.
func (s *Stage) decideUnclaimed(tx stage.Tx, it *cached, origin record.Origin) {
	c := &s.command
	d := s.begin(c.Verb, c.SKU, c.Cause)
	d.OrderKey, d.Attempt = c.OrderKey, c.Attempt
	if c.Verb == record.VerbReturn {
		takeBack(&it.Item, c, d)
	} else {
		shipUnclaimed(&it.Item, c, d)
	}
	check(&it.Item, nil, d)
	it.changed(d, origin)
	s.noteMovements(tx, it, c.OccurredAt)
	s.send(tx, origin)
	if c.Verb == record.VerbReturn {
		s.serve(tx, it, "order:", string(c.OrderKey), origin)
	}
}

// changes tells whether the decision changed the hold or the item.
func (s *Stage) changes(d *record.Decision) bool {
	switch d.Outcome {
	case record.OutcomeExists, record.OutcomeStale, record.OutcomeNoClaim:
		return false
	}
	return true
}

// replace ends the claim of an earlier attempt: a release like any other, with
// a decision of its own in the ledger, and its units go to who waits first.
func (s *Stage) replace(tx stage.Tx, it *cached, origin record.Origin) {
	c, h := &s.command, &s.hold
	d := s.begin(record.VerbRelease, c.SKU, c.Cause)
	d.OrderKey, d.Attempt = c.OrderKey, h.Attempt
	waited, at := h.Waiting > 0, h.Place
	release(&it.Item, h, s.ranked(tx, it, h), c, d)
	check(&it.Item, h, d)
	it.changed(d, origin)
	s.writeHold(tx, c.SKU, c.OrderKey, h, true)
	if waited {
		s.deleteWaiter(tx, c.SKU, at)
	}
	s.send(tx, origin)
	s.serve(tx, it, "order:", string(c.OrderKey), origin)
}

// loadHold reads the order's hold into h, and tells whether there is one.
func (s *Stage) loadHold(tx stage.Tx, it *cached, order record.OrderKey, h *Hold) bool {
	h.reset()
	if it.Holds == 0 {
		return false
	}
	s.key = appendHoldKey(s.key[:0], it.SKU, order)
	value, ok := tx.Get(s.key)
	if !ok {
		return false
	}
	if err := h.decode(value); err != nil {
		panic(fmt.Sprintf("BUG: state of %q for %q: %v", it.SKU, order, err))
	}
	return true
}

// writeHold keeps a hold that claims something, and only such a one.
func (s *Stage) writeHold(tx stage.Tx, sku record.SKU, order record.OrderKey, h *Hold, stored bool) {
	s.key = appendHoldKey(s.key[:0], sku, order)
	if h.live() {
		s.value = appendHold(s.value[:0], h)
		tx.Put(s.key, s.value)
	} else if stored {
		tx.Delete(s.key)
	}
}

func (s *Stage) writeWaiter(tx stage.Tx, c *record.Command, at place) {
	s.key = appendWaiterKey(s.key[:0], c.SKU, at)
	s.value = appendWaiter(s.value[:0], c.OrderKey, c.Ranked)
	tx.Put(s.key, s.value)
}

func (s *Stage) deleteWaiter(tx stage.Tx, sku record.SKU, at place) {
	s.key = appendWaiterKey(s.key[:0], sku, at)
	tx.Delete(s.key)
}

// ranked returns the list that the hold waits with, if it waits.
func (s *Stage) ranked(tx stage.Tx, it *cached, h *Hold) []record.Ranked {
	if h.Waiting == 0 {
		return nil
	}
	s.key = appendWaiterKey(s.key[:0], it.SKU, h.Place)
	value, ok := tx.Get(s.key)
	if !ok {
		panic(fmt.Sprintf("BUG: nobody stands in line for %q at %+v, where %+v should", it.SKU, h.Place, *h))
	}
	w := &s.line.waiter
	if err := w.decode(value); err != nil {
		panic(fmt.Sprintf("BUG: state of %q: %v", it.SKU, err))
	}
	return w.Ranked
}
