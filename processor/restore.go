package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"holdfast/state"
	"holdfast/topology/record"
)

// ErrTruncated means that a log starts above the offset that was to be read.
var ErrTruncated = errors.New("log starts above the wanted offset")

// restorer brings one task to the place where it may decide again. In
// production it runs in a goroutine of its own with a plain reader, while the
// worker goes on polling with the partition paused.
type restorer struct {
	cfg       *Config
	group     string
	stage     string
	tp        TopicPartition
	changelog TopicPartition // empty topic: no state, only the place in the log
	store     *state.Store   // nil: to be opened
	broken    error          // why the store can't be trusted any longer; nil: it can
	stores    *Stores
	progress  *restoreProgress
	consumed  *consumed // of the input
	log       *slog.Logger
}

// restoreProgress is read by the status page while the restore runs.
type restoreProgress struct {
	first, next, end atomic.Int64 // changelog offsets
	begun            atomic.Int64 // wall clock, nanoseconds
}

type restoreResult struct {
	store   *state.Store
	next    record.Offset // input offset to decide next
	records int64
	bytes   int64
	took    time.Duration
	wiped   string // why the store was begun anew, "" if it wasn't
	err     error
}

func (r *restorer) run(ctx context.Context) (out restoreResult) {
	begun := r.cfg.Env.Now()
	r.progress.begun.Store(begun.UnixNano())
	out.store = r.store
	defer func() {
		out.took = r.cfg.Env.Now().Sub(begun)
		if out.err == nil && r.changelog.Topic != "" {
			r.cfg.Metrics.Restored(r.stage, r.tp, out.records, out.bytes, out.took)
			if out.wiped != "" {
				r.cfg.Metrics.Wiped(r.stage, r.tp, out.wiped)
			}
		}
	}()
	if r.broken != nil {
		out.store = nil
		if out.wiped, out.err = r.putAside(r.store, r.broken); out.err != nil {
			return out
		}
	}
	// The group's offset first, then the changelog's end: whatever transaction
	// moved the former has its delta below the latter.
	committed, hasCommitted, err := r.committed(ctx)
	if err != nil {
		out.err = fmt.Errorf("reading the committed offset: %w", err)
		return out
	}
	inputStart, _, err := r.cfg.Cluster.Bounds(ctx, r.tp)
	if err != nil {
		out.err = fmt.Errorf("reading the bounds of %s/%d: %w", r.tp.Topic, r.tp.Partition, err)
		return out
	}
	if !r.consumed.known() {
		r.consumed.note(max(inputStart, committed), 0) // the store will say more
	}
	if r.changelog.Topic == "" {
		out.next = max(inputStart, 0)
		if hasCommitted {
			out.next = committed
		}
		out.err = checkLogStart(r.tp, out.next, inputStart, hasCommitted)
		return out
	}
	if out.err = r.roll(ctx, &out); out.err != nil {
		return out
	}
	out.next, out.err = place(r.tp, out.store.Position(), committed, hasCommitted, inputStart)
	return out
}

// committed reads the group's stable offset. A transaction of somebody else may
// still move it, but not for ever.
func (r *restorer) committed(ctx context.Context) (record.Offset, bool, error) {
	stall, cancel := context.WithTimeout(ctx, r.cfg.RestoreStallMax)
	defer cancel()
	offset, ok, err := r.cfg.Cluster.Committed(stall, r.group, r.tp)
	if err != nil && stall.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("not stable for %v, a transaction hangs: %w", r.cfg.RestoreStallMax, err)
	}
	return offset, ok, err
}

// roll brings the store to the end of its changelog. One that turns out corrupt
// meanwhile is put aside, and the next one begins at the changelog's start.
func (r *restorer) roll(ctx context.Context, out *restoreResult) error {
	for {
		if out.store == nil {
			store, wiped, err := r.open()
			if err != nil {
				return err
			}
			out.store = store
			out.wiped = firstReason(out.wiped, wiped)
		}
		f := forward{cluster: r.cfg.Cluster, changelog: r.changelog, stallMax: r.cfg.RestoreStallMax, progress: r.progress}
		err := f.run(ctx, out.store)
		out.records, out.bytes = f.records, f.bytes
		out.wiped = firstReason(out.wiped, f.wiped)
		corrupt, is := asCorrupt(err)
		if !is {
			return err
		}
		broken := out.store
		out.store = nil
		if out.wiped, err = r.putAside(broken, corrupt); err != nil {
			return err
		}
	}
}

func firstReason(reasons ...string) string {
	for _, reason := range reasons {
		if reason != "" {
			return reason
		}
	}
	return ""
}

// asCorrupt tells whether a store's files are the cause.
func asCorrupt(err error) (*state.CorruptError, bool) {
	var corrupt *state.CorruptError
	ok := errors.As(err, &corrupt)
	return corrupt, ok
}

func (r *restorer) storeConfig() state.Config {
	c := r.cfg.Store
	c.Dir = filepath.Join(r.cfg.DataDir, r.stage, strconv.Itoa(int(r.tp.Partition)))
	c.Identity = state.Identity{ClusterID: r.cfg.ClusterID, Topic: r.changelog.Topic, TopicID: r.cfg.TopicIDs[r.changelog.Topic], Partition: int32(r.changelog.Partition)}
	return c
}

// open opens the task's store. One that is corrupt, or somebody else's, is put
// aside and begun anew, since all of ours is on the log.
func (r *restorer) open() (s *state.Store, wiped string, err error) {
	c := r.storeConfig()
	s, err = state.Open(c)
	var misplaced *state.MismatchError
	_, isCorrupt := asCorrupt(err)
	if isCorrupt || (errors.As(err, &misplaced) && misplaced.Misplaced()) {
		if wiped, err = r.putAside(nil, err); err != nil {
			return nil, "", err
		}
		s, err = state.Open(c)
	}
	if err != nil {
		return nil, "", fmt.Errorf("opening store: %w", err)
	}
	return s, wiped, nil
}

// corruptionsMax is how often a partition's store may break in one life of the
// process. Each time is a restore, and once is a bad sector; more is a disk or
// memory that breaks whatever is written.
const corruptionsMax = 3

// putAside closes a store as it is (nil: it isn't open), moves it out of the way
// and returns why.
func (r *restorer) putAside(s *state.Store, why error) (wiped string, err error) {
	if s != nil {
		s.Abandon()
	}
	c := r.storeConfig()
	if n := r.stores.broke(r.changelog); n > corruptionsMax {
		// As text: nobody may take it for a store that can be mended.
		return "", fmt.Errorf("the store is corrupt again and again, %d times since this process began: its disk or memory can't be trusted: %s", n, why.Error())
	}
	moved, err := state.Quarantine(c.FS, c.Dir, why)
	if err != nil {
		return "", fmt.Errorf("putting a corrupt store aside: %w (%s)", err, why.Error())
	}
	r.log.Error("store can't be trusted, put aside and built anew from the changelog", "dir", c.Dir, "moved", moved, "err", why)
	if _, is := asCorrupt(why); is {
		return "corrupt", nil
	}
	return "misplaced", nil
}

// RollForward brings a store that nobody else uses to the end of its changelog.
// It returns how many records and bytes that took.
func RollForward(ctx context.Context, c Cluster, changelog TopicPartition, store *state.Store, stallMax time.Duration) (records, bytes int64, err error) {
	f := forward{cluster: c, changelog: changelog, stallMax: stallMax, progress: &restoreProgress{}}
	err = f.run(ctx, store)
	return f.records, f.bytes, err
}

// ReadChangelog calls fn with each committed record of a changelog, from its start
// to its end as it is now.
func ReadChangelog(ctx context.Context, c Cluster, changelog TopicPartition, stallMax time.Duration, fn func(offset record.Offset, value []byte) error) error {
	start, end, err := c.Bounds(ctx, changelog)
	if err != nil {
		return fmt.Errorf("reading the bounds of %s/%d: %w", changelog.Topic, changelog.Partition, err)
	}
	reader, err := c.Read(ctx, changelog, start)
	if err != nil {
		return fmt.Errorf("reading changelog %s/%d: %w", changelog.Topic, changelog.Partition, err)
	}
	defer reader.Close()
	for next := start; next < end; {
		stall, cancel := context.WithTimeout(ctx, stallMax)
		records, err := reader.Read(stall)
		cancel()
		if err != nil {
			if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
				err = &stalledError{next: next, end: end, after: stallMax}
			}
			return fmt.Errorf("reading changelog %s/%d: %w", changelog.Topic, changelog.Partition, err)
		}
		for i := range records {
			rec := &records[i]
			next = rec.Offset + 1
			if rec.Control || rec.Offset >= end {
				continue
			}
			if err := fn(rec.Offset, rec.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// forward applies a changelog from a store's position to the end as captured when
// it starts. It is done when it has seen an offset at or beyond end-1, record or
// marker: a read_committed reader is never shown the marker that ends a log as a
// record.
type forward struct {
	cluster        Cluster
	changelog      TopicPartition
	stallMax       time.Duration
	progress       *restoreProgress
	records, bytes int64
	wiped          string // why the store was begun anew
}

func (f *forward) run(ctx context.Context, store *state.Store) error {
	restore := store.NewRestore()
	restore.Gather()
	defer func() { f.records, f.bytes = restore.Stats() }()
	if err := f.catchUp(ctx, store, restore); err != nil {
		return err
	}
	return restore.Finish()
}

func (f *forward) catchUp(ctx context.Context, store *state.Store, restore *state.Restore) error {
	// read is where reading got to: the restore isn't told of markers, so its own
	// place never gets past the one that ends the log.
	read := record.Offset(0)
	for {
		start, end, err := f.cluster.Bounds(ctx, f.changelog)
		if err != nil {
			return fmt.Errorf("reading the bounds of %s/%d: %w", f.changelog.Topic, f.changelog.Partition, err)
		}
		if err := notAhead(store, f.changelog, record.Offset(restore.Next()), end); err != nil {
			return err
		}
		if before := restore.Next(); record.Offset(before) < start && before > 0 {
			f.wiped = fmt.Sprintf("the changelog starts at %d, the store ends at %d", start, before)
		}
		if err := restore.LogStart(state.Offset(start)); err != nil {
			return fmt.Errorf("starting at the changelog's start: %w", err)
		}
		if max(read, record.Offset(restore.Next())) >= end {
			if done, why := restore.Complete(); !done {
				return fmt.Errorf("changelog %s/%d: %s", f.changelog.Topic, f.changelog.Partition, why)
			}
			return nil
		}
		switch err := f.readTo(ctx, restore, end); {
		case errors.Is(err, ErrTruncated):
			continue // the owner's sweep moved the start past us: begin there
		case err != nil:
			return fmt.Errorf("reading changelog %s/%d: %w", f.changelog.Topic, f.changelog.Partition, err)
		}
		if done, _ := restore.Complete(); done {
			return nil
		}
		// Begun in the middle of a sweep's round: what is redundant in front of
		// it isn't all behind it yet. The end may have moved meanwhile; where it
		// hasn't, nothing more will come.
		read = end
	}
}

// notAhead: a store is a prefix of the committed changelog, so one that is ahead of
// its end belongs to a log that was cut, as by an unclean change of leader, or made
// anew. It may be all that is left of what the log has lost, so it is neither used
// nor put aside. Its next delta would be written in the place of one that it has.
func notAhead(store *state.Store, changelog TopicPartition, next, end record.Offset) error {
	if next <= end {
		return nil
	}
	return fmt.Errorf("changelog %s/%d ends at offset %d, and the store in %s has applied it up to %d: the log was cut, or made anew, and the store may be all that is left of the rest; nothing is decided until somebody looks (with the directory moved away, what is left of the log is restored)",
		changelog.Topic, changelog.Partition, end, store.Dir(), next)
}

// readTo feeds the records below end. A transaction that hangs open, or a log cut
// below end, shows as a reader that sees nothing new: an error after a while,
// never an under-read.
func (f *forward) readTo(ctx context.Context, restore *state.Restore, end record.Offset) error {
	next := record.Offset(restore.Next())
	f.progress.first.Store(int64(next))
	f.progress.next.Store(int64(next))
	f.progress.end.Store(int64(end))
	reader, err := f.cluster.Read(ctx, f.changelog, next)
	if err != nil {
		return err
	}
	defer reader.Close()
	for next < end {
		stall, cancel := context.WithTimeout(ctx, f.stallMax)
		records, err := reader.Read(stall)
		cancel()
		if err != nil {
			if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
				return &stalledError{next: next, end: end, after: f.stallMax}
			}
			return err
		}
		for i := range records {
			rec := &records[i]
			if !rec.Control {
				if err := restore.Feed(state.Offset(rec.Offset), rec.Value); err != nil {
					return fmt.Errorf("offset %d: %w", rec.Offset, err)
				}
			}
			next = rec.Offset + 1
		}
		f.progress.next.Store(int64(next))
	}
	return nil
}

// stalledError means that a changelog shows nothing new below its end.
type stalledError struct {
	next, end record.Offset
	after     time.Duration
}

func (e *stalledError) Error() string {
	return fmt.Sprintf("nothing new at offset %d for %v, the end is %d: a transaction hangs, or the log was cut", e.next, e.after, e.end)
}

// place decides where to go on, after the store has been rolled forward.
//
//	group = store   go on
//	group < store   an operator set the group back, or the group has forgotten:
//	                skip to the store, which has decided those records
//	group > store   the changelog lacks what the group says is done: halt
//	no group        the store's, or the start of the log where it has none
func place(tp TopicPartition, p state.Position, committed record.Offset, hasCommitted bool, inputStart record.Offset) (record.Offset, error) {
	next := record.Offset(p.Input)
	if next < 0 {
		next = inputStart
	}
	if hasCommitted && committed > next {
		return 0, fmt.Errorf("%s/%d: the group has committed offset %d and the state ends at %d: the changelog has lost records, or belongs to another cluster; nothing is decided until somebody looks (setting the group's offset back to %d accepts the loss)", tp.Topic, tp.Partition, committed, next, next)
	}
	return next, checkLogStart(tp, next, inputStart, hasCommitted || p.Input >= 0)
}

func checkLogStart(tp TopicPartition, next, start record.Offset, begun bool) error {
	if begun && next < start {
		return fmt.Errorf("%s/%d: records %d to %d were deleted before they were decided (the log starts at %d)", tp.Topic, tp.Partition, next, start-1, start)
	}
	return nil
}
