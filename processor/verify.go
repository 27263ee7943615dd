package processor

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"holdfast/processor/stage"
	"holdfast/state"
)

// A worker walks through the stores of its tasks, slowly and round after round,
// and looks for what can't be: sums that don't add up, indexes that miss a row,
// values that nobody could have written. What a decision checks is what it
// touches; this is for the rest.
//
//	worker   commit ─ snapshot ─ poll ─ decide ─ commit ─ … ─ found something? halt ─ poll
//	beside             └─ stretch of keys, read from the snapshot ──────┘
//
// The snapshot is taken between two transactions, so whatever must agree does
// agree in it, and the reading takes no lock that a decision needs. It is let go
// after each stretch: held for a whole round, it would keep all that is
// overwritten meanwhile on disk. A row and all that it must agree with are looked
// at in one snapshot.
type walk struct {
	tp   TopicPartition // whose store is being walked through
	from []byte         // and where the next stretch begins; nil: at its first key
	next time.Time      // not before
	task *task          // of the stretch under way; nil: none is
	stop *atomic.Bool
	done chan stretch
}

// stretch is what was found in one.
type stretch struct {
	VerifyResult
	findings []stage.Finding
	position state.Position
	err      error
}

const (
	// walkStretchKeys is small enough that a stretch takes milliseconds, for which
	// closing a store may have to wait at worst, and for which versions that are
	// overwritten meanwhile are kept.
	walkStretchKeys = 1000
	// findingsMax bounds what is kept of what was found: one fault may show in
	// every row.
	findingsMax = 10
)

// verify goes on with the walk, at the configured speed.
func (w *worker) verify(now time.Time) {
	if w.cfg.VerifyKeys == 0 || w.stage.Verifier == nil {
		return
	}
	k := &w.walk
	if k.task != nil {
		select {
		case s := <-k.done:
			w.walked(s, now)
		default:
		}
		return
	}
	if now.Before(k.next) {
		return
	}
	t := w.toWalk()
	if t == nil {
		return
	}
	snapshot, from, verifier := t.store.Snapshot(), k.from, w.stage.Verifier()
	k.task, k.stop, k.done = t, &atomic.Bool{}, make(chan stretch, 1)
	stop, done := k.stop, k.done
	keys := min(walkStretchKeys, w.cfg.VerifyKeys)
	w.at("verify")
	w.cfg.Env.Spawn(func() {
		s := stretch{position: snapshot.Position()}
		s.VerifyResult, s.err = VerifyState(snapshot, verifier, from, keys, stop.Load, func(f stage.Finding) {
			if len(s.findings) < findingsMax {
				s.findings = append(s.findings, f)
			}
		})
		s.err = errors.Join(s.err, snapshot.Close())
		done <- s
	})
}

// toWalk returns the task whose store is next: the one that was begun, as long as
// it is here, or else the one after it. nil: there is none.
func (w *worker) toWalk() *task {
	k := &w.walk
	var first, after *task
	for _, t := range w.order {
		if t.phase != phaseRunning || !t.hasState() {
			continue
		}
		if first == nil {
			first = t
		}
		if after == nil && (t.tp.compare(k.tp) > 0 || t.tp == k.tp && k.from != nil) {
			after = t
		}
	}
	if after == nil {
		after = first
	}
	if after != nil && after.tp != k.tp {
		k.tp, k.from = after.tp, nil
	}
	return after
}

// walked takes up what a stretch brought. Files that can't be read are put aside and
// restored, as when a decision meets them. Something that can't be halts the task:
// it has decided by this state already, perhaps, and each further decision would
// only carry the damage on.
func (w *worker) walked(s stretch, now time.Time) {
	k := &w.walk
	t := k.task
	k.task, k.from = nil, s.Next
	share := max(float64(s.Keys)/float64(w.cfg.VerifyKeys), float64(s.Bytes)/float64(w.cfg.VerifyBytes))
	k.next = now.Add(time.Duration(share * float64(time.Second)))
	whole := s.err == nil && s.Next == nil && len(s.findings) == 0
	w.cfg.Metrics.Verified(w.stage.Name, t.tp, Verified{Keys: s.Keys, Bytes: s.Bytes, Findings: len(s.findings), Whole: whole})
	if whole {
		t.verified = now
		w.status.set(w.stage.Name, t)
	}
	if t.phase != phaseRunning {
		return // it has halted meanwhile
	}
	for i := range s.findings {
		w.log.Error("state can't be", "topic", t.tp.Topic, "partition", t.tp.Partition, "rule", s.findings[i].Rule, "key", fmt.Sprintf("%q", s.findings[i].Key),
			"expected", s.findings[i].Expected, "found", s.findings[i].Found, "changelog_offset", s.position.Changelog, "input_offset", s.position.Input)
	}
	corrupt, isCorrupt := asCorrupt(s.err)
	switch {
	case isCorrupt:
		t.broken = corrupt
		w.restore(t)
	case len(s.findings) > 0:
		w.halt(t, &ViolationError{s.findings[0], s.position})
	case s.err != nil:
		w.halt(t, fmt.Errorf("verifying its state: %w", s.err))
	}
}

// endWalk waits until nobody reads the task's store. A stretch that is under way
// breaks off within a key.
func (w *worker) endWalk(t *task) {
	k := &w.walk
	if k.task != t {
		return
	}
	k.stop.Store(true)
	w.at("close")
	<-k.done
	k.task = nil
}

// ViolationError says that a store holds what can't be.
type ViolationError struct {
	Finding  stage.Finding
	Position state.Position // where the store stood
}

func (e *ViolationError) Error() string {
	return fmt.Sprintf("BUG: its state can't be: %s, after input offset %d, in the changelog before offset %d (`holdfast state explain` tells of the key)",
		e.Finding.String(), e.Position.Input-1, e.Position.Changelog)
}

// VerifyResult is how far a walk through a store got.
type VerifyResult struct {
	Keys, Bytes int64  // read
	Next        []byte // the first key that wasn't looked at; nil: there is none
}

// VerifyState looks through a store as it stood at one moment, from a key on (nil:
// its first), and reports what can't be. It ends after about so many keys (0: at
// the end), and early when it is told to stop. What belongs to one key is read as
// a whole, so it may be more.
func VerifyState(snapshot *state.Snapshot, v stage.Verifier, from []byte, keysMax int, stopped func() bool, report func(stage.Finding)) (r VerifyResult, err error) {
	view := &snapshotView{snapshot: snapshot, stopped: stopped}
	err = snapshot.Scan(from, nil, func(key, value []byte) bool {
		if keysMax > 0 && view.keys >= int64(keysMax) || view.broken() {
			r.Next = append([]byte(nil), key...)
			return false
		}
		view.read(key, value)
		v.Verify(view, key, value, func(f stage.Finding) {
			if !view.broken() { // else it found what couldn't be read
				f.Key = append([]byte(nil), f.Key...)
				report(f)
			}
		})
		return true
	})
	r.Keys, r.Bytes = view.keys, view.bytes
	return r, errors.Join(view.err, err)
}

// snapshotView is a snapshot as a verifier sees it. The first error ends the walk.
type snapshotView struct {
	snapshot    *state.Snapshot
	stopped     func() bool
	keys, bytes int64
	err         error
	cut         bool // a scan was broken off
}

func (v *snapshotView) read(key, value []byte) {
	v.keys++
	v.bytes += int64(len(key) + len(value))
}

func (v *snapshotView) broken() bool {
	v.cut = v.cut || v.stopped()
	return v.cut || v.err != nil
}

// Get is part of stage.View.
func (v *snapshotView) Get(key []byte) ([]byte, bool) {
	value, ok, err := v.snapshot.Get(key)
	v.read(key, value)
	v.fail(err)
	return value, ok
}

// Scan is part of stage.View.
func (v *snapshotView) Scan(from, to []byte, fn func(key, value []byte) bool) {
	v.fail(v.snapshot.Scan(from, to, func(key, value []byte) bool {
		if v.broken() {
			return false
		}
		v.read(key, value)
		return fn(key, value)
	}))
}

func (v *snapshotView) fail(err error) {
	if v.err == nil {
		v.err = err
	}
}
