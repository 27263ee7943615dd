package order

import (
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record/pack"
)

// stored is what state holds of an order key. Under keyOrder stands the order,
// or while it isn't known the events that came before it: nearly all orders are
// new when they come, and to look in two places for what isn't there would be a
// good part of what a new order costs.
type stored struct {
	order   bool // under keyOrder: the order
	early   bool // under keyOrder: events of an order that isn't known
	waiting bool // under keyInbox: events that wait for the order's decision
}

// load makes the turn's order and inbox those of the state.
func (s *Stage) load(tx stage.Tx) {
	t := &s.turn
	s.had = stored{}
	s.key = appendKey(s.key[:0], keyOrder, t.key)
	value, ok := tx.Get(s.key)
	switch {
	case !ok:
		return
	case isInbox(value):
		s.had.early = true
		s.loadInbox(value)
		return
	}
	s.had.order = true
	if err := s.order.Decode(value); err != nil {
		panic(fmt.Sprintf("BUG: state of order %q: %v", t.key, err))
	}
	t.o = &s.order
	if t.o.HasInbox {
		s.had.waiting = true
		s.key[0] = keyInbox
		if value, ok = tx.Get(s.key); !ok {
			panic(fmt.Sprintf("BUG: the events that wait for order %q are gone", t.key))
		}
		s.loadInbox(value)
	}
}

func (s *Stage) loadInbox(value []byte) {
	if err := s.turn.inbox.decode(value); err != nil {
		panic(fmt.Sprintf("BUG: state of events of order %q: %v", s.turn.key, err))
	}
}

// isInbox tells events from an order by the number of their fields.
func isInbox(value []byte) bool {
	r := pack.NewReader(value)
	return r.Array() == inboxFields
}

// save puts into state what changed in the turn.
func (s *Stage) save(tx stage.Tx) {
	t := &s.turn
	events := len(t.inbox.Events) > 0
	s.key = appendKey(s.key[:0], keyOrder, t.key)
	switch {
	case t.o != nil:
		if t.changed {
			s.value = AppendOrder(s.value[:0], t.o)
			tx.Put(s.key, s.value)
		} else if s.had.early {
			panic(fmt.Sprintf("BUG: order %q began and isn't to be stored", t.key))
		}
	case events:
		if t.inboxChanged {
			s.value = appendInbox(s.value[:0], &t.inbox)
			tx.Put(s.key, s.value)
		}
	case s.had.order, s.had.early:
		tx.Delete(s.key)
	}
	switch s.key[0] = keyInbox; {
	case t.o != nil && events:
		if t.inboxChanged {
			s.value = appendInbox(s.value[:0], &t.inbox)
			tx.Put(s.key, s.value)
		}
	case s.had.waiting:
		tx.Delete(s.key)
	}
}
