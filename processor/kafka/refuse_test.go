package kafka_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor/stage"
	"holdfast/topology"
	"holdfast/topology/record"
)

// poisoned makes the stage trip over the third number of a key.
func poisoned(key string, trip func(tx stage.Tx, r *stage.Record)) hookFunc {
	return func(tx stage.Tx, r *stage.Record) {
		if string(r.Key) == key && string(r.Value) == "3" {
			trip(tx, r)
		}
	}
}

// Whatever one record does to its task, the task's partition halts just there with
// the reason, and the others go on. When the cause is mended, a new life takes it
// up where it stopped.
func TestOnePartitionHalts(t *testing.T) {
	t.Parallel()
	huge := make([]byte, 17<<20) // larger than any topic allows
	for name, c := range map[string]struct {
		trip func(tx stage.Tx, r *stage.Record)
		want string
	}{
		"bug": {func(stage.Tx, *stage.Record) { panic("BUG: on purpose") }, "BUG: on purpose"},
		"bug in a scan": {func(tx stage.Tx, _ *stage.Record) {
			tx.Scan(nil, nil, func(_, _ []byte) bool { panic("BUG: scanning") })
		}, "BUG: scanning"},
		"public record": {func(tx stage.Tx, r *stage.Record) { tx.Publish(topology.StockEvents, r.Key, huge) }, "MESSAGE_TOO_LARGE"},
		"internal record": {func(tx stage.Tx, r *stage.Record) {
			tx.Send(stage.LogOrders, record.KindStock, r.Key, r.Origin(), huge)
		}, "MESSAGE_TOO_LARGE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l := w.start("a", nil)
			bad, neighbour := w.keyOn(1, 0), w.keyOn(1, 1)
			others := []string{w.keyOn(0, 0), w.keyOn(2, 0), w.keyOn(3, 0)}
			w.write(2, append(others, bad, neighbour)...) // bad's are at offsets 0 and 2
			w.settled()
			l.hook.set(poisoned(bad, c.trip))
			w.write(1, neighbour) // offset 4 and a marker-less log: 5 is bad's third
			w.write(2, append(others, bad)...)
			w.write(1, neighbour)
			l.awaitPhase("halted", 1)
			w.write(20, others...)
			w.out.await(t, pick(w.fed, others...))
			reason := l.seen.reasons()[1]
			require.Contains(t, reason, c.want)
			require.Contains(t, reason, "offset 5")
			require.Len(t, l.seen.reasons(), 1)
			// The batch was done again without the partition, not with it again and
			// again.
			_, failed := l.seen.transactions()
			require.LessOrEqual(t, failed, 2)
			require.LessOrEqual(t, len(w.out.got[bad]), 2)
			require.NoError(t, l.stop())

			l = w.start("a", l.fs)
			w.settled()
			require.NoError(t, l.stop())
			require.Equal(t, w.fed, w.stored(l.fs))
		})
	}
}

func pick(fed map[string]uint64, keys ...string) map[string]uint64 {
	m := map[string]uint64{}
	for _, key := range keys {
		m[key] = fed[key]
	}
	return m
}

// A broker that refuses what is usual is the broker's fault: no partition halts
// for it, the batch is tried again at growing intervals, and nothing of it is
// committed before all of it is there.
func TestUsualRecordsAreRefusedForAWhile(t *testing.T) {
	t.Parallel()
	for _, e := range []*kerr.Error{kerr.MessageTooLarge, kerr.InvalidRecord, kerr.UnknownServerError} {
		t.Run(e.Message, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l := w.start("a", nil)
			w.write(2, w.keys()...)
			w.settled()
			fault := w.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: w.changelog(0).Topic, Partitions: []int32{2}, Err: e, Count: -1})
			begun := time.Now()
			w.write(2, w.keys()...)
			require.NoError(t, fault.Wait(w.ctx, 6))
			require.GreaterOrEqual(t, time.Since(begun), 300*time.Millisecond, "at once, then after 50, 100, 200 … ms")
			w.out.drain(t)
			for key, got := range w.out.got {
				if w.slots[topology.LogInventory].Partition([]byte(key)) == 2 {
					require.Len(t, got, 2)
				}
			}
			_, failed := l.seen.transactions()
			require.LessOrEqual(t, failed, fault.Hits())
			fault.Remove()
			w.settled()
			require.Empty(t, l.seen.reasons())
			require.NoError(t, l.stop())
		})
	}
}
