package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"holdfast/processor/placement"
	"holdfast/state"
	"holdfast/topology/record"
)

// Follower is what standbys need of a cluster beside the rest.
type Follower interface {
	// Members returns a group's members and what each was assigned; settled is
	// false while that is being decided.
	Members(ctx context.Context, group string) (members []GroupMember, settled bool, err error)
	// Rebalance makes the group place its partitions anew, with what its members
	// claim by now. It doesn't wait.
	Rebalance(group string)
	// Tail opens a reader, as Read does, that never waits.
	Tail(ctx context.Context, tp TopicPartition, from record.Offset) (Tail, error)
}

// Tail reads one partition in order, as far as it goes.
type Tail interface {
	// Take returns the next records that are there, be it none. The slice is the
	// tail's and good until the next call. ErrTruncated means that the log now
	// starts above the tail's place.
	Take(ctx context.Context) ([]ChangelogRecord, error)
	// Heard returns the end of the log as the brokers last said, -1 before any
	// records came, and when they last answered.
	Heard() (end record.Offset, at time.Time)
	Close()
}

// Standby keeps the stores of one stage's partitions that other nodes own close
// to the ends of their changelogs, each in the very directory that a takeover
// would open. So a takeover costs the last moments instead of a restore.
//
// It decides nothing, and nothing depends on it: what it has is a prefix of the
// committed changelog like any store, which a worker that takes it rolls forward
// and compares with the group's offset as ever. A standby that is late, wrong
// about whose turn it is, or gone costs time and nothing else.
//
//	every few seconds   ask the group who owns what; standingBy says whose standby this is,
//	                    warmingUp what else would be its own if the group were balanced:
//	                    once that is warm, it asks for a rebalance
//	every round         each store: take what its changelog has, apply it, let go of it
//
// Its rounds are driven by Node.Run, or by a simulation.
type Standby struct {
	cfg      *Config
	stage    string
	group    string
	input    string
	log      *slog.Logger
	stores   *Stores
	status   *statusBoard
	follower Follower

	changelog  string
	partitions int
	tails      []standbyTail // by partition
	nextLook   time.Time
	looked     backoff
	asked      backoff // for a rebalance
}

// standbyTail is one partition's.
type standbyTail struct {
	mine    bool // as the group was last seen
	store   *state.Store
	restore *state.Restore
	reader  Tail          // nil: to be opened
	end     record.Offset // of the changelog, as last heard
	retry   backoff
	behind  backoff   // begun anew without having been even since
	even    time.Time // when it last had all that there was, or was opened
}

const (
	// standbyRest is between two rounds where nothing was new, standbyPause where
	// something was.
	standbyRest  = 200 * time.Millisecond
	standbyPause = 50 * time.Millisecond
	// standbyRoundBytes bounds what is read of a partition in one round, for which
	// a takeover may have to wait.
	standbyRoundBytes = 8 << 20
	// askAgainFirst and askAgainMax are between two rebalances that are asked for:
	// each stops the whole group for the time of a join.
	askAgainFirst = 10 * time.Second
	askAgainMax   = 10 * time.Minute
)

func newStandby(cfg *Config, stage string, stores *Stores, status *statusBoard) *Standby {
	st := cfg.Topology.Stage(stage)
	changelog := cfg.Topology.Lookup(st.Changelog)
	follower, _ := cfg.Cluster.(Follower)
	return &Standby{
		cfg: cfg, stage: stage, group: st.Group, input: cfg.Topology.Name(st.Inputs[0]), log: cfg.Logger.With("stage", stage, "standby", true),
		stores: stores, status: status, follower: follower,
		changelog: changelog.Name, partitions: int(changelog.Partitions), tails: make([]standbyTail, changelog.Partitions),
	}
}

// Run does rounds until ctx ends, and closes the stores.
func (s *Standby) Run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := standbyRest
		if s.Step(ctx) {
			wait = standbyPause
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	s.Stop()
}

// Step does one round. It returns whether anything was new.
func (s *Standby) Step(ctx context.Context) (worked bool) {
	s.look(ctx)
	if s.cfg.Room != nil && s.cfg.Room() != nil {
		return false // who decides needs it more
	}
	for p := range s.tails {
		t := &s.tails[p]
		switch {
		case t.mine && s.follow(ctx, record.Partition(p), t):
			worked = true
		case !t.mine && t.store != nil:
			s.part(record.Partition(p), t)
		}
	}
	return worked
}

// look asks the group whose standby this node is. While the group doesn't know
// who owns what, all stays as it is.
func (s *Standby) look(ctx context.Context) {
	now := s.cfg.Env.Now()
	if now.Before(s.nextLook) || s.looked.waits(now) {
		return
	}
	members, settled, err := s.follower.Members(ctx, s.group)
	if err != nil {
		if wait := s.looked.failed(now); ctx.Err() == nil {
			s.log.Warn("asking for the group's members", "group", s.group, "err", err, "again_in", wait)
		}
		return
	}
	s.looked.clear()
	s.nextLook = now.Add(s.cfg.StandbyLookEvery)
	if !settled {
		return
	}
	for p := range s.tails {
		s.tails[p].mine = false
	}
	for _, p := range standingBy(s.cfg.InstanceID, s.group, s.input, s.partitions, members, s.cfg.Standbys) {
		s.tails[p].mine = true
	}
	coming := warmingUp(s.cfg.InstanceID, s.group, s.input, s.partitions, members, s.cfg.Standbys)
	for _, p := range coming {
		s.tails[p].mine = true
	}
	s.keepOwn(members)
	s.claimShare(coming)
}

// keepOwn leaves open what the group has given to this node and a worker of it is
// about to take. The worker may still wait for the group's offsets; closed now,
// the store would have to be opened again while its partition stands still.
func (s *Standby) keepOwn(members []GroupMember) {
	for _, m := range members {
		if node, ok := NodeOf(s.group, m.ID); !ok || node != s.cfg.InstanceID {
			continue
		}
		for _, tp := range m.Owned {
			if tp.Topic == s.input && int(tp.Partition) < len(s.tails) && s.tails[tp.Partition].store != nil {
				s.tails[tp.Partition].mine = true
			}
		}
	}
}

// claimShare asks the group for what would be this node's if it were balanced, as
// soon as all of it is warm. Should the group know better, it is asked ever less
// often.
func (s *Standby) claimShare(coming []record.Partition) {
	now := s.cfg.Env.Now()
	if len(coming) == 0 {
		s.asked.clear()
		return
	}
	for _, p := range coming {
		t := &s.tails[p]
		if t.store == nil || t.entry().lag() > placement.Warm {
			return
		}
	}
	if !s.asked.waits(now) {
		s.asked.failedBetween(now, askAgainFirst, askAgainMax)
		s.log.Info("asking for a rebalance: stores are warm that would balance the group", "group", s.group, "partitions", coming)
		s.follower.Rebalance(s.group)
	}
}

func (s *Standby) of(p record.Partition) TopicPartition { return TopicPartition{s.changelog, p} }

// follow brings a store up to its changelog's end, or some way towards it. The
// cluster is asked only while a worker could take the store: who takes over must
// not wait for a broker's answer to somebody else.
func (s *Standby) follow(ctx context.Context, p record.Partition, t *standbyTail) (worked bool) {
	now := s.cfg.Env.Now()
	if t.retry.waits(now) || t.reader == nil && t.behind.waits(now) || (t.store == nil && !s.stores.free(s.of(p))) {
		return false
	}
	start := record.Offset(-1)
	if t.reader == nil {
		var err error
		if start, t.end, err = s.cfg.Cluster.Bounds(ctx, s.of(p)); err != nil {
			s.failed(ctx, p, t, fmt.Errorf("reading its bounds: %w", err))
			return false
		}
	}
	if t.store == nil {
		if !s.stores.reserve(s.of(p)) {
			return false // one of our own workers has it by now
		}
		if err := s.open(p, t); err != nil {
			s.stores.dropSpare(s.of(p))
			s.failed(ctx, p, t, err)
			return false
		}
	} else if !s.stores.begin(s.of(p)) {
		s.forget(p, t)
		return false
	}
	worked, err := s.advance(ctx, p, t, start)
	if s.cfg.Env.At != nil {
		s.cfg.Env.At("standby applied")
	}
	if s.mustClose(err) {
		if corrupt, is := asCorrupt(err); is {
			if _, aside := s.restorer(p).putAside(t.store, corrupt); aside != nil {
				err = aside
			}
		} else {
			t.store.Abandon()
		}
		s.stores.dropSpare(s.of(p))
		s.forget(p, t)
	} else {
		t.store.MaybeFlush(now, false)
		s.note(p, t)
		s.stores.release(s.of(p), t.store)
	}
	if err != nil {
		s.failed(ctx, p, t, err)
		return false
	}
	t.retry.clear()
	return worked
}

// restorer is what a takeover would begin with.
func (s *Standby) restorer(p record.Partition) *restorer {
	return &restorer{cfg: s.cfg, stage: s.stage, tp: TopicPartition{s.input, p}, changelog: s.of(p), stores: s.stores, log: s.log}
}

// open opens the store that a takeover would.
func (s *Standby) open(p record.Partition, t *standbyTail) error {
	store, _, err := s.restorer(p).open()
	if err != nil {
		return err
	}
	t.store, t.restore, t.even = store, store.NewRestore(), s.cfg.Env.Now()
	return nil
}

// advance applies what the changelog has. Between two calls nothing is gathered,
// so the store can be taken as it is.
func (s *Standby) advance(ctx context.Context, p record.Partition, t *standbyTail, start record.Offset) (worked bool, err error) {
	if t.reader == nil {
		// Else the reader would be refused for ever, as behind the log's start.
		if err := notAhead(t.store, s.of(p), record.Offset(t.restore.Next()), t.end); err != nil {
			return false, err
		}
		if err := t.restore.LogStart(state.Offset(start)); err != nil {
			return false, &standbyStoreError{err}
		}
		if t.reader, err = s.follower.Tail(ctx, s.of(p), record.Offset(t.restore.Next())); err != nil {
			return false, fmt.Errorf("opening a reader: %w", err)
		}
	}
	t.restore.Gather()
	worked, err = s.read(ctx, p, t)
	if t.reader != nil {
		end, _ := t.reader.Heard()
		t.end = max(t.end, end)
	}
	if ferr := t.restore.Finish(); ferr != nil {
		return worked, &standbyStoreError{ferr}
	}
	return worked, err
}

func (s *Standby) read(ctx context.Context, p record.Partition, t *standbyTail) (worked bool, err error) {
	for bytes := 0; bytes < standbyRoundBytes && !s.stores.wants(s.of(p)); {
		records, err := t.reader.Take(ctx)
		switch {
		case errors.Is(err, ErrTruncated):
			return worked, s.outrun(p, t)
		case err != nil:
			return worked, fmt.Errorf("reading: %w", err)
		case len(records) == 0:
			// All that there was when the brokers last answered: one that doesn't
			// answer has perhaps much more.
			if _, at := t.reader.Heard(); at.After(t.even) {
				t.even = at
			}
			t.behind.clear()
			return worked, nil
		}
		worked = true
		for i := range records {
			rec := &records[i]
			bytes += len(rec.Value)
			if rec.Control {
				continue
			}
			if err := t.restore.Feed(state.Offset(rec.Offset), rec.Value); err != nil {
				return worked, &standbyStoreError{fmt.Errorf("offset %d: %w", rec.Offset, err)}
			}
		}
	}
	return worked, nil
}

// outrun is for a standby whose place the owner has trimmed away, in spite of the
// grace: it was down for long, or reads more slowly than the owner writes. It
// begins anew at the log's start. The second time in a row, without having been
// even in between, it waits before it does, and longer each time: what it reads
// in vain costs the brokers and the disk.
func (s *Standby) outrun(p record.Partition, t *standbyTail) error {
	s.closeReader(t)
	wait := t.behind.failedBetween(s.cfg.Env.Now(), time.Second, time.Minute)
	s.log.Warn("the changelog was trimmed past the standby: its store is begun anew", "topic", s.changelog, "partition", p,
		"next", t.restore.Next(), "again_at_the_earliest_in", wait)
	return nil
}

// standbyStoreError is one after which a store must be closed.
type standbyStoreError struct{ error }

func (e *standbyStoreError) Unwrap() error { return e.error }

func (s *Standby) mustClose(err error) bool {
	var broken *standbyStoreError
	return errors.As(err, &broken)
}

// failed notes a failure: later again. What is wrong with a store, or with the log,
// is for who takes the partition over to say; here it is a warning.
func (s *Standby) failed(ctx context.Context, p record.Partition, t *standbyTail, err error) {
	s.closeReader(t)
	if wait := t.retry.failed(s.cfg.Env.Now()); ctx.Err() == nil {
		s.log.Warn("standing by", "topic", s.changelog, "partition", p, "err", err, "again_in", wait)
	}
}

func (s *Standby) closeReader(t *standbyTail) {
	if t.reader != nil {
		t.reader.Close()
		t.reader = nil
	}
}

// forget lets go of a store that somebody else has, or that is closed.
func (s *Standby) forget(p record.Partition, t *standbyTail) {
	s.closeReader(t)
	t.store, t.restore = nil, nil
	s.status.standsBy(s.stage, TopicPartition{s.input, p}, nil)
}

// part closes a store that this node isn't the standby of any longer. Its
// directory stays: it is a good place to begin from, should it be again.
func (s *Standby) part(p record.Partition, t *standbyTail) {
	if s.stores.begin(s.of(p)) {
		if err := t.store.Close(); err != nil {
			s.log.Warn("closing store", "topic", s.changelog, "partition", p, "err", err)
		}
		s.stores.dropSpare(s.of(p))
	}
	s.forget(p, t)
}

// Stop closes all stores.
func (s *Standby) Stop() {
	for p := range s.tails {
		if t := &s.tails[p]; t.store != nil {
			s.part(record.Partition(p), t)
		}
	}
}

// Crash lets go of everything as the end of a process does.
func (s *Standby) Crash() {
	for p := range s.tails {
		if t := &s.tails[p]; t.store != nil && s.stores.begin(s.of(record.Partition(p))) {
			t.store.Abandon()
		}
	}
}

// note tells the status page where a store is.
func (s *Standby) note(p record.Partition, t *standbyTail) {
	s.status.standsBy(s.stage, TopicPartition{s.input, p}, t.entry())
}

func (t *standbyTail) entry() *standbyEntry {
	whole, _ := t.restore.Complete()
	return &standbyEntry{next: record.Offset(t.restore.Next()), end: t.end, whole: whole, even: t.even}
}
