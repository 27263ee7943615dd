package state

import (
	"bytes"
	"hash/maphash"
)

// overlay holds what the running transaction wrote, over the store, and what it read from the store (so that a hot key is
// read once). It is emptied after each transaction and keeps its memory, so a Get or Put allocates nothing in the long
// run: entries lie in one slice in the order of their first use, keys and values in an arena, and a table of slots leads
// from a key to its entry.
//
// Nothing in the arena is ever changed before the transaction is over: a value that was handed out stays as it was when
// its key is put anew.
type overlay struct {
	seed    maphash.Seed
	slots   []slot // open addressing, linear probing; a power of two, at most half full
	entries []entry
	arena   arena
	order   order // the written keys in key order; built by the first scan

	entriesHabit, chunksHabit habit

	writes     int // entries that are written or deleted
	writeBytes int // about what they take in the delta
}

// slot is 0 when free; else the upper half of the key's hash, and the index of its entry + 1 in the lower half.
type slot uint64

type entry struct {
	hash  uint64
	key   []byte
	value []byte
	is    entryKind
	// absent: the store doesn't hold the key, so deleting it needs no entry in the delta. found: it does, and was asked. Of
	// a key that was written without asking nothing is known.
	absent, found bool
}

type entryKind uint8

const (
	readAbsent  entryKind = iota // looked up, not in the store
	readPresent                  // looked up, value is the store's
	written
	deleted
)

func (e *entry) dirty() bool { return e.is >= written }

const (
	overlaySlotsMin = 1 << 10
	// overlaySlotsKept bounds what a store keeps after its largest transaction: a table of 1 MiB, and 64 k entries of 88
	// bytes. Larger ones are kept while they are used.
	overlaySlotsKept = 1 << 17
	// entryOverheadBytes is what an entry takes in a delta beside its key and value, at most as a rule.
	entryOverheadBytes = 4
)

func newOverlay() overlay {
	return overlay{seed: maphash.MakeSeed(), slots: make([]slot, overlaySlotsMin)}
}

func (o *overlay) hash(key []byte) uint64 { return maphash.Bytes(o.seed, key) }

// find returns the index of key's entry, or -1; where to put it then, and its hash.
func (o *overlay) find(key []byte) (index int, at uint64, hash uint64) {
	hash = o.hash(key)
	mask := uint64(len(o.slots) - 1)
	for at = hash & mask; ; at = (at + 1) & mask {
		s := uint64(o.slots[at])
		if s == 0 {
			return -1, at, hash
		}
		if s>>32 == hash>>32 {
			index = int(uint32(s)) - 1
			if bytes.Equal(o.entries[index].key, key) {
				return index, at, hash
			}
		}
	}
}

// add makes an entry for a key that find didn't find; at and hash are find's.
func (o *overlay) add(key []byte, at, hash uint64) *entry {
	if 2*(len(o.entries)+1) > len(o.slots) {
		o.grow()
		at = o.freeSlot(hash)
	}
	o.entries = append(o.entries, entry{hash: hash, key: o.arena.copy(key)})
	o.slots[at] = slot(hash>>32<<32 | uint64(len(o.entries)))
	return &o.entries[len(o.entries)-1]
}

// slotsFor is how many slots so many entries need.
func slotsFor(entries int) int {
	slots := overlaySlotsMin
	for slots < 2*(entries+1) {
		slots *= 2
	}
	return slots
}

func (o *overlay) grow() {
	o.slots = make([]slot, 2*len(o.slots))
	for i := range o.entries {
		hash := o.entries[i].hash
		o.slots[o.freeSlot(hash)] = slot(hash>>32<<32 | uint64(i+1))
	}
}

func (o *overlay) freeSlot(hash uint64) uint64 {
	mask := uint64(len(o.slots) - 1)
	at := hash & mask
	for o.slots[at] != 0 {
		at = (at + 1) & mask
	}
	return at
}

// read remembers what the store holds for a key that find didn't find.
func (o *overlay) read(key, value []byte, present bool, at, hash uint64) []byte {
	e := o.add(key, at, hash)
	e.absent, e.found = !present, present
	if present {
		e.is = readPresent
		e.value = o.arena.copy(value)
	}
	return e.value
}

func (o *overlay) put(key, value []byte) {
	e := o.write(key)
	e.value = o.arena.copy(value)
	e.is = written
	o.writeBytes += len(value)
}

func (o *overlay) delete(key []byte) {
	e := o.write(key)
	e.value = nil
	e.is = deleted
}

// write returns key's entry, counted as one that goes into the delta, its old value taken out of the count.
func (o *overlay) write(key []byte) *entry {
	index, at, hash := o.find(key)
	var e *entry
	if index >= 0 {
		e = &o.entries[index]
	} else {
		e = o.add(key, at, hash)
		index = len(o.entries) - 1
	}
	switch e.is {
	case written:
		o.writeBytes -= len(e.value)
	case deleted:
	default:
		o.writes++
		o.writeBytes += len(key) + entryOverheadBytes
		if o.order.built {
			o.order.insert(o.entries, uint32(index))
		}
	}
	return e
}

// isDirty says whether the transaction wrote or deleted key.
func (o *overlay) isDirty(key []byte) bool {
	if o.writes == 0 {
		return false
	}
	index, _, _ := o.find(key)
	return index >= 0 && o.entries[index].dirty()
}

// reset forgets everything.
func (o *overlay) reset() {
	if sparse := 16*len(o.entries) < len(o.slots); sparse && len(o.slots) > overlaySlotsKept {
		o.slots, o.entries = make([]slot, overlaySlotsMin), nil
	} else {
		o.emptySlots(sparse)
		used := len(o.entries)
		clear(o.entries)
		o.entries = o.entries[:0]
		if keep, shrink := o.entriesHabit.ends(used, cap(o.entries)); shrink {
			o.entries, o.slots = make([]entry, 0, keep), make([]slot, slotsFor(keep))
		}
	}
	if keep, shrink := o.chunksHabit.ends(o.arena.next, len(o.arena.chunks)); shrink {
		o.arena.shrink(keep)
	}
	o.arena.reset()
	o.order.reset()
	o.writes, o.writeBytes = 0, 0
}

// emptySlots costs what is in the table, not what the table once grew to.
func (o *overlay) emptySlots(sparse bool) {
	if !sparse {
		clear(o.slots)
		return
	}
	mask := uint64(len(o.slots) - 1)
	for i := range o.entries {
		// The slot lies at or behind its hash, also where a slot between them is emptied already.
		at := o.entries[i].hash & mask
		for uint32(o.slots[at]) != uint32(i+1) {
			at = (at + 1) & mask
		}
		o.slots[at] = 0
	}
}

// arena hands out memory that stays where it is until reset.
type arena struct {
	chunks [][]byte // all of arenaChunkBytes; those before current are full
	// current is the chunk that is being filled; len is what is used of it.
	current []byte
	next    int // chunks[next] follows current
}

const (
	arenaChunkBytes = 256 << 10
	// arenaChunksKept bounds the memory that an idle store keeps after its largest transaction: 4 MiB.
	arenaChunksKept = 16
)

// copy returns a copy of b that nobody can append into.
func (a *arena) copy(b []byte) []byte {
	if len(b) == 0 {
		return emptyValue
	}
	if len(b) > cap(a.current)-len(a.current) {
		if len(b) > arenaChunkBytes/8 {
			// Its own memory, so that no chunk is left half empty for it.
			return bytes.Clone(b)
		}
		a.more()
	}
	from := len(a.current)
	a.current = append(a.current, b...)
	return a.current[from:len(a.current):len(a.current)]
}

// emptyValue is what an empty value reads as: not nil, as a value that isn't there.
var emptyValue = []byte{}

func (a *arena) more() {
	if a.next == len(a.chunks) {
		a.chunks = append(a.chunks, make([]byte, 0, arenaChunkBytes))
	}
	a.current = a.chunks[a.next]
	a.next++
}

func (a *arena) shrink(keep int) {
	clear(a.chunks[keep:])
	a.chunks = a.chunks[:keep]
}

func (a *arena) reset() {
	if len(a.chunks) > arenaChunksKept {
		a.shrink(arenaChunksKept)
	}
	a.current, a.next = nil, 0
}
