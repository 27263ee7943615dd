package state

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Each calls fn with all that is applied, in key order, until it returns false; the running transaction isn't seen. key
// and value are valid until fn returns.
func (s *Store) Each(fn func(key, value []byte) bool) error {
	c, err := s.walkStored()
	if err != nil {
		return err
	}
	for c.next() && fn(c.key, c.value) {
	}
	return c.close()
}

// Diff calls fn, in key order, with each key that a and b hold differently, until it returns false. A value is nil where
// the store doesn't have the key; an empty one isn't.
func Diff(a, b *Store, fn func(key, av, bv []byte) bool) error {
	ca, err := a.walkStored()
	if err != nil {
		return err
	}
	cb, err := b.walkStored()
	if err != nil {
		return firstError(err, ca.close())
	}
	ca.next()
	cb.next()
	for more := true; more && (ca.valid || cb.valid); {
		order := bytes.Compare(ca.key, cb.key)
		switch {
		case !cb.valid || (ca.valid && order < 0):
			more = fn(ca.key, ca.value, nil)
			ca.next()
		case !ca.valid || order > 0:
			more = fn(cb.key, nil, cb.value)
			cb.next()
		default:
			if !bytes.Equal(ca.value, cb.value) {
				more = fn(ca.key, ca.value, cb.value)
			}
			ca.next()
			cb.next()
		}
	}
	return firstError(ca.close(), cb.close())
}

// Digest sums up all that is applied. Two stores with the same digest hold the same.
type Digest struct {
	Keys  int64
	Bytes int64 // of keys and values
	Hash  uint64
}

func (d Digest) String() string {
	return fmt.Sprintf("%d keys, %d bytes, hash %016x", d.Keys, d.Bytes, d.Hash)
}

// Digest reads the whole store.
func (s *Store) Digest() (Digest, error) {
	var d Digest
	var sum xxhash.Digest
	sum.Reset()
	var lengths [16]byte
	err := s.Each(func(key, value []byte) bool {
		binary.LittleEndian.PutUint64(lengths[:8], uint64(len(key)))
		binary.LittleEndian.PutUint64(lengths[8:], uint64(len(value)))
		_, _ = sum.Write(lengths[:])
		_, _ = sum.Write(key)
		_, _ = sum.Write(value)
		d.Keys++
		d.Bytes += int64(len(key) + len(value))
		return true
	})
	d.Hash = sum.Sum64()
	return d, err
}

// LogStats is what the sweep knows about the changelog's length. Bytes count what is in the records, and a flat charge for
// what the broker stores around each.
type LogStats struct {
	Bytes      int64 // from where the log may start, to its end; what isn't on disk yet may keep it longer
	TotalBytes int64 // all that was ever written
	StateBytes int64 // about the size of the state, as a delta would hold it; measured in the last round
	Round      int64 // of the sweep, running or the last one
}

// Log tells how long the changelog is.
func (s *Store) Log() LogStats {
	w := &s.meta.state.sweep
	return LogStats{Bytes: w.logLength(), TotalBytes: w.logBytes, StateBytes: w.stateBytes, Round: w.round}
}
