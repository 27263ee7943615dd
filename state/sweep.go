package state

import "bytes"

// sweep is where the sweep stands after a delta. It travels in the delta, so a transaction that is dropped takes its step
// of the sweep back with it, and whoever replays the delta goes on from the same place.
//
// # Price and bound
//
// Every byte that a transaction writes earns credit: share bytes, and a sixteenth of that on top. Repeating a byte of the
// state costs one byte of credit, passing a byte that needs no repeating (written in this round, or by this transaction)
// costs a sixteenth: it costs no log, but it has to be read. Credit that isn't used up is carried to the next delta, as is
// debt, so small transactions add up.
//
// Let S be the largest size of the state. A round repeats at most S bytes, as it repeats a key at most once, in the state
// that it had when the round began; it passes at most S more. So it costs at most S·(1+1/16), which transactions that
// write S/share bytes have earned: together S·(1+1/share) of log. Before the end of a round the log starts where the
// round before it started: two rounds, 2·S·(1+1/share), and a delta or two as no delta is cut in halves.
//
// Where nothing needs repeating a round takes only S/16/share bytes of log, and would do little but read the store over
// and over. So the next round waits until the log since the start of the last one is half of what a round may take.
type sweep struct {
	round    int64  // the number of the running or last round; 0: there was none yet
	over     bool   // the round is over, the next one hasn't begun
	start    Offset // the first record of the round's first delta
	previous Offset // the same of the round before it

	credit      int64 // in sixteenths of a byte; below 0: debt
	passedBytes int64 // size of what the cursor has passed in this round, repeated or not
	stateBytes  int64 // the same for the whole of the last complete round: about the size of the state

	// logBytes is the length of all changelog ever written, this delta included; the others are what it was right before
	// the round's start, and right before the start of the round before it.
	logBytes, startBytes, previousBytes int64

	cursor []byte // the last key that was passed; empty when none was
}

// startsHere is a round's start in its own first delta.
const startsHere Offset = -1

const (
	// Credit is counted in sixteenths of a byte, as passing a byte is sixteen times as cheap as repeating one: cheap enough
	// to overtake whatever grows, dear enough to keep reading small beside writing.
	repeatPrice = 16
	passPrice   = 1
	// idlePartOfLogMin: an idle step sweeps at least this part of LogBytesMin, 64 KiB by default, so that the deltas' own
	// heads don't make the log longer than the sweep makes it shorter.
	idlePartOfLogMin = 16
	// roundPartOfLogMin: rounds are not made shorter than this part of LogBytesMin.
	roundPartOfLogMin = 4
)

// redundantBelow is where the changelog may start: at the last round that is over.
func (w *sweep) redundantBelow() Offset {
	if w.over {
		return w.start
	}
	return w.previous
}

// logLength is the length of the changelog from redundantBelow on.
func (w *sweep) logLength() int64 {
	if w.over {
		return w.logBytes - w.startBytes
	}
	return w.logBytes - w.previousBytes
}

func (w *sweep) begin() {
	w.round++
	w.over = false
	w.previous, w.previousBytes = w.start, w.startBytes
	w.start, w.startBytes = startsHere, w.logBytes
	w.passedBytes = 0
}

func (w *sweep) end() {
	w.over = true
	w.stateBytes = w.passedBytes
	// Credit that nothing is left to spend on is void, debt isn't.
	w.credit = min(w.credit, 0)
	w.cursor = nil
}

// sweepStep adds the sweep's share to the delta in the encoder, which holds all that the transaction writes, and returns
// where the sweep stands then, but for the log's length. The start of a round that was begun before is kept as it is.
func (s *Store) sweepStep(extraBytes int) (w sweep, err error) {
	w = s.meta.state.sweep
	idle := extraBytes > 0
	if w.over && (idle || s.roundIsDue(&w)) {
		w.begin()
	}
	if w.over {
		return w, nil
	}
	own := deltaBytes(s.encoder.writesEnd, 1)
	w.credit += int64(float64(own) * s.cfg.SweepShare * (repeatPrice + passPrice))
	if idle {
		w.credit += max(int64(extraBytes), s.cfg.LogBytesMin/idlePartOfLogMin) * repeatPrice
	}
	if w.credit > 0 {
		err = s.walk(&w)
	}
	return w, err
}

// walk moves the cursor on while there is credit.
func (s *Store) walk(w *sweep) error {
	from := lowestKey
	if len(w.cursor) > 0 {
		from = w.cursor
	}
	it, err := s.borrowIterator(from, nil)
	if err != nil {
		return err
	}
	valid := it.First()
	if valid && bytes.Equal(it.Key(), w.cursor) {
		valid = it.Next()
	}
	for ; valid && w.credit > 0; valid = it.Next() {
		round, value, err := s.storedValue(it)
		if err != nil {
			return firstError(err, s.returnIterator(it, "sweeping"))
		}
		key := it.Key()
		size := entryBytes(key, value)
		// A key that this transaction writes is in this delta, and its stored value is of the past. One that was written
		// since the round began is in the log behind the round's start.
		if int64(round) == w.round || s.overlay.isDirty(key) {
			w.credit -= size * passPrice
		} else {
			s.encoder.put(key, value)
			w.credit -= size * repeatPrice
		}
		w.passedBytes += size
		s.cursor = append(s.cursor[:0], key...)
		w.cursor = s.cursor
	}
	if !valid && it.Error() == nil {
		w.end()
	}
	return s.returnIterator(it, "sweeping")
}

// roundIsDue: see "Price and bound".
func (s *Store) roundIsDue(w *sweep) bool {
	half := int64(float64(w.stateBytes) * (1 + 1/s.cfg.SweepShare) / 2)
	return w.logBytes-w.startBytes >= max(half, s.cfg.LogBytesMin/roundPartOfLogMin)
}

// WantsSweep says whether the changelog is longer than an idle task should leave it: then go on with ticks, each with some
// extra sweep. It comes to an end, as a round of nothing but sweep makes the log about as long as the state.
func (s *Store) WantsSweep() bool {
	w := &s.meta.state.sweep
	return w.logLength() > 2*w.stateBytes+s.cfg.LogBytesMin
}
