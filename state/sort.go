package state

import (
	"encoding/binary"
	"slices"
)

// sorter sorts gathered entries by key, and keeps its memory from one time to the next.
//
// It goes by words of eight bytes, each word by its bytes from the last to the first, those that all keys share left out:
// many keys begin alike, and comparing keys as a whole would look at the same bytes again and again, each time somewhere
// else in memory. Entries whose words agree are sorted by the next word.
type sorter struct {
	spare []gatheredEntry
}

const (
	wordBytes = 8
	// fewEntries are sorted by comparing words: counting bytes would take longer.
	fewEntries = 200
)

// sort sorts entries that are in the order in which they came. The latest entry of a key stays what it is, the others
// become gatheredOld.
func (s *sorter) sort(bodies []gatheredBody, entries []gatheredEntry) {
	s.spare = slices.Grow(s.spare[:0], len(entries))[:len(entries)]
	s.sortFrom(bodies, entries, 0)
}

// sortFrom sorts entries whose keys agree in depth bytes, and have more.
func (s *sorter) sortFrom(bodies []gatheredBody, entries []gatheredEntry, depth uint32) {
	for len(entries) > 1 {
		alike := true
		for i := range entries {
			e := &entries[i]
			e.word = e.wordAt(bodies[e.body].bytes, depth)
			alike = alike && e.word == entries[0].word && e.goesOn(depth)
		}
		if !alike {
			break
		}
		depth += wordBytes
	}
	if len(entries) < 2 {
		return
	}
	s.sortWords(entries, depth)
	for from := 0; from < len(entries); {
		to := from + 1
		for to < len(entries) && entries[to].word == entries[from].word && entries[to].left(depth) == entries[from].left(depth) {
			to++
		}
		if entries[from].goesOn(depth) {
			s.sortFrom(bodies, entries[from:to], depth+wordBytes)
		} else {
			for i := from; i < to-1; i++ {
				entries[i].is = gatheredOld
			}
		}
		from = to
	}
}

// sortWords sorts by word and, as a key that ends within its word was filled up with zeros and comes before one that has
// them, by what is left. Entries that agree in both stay in their order.
func (s *sorter) sortWords(entries []gatheredEntry, depth uint32) {
	if len(entries) <= fewEntries {
		slices.SortStableFunc(entries, func(a, b gatheredEntry) int {
			switch {
			case a.word < b.word:
				return -1
			case a.word > b.word:
				return 1
			}
			return int(a.left(depth)) - int(b.left(depth))
		})
		return
	}
	// The least significant digit first: what is left, then the word's bytes.
	var counts [1 + wordBytes][256]uint32
	for i := range entries {
		e := &entries[i]
		counts[0][e.left(depth)]++
		for d := range wordBytes {
			counts[1+d][byte(e.word>>(8*d))]++
		}
	}
	from, to := entries, s.spare[:len(entries)]
	for digit := range counts {
		places, many := startPlaces(&counts[digit])
		if !many {
			continue
		}
		shift := 8 * (digit - 1)
		for i := range from {
			e := &from[i]
			var value byte
			if digit == 0 {
				value = byte(e.left(depth))
			} else {
				value = byte(e.word >> shift)
			}
			to[places[value]] = *e
			places[value]++
		}
		from, to = to, from
	}
	if &from[0] != &entries[0] {
		copy(entries, from)
	}
}

// startPlaces makes of how often each value of a digit occurs where its entries begin; many is whether more than one does.
func startPlaces(counts *[256]uint32) (places *[256]uint32, many bool) {
	at, values := uint32(0), 0
	for i, n := range counts {
		if n > 0 {
			values++
		}
		counts[i] = at
		at += n
	}
	return counts, values > 1
}

// left is how much of the key there is from depth on, of which only the word and whether it goes on matter.
func (e *gatheredEntry) left(depth uint32) uint32 { return min(e.key-depth, wordBytes+1) }

// goesOn says whether the key is longer than the word at depth.
func (e *gatheredEntry) goesOn(depth uint32) bool { return e.key > depth+wordBytes }

// wordAt is the word of the key at depth, filled up with zeros. The key has bytes there.
func (e *gatheredEntry) wordAt(body []byte, depth uint32) uint64 {
	from, end := e.at+depth, e.at+e.key
	if end-from >= wordBytes {
		return binary.BigEndian.Uint64(body[from:])
	}
	word := uint64(0)
	for i, c := range body[from:end] {
		word |= uint64(c) << (56 - 8*i)
	}
	return word
}
