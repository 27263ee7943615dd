package processor

import (
	"context"
	"fmt"

	"holdfast/topology/record"
)

// reconcile makes the tasks agree with the assignment, on every round of the
// loop and not in the client's callbacks: a second revocation before the next
// End never reaches them (the session's wrapper returns early), so a store that
// hung on a callback would stay open for a partition that is somebody else's.
//
// It runs only while no transaction is open, or within one while the group is
// kept from rebalancing; so a task that goes has nothing in the batch.
func (w *worker) reconcile() error {
	if w.batch.open {
		return nil
	}
	assigned := w.session.Assigned()
	changed := false
	for _, tp := range assigned {
		t := w.tasks[tp]
		if t == nil {
			t = w.newTask(tp)
			w.tasks[tp] = t
			w.session.Pause(tp)
			changed = true
		}
		t.revoked = false
	}
	if len(w.tasks) > len(assigned) {
		mine := map[TopicPartition]bool{}
		for _, tp := range assigned {
			mine[tp] = true
		}
		for _, t := range w.order {
			if !mine[t.tp] {
				t.revoked = true
			}
		}
	}
	if changed {
		w.sortTasks()
	}
	w.gate.ask(w)
	gone := false
	for _, t := range w.order {
		if err := w.advance(t); err != nil {
			return err
		}
		if t.revoked && t.phase != phaseRestoring {
			w.close(t)
			delete(w.tasks, t.tp)
			gone = true
		}
	}
	if gone {
		w.sortTasks()
	}
	return nil
}

func (w *worker) newTask(tp TopicPartition) *task {
	t := &task{tp: tp, stage: w.stage.New(tp), phase: phaseWaiting}
	if c := w.cfg.Topology.Stage(w.stage.Name).Changelog; c != "" {
		t.changelog = TopicPartition{w.cfg.Topology.Name(c), tp.Partition}
	}
	t.tx = tx{batch: w.batch}
	t.skipsFrom(w.cfg.Skips)
	w.status.set(w.stage.Name, t)
	return t
}

// advance moves a task on its way to running.
func (w *worker) advance(t *task) error {
	switch t.phase {
	case phaseWaiting:
		if t.revoked || !w.gate.passes(t.tp) || (w.cramped && t.hasState()) {
			return nil
		}
		if t.hasState() {
			store, ok := w.stores.take(t.changelog, w)
			if !ok {
				return nil
			}
			if t.store = store; store != nil { // a standby's, which is rolled forward like any other
				w.log.Info("taking over a standby's store", "topic", t.tp.Topic, "partition", t.tp.Partition)
				w.at("taken over")
			}
		}
		w.restore(t)
	case phaseRestoring:
		if t.revoked {
			// Should it be given back meanwhile, then after somebody else had it.
			t.again = true
			t.cancel()
			if t.restored == nil {
				t.phase = phaseHalted // closed by reconcile at once
				return nil
			}
		} else if w.setback.waits(w.cfg.Env.Now()) || (w.cramped && t.hasState()) {
			return nil
		} else if t.restored == nil {
			if !t.retry.waits(w.cfg.Env.Now()) {
				w.restore(t)
			}
			return nil
		}
	case phasePaused:
		if !t.revoked {
			w.lookResume(t)
		}
		return nil
	default:
		return nil
	}
	select {
	case r := <-t.restored:
		return w.takeUp(t, r)
	default:
		return nil
	}
}

// restore sends the task's store to be opened and rolled forward, with the
// partition paused meanwhile. Until the result is taken up, the store belongs
// to the restore.
func (w *worker) restore(t *task) {
	w.endWalk(t)
	w.session.Pause(t.tp)
	t.phase, t.again = phaseRestoring, false
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	t.restored = make(chan restoreResult, 1)
	t.progress = &restoreProgress{}
	if t.store != nil { // as good as even, until the log says otherwise
		t.progress.next.Store(1)
		t.progress.end.Store(1)
	}
	r := &restorer{cfg: w.cfg, group: w.group, stage: w.stage.Name, tp: t.tp, changelog: t.changelog, store: t.store, broken: t.broken, stores: w.stores, progress: t.progress, consumed: &t.consumed, log: w.log}
	t.broken = nil
	results := t.restored
	w.cfg.Env.Spawn(func() { results <- r.run(ctx) })
	w.status.set(w.stage.Name, t)
}

// takeUp starts or halts a task whose restore has ended. An error ends the
// process.
func (w *worker) takeUp(t *task, r restoreResult) error {
	t.cancel()
	t.store, t.tx.store = r.store, r.store
	if t.revoked {
		t.phase = phaseHalted // closed by reconcile at once
		return nil
	}
	if t.again && fateOf(r.err) != fateStop {
		w.restore(t)
		return nil
	}
	if r.err != nil {
		switch fateOf(r.err) {
		case fateRetry, fateRejoin: // a restore has a client of its own: the session is as good as before
			t.restored = nil
			t.reason = r.err.Error()
			w.status.set(w.stage.Name, t)
			w.log.Warn("restore is tried again", "topic", t.tp.Topic, "partition", t.tp.Partition, "err", r.err, "in", t.retry.failed(w.cfg.Env.Now()))
		case fateStop:
			t.restored = nil // it has ended: close must not wait for it
			return r.err
		default:
			w.halt(t, fmt.Errorf("restoring: %w", r.err))
		}
		return nil
	}
	t.retry.clear()
	t.next, t.committed = r.next, r.next
	if t.hasState() {
		t.tx.now = record.Millis(t.store.Position().StreamTimeMillis)
	}
	t.phase, t.reason = phaseRunning, ""
	t.consumed.note(t.next, t.tx.now)
	w.session.Seek(map[TopicPartition]record.Offset{t.tp: t.next})
	w.session.Resume(t.tp)
	w.status.set(w.stage.Name, t)
	if r.records > 0 || r.wiped != "" {
		w.log.Info("restored", "topic", t.tp.Topic, "partition", t.tp.Partition, "deltas", r.records, "bytes", r.bytes, "seconds", r.took.Seconds(), "wiped", r.wiped)
	}
	return nil
}

// close gives a task's store back. What isn't flushed would only have to be
// replayed; flushing makes the next start cheap.
func (w *worker) close(t *task) {
	w.endWalk(t)
	if t.phase == phaseRestoring && t.restored != nil {
		t.cancel()
		w.at("close")
		r := <-t.restored
		t.store = r.store
	}
	if t.store != nil {
		if err := t.store.Close(); err != nil {
			w.log.Warn("closing store", "topic", t.tp.Topic, "partition", t.tp.Partition, "err", err)
		}
		t.store = nil
	}
	if t.hasState() && t.phase != phaseWaiting {
		w.stores.give(t.changelog, w)
	}
	w.status.remove(w.stage.Name, t)
}
