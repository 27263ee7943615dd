package simulation

import (
	"context"
	"errors"
	"slices"
	"time"

	"holdfast/processor"
	"holdfast/topology/record"
)

// reader is a read_committed reader that is shown markers.
type reader struct {
	c       *Cluster
	log     *partitionLog
	next    record.Offset
	records []processor.ChangelogRecord
}

// readerStallMillis is when a read that waits gives up. It is in the broker's
// time, as the context's deadline is in nobody's: far beyond the timeout of a
// transaction, so it never happens unless a transaction can hang for ever.
const readerStallMillis = 6 * transactionTimeoutMillis

// Heard is part of processor.Tail.
func (r *reader) Heard() (record.Offset, time.Time) {
	return r.log.stableEnd(r.c.b.open), time.UnixMilli(int64(r.c.b.clock()))
}

// Read is part of processor.ChangelogReader.
func (r *reader) Read(ctx context.Context) ([]processor.ChangelogRecord, error) {
	since := r.c.b.clock()
	stalled := func() bool { return r.c.b.clock()-since > readerStallMillis }
	for {
		err := r.c.pause("fetch", func() bool {
			return ctx.Err() != nil || stalled() || r.next < r.log.start || r.next < r.log.stableEnd(r.c.b.open)
		})
		switch {
		case err != nil:
			return nil, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case r.next < r.log.start || r.next > r.log.end():
			return nil, processor.ErrTruncated
		case stalled():
			return nil, context.DeadlineExceeded
		}
		if err := r.c.b.faults.call(r.c.b.faults.Request); err != nil {
			return nil, err
		}
		if r.fetch(); len(r.records) > 0 {
			return r.records, nil
		}
	}
}

// fetch takes some of what is stable. Markers have an offset and nothing else;
// of what was aborted only the offsets are used up.
func (r *reader) fetch() {
	r.records = r.records[:0]
	available := int(r.log.stableEnd(r.c.b.open) - r.next)
	for range r.c.b.faults.some(available) {
		e := &r.log.entries[r.next]
		switch {
		case e.control:
			r.records = append(r.records, processor.ChangelogRecord{Offset: r.next, Control: true})
		case e.visible():
			// A copy, as from a network: who keeps it, or changes it, must not
			// get at the log.
			r.records = append(r.records, processor.ChangelogRecord{Offset: r.next, Value: slices.Clone(e.value)})
		}
		r.next++
	}
}

// Close is part of processor.ChangelogReader.
func (r *reader) Close() {}

// Take is part of processor.Tail.
func (r *reader) Take(ctx context.Context) ([]processor.ChangelogRecord, error) {
	if err := r.c.pause("fetch", nil); err != nil {
		return nil, err
	}
	if r.next < r.log.start || r.next > r.log.end() {
		return nil, processor.ErrTruncated
	}
	if err := errors.Join(ctx.Err(), r.c.b.faults.call(r.c.b.faults.Request)); err != nil {
		return nil, err
	}
	r.records = r.records[:0]
	if r.next < r.log.stableEnd(r.c.b.open) {
		r.fetch()
	}
	return r.records, nil
}
