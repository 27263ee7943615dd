package processor

import (
	"context"
	"time"

	"holdfast/topology/record"
)

// tick lets time pass on a log that is silent: when the task has something due
// (an expiry, a window) or a sweep to go on with, it appends a tick to its own
// input log. So time is a record like any other: whatever lies before the tick
// is decided before it, a replay sees the same ticks, and the transaction that
// decides it consumes an offset and is fenced by the group.
//
// The clock here only says when to look; the tick's append time says what is due.
func (w *worker) tick(t *task, now time.Time) {
	if !t.hasState() || now.Before(t.nextLook) || now.Sub(t.lastInput) < w.cfg.IdleAfter || now.Sub(t.lastTick) < w.cfg.TickEvery {
		return
	}
	t.nextLook = now.Add(w.cfg.IdleAfter)
	if !w.wantsTick(t, now) {
		return
	}
	t.lastTick = now
	w.at("tick")
	w.cfg.Cluster.Tick(t.tp, record.Tick())
}

func (w *worker) wantsTick(t *task, now time.Time) bool {
	due, ok, err := t.due()
	if err != nil {
		w.halt(t, err)
		return false
	}
	return (ok && int64(due) <= now.UnixMilli()) || t.store.WantsSweep()
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
