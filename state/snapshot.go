package state

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// Snapshot is all that was applied to a store at one moment. Another goroutine
// than the store's may read it, one at a time, while the store goes on; it must be
// closed before the store is.
type Snapshot struct {
	store    *Store // for its directory's name alone
	view     *pebble.Snapshot
	position Position
}

// Snapshot takes one. The store must not be between Prepare and the transaction's end; what a transaction has written
// so far isn't seen.
func (s *Store) Snapshot() *Snapshot {
	return &Snapshot{store: s, view: s.db.NewSnapshot(), position: s.meta.position()}
}

// Position is where the store stood.
func (v *Snapshot) Position() Position { return v.position }

// Get returns the value of a key, in memory of its own.
func (v *Snapshot) Get(key []byte) (value []byte, ok bool, err error) {
	mustBeKey(key)
	stored, closer, err := v.view.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, v.store.wrap("reading a key", err)
	}
	_, value, err = v.store.splitValue(key, bytes.Clone(stored))
	return value, err == nil, firstError(err, closer.Close())
}

// Scan calls fn with the keys from from (included) to to (not included; nil: no upper bound) in key order, until it returns
// false. key and value are good until it returns.
func (v *Snapshot) Scan(from, to []byte, fn func(key, value []byte) bool) (err error) {
	if len(from) == 0 || from[0] < keyFirst {
		from = lowestKey
	}
	if to == nil {
		to = beyondKeys
	}
	if bytes.Compare(from, to) >= 0 {
		return nil
	}
	it, err := v.view.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return v.store.wrap("opening an iterator", err)
	}
	defer func() {
		if cerr := it.Close(); err == nil { // it says what went wrong while it was read
			err = v.store.wrap("scanning", cerr)
		}
	}()
	for more := it.First(); more; more = it.Next() {
		_, value, err := v.store.storedValue(it)
		if err != nil {
			return err
		}
		if !fn(it.Key(), value) {
			return nil
		}
	}
	return nil
}

// Close lets go of the moment.
func (v *Snapshot) Close() error { return v.store.wrap("closing a snapshot", v.view.Close()) }
