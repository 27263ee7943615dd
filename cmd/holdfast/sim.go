package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"time"

	"holdfast/processor/simulation"
)

type simCmd struct {
	outputFlag
	Seeds   uint64        `help:"How many seeds to run." default:"1000"`
	From    uint64        `help:"The first one." default:"1"`
	Workers int           `help:"Seeds that run at the same time; 0: one for each processor." default:"0"`
	MaxTime time.Duration `help:"Begin no other seed after so long; 0: run them all." default:"0s"`
	Trace   bool          `help:"Tell a single seed's run step by step: on standard output, with --output json on standard error."`
}

func (c *simCmd) Help() string {
	return "Runs all stages, over real stores, on a log in memory, through a small sale in which everything goes wrong that can: processes end or freeze at any step, answers get lost, transactions end otherwise than asked, partitions move, clocks differ, disks lose what wasn't synced. " +
		"A seed decides all of it, so the same seed gives the same run. Each run is judged: by the stages alone, and by the audit. Exit code 3 when a rule is broken; then the report ends with the command that shows that run again. It needs no Kafka and writes no file."
}

func (c *simCmd) Run(ctx context.Context, a *app) error {
	return c.simulate(ctx, a, simulation.RunSale)
}

func (c *simCmd) validate() error {
	var problems []error
	if c.Seeds < 1 {
		problems = append(problems, errors.New("--seeds 0, must be 1 or more"))
	}
	if c.From < 1 || c.From > math.MaxUint64-c.Seeds {
		problems = append(problems, fmt.Errorf("--from %d, must be 1 or more, and the last seed below 2^64", c.From))
	}
	if c.Workers < 0 || c.Workers > workersMax {
		problems = append(problems, fmt.Errorf("--workers %d, must be 1 to %d, or 0", c.Workers, workersMax))
	}
	if c.MaxTime < 0 {
		problems = append(problems, fmt.Errorf("--max-time %v, must not be below 0", c.MaxTime))
	}
	if c.Trace && c.Seeds != 1 {
		problems = append(problems, errors.New("--trace tells one run: add --seeds 1 --from SEED"))
	}
	return errors.Join(problems...)
}

// simulate runs the seeds.
func (c *simCmd) simulate(ctx context.Context, a *app, run func(uint64, io.Writer) *simulation.Simulation) error {
	if err := c.validate(); err != nil {
		return usageErrorf("%w", err)
	}
	seeds := simulation.Seeds{From: c.From, Count: c.Seeds, Workers: c.Workers, Run: run}
	if seeds.Workers == 0 {
		seeds.Workers = runtime.GOMAXPROCS(0)
	}
	seeds.Workers = int(min(uint64(seeds.Workers), c.Seeds))
	var trace *bufio.Writer
	if c.Trace {
		trace = bufio.NewWriter(a.Stdout)
		if c.json() {
			trace.Reset(a.Stderr)
		}
		seeds.Trace = trace
	}
	bounded, cancel := ctx, context.CancelFunc(func() {})
	if c.MaxTime > 0 {
		bounded, cancel = context.WithTimeout(ctx, c.MaxTime)
	}
	defer cancel()
	begun := time.Now()
	progress := a.progress("sim: seeds run")
	total := simulation.Summary{From: c.From, Asked: c.Seeds, Workers: seeds.Workers}
	seeds.RunAll(bounded, func(o *simulation.Outcome) {
		total.Add(o)
		if progress != nil {
			progress(int64(total.Seeds), int64(c.Seeds))
		}
	})
	if progress != nil {
		progress(1, 1) // takes the line away
	}
	total.Seconds = time.Since(begun).Seconds()
	if trace != nil {
		if err := trace.Flush(); err != nil {
			return fmt.Errorf("writing the trace: %w", err)
		}
	}
	return c.report(ctx, a, &total)
}

func (c *simCmd) report(ctx context.Context, a *app, total *simulation.Summary) error {
	if total.Seeds == 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		return fmt.Errorf("no seed was run within --max-time %v", c.MaxTime)
	}
	if total.Verdict == simulation.Fail {
		total.Replay = fmt.Sprintf("holdfast sim --seeds 1 --from %d --trace", total.FailedSeed)
	}
	var err error
	if c.json() {
		err = a.printJSON(total)
	} else {
		err = total.WriteText(a.Stdout)
	}
	switch {
	case err != nil:
		return err
	case total.Verdict == simulation.Fail:
		return violationErrorf("seed %d breaks the rule %s; to see it again: %s", total.FailedSeed, total.Violations[0].Rule, total.Replay)
	default:
		return ctx.Err()
	}
}
