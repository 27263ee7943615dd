package order

import (
	"encoding/binary"

	"holdfast/topology/record"
)

// Event ids that an order has seen are kept in the order's own value, and go
// with it: 16 bytes each, the hash of the id and that of the content. Nearly
// all orders see less than ten. seenMax bounds what one that is bombarded with
// events costs (16 KiB); it is above the thousand that are promised.
const (
	seenBytes = 16
	seenMax   = 1024
)

// seenAs is what the memory says of an event.
type seenAs uint8

const (
	seenNever    seenAs = iota
	seenSame            // this id with this content
	seenConflict        // this id, and never with this content
)

// seen looks an event up.
func (o *Order) seen(e *record.OrderEvent) seenAs {
	id, found := hashID(e.EventID), seenNever
	for at := 0; at+seenBytes <= len(o.Seen); at += seenBytes {
		if binary.BigEndian.Uint64(o.Seen[at:]) != id {
			continue
		}
		if binary.BigEndian.Uint64(o.Seen[at+8:]) == e.ContentHash {
			return seenSame
		}
		found = seenConflict
	}
	return found
}

// note remembers an event; the oldest goes when there are too many.
func (o *Order) note(e *record.OrderEvent) {
	if len(o.Seen) >= seenMax*seenBytes {
		o.Seen = o.Seen[:copy(o.Seen, o.Seen[len(o.Seen)-(seenMax-1)*seenBytes:])]
	}
	o.Seen = binary.BigEndian.AppendUint64(o.Seen, hashID(e.EventID))
	o.Seen = binary.BigEndian.AppendUint64(o.Seen, e.ContentHash)
}

// forgetLast takes the last note back.
func (o *Order) forgetLast() { o.Seen = o.Seen[:len(o.Seen)-seenBytes] }

// hashID is FNV-1a. It is part of the state: it must never change.
func hashID(id string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(id); i++ {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	return h
}
