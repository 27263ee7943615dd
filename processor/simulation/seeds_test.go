package simulation

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

// nothing is a run of no stage.
func nothing(seed uint64, trace io.Writer) *Simulation { return New(seed, Draw, Stages{}, trace) }

// TestSeedsStop: what has begun is finished, and nothing else begins, once the
// time is up or a run has failed; the lowest that fails is among those that ran.
func TestSeedsStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var ran []uint64
	note := func(o *Outcome) { ran = append(ran, o.Seed) }
	Seeds{From: 5, Count: 1 << 40, Workers: 1, Run: func(seed uint64, trace io.Writer) *Simulation {
		if seed == 7 {
			cancel()
		}
		return nothing(seed, trace)
	}}.RunAll(ctx, note)
	require.Equal(t, []uint64{5, 6, 7}, ran)

	ran = nil
	var total Summary
	Seeds{From: 1, Count: 1 << 40, Workers: 3, Run: func(seed uint64, trace io.Writer) *Simulation {
		s := nothing(seed, trace)
		if seed >= 20 {
			s.fail(RuleRest, "seed %d", seed)
		}
		return s
	}}.RunAll(t.Context(), func(o *Outcome) { note(o); total.Add(o) })
	require.Less(t, len(ran), 23)
	require.EqualValues(t, len(ran), total.Seeds)
	require.Equal(t, Fail, total.Verdict)
	require.EqualValues(t, 20, total.FailedSeed, "the lowest")
	require.Equal(t, []Failure{{Rule: RuleRest, Detail: "seed 20"}}, total.Violations)
}

// TestFailuresAreTheSameEachTime: nothing of a stack that differs between runs.
func TestFailuresAreTheSameEachTime(t *testing.T) {
	s := nothing(1, nil)
	s.fail(RuleBug, "panics\ngoroutine 4711 [running]:\nf({0xc000123ab0, 0x12}, 0x3f?)\n\tx.go:12 +0x1d")
	require.Equal(t, "no_panic: panics\ngoroutine … [running]:\nf({0x…, 0x…}, 0x…)\n\tx.go:12 +0x…", s.Failures()[0].String())
}

// TestLateMax: what the orders stage didn't do while it stood still isn't late.
func TestLateMax(t *testing.T) {
	s := nothing(1, nil)
	commit := func(log string, p, seconds int) {
		tp := processor.TopicPartition{Topic: s.Topology.Name(log), Partition: record.Partition(p)}
		ended := record.Millis(epochMillis + 1000*seconds)
		s.Broker.committed = append(s.Broker.committed, &transaction{ended: ended, offsets: []consumed{{tp: tp}}})
	}
	require.EqualValues(t, 60_000, s.lateMax())
	commit(topology.LogOrders, 0, 30)
	commit(topology.LogOrders, 1, 40)
	commit(topology.LogOrders, 0, 80)
	commit(topology.LogInventory, 0, 300)
	require.EqualValues(t, 90_000, s.lateMax(), "30 s and 50 s")
	commit(topology.LogOrders, 0, 81)
	commit(topology.LogOrders, 1, 41)
	require.EqualValues(t, 90_000, s.lateMax(), "they were worked off")
	commit(topology.LogOrders, 1, 91)
	commit(topology.LogOrders, 0, 150)
	require.EqualValues(t, 90_000, s.lateMax(), "50 s and 69 s, each after it went on")
	commit(topology.LogOrders, 1, 135)
	require.EqualValues(t, 104_000, s.lateMax(), "50 s and 44 s")
}
