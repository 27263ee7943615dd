package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"holdfast/state"
)

// commit ends the open transaction:
//
//	finish    every stage writes what it put off into its overlay
//	prepare   every task that consumed gets a delta (be it empty, so that its
//	          offsets move), with the sweep's share, taken after all decisions
//	produce   deltas, envelopes, public records; the first error of any counts
//	flush     all of it is on the log, undecided
//	end       with the consumed offsets; the only way to a commit is (true, nil)
//	apply     each delta to its store in one batch with both offsets
//
// Invariant: a store is never ahead of the committed changelog. Up to end
// nothing has touched it, and a crash between end and apply is repaired by
// replaying the changelog's tail. Applying before the end would put work into
// the store that may turn out aborted; a store can't take that back.
//
// The input offset travels in the delta and in the transaction's offset commit.
// Both are committed together, so after any crash they agree once the store has
// been rolled forward.
func (w *worker) commit(ctx context.Context) error {
	// A stop that is asked for meanwhile waits: to break off here would leave
	// an outcome to be settled for nothing.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.cfg.EndTimeout)
	defer cancel()
	begun := w.cfg.Env.Now()
	w.waiting.begin(begun)

	w.at("finish")
	for _, t := range w.batch.tasks {
		if err := t.finish(); err != nil {
			return w.abandon(ctx, err)
		}
	}
	w.at("prepare")
	for _, t := range w.batch.tasks {
		if err := w.prepare(t); err != nil {
			return w.abandon(ctx, err)
		}
	}
	w.at("produce")
	if err := w.session.Begin(); err != nil {
		return w.abandon(ctx, fmt.Errorf("beginning a transaction: %w", err))
	}
	for _, t := range w.batch.tasks {
		for _, out := range t.prepared {
			w.session.Produce(out)
		}
	}
	for _, out := range w.batch.close() {
		w.session.Produce(out)
	}
	w.at("flush")
	if err := w.session.Flush(ctx); err != nil {
		return w.abandon(ctx, blame(fmt.Errorf("producing: %w", err)))
	}
	w.batch.asked = true
	w.at("end")
	committed, err := w.session.End(ctx, true)
	w.at("ended")
	w.lastEnd = w.cfg.Env.Now()
	w.commitCost = w.lastEnd.Sub(begun)
	if err != nil || !committed {
		// Not "aborted": a lost answer, a coordinator that moved, an error that
		// the client took for an abort. Whoever assumes, decides twice.
		if err == nil {
			err = errNotCommitted
		}
		return w.abandon(ctx, fmt.Errorf("ending a transaction: %w", err))
	}
	w.setback.clear()
	w.waiting.done()
	w.tell(Committed)
	if err := w.apply(); err != nil {
		return err
	}
	w.upkeep(ctx)
	w.session.AllowRebalance()
	return nil
}

// errNotCommitted: the session didn't commit, and knows of no error. Partitions
// were taken away meanwhile, most likely.
var errNotCommitted = errors.New("not committed")

// blame finds the task that a record which can't be written comes from. Doing the
// batch again would lead to the same record, for ever.
func blame(err error) error {
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Out.by == nil || !tooLarge(err, len(refused.Out.Key)+len(refused.Out.Value)) {
		return err
	}
	return &taskError{refused.Out.by, fmt.Errorf("offset %d: what it leads to can't be written: %w", refused.Out.at, err)}
}

// prepare encodes the task's delta.
func (w *worker) prepare(t *task) error {
	t.prepared = t.prepared[:0]
	if !t.hasState() {
		return nil
	}
	sweepBytes := 0
	if t.store.OverlayBytes() <= idleWriteBytes && t.store.WantsSweep() {
		sweepBytes = idleSweepBytes
	}
	parts, err := t.store.Prepare(state.Offset(t.next), int64(t.tx.now), sweepBytes)
	if err != nil {
		return &taskError{t, err}
	}
	for _, p := range parts {
		w.batch.changelogBytes += len(p)
		t.prepared = append(t.prepared, &Out{TopicPartition: t.changelog, Value: p})
	}
	return nil
}

// A task that writes so little in a transaction is idle, most likely it was a
// tick: it has room to sweep more than its share. 256 KiB per tick at five ticks
// a second works off a megabyte a second, and keeps the transaction small.
const (
	idleWriteBytes = 4 << 10
	idleSweepBytes = 256 << 10
)

// apply brings the committed deltas to the stores. One that fails isn't the others'
// concern: all of it is on the log, and its restore rolls it forward.
func (w *worker) apply() error {
	for _, t := range w.batch.tasks {
		w.at("apply")
		if t.hasState() {
			first, last := t.prepared[0].Offset, t.prepared[len(t.prepared)-1].Offset
			if err := t.store.Commit(state.Offset(first), state.Offset(last)); err != nil {
				w.notApplied(t, fmt.Errorf("applying to the store: %w", err))
				continue
			}
		}
		t.stage.Reset()
		t.committed = t.next
		t.consumed.note(t.committed, t.tx.now)
		t.inBatch, t.decided = false, true
		t.stormBefore = t.storm
		if w.stormOver(t) {
			w.pause(t)
		}
		t.ticking, t.ticked = t.ticking && !t.ticked, false
		t.prepared = t.prepared[:0]
	}
	w.at("applied")
	w.batch.reset()
	return nil
}

// notApplied deals with a store that couldn't take, or keep, a delta that the log
// has. Whether it is in the store or not, the store is a prefix of the changelog.
func (w *worker) notApplied(t *task, err error) {
	t.committed = t.next // by the group
	t.drop()
	corrupt, is := asCorrupt(err)
	switch {
	case is:
		t.broken = corrupt
	case fateOf(err) != fateRetry:
		w.halt(t, err)
		return
	default:
		w.log.Error("store can't be written, its partition waits", "topic", t.tp.Topic, "partition", t.tp.Partition, "err", err)
	}
	w.restore(t)
}

// upkeep is what is done between transactions. What it finds to halt a task for,
// halts it before the next one.
func (w *worker) upkeep(ctx context.Context) {
	now := w.cfg.Env.Now()
	for _, t := range w.order {
		if t.phase != phaseRunning {
			continue
		}
		if t.hasState() {
			w.flush(t, now)
			w.trim(ctx, t)
		}
		w.tick(t, now)
	}
	w.verify(now)
}

// flush starts flushes one after the other. Stores that were opened together are
// due together, again and again: two dozen flushes at once were felt every five
// seconds, as a p99 twice that of the seconds between. Spread over a quarter of
// the bound in time, the last one still has a quarter of it left.
func (w *worker) flush(t *task, now time.Time) {
	if t.store.MaybeFlush(now, now.Before(w.nextFlush)) {
		w.nextFlush = now.Add(w.cfg.Store.FlushEvery / 4 / time.Duration(len(w.order)))
		w.at("flushing")
	}
}
