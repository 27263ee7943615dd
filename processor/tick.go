package processor

import (
	"context"
	"time"

	"holdfast/topology/record"
)

// tick lets time pass on a log that is silent, and work go on that a transaction
// left over: it appends a tick to the task's own input log. So time is a record
// like any other: whatever lies before the tick is decided before it, a replay
// sees the same ticks, and the transaction that decides it consumes an offset and
// is fenced by the group.
//
// The clock here only says when to look; the tick's append time says what is due.
func (w *worker) tick(t *task, now time.Time) {
	if !t.hasState() || (!w.leftOver(t, now) && !w.timeIsUp(t, now)) {
		return
	}
	t.ticking, t.lastTick = true, now
	w.at("tick")
	w.cfg.Cluster.Tick(t.tp, record.Tick())
}

// leftOver tells whether the transaction that was just committed left undone what
// was due by its own time: a stage works such things off in chunks. They go on at
// the speed of transactions, with one tick on its way at a time:
//
//	tick, chunk, commit ─> tick, chunk, commit ─> tick, last chunk, commit
//
// A tick that doesn't come back is taken for lost after a while.
func (w *worker) leftOver(t *task, now time.Time) bool {
	decided := t.decided
	t.decided = false
	if !decided || (t.ticking && now.Sub(t.lastTick) < w.cfg.TickEvery) {
		return false
	}
	due, ok := w.due(t)
	return ok && due <= t.tx.now
}

// timeIsUp tells whether a silent log needs a tick: something falls due (an
// expiry, a window), or there is a sweep to go on with.
func (w *worker) timeIsUp(t *task, now time.Time) bool {
	if t.phase != phaseRunning || now.Before(t.nextLook) || now.Sub(t.lastInput) < w.cfg.IdleAfter || now.Sub(t.lastTick) < w.cfg.TickEvery {
		return false
	}
	t.nextLook = now.Add(w.cfg.IdleAfter)
	due, ok := w.due(t)
	return (ok && int64(due) <= now.UnixMilli()) || (t.phase == phaseRunning && t.store.WantsSweep())
}

// due is the task's, which halts should it fail, or has its store put aside.
func (w *worker) due(t *task) (record.Millis, bool) {
	due, ok, err := t.due()
	if corrupt, is := asCorrupt(err); is {
		t.drop()
		t.broken = corrupt
		w.restore(t)
		return 0, false
	}
	if err != nil {
		w.halt(t, err)
		return 0, false
	}
	return due, ok
}

// trim moves the changelog's start up, after a transaction that is known to be
// committed ended a round of the sweep. It runs beside the loop; one at a time
// per task.
func (w *worker) trim(ctx context.Context, t *task) {
	if t.trimming != nil {
		select {
		case done := <-t.trimming:
			t.trimming = nil
			if done.err != nil {
				t.trimRetry.failed(w.cfg.Env.Now())
				w.log.Warn("trimming the changelog", "topic", t.changelog.Topic, "partition", t.changelog.Partition, "before", done.before, "err", done.err)
				return
			}
			t.trimRetry.clear()
			t.store.Trimmed(done.before)
		default:
			return
		}
	}
	if t.trimRetry.waits(w.cfg.Env.Now()) {
		return
	}
	before, ok := t.store.TrimTo()
	if !ok {
		return
	}
	if w.cfg.Standbys > 0 {
		if before, ok = t.grace.passed(before, w.cfg.Env.Now(), w.cfg.TrimGrace); !ok {
			return
		}
	}
	done := make(chan trimmed, 1)
	t.trimming = done
	tp := t.changelog
	w.at("trim")
	w.cfg.Env.Spawn(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.cfg.EndTimeout)
		defer cancel()
		done <- trimmed{before: before, err: w.cfg.Cluster.Trim(ctx, tp, record.Offset(before))}
	})
}
