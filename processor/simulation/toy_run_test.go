package simulation

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

func runToys(seed uint64, trace io.Writer) *Simulation {
	s := New(seed, Draw, toys(), trace)
	s.Run(toyInputs(rand.New(rand.NewPCG(seed, 1)), 250))
	s.Stop()
	s.Judge()
	return s
}

func TestToys(t *testing.T) {
	for seed := uint64(1); seed <= 50; seed++ {
		s := runToys(seed, nil)
		if f := s.Failures(); len(f) > 0 {
			var trace bytes.Buffer
			runToys(seed, &trace)
			lines := strings.Split(trace.String(), "\n")
			t.Log(strings.Join(lines[max(0, len(lines)-80):], "\n"))
			t.Fatalf("seed %d: %s", seed, strings.Join(f, "\n"))
		}
		t.Log(seed, s.Describe())
	}
}

func TestCoverage(t *testing.T) {
	visited, crashed := map[string]int{}, map[string]int{}
	for seed := uint64(1000); seed <= 1200; seed++ {
		s := runToys(seed, nil)
		if f := s.Failures(); len(f) > 0 {
			var trace bytes.Buffer
			runToys(seed, &trace)
			lines := strings.Split(trace.String(), "\n")
			t.Log(strings.Join(lines[max(0, len(lines)-60):], "\n"))
			t.Fatalf("seed %d: %s", seed, strings.Join(f, "\n"))
		}
		for k, v := range s.Visited {
			visited[k] += v
		}
		for k, v := range s.Crashed {
			crashed[k] += v
		}
		if s.Broker.Hash() != runToys(seed, nil).Broker.Hash() {
			t.Errorf("seed %d isn't repeatable", seed)
		}
	}
	for k, v := range visited {
		t.Log(k, v, crashed[k])
	}
}
