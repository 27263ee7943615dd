package simulation

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

var (
	oneSeed = flag.Uint64("seed", 0, "run this seed alone, with -v with its trace")
	seeds   = flag.Uint64("seeds", 200, "how many seeds to run, from 1")
)

// run is a whole run of a seed, judged.
type run func(seed uint64, trace io.Writer) *Simulation

func runToys(seed uint64, trace io.Writer) *Simulation {
	s := New(seed, Draw, toys(), trace)
	s.Run(toyFeed(rand.New(rand.NewPCG(seed, 1)), 250))
	s.Stop()
	s.Judge()
	return s
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSimulation runs the whole topology under all faults.
func TestSimulation(t *testing.T) {
	all := runSeeds(t, *seeds, RunSale)
	if len(all) < 200 {
		return
	}
	visited, crashed, total := map[string]int{}, map[string]int{}, Stats{}
	sold, shipped, fenced := 0, 0, 0
	for _, r := range all {
		for point, n := range r.Visited {
			visited[point] += n
		}
		for point, n := range r.Crashed {
			crashed[point] += n
		}
		total.add(r.Stats)
		fenced += r.Fenced
		sold += int(r.Report.UnitsAllocated)
		shipped += int(r.Report.UnitsShipped)
	}
	t.Logf("%+v, %d units sold, %d shipped", total, sold, shipped)
	for _, point := range slices.Sorted(maps.Keys(visited)) {
		t.Logf("%-20s reached %7d times, processes ended there %3d times", point, visited[point], crashed[point])
	}
	// A run that meets no fault proves nothing.
	for _, point := range crashPoints() {
		require.NotZero(t, crashed[point], "no process has ended at %q", point)
	}
	require.NotZero(t, total.Wiped, "no store had to begin anew")
	require.NotZero(t, total.Twins)
	require.NotZero(t, fenced, "no member was gone for good with a transaction open")
	require.NotZero(t, sold)
	require.NotZero(t, shipped)
}

// TestToys runs stages that show every fault of the run time at once.
func TestToys(t *testing.T) { runSeeds(t, *seeds/2, runToys) }

// TestSameSeedSameRun: whatever happens follows from the seed.
func TestSameSeedSameRun(t *testing.T) {
	for _, seed := range seedsOf(10) {
		var first, second bytes.Buffer
		a, b := RunSale(seed, &first), RunSale(seed, &second)
		require.Equal(t, a.Broker.Hash(), b.Broker.Hash(), "seed %d", seed)
		require.Equal(t, first.String(), second.String(), "seed %d", seed)
	}
}

func seedsOf(n uint64) []uint64 {
	if *oneSeed != 0 {
		return []uint64{*oneSeed}
	}
	if n = min(n, seedsMax); testing.Short() {
		n = min(n, 20)
	}
	var out []uint64
	for seed := range n {
		out = append(out, seed+1)
	}
	return out
}

// runSeeds runs the seeds, several at a time, and tells of the first that
// failed, and how to see it again.
func runSeeds(t *testing.T, n uint64, run run) []*Outcome {
	t.Helper()
	var trace io.Writer
	if *oneSeed != 0 && testing.Verbose() {
		trace = os.Stderr
	}
	list := seedsOf(n)
	out := make([]*Outcome, len(list))
	all := Seeds{From: list[0], Count: uint64(len(list)), Workers: runtime.GOMAXPROCS(0), Run: run, Trace: trace}
	all.RunAll(t.Context(), func(o *Outcome) { out[o.Seed-list[0]] = o })
	for i, o := range out {
		if o == nil {
			continue
		}
		if len(o.Failures) > 0 {
			var what []string
			for _, f := range o.Failures {
				what = append(what, f.String())
			}
			t.Fatalf("%sseed %d: %s\n\nto see it again: go test ./processor/simulation -run '^%s$' -seed=%d -v",
				endOfTrace(list[i], run, trace), list[i], strings.Join(what, "\n"), t.Name(), list[i])
		}
		if *oneSeed != 0 {
			t.Log(o.Text)
		}
	}
	return out
}

// endOfTrace runs a seed again for its trace, where that wasn't written.
func endOfTrace(seed uint64, run run, written io.Writer) string {
	if written != nil {
		return ""
	}
	var trace bytes.Buffer
	run(seed, &trace)
	lines := strings.Split(strings.TrimSpace(trace.String()), "\n")
	return fmt.Sprintf("the end of the trace:\n%s\n\n", strings.Join(lines[max(0, len(lines)-40):], "\n"))
}
