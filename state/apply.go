package state

import (
	"encoding/binary"

	"github.com/cockroachdb/pebble/v2"
)

const (
	batchBytesFirst = 64 << 10
	// batchBytesKept is what a store keeps of its batch between two deltas. Larger ones are rare, and Pebble keeps those of
	// more than half a memtable itself.
	batchBytesKept = 4 << 20
)

// apply brings one whole delta into Pebble, in one batch with the position that it leads to. first and last are the
// changelog offsets of its parts. This is the only way by which deltas reach the store, for their writer as for who
// restores; only a restore that gathers has another one for many deltas together (gather.go).
//
// The writer has what was swept already. So has a store that is complete; only who started in the middle of the changelog
// needs it.
func (s *Store) apply(d *delta, first, last Offset, completeAfter int64) error {
	next := d.leadsTo(first, last, completeAfter)
	s.batch.Reset()
	if err := s.addEntries(d.writes, d.after.sweep.round, true); err != nil {
		return &DeltaError{Offset: first, Reason: err.Error()}
	}
	if s.meta.completeAfter != complete {
		if err := s.addEntries(d.swept, d.after.sweep.round, false); err != nil {
			return &DeltaError{Offset: first, Reason: err.Error()}
		}
	}
	return s.applyBatch(next, d.bytes)
}

// leadsTo is where a store stands when the delta, whose parts are at first to last, is applied.
func (d *delta) leadsTo(first, last Offset, completeAfter int64) meta {
	next := meta{changelog: last + 1, state: d.after, completeAfter: completeAfter}
	if next.state.sweep.start == startsHere {
		next.state.sweep.start = first
	}
	next.state.sweep.cursor = append([]byte(nil), d.after.sweep.cursor...)
	if w := &next.state.sweep; w.round > completeAfter || (w.round == completeAfter && w.over) {
		next.completeAfter = complete
	}
	return next
}

// applyBatch adds next to the batch and applies it; deltaBytes is what that adds to the tail that isn't on disk.
func (s *Store) applyBatch(next meta, deltaBytes int64) error {
	if err := s.closeIterator(); err != nil {
		return err
	}
	s.metaBuffer = next.append(s.metaBuffer[:0])
	if err := s.batch.Set(metaKey, s.metaBuffer, nil); err != nil {
		return s.wrap("applying a delta", err)
	}
	if err := s.db.Apply(s.batch, pebble.NoSync); err != nil {
		return s.wrap("applying a delta", err)
	}
	s.meta = next
	s.flush.applied(deltaBytes)
	return nil
}

// addEntries adds a section to the batch; round goes in front of each value.
func (s *Store) addEntries(section []byte, round int64, deletes bool) error {
	var roundBuffer [binary.MaxVarintLen64]byte
	prefix := roundBuffer[:binary.PutUvarint(roundBuffer[:], uint64(round))]
	for entries := (entryReader{section}); ; {
		key, value, isDelete, ok, err := entries.next()
		if err != nil || !ok {
			return err
		}
		if isDelete {
			if !deletes {
				return errSweptDelete
			}
			op := s.batch.DeleteDeferred(len(key))
			copy(op.Key, key)
			if err := op.Finish(); err != nil {
				return err
			}
			continue
		}
		s.absence.applied(key)
		op := s.batch.SetDeferred(len(key), len(prefix)+len(value))
		copy(op.Key, key)
		copy(op.Value[copy(op.Value, prefix):], value)
		if err := op.Finish(); err != nil {
			return err
		}
	}
}

// wipe empties the store and puts it at a changelog offset below which nothing is left to read.
func (s *Store) wipe(changelog Offset) error {
	next := newMeta()
	next.changelog = changelog
	next.completeAfter = completeUnknown
	s.batch.Reset()
	// A store that never had anything has nothing to delete; a tombstone over all keys would keep the tables that follow
	// out of the lowest level, and set off compactions.
	if s.meta.changelog > 0 {
		if err := s.batch.DeleteRange(lowestKey, beyondKeys, nil); err != nil {
			return s.wrap("wiping", err)
		}
	}
	return s.applyBatch(next, metaBytes)
}
