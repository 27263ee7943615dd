package state

import (
	"bytes"
	"slices"
)

// order is a skip list over the overlay's written keys. Most transactions never scan, so it is built by the first scan of
// a transaction; from then on each newly written key is inserted, which keeps a scan per record cheap, where sorting anew
// would cost the square of the records.
//
// A node is a run in towers: the entry's index, then the next node of each of its levels. Node 0 is the head, and as a
// next it is the end.
type order struct {
	built  bool
	towers []uint32
	levels int // levels in use
	random uint64
}

// orderLevelsMax with one node in four going a level up serves some 4^12 keys.
const orderLevelsMax = 12

func (l *order) reset() {
	l.built = false
	l.towers = l.towers[:0]
}

// build fills the list with all dirty entries.
func (l *order) build(entries []entry) {
	l.built = true
	l.towers = append(l.towers[:0], make([]uint32, 1+orderLevelsMax)...)
	l.levels = 1
	// Fixed: the list's shape never shows, and a run with the same input should do the same work.
	l.random = 0x9e3779b97f4a7c15

	var sorted []uint32
	for i := range entries {
		if entries[i].dirty() {
			sorted = append(sorted, uint32(i))
		}
	}
	slices.SortFunc(sorted, func(a, b uint32) int { return bytes.Compare(entries[a].key, entries[b].key) })
	var last [orderLevelsMax]uint32 // last node of each level
	for _, index := range sorted {
		l.link(index, &last)
	}
}

// insert adds an entry whose key isn't in the list.
func (l *order) insert(entries []entry, index uint32) {
	var before [orderLevelsMax]uint32
	l.seek(entries, entries[index].key, &before)
	l.link(index, &before)
}

// link makes a node for entry index behind the nodes in before, and leaves it in before on its levels.
func (l *order) link(index uint32, before *[orderLevelsMax]uint32) {
	height := l.height()
	l.levels = max(l.levels, height)
	node := uint32(len(l.towers))
	l.towers = append(l.towers, index)
	for level := range height {
		l.towers = append(l.towers, l.next(before[level], level))
		l.towers[before[level]+1+uint32(level)] = node
		before[level] = node
	}
}

func (l *order) next(node uint32, level int) uint32 { return l.towers[node+1+uint32(level)] }

// seek returns the last node whose key is below key, the head if there is none, and that node of each level in before.
func (l *order) seek(entries []entry, key []byte, before *[orderLevelsMax]uint32) uint32 {
	node := uint32(0)
	for level := l.levels - 1; level >= 0; level-- {
		for next := l.next(node, level); next != 0 && bytes.Compare(entries[l.towers[next]].key, key) < 0; next = l.next(node, level) {
			node = next
		}
		if before != nil {
			before[level] = node
		}
	}
	return node
}

// entry is the index of a node's entry; the node isn't the head.
func (l *order) entry(node uint32) uint32 { return l.towers[node] }

// height is one level, and with a chance of a quarter each, more (xorshift).
func (l *order) height() int {
	l.random ^= l.random << 13
	l.random ^= l.random >> 7
	l.random ^= l.random << 17
	height := 1
	for r := l.random; height < orderLevelsMax && r&3 == 0; r >>= 2 {
		height++
	}
	return height
}
