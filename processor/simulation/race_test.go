package simulation

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

// hand is a simulation in which the test says who runs: two processes with one
// worker each, whose turns end at every point.
type hand struct {
	t *testing.T
	*Simulation
	group *group
	log   processor.TopicPartition
}

func newHand(t *testing.T) *hand {
	stages := toys()
	delete(stages, topology.StageIntake)
	delete(stages, topology.StageChannels)
	s := New(1, func(r *rand.Rand) Options {
		o := Draw(r).quiet()
		o.Instances, o.WorkersMax, o.Partitions, o.Public, o.SwitchPercent, o.SkewMillis = 2, 1, 1, 1, 100, 0
		return o
	}, stages, nil)
	s.machinesUp()
	return &hand{
		t: t, Simulation: s,
		group: s.Broker.group(s.Topology.Group(topology.StageInventory)),
		log:   processor.TopicPartition{Topic: s.Topology.Name(topology.LogInventory)},
	}
}

// input puts records on the log.
func (h *hand) input(n int) {
	for range n {
		var e record.EnvelopeBuilder
		e.Add(record.KindStock, []byte("k"), record.Origin{}, []byte("v"))
		h.Broker.Append(h.log, nil, e.Close())
	}
}

// until gives a process turns, its worker or what that runs beside or both.
func (h *hand) until(p *process, worker, beside bool, done func() bool) {
	h.t.Helper()
	for range 300 {
		for _, r := range p.routines {
			if done() {
				return
			}
			if (r.worker && worker || !r.worker && beside) && r.runnable() {
				h.run(r)
			}
		}
		p.settleRoutines()
		h.advance(time.Millisecond)
		require.Empty(h.t, h.Failures())
	}
	h.t.Fatalf("%s doesn't come to it", p)
}

func (h *hand) committed(n record.Offset) func() bool {
	return func() bool { return h.group.offsets[h.log] >= n }
}

// A restore that has read the group's offset is of no use when the partition
// was somebody else's since, even if its owner never saw it away:
//
//	first:  goes to poll; its restore ends: "begin at 0" …                  polls: put out, joins, owns it again
//	second:                                           owns it, commits, is put out
func TestRestoreUnderWayIsDoneAgain(t *testing.T) {
	h := newHand(t)
	defer h.Abandon()
	first, second := h.processes[0], h.processes[1]
	h.input(2)
	h.until(first, true, false, func() bool { return len(first.routines) > 1 })
	worker, restore := first.routines[0], first.routines[1]
	h.until(first, true, false, func() bool { return worker.at == "poll" })
	h.until(first, false, true, func() bool { return restore.done })

	h.group.remove(h.group.member(h.Topology.TransactionalID(topology.StageInventory, "i0", 0)))
	h.until(second, true, true, h.committed(2))
	h.group.remove(h.group.member(h.Topology.TransactionalID(topology.StageInventory, "i1", 0)))

	h.input(1)
	h.until(first, true, false, func() bool { return h.group.owners[h.log] != nil })
	h.until(first, true, true, h.committed(3))
	h.rest()
	h.Stop()
	h.Judge()
	require.Empty(t, h.Failures())
}
