package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/processor/simulation"
	"holdfast/processor/stage"
	"holdfast/topology"
)

// TestSim: seeds are run and told of; the same seed gives the same trace.
func TestSim(t *testing.T) {
	h := &harness{t: t}
	total := decodeJSON[simulation.Summary](t, h.good("sim", "--seeds", "2", "--from", "3", "-o", "json"))
	require.Equal(t, simulation.Pass, total.Verdict)
	require.Empty(t, total.Violations)
	require.EqualValues(t, 3, total.From)
	require.EqualValues(t, 2, total.Seeds)
	for name, n := range map[string]int{"committed": total.Committed, "rebalances": total.Rebalances, "orders": total.Orders,
		"allocated": int(total.UnitsAllocated), "faults": len(total.Faults)} {
		require.Positive(t, n, name)
	}

	args := []string{"sim", "--seeds", "1", "--from", "3", "--trace"}
	trace, rest, ok := strings.Cut(h.good(args...), "1 of 1 seeds from 3")
	require.True(t, ok)
	require.Contains(t, rest, "PASS  no rule broken")
	require.Contains(t, trace, "options: ")
	require.Contains(t, trace, "the end: ")
	again := h.run(append(args, "-o", "json")...)
	require.Equal(t, trace, again.errout, "the same seed, the same trace; with JSON beside the answer")
	require.EqualValues(t, 1, decodeJSON[simulation.Summary](t, again.out).Seeds)
}

// broken is a stage with a fault.
type broken struct{ stage.Stage }

func (broken) Decide(stage.Tx, *stage.Record) { panic("a fault on purpose") }

// TestSimTellsWhatBroke: exit code 3, the rule, the lowest seed, and the one
// command that shows it again, which tells the same each time.
func TestSimTellsWhatBroke(t *testing.T) {
	run := func(seed uint64, trace io.Writer) *simulation.Simulation {
		stages := simulation.SaleStages()
		for name, sound := range stages {
			if name == topology.StageInventory {
				stages[name] = func(tp processor.TopicPartition) stage.Stage { return broken{sound(tp)} }
			}
		}
		return simulation.RunSaleWith(stages, seed, trace)
	}
	simulate := func(c simCmd) (code int, out, message string) {
		var answer, errors bytes.Buffer
		err := c.simulate(t.Context(), &app{Process: Process{Stdout: &answer, Stderr: &errors}}, run)
		code, message = exitCode(t.Context(), err)
		return code, answer.String(), message
	}
	code, out, message := simulate(simCmd{Seeds: 50, From: 7, Workers: 2})
	require.Equal(t, exitViolation, code)
	const replay = "holdfast sim --seeds 1 --from 7 --trace"
	require.Equal(t, "seed 7 breaks the rule nothing_halts; to see it again: "+replay, message)
	require.Contains(t, out, "FAIL  seed 7 breaks a rule:\n  nothing_halts: ")
	require.Contains(t, out, "a fault on purpose")
	require.Contains(t, out, "to see it again: "+replay+"\n")
	require.NotContains(t, out, "50 of 50", "it stops there")

	code, first, _ := simulate(simCmd{Seeds: 1, From: 7, Trace: true})
	require.Equal(t, exitViolation, code)
	_, second, _ := simulate(simCmd{Seeds: 1, From: 7, Trace: true})
	first, _, ok := strings.Cut(first, "1 of 1 seeds")
	require.True(t, ok)
	second, _, _ = strings.Cut(second, "1 of 1 seeds")
	require.Contains(t, first, "FAILURE: nothing_halts: ")
	require.Equal(t, first, second)

	code, out, _ = simulate(simCmd{outputFlag: outputFlag{"json"}, Seeds: 1, From: 9})
	require.Equal(t, exitViolation, code)
	total := decodeJSON[simulation.Summary](t, out)
	require.Equal(t, simulation.Fail, total.Verdict)
	require.EqualValues(t, 9, total.FailedSeed)
	require.Equal(t, simulation.RuleHalted, total.Violations[0].Rule)
	require.Equal(t, "holdfast sim --seeds 1 --from 9 --trace", total.Replay)
}

func TestSimBounds(t *testing.T) {
	h := &harness{t: t}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--seeds", "0"}, "--seeds 0, must be 1 or more"},
		{[]string{"--from", "0"}, "--from 0, must be 1 or more"},
		{[]string{"--from", "18446744073709551615"}, "the last seed below 2^64"},
		{[]string{"--workers=-1"}, "--workers -1, must be 1 to"},
		{[]string{"--max-time=-1s"}, "--max-time -1s"},
		{[]string{"--trace"}, "--trace tells one run: add --seeds 1 --from SEED"},
	} {
		require.Contains(t, h.bad(exitUsage, append([]string{"sim"}, c.args...)...), c.want)
	}
	require.Contains(t, h.bad(exitFailed, "sim", "--max-time", "1ns"), "no seed was run within --max-time 1ns")
}
