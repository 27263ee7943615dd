package state

import (
	"errors"
	"fmt"
)

// ErrIncomplete: the store was wiped, and its restore hasn't come to the point yet where nothing is missing.
var ErrIncomplete = errors.New("the store is incomplete, its restore isn't done")

// Prepare ends the decisions and returns the records to be produced to the changelog, in this order: the transaction's
// puts and deletes, be there none, and the sweep's share. input is the next input offset, streamTimeMillis the task's
// time. extraSweepBytes is for ticks of an idle task: sweep at least that much. The records are valid until Commit or
// Drop, one of which must follow.
func (s *Store) Prepare(input Offset, streamTimeMillis int64, extraSweepBytes int) (parts [][]byte, err error) {
	s.mustBeDeciding()
	if at := s.Position(); input < at.Input || streamTimeMillis < at.StreamTimeMillis {
		panic(fmt.Sprintf("BUG: transaction up to input %d at time %d on a store at %+v", input, streamTimeMillis, at))
	}
	if s.meta.completeAfter != complete {
		return nil, fmt.Errorf("state directory %s: %w", s.cfg.Dir, ErrIncomplete)
	}
	s.encodeWrites()
	after := state{input: input, streamTime: streamTimeMillis}
	if after.sweep, err = s.sweepStep(extraSweepBytes); err != nil {
		return nil, err
	}
	s.encoder.endSwept()
	s.encoder.buffer = append(s.encoder.buffer, after.sweep.cursor...)

	n := s.encoder.partsFor(s.cfg.PartBytesMax)
	bytes := deltaBytes(len(s.encoder.body()), n)
	after.sweep.logBytes += bytes
	if parts, err = s.encoder.finish(after, s.cfg.PartBytesMax); err != nil {
		return nil, fmt.Errorf("state directory %s: %w", s.cfg.Dir, err)
	}
	s.prepared = prepared{is: true, after: after, parts: n, bytes: bytes}
	return parts, nil
}

// encoderBytesSpare is for the cursor, for entries with long lengths, and for the sweep's overshoot.
const encoderBytesSpare = 1 << 10

func (s *Store) encodeWrites() {
	// The sweep's share comes on top.
	s.encoder.reset(int(float64(s.overlay.writeBytes)*(1+s.cfg.SweepShare)) + encoderBytesSpare)
	for i := range s.overlay.entries {
		switch e := &s.overlay.entries[i]; {
		case e.is == written:
			s.encoder.put(e.key, e.value)
		case e.is == deleted && !e.absent:
			s.encoder.delete(e.key)
		}
	}
	s.encoder.endWrites()
}

// Commit applies the prepared delta: the Kafka transaction that carried it is known to be committed. first and last are
// the changelog offsets of its first and last record. After an error the store must be closed.
func (s *Store) Commit(first, last Offset) error {
	p := s.prepared
	switch {
	case !p.is:
		panic("BUG: Commit without Prepare")
	case first < s.meta.changelog || last-first < Offset(p.parts-1):
		// More than the parts may lie between: a writer that is about to be fenced may have left records there.
		panic(fmt.Sprintf("BUG: delta of %d parts at changelog offsets %d to %d, on a store that is at %d", p.parts, first, last, s.meta.changelog))
	}
	body := s.encoder.body()
	d := delta{writes: body[:s.encoder.writesEnd], after: p.after, bytes: p.bytes}
	if err := s.apply(&d, first, last, complete); err != nil {
		return err
	}
	s.recent.commit(s.overlay.entries)
	s.endTransaction()
	return s.backgroundError()
}

// Drop forgets the transaction: its writes, and the prepared delta with its step of the sweep.
func (s *Store) Drop() {
	if s.prepared.is {
		// A producer that gave up may not have let go of the records.
		s.encoder.forget()
	}
	s.endTransaction()
	s.background.report(s.closeIterator())
}

func (s *Store) endTransaction() {
	s.prepared = prepared{}
	s.overlay.reset()
	s.encoder.reset(0)
}
