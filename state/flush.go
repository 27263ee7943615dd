package state

import (
	"time"
)

// flush keeps the store's unwritten tail within its bounds, and knows what is on disk for certain. Pebble may have written
// more by itself, never out of order.
type flush struct {
	// What was applied since the last flush began, and since when it waits; zero: not known yet.
	bytes        int64
	waitingSince time.Time

	// running is closed by Pebble when the flush that is under way is done; nil: none is.
	running      <-chan struct{}
	runningBytes int64     // of deltas, that the running flush writes
	runningSince time.Time // since when these wait
	runningTrim  Offset    // redundantBelow when it began

	// trim is redundantBelow as it was when the last flush that is done began, so all below it is on disk. What it is when
	// the flush is done may lie behind what the flush wrote; and to wait until that is on disk would be to wait for ever,
	// where rounds are shorter than flushes.
	trim    Offset
	trimmed Offset // the changelog is known to start here, or later
}

// redundantBelow is where the changelog may start. Of a store that isn't complete, nobody knows yet.
func (m *meta) redundantBelow() Offset {
	if m.completeAfter != complete {
		return 0
	}
	return m.state.sweep.redundantBelow()
}

func (f *flush) applied(bytes int64) { f.bytes += bytes }

// MaybeFlush starts a flush when half of the bound in bytes or time is reached, or half a memtable. When the whole bound is
// reached and the flush before isn't done, it waits for it. Call it after each commit, and about once a second when idle.
// Errors are told by the next Commit.
//
// putOff says that another time would be better: then a flush begins at three quarters of a bound.
func (s *Store) MaybeFlush(now time.Time, putOff bool) (started bool) {
	f := &s.flush
	s.pollFlush()
	if f.bytes > 0 && f.waitingSince.IsZero() {
		f.waitingSince = now
	}
	if f.running != nil && now.Sub(f.runningSince) >= s.cfg.FlushEvery {
		s.background.report(s.awaitFlush())
	}
	due, dueBytes := s.cfg.FlushEvery/2, s.flushDueBytes()
	if putOff {
		due = due * 3 / 2
		if !s.cfg.SyncFlush { // whose bound in bytes is Pebble's own
			dueBytes = dueBytes * 3 / 2
		}
	}
	return s.flushIfDue(f.bytes > 0 && now.Sub(f.waitingSince) >= due, dueBytes)
}

// flushIfDue holds the bounds in bytes; late says that a flush is due by time, dueBytes when it is by bytes.
func (s *Store) flushIfDue(late bool, dueBytes int64) (started bool) {
	f := &s.flush
	s.pollFlush()
	if f.running != nil && f.runningBytes+f.bytes >= s.cfg.FlushBytes {
		s.background.report(s.awaitFlush())
	}
	due := late || f.bytes >= dueBytes
	if !due || f.running != nil {
		return false
	}
	err := s.startFlush()
	started = err == nil
	if started && s.cfg.SyncFlush {
		err = s.awaitFlush()
	}
	s.background.report(err)
	return started
}

// flushDueBytes is half of what may wait for the disk, or half a memtable, before Pebble flushes by itself. Inline flushes
// come earlier still: Pebble begins with a small memtable, and a flush of its own, in the background, wouldn't repeat.
func (s *Store) flushDueBytes() int64 {
	due := min(s.cfg.FlushBytes, s.cfg.MemTableBytes) / 2
	if s.cfg.SyncFlush {
		due = min(due, syncFlushBytes)
	}
	return due
}

// syncFlushBytes of deltas fit Pebble's first memtable of 256 KiB, where an entry takes some 60 bytes beside its own.
const syncFlushBytes = 32 << 10

// Flush writes everything to disk and waits for it.
func (s *Store) Flush() error {
	if err := s.awaitFlush(); err != nil {
		return err
	}
	if s.flush.bytes > 0 {
		if err := s.startFlush(); err != nil {
			return err
		}
	}
	return firstError(s.awaitFlush(), s.backgroundError())
}

func (s *Store) startFlush() error {
	// A transaction that only looked may have left an iterator, which would keep the memtable in memory.
	if err := s.closeIterator(); err != nil {
		return err
	}
	done, err := s.db.AsyncFlush()
	if err != nil {
		return s.wrap("starting a flush", err)
	}
	f := &s.flush
	f.running, f.runningBytes, f.runningSince, f.runningTrim = done, f.bytes, f.waitingSince, s.meta.redundantBelow()
	f.bytes, f.waitingSince = 0, time.Time{}
	return nil
}

// pollFlush notices that the running flush is done.
func (s *Store) pollFlush() {
	if s.flush.running == nil {
		return
	}
	select {
	case <-s.flush.running:
		s.flushDone()
	default:
	}
}

// awaitFlush waits for the running flush, if any, or for the news that it can't be done; Pebble then tries again.
func (s *Store) awaitFlush() error {
	if s.flush.running == nil {
		return nil
	}
	select {
	case <-s.flush.running:
		s.flushDone()
		return nil
	case err := <-s.background:
		return s.wrap("flushing", err)
	}
}

func (s *Store) flushDone() {
	f := &s.flush
	f.trim = max(f.trim, f.runningTrim)
	f.running, f.runningBytes, f.runningSince = nil, 0, time.Time{}
}

// TrimTo returns the offset below which the changelog is redundant, as far as this store has it on disk; false when the
// changelog is known to start there already. Tell Trimmed when its records are deleted.
func (s *Store) TrimTo() (Offset, bool) {
	s.pollFlush()
	return s.flush.trim, s.flush.trim > s.flush.trimmed
}

// Trimmed says that the changelog starts at off.
func (s *Store) Trimmed(off Offset) {
	s.flush.trimmed = max(s.flush.trimmed, off)
}

// background takes the first thing that went wrong where nobody could be told, in Pebble's goroutines above all, to the
// next call that returns an error.
type background chan error

// report keeps err unless another one waits to be told, which says more as it came first.
func (b background) report(err error) (kept bool) {
	if err == nil {
		return false
	}
	select {
	case b <- err:
		return true
	default:
		return false
	}
}

func (s *Store) backgroundError() error {
	select {
	case err := <-s.background:
		return s.wrap("working in the background", err)
	default:
		return nil
	}
}
