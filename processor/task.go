package processor

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology/record"
)

// phase is where a task stands.
//
//	waiting ──(store free)──> restoring ──(store right)──> running ──(revoked)──> closed
//	                              ^                           │
//	                              └──(outcome unknown, store corrupt)
//	                                                          │
//	                                                          ├──(bug, I/O)──> halted
//	                                                          └──(too many dead letters)──> paused ──(let go on)──> restoring
//
// The partition is paused in every phase but running.
type phase uint8

const (
	phaseWaiting phase = iota
	phaseRestoring
	phaseRunning
	phaseHalted
	phasePaused
)

var phaseNames = [...]string{"waiting", "restoring", "running", "halted", "paused"}

func (p phase) String() string { return phaseNames[p] }

// task is one partition of one stage's input: its stage, its store and the
// place in the log. It belongs to one worker, except while a restore runs.
type task struct {
	tp        TopicPartition
	changelog TopicPartition // empty topic: the stage has no state
	stage     stage.Stage
	phase     phase
	reason    string // phaseHalted: why; phaseRestoring: why it must be tried again; phasePaused: what to do

	store  *state.Store
	broken error // the store can't be trusted any longer: the next restore puts it aside
	tx     tx

	// next is the offset after the last record decided in this batch, or to be
	// read next; committed is what it goes back to when the batch is dropped.
	// Between batches both are what the store holds and the group committed.
	next, committed record.Offset
	inBatch         bool // in the open batch
	decided         bool // in the batch that was just committed

	prepared  []*Out             // the delta's parts, between produce and apply
	restored  chan restoreResult // phaseRestoring: the result comes here; nil: waits to be tried again
	cancel    context.CancelFunc // phaseRestoring: ends it early
	retry     backoff            // phaseRestoring
	revoked   bool               // phaseRestoring: not ours any longer
	again     bool               // phaseRestoring: what it read may be out of date, once more
	progress  *restoreProgress
	lastInput time.Time // wall clock, for ticks only
	lastTick  time.Time
	nextLook  time.Time
	consumed  consumed
	ticking   bool // a tick of ours is on its way
	ticked    bool // one was decided in the open batch
	trimming  chan trimmed
	trimRetry backoff
	grace     trimGrace
	skips     map[record.Offset]*skip // nil, unless somebody named records of it
	verified  time.Time               // when its store was last found right as a whole

	// Of a task without state: what its dead letters come to, now and when its last
	// batch was committed.
	storm, stormBefore storm
	resume             resumeLook // phasePaused
}

type trimmed struct {
	before state.Offset
	err    error
}

// trimGrace holds back what may be trimmed, for a while.
type trimGrace struct {
	before state.Offset
	since  time.Time // when it was first seen; zero: nothing waits
}

// passed returns how far may be trimmed now. What becomes redundant meanwhile
// waits for its own turn: else a log that is trimmed often would never be.
func (g *trimGrace) passed(before state.Offset, now time.Time, grace time.Duration) (state.Offset, bool) {
	if g.since.IsZero() {
		g.before, g.since = before, now
	}
	if now.Sub(g.since) < grace {
		return 0, false
	}
	before = g.before
	*g = trimGrace{}
	return before, true
}

func (t *task) hasState() bool { return t.changelog.Topic != "" }

// taskError is a failure of one task; its partition halts and the others go on.
type taskError struct {
	task  *task
	cause error
}

func (e *taskError) Error() string {
	return fmt.Sprintf("deciding %s/%d: %v", e.task.tp.Topic, e.task.tp.Partition, e.cause)
}

func (e *taskError) Unwrap() error { return e.cause }

// decide runs the stage over the records. A panic (a broken invariant, a record
// on an internal log that can't be read) fails the task alone.
func (t *task) decide(records []stage.Record, clock record.Millis, jumpMax time.Duration) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if c, ok := p.(crash); ok {
				panic(c)
			}
			if err = t.panicked("offset", p); t.skippable(p) {
				err = &skipError{Place{t.tp, t.next}, err}
			}
		}
	}()
	t.tx.batch.by = t
	for i := range records {
		r := &records[i]
		t.next = r.Offset
		if jump := record.Millis(jumpMax.Milliseconds()); t.hasState() && t.tx.now > 0 && r.At > t.tx.now+jump && r.At > clock+jump {
			return &taskError{t, fmt.Errorf("offset %d: append time %s is more than %v ahead of the record before (%s) and of this node's clock (%s): a broker's clock is wrong", r.Offset, r.At, jumpMax, t.tx.now, clock)}
		}
		t.tx.now = max(t.tx.now, r.At)
		if s := t.skips[r.Offset]; s != nil && s.began {
			s.decide(t, r)
		} else {
			t.stage.Decide(&t.tx, r)
		}
		t.next = r.Offset + 1
	}
	return t.failure()
}

// finish lets the stage write what it put off.
func (t *task) finish() (err error) {
	defer func() {
		if p := recover(); p != nil {
			if c, ok := p.(crash); ok {
				panic(c)
			}
			err = t.panicked("finishing at offset", p)
		}
	}()
	t.tx.batch.by = t
	t.stage.Finish(&t.tx)
	return t.failure()
}

// due asks the stage when it next has something to do.
func (t *task) due() (at record.Millis, ok bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			if c, ok := p.(crash); ok {
				panic(c)
			}
			err = t.panicked("asking what is due at offset", p)
		}
	}()
	at, ok = t.stage.Due(&t.tx)
	t.stage.Reset()
	return at, ok, t.failure()
}

// panicked says what a stage that panicked was doing. One that was told of nothing
// where there was something, since a read failed, may take that for a broken
// invariant: then the read is the cause.
func (t *task) panicked(doing string, p any) error {
	if t.tx.err != nil {
		return t.failure()
	}
	return &taskError{t, fmt.Errorf("%s %d: %v\n%s", doing, t.next, p, debug.Stack())}
}

func (t *task) failure() error {
	if t.tx.err != nil {
		return &taskError{t, t.tx.err}
	}
	return nil
}

// drop forgets everything since the last commit.
func (t *task) drop() {
	t.stage.Reset()
	t.tx.err = nil
	t.inBatch, t.ticked, t.prepared = false, false, nil
	t.next = t.committed
	t.storm, t.tx.dead = t.stormBefore, 0
	if t.hasState() {
		t.store.Drop()
		t.tx.now = record.Millis(t.store.Position().StreamTimeMillis)
	}
}

// crash is what a simulation panics with at a named point: it must fall through
// every recover of the run time, as a real crash would.
type crash interface{ IsCrash() }
