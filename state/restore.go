package state

import (
	"bytes"
	"fmt"
	"slices"
)

// Restore rolls a store forward along its changelog: from nothing, or over what it missed. Tell it the log's start first,
// then feed it every committed record from Next on, in order. While a Restore is in use the store is used for nothing else
// but MaybeFlush, by the same goroutine.
//
// Where the changelog no longer holds what the store misses, the store is wiped and begins at the log's start. It holds
// everything again at the end of a round of the sweep that lies behind that start as a whole:
//
//	       log start                        complete
//	           ▼                               ▼
//	┄┄┄┄┄┄┄┄┄┄┄├───────── round 7 ─────────────┤── round 8 ┄┄
//
//	       log start                                              complete
//	           ▼                                                     ▼
//	┄┄ round 6 ┼──────────────┤─────────── round 7 ──────────────────┤┄┄
//
// By itself it applies each delta as it comes; Gather makes it faster, and then Finish must end it.
type Restore struct {
	s    *Store
	next Offset
	at   meta // what all deltas so far led to; the store's unless gathered says otherwise

	gathered *gathered // nil: every delta is applied at once

	// The parts of a delta of which not all are here yet; none: body is empty and shared nil.
	first  Offset // of part 0
	head   header
	shared []byte
	body   []byte

	told           bool // of the log's start
	records, bytes int64
}

// NewRestore begins to roll the store forward. The store must not be within a transaction.
func (s *Store) NewRestore() *Restore {
	if s.prepared.is || s.overlay.writes > 0 {
		panic("BUG: a restore within a transaction")
	}
	s.overlay.reset()
	s.recent.forget()
	return &Restore{s: s, next: s.meta.changelog, at: s.meta}
}

// Next is the changelog offset to read from.
func (r *Restore) Next() Offset { return r.next }

// Stats is what was fed so far; records that the store had already don't count.
func (r *Restore) Stats() (records, bytes int64) { return r.records, r.bytes }

// LogStart says where the changelog starts. If it starts behind Next, the store is wiped, and Next is the log's start. It
// must be called before the first Feed, and again whenever the log's start may have moved past Next meanwhile.
func (r *Restore) LogStart(off Offset) error {
	r.told = true
	r.s.Trimmed(off)
	if off <= r.next {
		return nil
	}
	if r.next > 0 { // else it had nothing to lose
		r.s.cfg.Logger.Warn("state store: the changelog was trimmed beyond what the store has, starting again from the log's start",
			"dir", r.s.cfg.Dir, "next", int64(r.next), "log_start", int64(off))
	}
	r.forgetParts()
	r.next = off
	if r.gathered != nil {
		r.gathered.reset()
	}
	err := r.s.wipe(off)
	r.at = r.s.meta
	return err
}

// Feed takes the changelog's committed record at off. A delta is applied once all its parts are there, as a whole. Records
// below Next are ignored, so a reader may start again a little earlier. value isn't kept, unless the restore gathers. An
// error is a DeltaError or the disk's; after either the store must be closed.
func (r *Restore) Feed(off Offset, value []byte) error {
	if !r.told {
		panic("BUG: Feed before LogStart: records may be missing")
	}
	if off < r.next {
		return nil
	}
	h, chunk, err := decodeHeader(value)
	if err != nil {
		return &DeltaError{Offset: off, Reason: err.Error()}
	}
	r.next = off + 1
	r.records++
	r.bytes += int64(len(value))

	shared := sharedHeader(value)
	body := chunk
	switch {
	case h.part == 0 && r.shared != nil:
		return &DeltaError{Offset: off, Reason: fmt.Sprintf("a delta begins, but only %d of %d parts of the one at %d are there", r.head.part+1, r.head.parts, r.first)}
	case h.part == 0:
		r.first = off
	case r.shared == nil && r.at.completeAfter == completeUnknown:
		// The log was cut within this delta. It is lost, as all before it; the next one tells what that means.
		return nil
	case r.shared == nil:
		return &DeltaError{Offset: off, Reason: fmt.Sprintf("part %d of a delta, without the parts before it", h.part)}
	case h.part != r.head.part+1 || h.parts != r.head.parts || h.checksum != r.head.checksum || !bytes.Equal(shared, r.shared):
		return &DeltaError{Offset: off, Reason: fmt.Sprintf("not part %d of the delta at %d", r.head.part+1, r.first)}
	}
	if h.parts > 1 {
		if h.part == 0 {
			r.shared = bytes.Clone(shared)
			r.body = slices.Grow(r.body, min(h.bodyEnd, restoreBodyKept)) // it says so, but who knows
		}
		r.body = append(r.body, chunk...)
		r.head = h
		if h.part+1 < h.parts {
			return nil
		}
		body = r.body
	}
	d, err := decodeDelta(&h, shared, body)
	if err != nil {
		return &DeltaError{Offset: r.first, Reason: err.Error()}
	}
	err = r.follow(&d, body, off)
	r.forgetParts()
	return err
}

func (r *Restore) forgetParts() {
	r.shared = nil
	if cap(r.body) > restoreBodyKept {
		r.body = nil
	}
	r.body = r.body[:0]
}

// restoreBodyKept bounds the memory kept for deltas of several parts.
const restoreBodyKept = 8 << 20

// follow applies the delta whose last part is at last, if it follows what the store has.
func (r *Restore) follow(d *delta, body []byte, last Offset) error {
	s := r.s
	at, to := &r.at, &d.after
	completeAfter := at.completeAfter
	if completeAfter == completeUnknown {
		// The first delta after a wipe. Its round helps only if it begins right here.
		completeAfter = to.sweep.round
		if to.sweep.start != startsHere {
			completeAfter++
		}
	} else if to.sweep.logBytes-d.bytes != at.state.sweep.logBytes {
		return &DeltaError{Offset: r.first, Reason: fmt.Sprintf("%d bytes of changelog lie before it, but %d were read: a delta is missing, doubled, or made on another history",
			to.sweep.logBytes-d.bytes, at.state.sweep.logBytes)}
	}
	if to.input < at.state.input || to.streamTime < at.state.streamTime || to.sweep.round < at.state.sweep.round {
		return &DeltaError{Offset: r.first, Reason: fmt.Sprintf("it goes back: input %d after %d, time %d after %d, round %d after %d",
			to.input, at.state.input, to.streamTime, at.state.streamTime, to.sweep.round, at.state.sweep.round)}
	}
	if r.gathered != nil {
		if len(r.body) > 0 {
			r.body = nil // it is the gathered's now
		}
		return r.gather(d, body, d.leadsTo(r.first, last, completeAfter))
	}
	if err := s.apply(d, r.first, last, completeAfter); err != nil {
		return err
	}
	r.at = s.meta
	s.flushIfDue(false, s.flushDueBytes())
	return s.backgroundError()
}

// Complete says whether the store holds all that the changelog ever held up to Next, or will once Finish has returned, and
// if it doesn't, why.
func (r *Restore) Complete() (ok bool, reason string) {
	switch m := &r.at; {
	case r.shared != nil:
		return false, fmt.Sprintf("of the delta at offset %d only %d of %d parts were read", r.first, r.head.part+1, r.head.parts)
	case m.completeAfter == completeUnknown:
		return false, fmt.Sprintf("it starts at offset %d, and no delta was read since", m.changelog)
	case m.completeAfter != complete:
		return false, fmt.Sprintf("it started within the changelog and is complete at the end of round %d of the sweep; round %d runs", m.completeAfter, m.state.sweep.round)
	}
	return true, ""
}
