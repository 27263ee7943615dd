package state

import "bytes"

// recent keeps what transactions read, and what they made of it, for the transactions after them. Stock is what a sale
// reads and writes all the time, in each transaction once for a SKU; asking Pebble for it, through its iterators, filters
// and blocks, was a tenth of the CPU of a reservation.
//
//	Get ─> overlay ─> recent ─> absence ─> Pebble
//
// Invariant: a value in it is the store's. Only Commit changes it, once Pebble has the delta; Drop leaves it as it is, as
// it leaves the store; a Restore forgets it all.
//
// Each key has one place, by its hash, and who comes later takes it.
type recent struct {
	slots []recentSlot // nil until there is something to keep
	bytes int          // of all keys and values
}

type recentSlot struct {
	hash uint64
	data []byte // the key and, behind it, the value; empty: nothing is here
	key  int    // bytes
}

const (
	// recentSlots of 40 bytes: more than the keys that a transaction reads, be it large.
	recentSlots = 1 << 13
	// recentBytesMax bounds the keys and values, and recentEntryMax those of one key: a large value costs more to copy twice
	// than to find.
	recentBytesMax = 1 << 20
	recentEntryMax = 512
)

func (s *recentSlot) holds(key []byte, hash uint64) bool {
	return s.hash == hash && len(s.data) > 0 && bytes.Equal(s.data[:s.key], key)
}

// get returns the store's value of key, if it is here.
func (r *recent) get(key []byte, hash uint64) (value []byte, ok bool) {
	if r.slots == nil {
		return nil, false
	}
	s := &r.slots[hash%recentSlots]
	if !s.holds(key, hash) {
		return nil, false
	}
	return s.data[s.key:len(s.data):len(s.data)], true
}

// commit takes over what a transaction that is applied read and wrote. A key that it wrote without having found it in the
// store before is news, as a hold is, and nobody will ask for it soon.
func (r *recent) commit(entries []entry) {
	for i := range entries {
		e := &entries[i]
		found := e.found
		if r.slots == nil {
			if !found {
				continue
			}
			r.slots = make([]recentSlot, recentSlots)
		}
		s := &r.slots[e.hash%recentSlots]
		here := s.holds(e.key, e.hash)
		switch {
		case e.is == written && (here || found), e.is == readPresent && !here:
			r.set(s, e)
		case e.is == deleted && here:
			r.clear(s)
		}
	}
}

func (r *recent) set(s *recentSlot, e *entry) {
	r.clear(s)
	need := len(e.key) + len(e.value)
	if need > recentEntryMax || r.bytes+need > recentBytesMax {
		return
	}
	s.hash, s.key, s.data = e.hash, len(e.key), append(append(s.data, e.key...), e.value...)
	r.bytes += need
}

// clear empties a place and keeps its memory.
func (r *recent) clear(s *recentSlot) {
	r.bytes -= len(s.data)
	s.data = s.data[:0]
}

func (r *recent) forget() { *r = recent{} }
