package simulation

import (
	"bytes"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

var (
	oneSeed = flag.Uint64("seed", 0, "run this seed alone, with -v with its trace")
	seeds   = flag.Uint64("seeds", 200, "how many seeds to run, from 1")
)

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

// seedsOf returns the seeds that the flags ask for.
func seedsOf() []uint64 {
	if *oneSeed != 0 {
		return []uint64{*oneSeed}
	}
	n := *seeds
	if testing.Short() {
		n = min(n, 20)
	}
	var out []uint64
	for seed := range n {
		out = append(out, seed+1)
	}
	return out
}

// judge runs a seed and tells what failed, and how to see it again.
func check(t *testing.T, seed uint64, run func(seed uint64, trace io.Writer) *Simulation) *Simulation {
	t.Helper()
	var trace io.Writer
	if *oneSeed != 0 && testing.Verbose() {
		trace = os.Stderr
	}
	s := run(seed, trace)
	f := s.Failures()
	if len(f) == 0 {
		return s
	}
	if trace == nil {
		var lines bytes.Buffer
		run(seed, &lines)
		all := strings.Split(strings.TrimSpace(lines.String()), "\n")
		t.Logf("the end of the trace:\n%s", strings.Join(all[max(0, len(all)-40):], "\n"))
	}
	t.Fatalf("seed %d: %s\n\nto see it again: go test ./processor/simulation -run '^%s$' -seed=%d -v", seed, strings.Join(f, "\n"), t.Name(), seed)
	return nil
}

// TestSimulation runs the whole topology.
func TestSimulation(t *testing.T) {
	for _, seed := range seedsOf() {
		s := check(t, seed, runSale)
		t.Log(seed, s.Describe())
	}
}
