package order

import (
	"bytes"
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// What can be wrong with the state, beside what every stage knows.
const (
	ruleOrder = "order" // an order that no event leads to
	ruleInbox = "inbox" // events that wait, and an order that doesn't know of them
	ruleTimer = "timer" // an order and its timers don't agree
)

// verifier is the stage's stage.Verifier: orders must be as Order says, and timers
// those of the orders and inboxes, no more, no less.
type verifier struct {
	view   stage.View
	report func(stage.Finding)

	order Order
	turn  turn
	key   []byte
}

// NewVerifier returns what looks through the state of a task of this stage.
func NewVerifier() stage.Verifier { return &verifier{} }

// Verify is part of stage.Verifier.
func (s *verifier) Verify(v stage.View, key, value []byte, report func(stage.Finding)) {
	s.view, s.report = v, report
	ok := len(key) > 1
	switch key[0] {
	case keyOrder:
		s.verifyOrder(key, value)
	case keyInbox:
		s.key = appendKey(s.key[:0], keyOrder, record.OrderKey(key[1:]))
		if o, there := v.Get(s.key); !there || isInbox(o) {
			s.find(ruleInbox, key, "an order that awaits its decision", "none")
		}
	case keyTimer:
		ok = len(key) > timerPrefixBytes
		if ok {
			s.verifyTimer(key)
		}
	case keyNextDue:
		ok = len(key) == 1
		if len(value) < 8 {
			s.undecodable(key, fmt.Errorf("%d bytes", len(value)))
		}
	case keyWarehouse:
		_, err := record.DecodeTableRow(value)
		s.undecodable(key, err)
	case keyCombo:
		_, err := readCombo(value)
		s.undecodable(key, err)
	case keyWarehouseCount, keyCatalogCount:
		ok = len(key) == 1
		r := pack.NewReader(value)
		r.Uint()
		s.undecodable(key, r.Close())
	case keyParcels:
		ok = len(key) == 1
		s.undecodable(key, new(parcels).decode(value))
	default:
		ok = false
	}
	if !ok {
		s.find(stage.RuleUnknownKey, key, "a key of the stage orders", fmt.Sprintf("a value of %d bytes", len(value)))
	}
}

func (s *verifier) find(rule string, key []byte, expected, found string) {
	s.report(stage.Finding{Rule: rule, Key: key, Expected: expected, Found: found})
}

func (s *verifier) undecodable(key []byte, err error) bool {
	if err != nil {
		s.find(stage.RuleUndecodable, key, "a value of this version", err.Error())
	}
	return err != nil
}

// verifyOrder looks at an order, or at the events that wait for one, and that each
// of its timers is in the index.
func (s *verifier) verifyOrder(key, value []byte) {
	if !s.load(key, value, true) {
		return
	}
	if s.turn.o != nil {
		if err := s.turn.o.sound(); err != nil {
			s.find(ruleOrder, key, "an order as events lead to it", err.Error())
		}
	}
	due := s.turn.dues()
	for kind := timerExpiry; kind <= timerInbox; kind++ {
		if due[kind] == 0 {
			continue
		}
		s.key = appendTimerKey(s.key[:0], due[kind], kind, record.OrderKey(key[1:]))
		if _, ok := s.view.Get(s.key); !ok {
			s.find(ruleTimer, key, fmt.Sprintf("a timer of kind %d, under %q", kind, s.key), "none")
		}
	}
}

// load makes the turn what state has of the order. It returns false when that
// can't be read, which it reports if it is told to.
func (s *verifier) load(key, value []byte, tell bool) bool {
	t := &s.turn
	t.o, t.inbox = nil, inbox{}
	report := func(rule string, err error) bool {
		if err != nil && tell {
			s.find(rule, key, "a value of this version", err.Error())
		}
		return err == nil
	}
	if isInbox(value) {
		if !report(stage.RuleUndecodable, t.inbox.decode(value)) {
			return false
		}
		if tell && (len(t.inbox.Events) == 0 || t.inbox.Due == 0) {
			s.find(ruleInbox, key, "events of an order that isn't known, and when they are given up", fmt.Sprintf("%d events, due %d", len(t.inbox.Events), t.inbox.Due))
		}
		return true
	}
	if !report(stage.RuleUndecodable, s.order.Decode(value)) {
		return false
	}
	t.o = &s.order
	s.key = appendKey(s.key[:0], keyInbox, record.OrderKey(key[1:]))
	box, has := s.view.Get(s.key)
	if has && !report(stage.RuleUndecodable, t.inbox.decode(box)) {
		return false
	}
	if tell && (has != t.o.HasInbox || has && (len(t.inbox.Events) == 0 || t.inbox.Due != 0)) {
		s.find(ruleInbox, key, fmt.Sprintf("events that wait: %v", t.o.HasInbox), fmt.Sprintf("%d events, due %d (there: %v)", len(t.inbox.Events), t.inbox.Due, has))
	}
	return true
}

// verifyTimer: a timer is one of its order's, and not before the bound.
func (s *verifier) verifyTimer(key []byte) {
	due, order := cutTimerKey(key)
	kind := timerKind(key[timerDueBytes])
	s.key = appendKey(s.key[:0], keyOrder, record.OrderKey(order))
	value, ok := s.view.Get(s.key)
	if !ok {
		s.find(ruleTimer, key, fmt.Sprintf("an order %q that is due then", order), "none")
	} else if s.load(bytes.Clone(s.key), value, false) {
		if is := s.turn.dues(); kind < timerExpiry || kind > timerInbox || is[kind] != due {
			s.find(ruleTimer, key, fmt.Sprintf("%d, when %q is due", due, order), fmt.Sprintf("due times by kind: %v", is))
		}
	}
	bound, ok := s.view.Get([]byte{keyNextDue})
	if !ok || bytes.Compare(bound, key[1:]) > 0 {
		s.find(ruleTimer, []byte{keyNextDue}, fmt.Sprintf("at most %q, a timer", key[1:]), fmt.Sprintf("%q (there: %v)", bound, ok))
	}
}
