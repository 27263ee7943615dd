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
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"holdfast/loadtest/audit"
)

var (
	oneSeed = flag.Uint64("seed", 0, "run this seed alone, with -v with its trace")
	seeds   = flag.Uint64("seeds", 200, "how many seeds to run, from 1")
)

// run is a whole run of a seed, judged.
type run func(seed uint64, trace io.Writer) *Simulation

func runSale(seed uint64, trace io.Writer) *Simulation {
	s := New(seed, Draw, SaleStages(), trace)
	s.Run(NewSale(seed, 120).Next)
	s.Stop()
	s.Judge()
	s.Audit()
	return s
}

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
	all := runSeeds(t, *seeds, runSale)
	if len(all) < 200 {
		return
	}
	visited, crashed, total := map[string]int{}, map[string]int{}, Stats{}
	sold, shipped := 0, 0
	for _, r := range all {
		for point, n := range r.visited {
			visited[point] += n
		}
		for point, n := range r.crashed {
			crashed[point] += n
		}
		total.add(r.stats)
		sold += int(r.report.UnitsAllocated)
		shipped += int(r.report.UnitsShipped)
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
	require.NotZero(t, sold)
	require.NotZero(t, shipped)
}

// TestToys runs stages that show every fault of the run time at once.
func TestToys(t *testing.T) { runSeeds(t, *seeds/2, runToys) }

// TestSameSeedSameRun: whatever happens follows from the seed.
func TestSameSeedSameRun(t *testing.T) {
	for _, seed := range seedsOf(10) {
		var first, second bytes.Buffer
		a, b := runSale(seed, &first), runSale(seed, &second)
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

// result is what is kept of a run; the rest of it is large.
type result struct {
	failures         []string
	visited, crashed map[string]int
	stats            Stats
	report           *audit.Report
	text             string
}

// runSeeds runs the seeds, several at a time, and tells of the first that
// failed, and how to see it again.
func runSeeds(t *testing.T, n uint64, run run) []*result {
	t.Helper()
	var trace io.Writer
	if *oneSeed != 0 && testing.Verbose() {
		trace = os.Stderr
	}
	list := seedsOf(n)
	out := make([]*result, len(list))
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(list)) && !failed.Load(); i = next.Add(1) - 1 {
				s := run(list[i], trace)
				out[i] = &result{s.Failures(), s.Visited, s.Crashed, s.Stats, s.Report, s.Describe()}
				if len(out[i].failures) > 0 {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	for i, r := range out {
		if r == nil {
			continue
		}
		if len(r.failures) > 0 {
			t.Fatalf("%sseed %d: %s\n\nto see it again: go test ./processor/simulation -run '^%s$' -seed=%d -v",
				endOfTrace(list[i], run, trace), list[i], strings.Join(r.failures, "\n"), t.Name(), list[i])
		}
		if *oneSeed != 0 {
			t.Log(r.text)
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
