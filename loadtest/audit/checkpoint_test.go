package audit

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/golden"
	"holdfast/topology/record"
)

var toyIdentity = Identity{Cluster: "kfake", AppID: "holdfast"}

// whole ends the book's cut where the book ends.
func (b *book) whole() Cut {
	cut := Cut{Committed: maps.Clone(b.next), Ends: maps.Clone(b.next), Starts: b.cut.Starts}
	return cut
}

func (b *book) fold(t *testing.T, a *Audit) Report {
	t.Helper()
	for _, f := range b.facts {
		require.NoError(t, a.Add(f.render()))
	}
	return a.Report()
}

func checkpointOf(t *testing.T, a *Audit) []byte {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, a.WriteCheckpoint(&file, toyIdentity))
	return file.Bytes()
}

// Parts with a checkpoint between them say what one whole says, wherever the
// borders are: with orders open, decisions in flight and records that nobody had
// read.
func TestCheckpointedPartsMakeTheWhole(t *testing.T) {
	flying := int64(0)
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		b := randomSale(seed%10, 300, 8)
		if seed%3 == 0 {
			moment := rnd.IntN(len(b.facts) / 4)
			for tp := range b.next {
				if roleOf(tp.Topic).isLog() {
					b.cut.Starts[tp] = b.offsetAt(tp, moment)
				}
			}
		}
		b.config.Settled = true
		want := b.fold(t, New(b.config, b.whole()))
		require.Equal(t, Pass, want.Verdict, "seed %d: %+v", seed, want.Violations)

		first := b.config
		first.Settled = false
		b.cutAnywhere(rnd)
		if slices.ContainsFunc(slices.Collect(maps.Keys(b.cut.Starts)), func(tp TopicPartition) bool { return b.cut.Committed[tp] < b.cut.Starts[tp]+20 }) {
			continue // what isn't consumed is never trimmed
		}
		before := New(first, b.cut)
		r := b.fold(t, before)
		require.Equal(t, Pass, r.Verdict, "seed %d: %+v", seed, r.Violations)
		flying += r.InFlight
		file := checkpointOf(t, before)

		middle := b.whole()
		a, err := Resume(first, &middle, file, toyIdentity)
		require.NoError(t, err)
		r = b.fold(t, a)
		require.Equal(t, Pass, r.Verdict, "seed %d: %+v", seed, r.Violations)
		again := checkpointOf(t, a)

		for _, file := range [][]byte{file, again} { // also with nothing new at all
			cut := b.whole()
			a, err := Resume(b.config, &cut, file, toyIdentity)
			require.NoError(t, err)
			for tp, o := range b.cut.Ends {
				require.GreaterOrEqual(t, cut.First(tp), min(o, b.next[tp]), tp)
			}
			got := b.fold(t, a)
			if got.VouchesFrom != 0 {
				// A chain of trimmed logs opens where its first part's view begins.
				require.Equal(t, Pass, got.Verdict, "seed %d: %+v", seed, got.Violations)
				continue
			}
			require.Equal(t, want, got, "seed %d", seed)
		}
	}
	require.Positive(t, flying)
}

// What is wrong after the border is found as it is without one.
func TestDoctoredLogsFailAfterACheckpoint(t *testing.T) {
	for _, doctor := range doctors {
		b := story()
		border := b.whole()
		before := New(Config{}, border)
		require.Equal(t, Pass, b.fold(t, before).Verdict)
		file := checkpointOf(t, before)

		// The same story goes on: what the doctor spoils is new.
		b = story()
		doctor.spoil(b)
		cut := b.whole()
		config := b.config
		config.Settled = true
		a, err := Resume(config, &cut, file, toyIdentity)
		require.NoError(t, err, doctor.name)
		r := b.fold(t, a)
		// Which records intake had taken isn't kept over a checkpoint.
		if appended(b) && doctor.name != "intake takes an order twice" {
			require.Contains(t, r.ViolationsByRule, doctor.rule, doctor.name)
		}
	}
}

// appended tells that a doctor only added to the logs.
func appended(b *toy) bool {
	clean := story()
	for i, f := range clean.facts {
		if i >= len(b.facts) || b.facts[i].TopicPartition != f.TopicPartition || !bytes.Equal(b.facts[i].render().Value, f.render().Value) {
			return false
		}
	}
	return true
}

func TestCheckpointIsRefused(t *testing.T) {
	b := story()
	a := New(Config{}, b.whole())
	require.ErrorContains(t, a.WriteCheckpoint(&bytes.Buffer{}, toyIdentity), "of an audit that passed")
	b.fold(t, a)
	file := checkpointOf(t, a)
	refused := func(file []byte, id Identity, change func(*Cut)) string {
		cut := b.whole()
		if change != nil {
			change(&cut)
		}
		_, err := Resume(Config{}, &cut, file, id)
		require.ErrorIs(t, err, ErrCheckpoint)
		return err.Error()
	}
	damaged := bytes.Clone(file)
	damaged[len(file)/2] ^= 1
	other := bytes.Clone(file)
	other[len(checkpointMagic)] += 2
	log := TopicPartition{"log.orders", 0}
	require.Contains(t, refused([]byte("hello"), toyIdentity, nil), "it isn't one")
	require.Contains(t, refused(file[:40], toyIdentity, nil), "cut off")
	require.Contains(t, refused(damaged, toyIdentity, nil), "it is damaged")
	require.Contains(t, refused(other, toyIdentity, nil), "it has format 3, this program knows 2")
	require.Contains(t, refused(file, Identity{"other", "holdfast"}, nil), `it is of application "holdfast" on cluster "kfake", and this is "holdfast" on "other"`)
	require.Contains(t, refused(file, Identity{"kfake", "shop"}, nil), `and this is "shop" on "kfake"`)
	require.Contains(t, refused(file, toyIdentity, func(c *Cut) { c.Ends[log] = 1 }), "it knows log.orders/0 up to offset "+fmt.Sprint(b.next[log])+", and that ends at 1 now: the topic was made anew")
	require.Contains(t, refused(file, toyIdentity, func(c *Cut) { c.Starts = map[TopicPartition]record.Offset{log: b.next[log] + 1} }), "and what came after is deleted")
}

// A checkpoint as each version wrote it.
func TestCheckpointBytesAreGolden(t *testing.T) {
	b := story()
	a := New(Config{}, b.whole())
	require.Equal(t, Pass, b.fold(t, a).Verdict)
	golden.Check(t, "checkpoint", checkpointFormat, checkpointOf(t, a))
	golden.Each(t, "checkpoint", func(_ int, file []byte) {
		cut := b.whole()
		_, err := Resume(Config{}, &cut, file, toyIdentity)
		require.NoError(t, err)
	})
}
