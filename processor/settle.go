package processor

import (
	"context"
	"fmt"

	"holdfast/topology/record"
)

// abandon ends a batch that isn't known to be committed, whatever the reason: a
// rebalance, a task that failed, a record that couldn't be produced, an answer
// that got lost. There is one way out for all of them, since each of them may
// hide the others:
//
//	drop     overlays and outputs
//	end      the transaction, if one is open, with an abort
//	settle   until the log has no undecided transaction of this member
//	compare  every task of the batch: its store against the group's stable
//	         committed offset. Equal: the transaction was aborted. Behind: it was
//	         committed, and the store is rolled forward from the changelog.
//	seek     to the store's offset
//
// The last two are what a restore does anyway, so every task goes through it;
// with nothing to read it costs three requests.
//
// A cause that lies in one task halts that task: the batch is done again
// without it. If it is its store that can't be trusted, the restore that follows
// puts the store aside and begins with nothing. Any other is tried again, at once and then at growing intervals: no
// task is taken up while the worker waits.
func (w *worker) abandon(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.cfg.EndTimeout)
	defer cancel()
	if w.batch.asked {
		w.tell(Unknown)
	} else {
		w.tell(Aborted)
	}
	if te, ok := asTaskError(cause); ok {
		if corrupt, is := asCorrupt(te.cause); is {
			te.task.broken = corrupt
		} else {
			w.halt(te.task, te.cause)
		}
	} else if cause != nil {
		if f := fateOf(cause); f == fateStop {
			return cause
		}
		now := w.cfg.Env.Now()
		w.waiting.fail(now, cause)
		w.log.Warn("transaction abandoned", "err", cause, "again_in", w.setback.failed(now))
	}
	w.dropBatch()
	w.at("settle")
	if _, err := w.session.End(ctx, false); err != nil && fateOf(err) == fateStop {
		return fmt.Errorf("aborting a transaction: %w", err)
	}
	if err := w.session.Settle(ctx); err != nil {
		return fmt.Errorf("settling a transaction: %w", err)
	}
	w.at("settled")
	for _, t := range w.order {
		w.placeAnew(t)
		if t.phase == phaseHalted || t.phase == phasePaused {
			// The client goes back to what it committed at every abort, and after
			// a rebalance it asks the group. So this moves nothing that isn't there
			// already: it is said once more because what was polled of a halted
			// partition must never be committed, whatever a client does.
			w.session.Seek(map[TopicPartition]record.Offset{t.tp: t.committed})
		}
	}
	w.lastEnd = w.cfg.Env.Now()
	w.waiting.ended()
	w.session.AllowRebalance()
	return nil
}

// placeAnew makes a task find its place in the log again before it decides
// anything. A restore that is under way is of no use: it may have read the
// group's offset before the partition was somebody else's for a while.
//
//	this worker: restore reads offset 26 … (stopped) … polls: put out, joins again … takes the restore up at 26
//	another one:                             is given the partition, commits up to 34, goes
func (w *worker) placeAnew(t *task) {
	switch t.phase {
	case phaseRunning:
		w.restore(t)
	case phaseRestoring:
		t.again = true
		t.cancel()
	}
}

// halt stops one partition for good, with its reason, and leaves the others
// alone. Its store stays open and ours, so that nobody takes the partition for
// free; the next life of the process tries again.
func (w *worker) halt(t *task, cause error) {
	t.phase = phaseHalted
	t.reason = cause.Error()
	w.session.Pause(t.tp)
	w.log.Error("partition halted", "topic", t.tp.Topic, "partition", t.tp.Partition, "err", cause)
	w.cfg.Metrics.Halted(w.stage.Name, t.tp, t.reason)
	w.status.set(w.stage.Name, t)
}
