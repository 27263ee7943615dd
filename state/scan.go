package state

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// Scan calls fn with the keys from from (included) to to (not included; nil: no upper bound) in key order, as the
// transaction sees them: overlay over store. It ends when fn returns false. key and value are valid until fn returns.
//
// fn may call Get, Put, Delete and Scan. What it writes ahead of the key that it was called with, this scan sees.
func (s *Store) Scan(from, to []byte, fn func(key, value []byte) bool) (err error) {
	if len(from) == 0 || from[0] < keyFirst {
		from = lowestKey
	}
	if to != nil && bytes.Compare(from, to) >= 0 {
		return nil
	}
	if !s.overlay.order.built {
		s.overlay.order.build(s.overlay.entries)
	}
	it, err := s.borrowIterator(from, to)
	if err != nil {
		return err
	}
	// Deferred, for Pebble doesn't close over an iterator that a panic in fn left behind.
	defer func() { err = firstError(err, s.returnIterator(it, "scanning")) }()
	ours := overlayCursor{o: &s.overlay, to: to}
	ours.seek(from)

	for it.First(); ; {
		key := ours.peek()
		order := 1 // <0: the overlay's key is next, >0: the store's, 0: both have it, and the overlay's counts
		switch {
		case key == nil && !it.Valid():
			return nil
		case key != nil && it.Valid():
			order = bytes.Compare(key, it.Key())
		case key != nil:
			order = -1
		}
		if order == 0 {
			it.Next()
		}
		if order <= 0 {
			e := ours.pass()
			if e.is == written && !fn(e.key, e.value) {
				return nil
			}
			continue
		}
		_, value, err := s.storedValue(it)
		if err != nil || !fn(it.Key(), value) {
			return err
		}
		// What fn did at or before this key isn't ahead.
		ours.skipThrough(it.Key())
		it.Next()
	}
}

// overlayCursor walks the written keys. It keeps the node before the next one, so that keys which are inserted right
// ahead of it are seen.
type overlayCursor struct {
	o    *overlay
	to   []byte
	node uint32 // last node that was passed, or the head
}

func (c *overlayCursor) seek(from []byte) {
	c.node = c.o.order.seek(c.o.entries, from, nil)
}

func (c *overlayCursor) peek() []byte {
	next := c.o.order.next(c.node, 0)
	if next == 0 {
		return nil
	}
	key := c.o.entries[c.o.order.entry(next)].key
	if c.to != nil && bytes.Compare(key, c.to) >= 0 {
		return nil
	}
	return key
}

// pass steps over the next node and returns its entry as it is now; fn may write it anew while it is called.
func (c *overlayCursor) pass() entry {
	c.node = c.o.order.next(c.node, 0)
	return c.o.entries[c.o.order.entry(c.node)]
}

func (c *overlayCursor) skipThrough(key []byte) {
	for next := c.peek(); next != nil && bytes.Compare(next, key) <= 0; next = c.peek() {
		c.node = c.o.order.next(c.node, 0)
	}
}

// borrowIterator returns an iterator over the store from from to to (nil: to the end), not yet positioned. One iterator
// lives for a whole transaction, in which the store doesn't change; a scan within a scan gets one of its own.
func (s *Store) borrowIterator(from, to []byte) (*pebble.Iterator, error) {
	if to == nil {
		to = beyondKeys
	}
	if it := s.iterator; it != nil {
		s.iterator = nil
		it.SetBounds(from, to)
		return it, nil
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	return it, s.wrap("opening an iterator", err)
}

// returnIterator takes a borrowed iterator back and returns the error that it met.
func (s *Store) returnIterator(it *pebble.Iterator, doing string) error {
	if err := it.Error(); err != nil {
		_ = it.Close() // it says the same
		return s.wrap(doing, err)
	}
	if s.iterator == nil {
		s.iterator = it
		return nil
	}
	return s.wrap(doing, it.Close())
}

// closeIterator ends the view that the transaction had: the next one must see what was applied since.
func (s *Store) closeIterator() error {
	it := s.iterator
	if it == nil {
		return nil
	}
	s.iterator = nil
	return s.wrap("closing an iterator", it.Close())
}

// storedValue is the value at it, and the round of the sweep in which it was written.
func (s *Store) storedValue(it *pebble.Iterator) (round uint64, value []byte, err error) {
	stored, err := it.ValueAndErr()
	if err != nil {
		return 0, nil, s.wrap("reading a value", err)
	}
	return s.splitValue(it.Key(), stored)
}

// storedCursor walks what is applied, round and all taken off.
type storedCursor struct {
	s          *Store
	it         *pebble.Iterator
	positioned bool
	valid      bool
	key, value []byte
	err        error
}

func (s *Store) walkStored() (*storedCursor, error) {
	it, err := s.borrowIterator(lowestKey, nil)
	return &storedCursor{s: s, it: it}, err
}

func (c *storedCursor) next() bool {
	if c.positioned {
		c.valid = c.it.Next()
	} else {
		c.valid = c.it.First()
		c.positioned = true
	}
	if c.valid {
		c.key = c.it.Key()
		_, c.value, c.err = c.s.storedValue(c.it)
		c.valid = c.err == nil
	}
	return c.valid
}

func (c *storedCursor) close() error {
	return firstError(c.err, c.s.returnIterator(c.it, "reading the store"))
}
