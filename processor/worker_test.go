package processor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/state"
)

// clocked returns a worker with a clock that the test sets: milliseconds since the
// last transaction ended.
func clocked(t *testing.T) (w *worker, at func(millis float64)) {
	t.Helper()
	cfg := Default()
	now := time.Unix(1000, 0)
	cfg.Env.Now = func() time.Time { return now }
	w = &worker{cfg: &cfg, batch: &batch{}, lastEnd: now}
	return w, func(millis float64) { now = w.lastEnd.Add(time.Duration(millis * float64(time.Millisecond))) }
}

func TestCommitInterval(t *testing.T) {
	w, _ := clocked(t)
	f := func(cost, want time.Duration) {
		t.Helper()
		w.commitCost = cost
		require.Equal(t, want, w.commitInterval())
	}
	f(0, 5*time.Millisecond) // idle: latency
	f(time.Millisecond, 5*time.Millisecond)
	f(2*time.Millisecond, 8*time.Millisecond) // a fifth of the time, whatever it costs
	f(20*time.Millisecond, 80*time.Millisecond)
	f(time.Second, 100*time.Millisecond)
}

func TestCommitDue(t *testing.T) {
	w, at := clocked(t)
	w.commitCost = 5 * time.Millisecond // an interval of 20 ms
	f := func(begun, now float64, polled, records, bytes int, want bool) {
		t.Helper()
		at(begun)
		w.batch.begun = w.cfg.Env.Now()
		at(now)
		w.batch.records, w.batch.bytes = records, bytes
		require.Equal(t, want, w.commitDue(polled), "begun at %v ms, now %v ms, %d polled, %d records, %d bytes", begun, now, polled, records, bytes)
	}
	// Not within the late start, whatever there is.
	f(0, 1.9, 0, 1, 100, false)
	f(0, 1.9, 1, 1<<20, 1<<30, false)
	// Dry, and as old as a commit takes.
	f(0, 4.9, 0, 1, 100, false)
	f(0, 5, 0, 1, 100, true)
	f(30, 34.9, 0, 1, 100, false)
	f(30, 35, 0, 1, 100, true)
	// More comes in: until it is old …
	f(0, 2, 1, 1, 100, false)
	f(30, 49.9, 1, 1, 100, false)
	f(30, 50, 1, 1, 100, true)
	// … or large.
	f(30, 31, 1, 29_999, 100, false)
	f(30, 31, 1, 30_000, 100, true)
	f(30, 31, 1, 1, 8<<20-1, false)
	f(30, 31, 1, 1, 8<<20, true)
}

func TestPollWait(t *testing.T) {
	w, at := clocked(t)
	w.commitCost = 5 * time.Millisecond
	// Nothing open: long, unless something is on its way.
	at(100)
	require.Equal(t, w.cfg.IdleAfter, w.pollWait())
	w.order = []*task{{phase: phaseRunning}, {phase: phaseHalted}}
	require.Equal(t, w.cfg.IdleAfter, w.pollWait())
	for _, p := range []phase{phaseWaiting, phaseRestoring} {
		w.order[1].phase = p
		require.Equal(t, 5*time.Millisecond, w.pollWait())
	}

	w.batch.open = true
	f := func(begun, now float64, want time.Duration) {
		t.Helper()
		at(begun)
		w.batch.begun = w.cfg.Env.Now()
		at(now)
		require.Equal(t, want, w.pollWait())
	}
	f(0, 0.5, 4500*time.Microsecond) // until it may end
	f(0, 5, time.Millisecond)        // then, whether the input is dry
	f(0, 19.5, 500*time.Microsecond) // but not beyond the interval
	f(0, 25, 100*time.Microsecond)
	w.commitCost = time.Millisecond
	f(0, 0.5, 1500*time.Microsecond) // the late start ends later than that
}

func TestBackoff(t *testing.T) {
	var b backoff
	now := time.Unix(1000, 0)
	require.False(t, b.waits(now))
	for _, want := range []time.Duration{0, 50, 100, 200, 400, 800, 1600, 2000, 2000} {
		want *= time.Millisecond
		require.Equal(t, want, b.failed(now))
		require.Equal(t, want > 0, b.waits(now))
		now = now.Add(want)
		require.False(t, b.waits(now))
	}
	for range 100 {
		require.Equal(t, backoffMax, b.failed(now))
	}
	b.clear()
	require.False(t, b.waits(now))
	require.Zero(t, b.failed(now))
}

func TestStoresHaveOneOwner(t *testing.T) {
	s := NewStores()
	a, b := &worker{}, &worker{}
	tp, other := TopicPartition{"changelog", 0}, TopicPartition{"changelog", 1}
	require.True(t, takes(s, tp, a))
	require.True(t, takes(s, tp, a), "it is its already")
	require.False(t, takes(s, tp, b))
	require.True(t, takes(s, other, b))
	require.PanicsWithValue(t, "BUG: a store is given back by a worker that doesn't own it: changelog", func() { s.give(tp, b) })
	s.give(tp, a)
	require.True(t, takes(s, tp, b))
}

func takes(s *Stores, tp TopicPartition, w *worker) bool {
	_, ok := s.take(tp, w)
	return ok
}

// A standby's store goes to a worker as it is, but never while the standby is at
// work on it.
func TestAStandbysStoreIsTaken(t *testing.T) {
	s := NewStores()
	w, tp := &worker{}, TopicPartition{"changelog", 0}
	store := &state.Store{}
	require.True(t, s.free(tp))
	require.True(t, s.reserve(tp))
	require.False(t, s.free(tp))
	require.False(t, s.reserve(tp), "it is the standby's")
	require.False(t, s.wants(tp))
	require.False(t, takes(s, tp, w), "it is being opened")
	require.True(t, s.wants(tp))
	s.release(tp, store)
	require.True(t, s.begin(tp))
	require.False(t, takes(s, tp, w), "the standby is at work")
	s.release(tp, store)
	got, ok := s.take(tp, w)
	require.True(t, ok)
	require.Same(t, store, got)
	require.False(t, s.begin(tp))
	require.False(t, s.free(tp))
	require.False(t, s.reserve(tp), "it is the worker's")
	got, ok = s.take(tp, w)
	require.True(t, ok)
	require.Nil(t, got, "there is one store")
	s.give(tp, w)
	require.True(t, s.reserve(tp))
	s.dropSpare(tp)
	require.True(t, takes(s, tp, w))
}
