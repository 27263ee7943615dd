package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The first byte of a key is 0x01 to 0xfe. Below lies what is the store's own, and above nothing, so that bounds around
// all keys exist: Pebble knows no key that is larger than all others.
const (
	keyFirst = 0x01
	keyLast  = 0xfe
)

var (
	metaKey    = []byte("\x00local")
	lowestKey  = []byte{keyFirst}
	beyondKeys = []byte{keyLast + 1}
)

func validKey(key []byte) bool {
	return len(key) > 0 && key[0] >= keyFirst && key[0] <= keyLast
}

func mustBeKey(key []byte) {
	if !validKey(key) {
		panic(fmt.Sprintf("BUG: %q is not a key: its first byte must be 0x01 to 0xfe", bytes.Clone(key[:min(len(key), 64)])))
	}
}

var errNoRound = errors.New("a value has no round")

// splitValue takes a stored value apart.
func (s *Store) splitValue(key, stored []byte) (round uint64, value []byte, err error) {
	round, n := binary.Uvarint(stored)
	if n <= 0 {
		return 0, nil, &CorruptError{Dir: s.cfg.Dir, Err: fmt.Errorf("key %q: %w", key, errNoRound)}
	}
	return round, stored[n:], nil
}

func uvarintBytes(n uint64) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
