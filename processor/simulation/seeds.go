package simulation

import (
	"context"
	"io"
	"sync"

	"holdfast/loadtest/audit"
)

// saleOrders is how many orders a sale of one seed has.
const saleOrders = 120

// RunSale runs all stages through the sale of a seed, under all faults that the
// seed draws, then without any until nothing is left to do, stops everything and
// judges what is left. trace may be nil; the same seed writes the same trace.
func RunSale(seed uint64, trace io.Writer) *Simulation {
	return RunSaleWith(SaleStages(), seed, trace)
}

// RunSaleWith is RunSale with other stages.
func RunSaleWith(stages Stages, seed uint64, trace io.Writer) *Simulation {
	s := New(seed, Draw, stages, trace)
	s.Run(NewSale(seed, saleOrders).Next)
	s.Stop()
	s.Judge()
	s.Audit()
	if trace != nil {
		s.tracef("the end: %s", s.Describe())
	}
	return s
}

// Outcome is what is kept of a run; the rest of it is large.
type Outcome struct {
	Seed             uint64
	Failures         []Failure
	Visited, Crashed map[string]int // points that were reached, and where processes ended
	Faults           map[string]int
	Stats            Stats
	Report           *audit.Report // nil: not audited
	Text             string        // one line

	Committed, Aborted int // transactions, as the log has them
	Rebalances, Trims  int
	Fenced             int     // transactions that others ended, as their members were gone
	Seconds            float64 // of the run's own clock
}

func (s *Simulation) outcome(seed uint64) *Outcome {
	o := &Outcome{
		Seed: seed, Failures: s.Failures(), Visited: s.Visited, Crashed: s.Crashed, Faults: s.Faults, Stats: s.Stats, Report: s.Report, Text: s.Describe(),
		Committed: len(s.Broker.committed), Trims: s.Broker.trims, Fenced: s.Broker.fenced,
		Seconds: float64(s.now.UnixMilli()-epochMillis) / 1000,
	}
	o.Aborted = s.Broker.transactions - o.Committed - len(s.Broker.open)
	for _, g := range s.Broker.groupList {
		o.Rebalances += g.generation
	}
	return o
}

// Seeds are runs of Count seeds from From on, several at a time.
type Seeds struct {
	From, Count uint64
	Workers     int
	Run         func(seed uint64, trace io.Writer) *Simulation
	Trace       io.Writer // nil: none. With more than one worker runs would mix in it.
}

// RunAll runs the seeds in their order and tells each of every outcome, one at a
// time. No other run begins once one has failed or ctx has ended; those that have
// begun are finished, so the lowest seed that fails is always among them.
func (s Seeds) RunAll(ctx context.Context, each func(*Outcome)) {
	var mu sync.Mutex
	begun, failed := uint64(0), false
	next := func() (seed uint64, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if failed || begun == s.Count || ctx.Err() != nil {
			return 0, false
		}
		begun++
		return s.From + begun - 1, true
	}
	var wg sync.WaitGroup
	for range s.Workers {
		wg.Go(func() {
			for seed, ok := next(); ok; seed, ok = next() {
				o := s.Run(seed, s.Trace).outcome(seed)
				mu.Lock()
				failed = failed || len(o.Failures) > 0
				each(o)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}
