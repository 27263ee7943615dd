package channels

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// What can be wrong with the state, beside what every stage knows.
const (
	ruleItem   = "item"   // what can't be known or told of a SKU
	ruleWindow = "window" // an open window that isn't in the queue, or a queue with holes
)

// verifier is the stage's stage.Verifier.
type verifier struct {
	view   stage.View
	report func(stage.Finding)
	item   item

	stamp  []byte // the value that names were read from
	houses int    // names of warehouses
	shops  int
}

// NewVerifier returns what looks through the state of a task of this stage.
func NewVerifier() stage.Verifier { return &verifier{} }

// Verify is part of stage.Verifier.
func (s *verifier) Verify(v stage.View, key, value []byte, report func(stage.Finding)) {
	s.view, s.report = v, report
	ok := len(key) > 1
	switch {
	case key[0] == prefixItem:
		s.verifyItem(key, value)
	case key[0] == prefixWindow:
		if ok = len(key) == 1+8; ok {
			s.verifyWindow(key, value)
		}
	case key[0] == prefixWarehouse, key[0] == prefixShop:
		_, err := record.DecodeTableRow(value)
		s.undecodable(key, err)
	case string(key) == keyNames:
		ok = true
		s.undecodable(key, new(tables).decodeNames(value))
	case string(key) == keyQueue:
		ok = true
		s.verifyQueue(key, value)
	case string(key) == keyPass:
		ok = true
		_, err := decodePass(value)
		s.undecodable(key, err)
	default:
		ok = false
	}
	if !ok {
		s.find(stage.RuleUnknownKey, key, "a key of the stage channels", fmt.Sprintf("a value of %d bytes", len(value)))
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

// readNames learns how many names there are.
func (s *verifier) readNames() {
	value, ok := s.view.Get([]byte(keyNames))
	if ok && s.stamp != nil && bytes.Equal(value, s.stamp) {
		return
	}
	t := tables{}
	if t.decodeNames(value) == nil { // else its own row tells
		s.stamp = append(s.stamp[:0], value...)
		s.houses, s.shops = len(t.warehouses.list), len(t.shops.list)
	}
}

func (s *verifier) verifyItem(key, value []byte) {
	it := &s.item
	if s.undecodable(key, it.decode(value)) {
		return
	}
	s.readNames()
	for i := range it.places {
		p := &it.places[i]
		if p.warehouse >= s.houses || p.version < 0 || p.now.OnHand|p.now.Unavailable|p.now.Held|p.now.Allocated < 0 {
			s.find(ruleItem, key, fmt.Sprintf("counters of one of %d warehouses, and a version", s.houses), fmt.Sprintf("%+v", *p))
		}
	}
	for i := range it.shops {
		if t := &it.shops[i]; t.shop >= s.shops || t.version <= 0 || t.sellable < 0 {
			s.find(ruleItem, key, fmt.Sprintf("what one of %d shops was told, and a version", s.shops), fmt.Sprintf("%+v", *t))
		}
	}
	if it.due == 0 {
		return
	}
	// A shorter window that was configured meanwhile waits behind longer ones: so
	// there is no more to say than that some window is open.
	if q, err := s.queue(); err == nil && q.head == q.tail {
		s.find(ruleWindow, key, fmt.Sprintf("a window in the queue, over at %d", it.due), "an empty queue")
	}
}

func (s *verifier) queue() (queue, error) {
	value, ok := s.view.Get([]byte(keyQueue))
	if !ok {
		return queue{}, nil
	}
	return decodeQueue(value)
}

// verifyQueue: every record from head to tail is there, and the head's due is known.
func (s *verifier) verifyQueue(key, value []byte) {
	q, err := decodeQueue(value)
	if s.undecodable(key, err) {
		return
	}
	windows := uint64(0)
	first := record.Millis(0)
	s.view.Scan([]byte{prefixWindow}, []byte{prefixWindow + 1}, func(_, value []byte) bool {
		if windows == 0 {
			r := pack.NewReader(value)
			r.Array()
			r.Uint()
			first = record.Millis(r.Int())
		}
		windows++
		return true
	})
	if windows != q.tail-q.head || q.due != first {
		s.find(ruleWindow, key, fmt.Sprintf("%d windows in state, the first over at %d", windows, first), fmt.Sprintf("%d to %d, the first over at %d", q.head, q.tail, q.due))
	}
}

func (s *verifier) verifyWindow(key, value []byte) {
	q, err := s.queue()
	if n := binary.BigEndian.Uint64(key[1:]); err == nil && (n < q.head || n >= q.tail) {
		s.find(ruleWindow, key, fmt.Sprintf("a number from %d to %d", q.head, q.tail), fmt.Sprint(n))
	}
	r := pack.NewReader(value)
	n, version := r.Array(), r.Uint()
	r.Int()
	for i := 2; i < n && r.Err() == nil; i++ {
		r.View()
	}
	if err := r.Close(); err != nil || version != windowVersion {
		s.undecodable(key, fmt.Errorf("version %d, %w", version, pack.ErrForm))
	}
}
