package kafka_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/topology/record"
)

// taking follows one partition with a tail.
type taking struct {
	w    *world
	tail processor.Tail
	got  []record.Offset
}

func (x *taking) until(end record.Offset) {
	x.w.t.Helper()
	x.w.until("all was taken", func() bool {
		records, err := x.tail.Take(x.w.ctx)
		require.NoError(x.w.t, err)
		for _, r := range records {
			x.got = append(x.got, r.Offset)
		}
		return len(x.got) > 0 && x.got[len(x.got)-1] == end-1
	})
}

func (w *world) tail(c *kafka.Cluster, p int, from record.Offset) *taking {
	w.t.Helper()
	tail, err := c.Tail(w.ctx, w.input(p), from)
	require.NoError(w.t, err)
	return &taking{w: w, tail: tail}
}

func offsets(from, end record.Offset) (out []record.Offset) {
	for o := from; o < end; o++ {
		out = append(out, o)
	}
	return out
}

// Tails come and go, and each sees its own partition, in order and without a gap,
// over one client for all.
func TestTails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wire := newWire()
	cluster, err := kafka.NewCluster(w.kafkaConfig(kgo.Dialer(wire.dial)))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	w.write(10, w.keys()...) // two keys of each partition
	a, b := w.tail(cluster, 0, 0), w.tail(cluster, 1, 5)
	a.until(20)
	b.until(20)
	require.Equal(t, offsets(0, 20), a.got)
	require.Equal(t, offsets(5, 20), b.got)
	end, at := a.tail.Heard()
	require.Equal(t, record.Offset(20), end)
	require.NotZero(t, at)
	conns := func() int {
		wire.mu.Lock()
		defer wire.mu.Unlock()
		return len(wire.conns)
	}

	// c comes, b goes back, and a stays.
	c := w.tail(cluster, 2, 0)
	c.until(20)
	before := conns()
	w.write(1, w.keys()...)
	a.until(22)
	b.tail.Close()
	b = w.tail(cluster, 1, 2)
	w.write(1, w.keys()...)
	c.until(24)
	b.until(24)
	a.until(24)
	require.Equal(t, offsets(0, 24), a.got)
	require.Equal(t, offsets(2, 24), b.got)
	require.Equal(t, offsets(0, 24), c.got)
	require.Equal(t, before, conns(), "a tail more is no connection more")

	// One whose place is gone says so, and disturbs nobody. Begun anew, it goes on.
	require.NoError(t, cluster.Trim(w.ctx, w.input(3), 9))
	d := w.tail(cluster, 3, 3)
	w.write(1, w.keys()...)
	w.until("it says so", func() bool {
		records, err := d.tail.Take(w.ctx)
		require.Empty(t, records)
		if err != nil {
			require.ErrorIs(t, err, processor.ErrTruncated)
		}
		return err != nil
	})
	a.until(26)
	d.tail.Close()
	d = w.tail(cluster, 3, 9)
	d.until(26)
	require.Equal(t, offsets(9, 26), d.got)
	require.Equal(t, offsets(0, 26), a.got)

	_, err = cluster.Tail(w.ctx, w.input(3), 0)
	require.ErrorContains(t, err, "BUG")
}

// A tail that nobody takes from doesn't fill the memory, nor hold up the others.
// Taken up again, it misses nothing.
func TestATailThatNobodyTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cluster, err := kafka.NewCluster(w.kafkaConfig())
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	const records, size = 40, 200_000
	value := make([]byte, size)
	rng := rand.NewChaCha8([32]byte{1}) // what doesn't compress
	_, _ = rng.Read(value)
	var wg sync.WaitGroup
	for i := range 2 * records {
		wg.Add(1)
		w.feed.Produce(w.ctx, &kgo.Record{Topic: w.input(0).Topic, Partition: int32(i % 2), Value: value}, func(_ *kgo.Record, err error) {
			defer wg.Done()
			require.NoError(t, err)
		})
	}
	wg.Wait()
	idle, busy := w.tail(cluster, 0, 0), w.tail(cluster, 1, 0)
	busy.until(records)
	waiting := kafka.Waiting(idle.tail)
	require.Positive(t, waiting)
	require.Less(t, waiting, 4<<20)
	idle.until(records)
	require.Equal(t, offsets(0, records), idle.got)
	require.Equal(t, offsets(0, records), busy.got)
}
