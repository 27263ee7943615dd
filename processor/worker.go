package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"holdfast/processor/placement"
	"holdfast/topology/record"
)

// worker is one member of a stage's group: one session, one open transaction
// over all the tasks it owns. It is one goroutine, so that nothing on the way of
// a record takes a lock; a process has several so that one works while another
// waits for its commit.
//
// The loop (Step):
//
//  1. reconcile the tasks with the assignment: open what came, close what went,
//     take up what has been restored
//  2. poll
//  3. decide every record into its task's overlay
//  4. commit, when the transaction is old or large enough or the input is dry
//  5. when no transaction is open: upkeep (ticks, flush, trim), and let the
//     group rebalance
type worker struct {
	cfg     *Config
	stage   StageConfig
	slot    int
	group   string
	member  Member
	session Session
	joined  bool // as told to status
	stores  *Stores
	gate    *gate
	log     *slog.Logger
	status  *statusBoard

	tasks   map[TopicPartition]*task
	order   []*task // sorted by partition: everything is done in this order
	batch   *batch
	fetches Fetches
	// tickText is what a tick of the run time looks like.
	tickText string

	lastEnd    time.Time
	commitCost time.Duration
	nextFlush  time.Time // no store's flush before, unless it is pressed
	walk       walk      // through the tasks' stores
	setback    backoff   // what failed since the last commit
	cramped    bool      // there is no room on the disk
	waiting    waiting
}

func newWorker(cfg *Config, sc StageConfig, slot int, stores *Stores, status *statusBoard) *worker {
	st := cfg.Topology.Stage(sc.Name)
	w := &worker{
		cfg: cfg, stage: sc, slot: slot, stores: stores, status: status,
		group: st.Group,
		tasks: map[TopicPartition]*task{},
		batch: newBatch(cfg.Topology, cfg.Slots, len(sc.Outcomes)),
		gate:  newGate(cfg.Topology, st),

		tickText: string(record.Tick()),
		log:      cfg.Logger.With("stage", sc.Name, "worker", slot),
	}
	status.member(sc.Name, slot, false)
	status.watch(sc.Name, slot, &w.waiting)
	w.member = Member{Group: st.Group, TransactionalID: cfg.Topology.TransactionalID(sc.Name, cfg.InstanceID, slot)}
	if st.Changelog != "" {
		w.member.Claim = func() placement.Claim { return status.claim(cfg, sc.Name) }
	}
	for _, short := range st.Inputs {
		w.member.Topics = append(w.member.Topics, cfg.Topology.Name(short))
	}
	return w
}

// Run joins and loops until ctx ends, then finishes the open transaction and
// gives the stores back. It returns an error when the worker can't go on.
func (w *worker) Run(ctx context.Context) error {
	defer w.closeTasks()
	for {
		err := w.live(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			return nil
		case fateOf(err) == fateRejoin, fateOf(err) == fateRetry:
			now := w.cfg.Env.Now()
			wait := w.setback.failed(now)
			w.waiting.fail(now, err)
			w.log.Warn("session is lost, joining again", "err", err, "in", wait)
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		default:
			return fmt.Errorf("stage %s worker %d: %w", w.stage.Name, w.slot, err)
		}
	}
}

// live is one life of a session.
func (w *worker) live(ctx context.Context) error {
	if err := w.join(ctx); err != nil {
		return err
	}
	defer func() { w.session.Close(w.cfg.LeaveGroup && ctx.Err() != nil) }()
	for ctx.Err() == nil {
		if err := w.Step(ctx); err != nil {
			w.dropBatch()
			return err
		}
	}
	return w.stop()
}

func (w *worker) join(ctx context.Context) error {
	// A new session owns nothing at first, and others may own what the last one
	// did before it does. Kept open, a store would be locked for as long as
	// joining takes.
	mine := w.order
	w.joined = false
	w.status.member(w.stage.Name, w.slot, false)
	w.closeTasks()
	s, err := w.cfg.Cluster.Join(ctx, w.member)
	if err != nil {
		return fmt.Errorf("joining group %s: %w", w.group, err)
	}
	w.session = s
	for _, t := range mine {
		w.session.Pause(t.tp)
	}
	return nil
}

// stop finishes the open transaction, so that a graceful end loses no work and
// leaves nothing open.
func (w *worker) stop() error {
	if !w.batch.open {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), w.cfg.EndTimeout)
	defer cancel()
	return w.commit(ctx)
}

// Step is one round of the loop. An error ends the session.
func (w *worker) Step(ctx context.Context) error {
	if !w.batch.open {
		w.heedRoom()
	}
	if err := w.reconcile(); err != nil {
		return err
	}
	// After the tasks of what it was given have been made.
	if joined := w.session.Joined(); joined != w.joined {
		w.joined = joined
		w.status.member(w.stage.Name, w.slot, joined)
	}
	w.at("poll")
	f := &w.fetches
	if err := w.session.Poll(ctx, f, w.cfg.PollRecordsMax, w.pollWait()); err != nil {
		return fmt.Errorf("polling: %w", err)
	}
	if f.Rebalanced {
		// Partitions were taken away since the last End, so this session's
		// next End aborts whatever is in it. Nothing is lost: what was polled is
		// read again.
		return w.abandon(ctx, nil)
	}
	for _, failed := range f.Failed {
		if t := w.tasks[failed.TopicPartition]; t != nil && t.phase == phaseRunning {
			w.halt(t, fmt.Errorf("reading at offset %d: %w", t.next, failed.Err))
		} else if t == nil || t.phase != phaseHalted {
			// Nothing of it is wanted yet. If it stays so, it is met again.
			w.log.Warn("partition can't be read", "topic", failed.Topic, "partition", failed.Partition, "err", failed.Err)
		}
	}
	polled := 0
	for i := range f.Parts {
		part := &f.Parts[i]
		t := w.tasks[part.TopicPartition]
		if t == nil || t.phase != phaseRunning {
			// The session would commit what this loop didn't decide.
			return w.abandon(ctx, nil)
		}
		polled += len(part.Records)
		if err := w.decide(t, part); err != nil {
			return w.abandon(ctx, err)
		}
	}
	if w.batch.open {
		if w.commitDue(polled) {
			return w.commit(ctx)
		}
		return nil
	}
	w.waiting.idle(w.cfg.Env.Now())
	w.upkeep(ctx)
	w.session.AllowRebalance()
	return nil
}

func (w *worker) decide(t *task, part *Fetch) error {
	if len(part.Records) == 0 {
		return nil
	}
	now := w.cfg.Env.Now()
	if !w.batch.open {
		w.batch.open, w.batch.begun = true, now
	}
	if !t.inBatch {
		t.inBatch = true
		w.batch.tasks = append(w.batch.tasks, t)
	}
	t.lastInput = now
	w.batch.records += len(part.Records)
	for i := range part.Records {
		r := &part.Records[i]
		w.batch.input(r)
		if string(r.Value) == w.tickText {
			w.batch.ticks++
			t.ticked = true
		}
	}
	w.at("decide")
	err := t.decide(part.Records, record.Millis(now.UnixMilli()), w.cfg.ClockJumpMax)
	if err == nil && !t.hasState() {
		w.weather(t, len(part.Records))
	}
	return err
}

// pollWait: with an open transaction until it may end, or, once it may, a moment
// to see whether more is there; else long, unless something will need attention
// soon.
func (w *worker) pollWait() time.Duration {
	if w.batch.open {
		now := w.cfg.Env.Now()
		gap := w.cfg.LateStart - now.Sub(w.lastEnd)
		age := now.Sub(w.batch.begun)
		wait := min(w.commitInterval()-age, max(w.dryAge()-age, time.Millisecond))
		return max(gap, wait, 100*time.Microsecond)
	}
	for _, t := range w.order {
		if t.phase == phaseRestoring || t.phase == phaseWaiting {
			return 5 * time.Millisecond
		}
	}
	return w.cfg.IdleAfter
}

// commitDue decides when the open transaction ends: full; or old; or dry (the
// last poll brought nothing) and not younger than dryAge. Never within LateStart
// of the last end.
func (w *worker) commitDue(polled int) bool {
	now := w.cfg.Env.Now()
	if now.Sub(w.lastEnd) < w.cfg.LateStart {
		return false
	}
	age := now.Sub(w.batch.begun)
	return w.batch.full || (polled == 0 && age >= w.dryAge()) || w.batch.records >= w.cfg.BatchRecordsMax || w.batch.bytes >= w.cfg.BatchBytesMax ||
		age >= w.commitInterval() || w.writtenBytes() >= w.cfg.BatchBytesMax
}

// writtenBytes is about what the open transaction writes to changelogs. A count
// of all stock writes several times what it reads.
func (w *worker) writtenBytes() int {
	n := 0
	for _, t := range w.batch.tasks {
		if t.hasState() {
			n += t.store.OverlayBytes()
		}
	}
	return n
}

// dryAge keeps a worker from spending more time on commits than it leaves between
// them. What a commit costs is paid by the broker and by the other workers too:
// at 5,000 orders a second on two cores with the broker, waiting as long as the
// last commit took brought the p99 of four stages from 176 and 190 ms to 149 and
// 172; twice as long, to 241 and 203.
func (w *worker) dryAge() time.Duration { return min(w.commitCost, w.cfg.CommitIntervalMax) }

func (w *worker) commitInterval() time.Duration {
	return min(max(time.Duration(w.cfg.CommitCostFactor)*w.commitCost, w.cfg.CommitIntervalMin), w.cfg.CommitIntervalMax)
}

func (w *worker) sortTasks() {
	w.order = w.order[:0]
	for _, t := range w.tasks {
		w.order = append(w.order, t)
	}
	slices.SortFunc(w.order, func(a, b *task) int { return a.tp.compare(b.tp) })
}

func (w *worker) at(point string) {
	if w.cfg.Env.At != nil {
		w.cfg.Env.At(point)
	}
}

func (w *worker) dropBatch() {
	for _, t := range w.batch.tasks {
		t.drop()
	}
	w.batch.reset()
}

// closeTasks gives all stores back, flushed.
func (w *worker) closeTasks() {
	for _, t := range w.order {
		w.close(t)
	}
	w.tasks, w.order = map[TopicPartition]*task{}, nil
}

// asTaskError tells whether one task alone is the cause.
func asTaskError(err error) (*taskError, bool) {
	var te *taskError
	ok := errors.As(err, &te)
	return te, ok
}
