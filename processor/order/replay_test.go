package order

import (
	"bytes"
	"maps"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// TestBatchesAndAbortsChangeNothing replays one log with transactions of
// different sizes, some of which are dropped and done again: state and output
// are the same to the byte.
func TestBatchesAndAbortsChangeNothing(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = time.Now().UnixNano()
	}
	t.Logf("replay with -run TestBatchesAndAborts -order.seed=%d", seed)
	rnd := rand.New(rand.NewSource(seed))
	w := newWorld(t, rnd)
	for step := range 6000 {
		w.step(step)
	}
	plain := replay(t, w, func() int { return 1 }, func() bool { return false })
	require.Equal(t, w.task.State, plain.State)
	batched := replay(t, w, func() int { return 1 + rnd.Intn(30) }, func() bool { return false })
	aborted := replay(t, w, func() int { return 1 + rnd.Intn(5) }, func() bool { return rnd.Intn(3) == 0 })
	for _, other := range []*stagetest.Task{batched, aborted} {
		require.Equal(t, plain.State, other.State)
		require.Equal(t, plain.Sent, other.Sent)
		require.Equal(t, plain.Published, other.Published)
		require.Equal(t, plain.Dead, other.Dead)
	}
}

// spoiling hands its stage copies of records and of state values, and spoils
// them when the transaction has ended: what a stage remembers of them beyond
// its Reset shows.
type spoiling struct {
	stage.Stage
	copies [][]byte
}

type spoilingTx struct {
	stage.Tx
	s *spoiling
}

func (s *spoiling) copy(b []byte) []byte {
	b = bytes.Clone(b)
	s.copies = append(s.copies, b)
	return b
}

func (s *spoiling) Decide(tx stage.Tx, r *stage.Record) {
	r = &stage.Record{Topic: r.Topic, At: r.At, Offset: r.Offset, Value: s.copy(r.Value)}
	s.Stage.Decide(spoilingTx{tx, s}, r)
}

func (s *spoiling) Finish(tx stage.Tx) { s.Stage.Finish(spoilingTx{tx, s}) }

func (s *spoiling) Reset() {
	s.Stage.Reset()
	for _, b := range s.copies {
		for i := range b {
			b[i] = '#'
		}
	}
	s.copies = s.copies[:0]
}

func (tx spoilingTx) Get(key []byte) ([]byte, bool) {
	v, ok := tx.Tx.Get(key)
	return tx.s.copy(v), ok
}

func (tx spoilingTx) Scan(from, to []byte, fn func(key, value []byte) bool) {
	tx.Tx.Scan(from, to, func(key, value []byte) bool { return fn(tx.s.copy(key), tx.s.copy(value)) })
}

func replay(t *testing.T, w *world, size func() int, abort func() bool) *stagetest.Task {
	task := stagetest.NewTask(&spoiling{Stage: New(w.model.cfg)})
	for log := w.log; len(log) > 0; {
		n := min(size(), len(log))
		var records []*stage.Record
		for _, d := range log[:n] {
			var e record.EnvelopeBuilder
			e.Add(d.entry.Kind, d.entry.Key, d.entry.Origin, d.entry.Body)
			records = append(records, &stage.Record{Topic: "log", At: d.at, Value: e.Close()})
		}
		for abort() {
			dropped := *task
			dropped.State = maps.Clone(task.State)
			dropped.Records(records[:1+len(records)/2]...)
		}
		task.Records(records...)
		log = log[n:]
	}
	require.NoError(t, checkState(task))
	return task
}
