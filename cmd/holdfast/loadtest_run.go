package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/report"
	"holdfast/loadtest/run"
	"holdfast/loadtest/scenario"
	"holdfast/loadtest/scenarios"
	"holdfast/topology"
)

type loadtestRunCmd struct {
	Scenario string `arg:"" help:"YAML file of the rehearsal, or the name of one that comes with Holdfast: 11.11, conflation, failover, flash-sale, smoke, soak, steady." placeholder:"FILE|NAME"`
	clusterFlags
	outputFlag
	Report string   `help:"Write the report as one HTML file." placeholder:"FILE" type:"path"`
	JSON   string   `name:"json" help:"Write the result as JSON, to be compared with others." placeholder:"FILE" type:"path"`
	With   []string `help:"Lay another file's keys over the scenario's: faults, for example, with the thresholds that go with them. node-killed comes with Holdfast. Can be repeated." placeholder:"FILE|NAME" sep:"none"`
	Rate   float64  `help:"Multiply all rates, so that the highest is this one, in orders a second." placeholder:"N"`
	Change []string `help:"Change the scenario: --change phases.plateau.rate=500. Can be repeated." placeholder:"KEY=VALUE" sep:"none"`
	RunID  string   `name:"run-id" help:"Part of the names of this run's orders and SKUs, letters and digits; another one each time unless given." placeholder:"ID"`
}

func (c *loadtestRunCmd) Help() string {
	return "Nodes must be running. Tables, stock and orders are written for real: give the rehearsal an application of its own (--app-id). Latencies count from when an order was meant to be sent. Exit code 0 is GO, 3 is NO-GO. Ctrl-C ends the load and still reports."
}

func (c *loadtestRunCmd) Run(ctx context.Context, a *app) error {
	s, err := c.scenario()
	if err != nil {
		return usageErrorf("%w", err)
	}
	cl, t, err := a.connectExisting(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := awaitNodes(ctx, cl, t, a.loaded.Kafka.ConnectTimeout); err != nil {
		return err
	}
	options, err := clientOptions(&a.loaded.Kafka)
	if err != nil {
		return usageErrorf("%w", err)
	}
	if c.RunID == "" {
		c.RunID = strconv.FormatInt(time.Now().Unix(), 36)
	}
	config := run.Config{Scenario: s, Run: c.RunID, System: run.System{Client: cl, Options: options, Topology: t,
		Settle: func(ctx context.Context, progress func(int64)) error {
			return settle(ctx, cl, options, t, a.loaded.Updates.Window, progress)
		},
		Audit: func(ctx context.Context) (*report.Audit, error) {
			r, err := runAudit(ctx, cl, options, t, a.loaded, auditScope{settled: true}, nil)
			if err != nil {
				return nil, err
			}
			found := &report.Audit{Verdict: r.Verdict, Orders: int64(r.Orders), OversoldUnits: int64(r.OversoldUnits), Seconds: r.Seconds, Violations: map[string]int64{}}
			for rule, n := range r.ViolationsByRule {
				found.Violations[string(rule)] = int64(n)
			}
			return found, nil
		},
	}}
	status := a.statusLine()
	if a.onTerminal() {
		config.Progress = func(p run.Progress) { status(p.String()) }
	}
	result, err := run.Run(ctx, config)
	status("")
	if err != nil {
		return err
	}
	return c.tell(a, result)
}

// awaitNodes waits until every stage has a node: one that was just started takes
// some seconds to join.
func awaitNodes(ctx context.Context, cl *kgo.Client, t *topology.Topology, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for {
		stage, err := withoutMembers(ctx, cl, t)
		if stage == "" || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no node runs the stage %s (start one with holdfast run; --connect-timeout says how long to wait)", stage)
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// scenario reads the file, or what is called so.
func (c *loadtestRunCmd) scenario() (*scenario.Scenario, error) {
	changes := c.Change
	if c.Rate != 0 {
		changes = append(changes, "scale_to="+strconv.FormatFloat(c.Rate, 'g', -1, 64))
	}
	text, err := readScenario(c.Scenario, "scenarios", scenarios.Text, scenarios.Names())
	if err != nil {
		return nil, err
	}
	for _, name := range c.With {
		over, err := readScenario(name, "files to lay over a scenario", scenarios.OverText, scenarios.OverNames())
		if err != nil {
			return nil, err
		}
		if text, err = scenario.Lay(text, over); err != nil {
			return nil, fmt.Errorf("%s with %s: %w", c.Scenario, name, err)
		}
	}
	s, err := scenario.Parse(text, changes...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Scenario, err)
	}
	return s, nil
}

// scenarioBytesMax is more than Parse takes, so that it can say so.
const scenarioBytesMax = 1 << 20

// readScenario reads a file, or what comes with Holdfast under that name.
func readScenario(name, what string, ours func(string) ([]byte, bool), names []string) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		if text, ok := ours(name); ok {
			return text, nil
		}
		return nil, fmt.Errorf("%w; the %s that come with Holdfast are %s", err, what, strings.Join(names, ", "))
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return io.ReadAll(io.LimitReader(f, scenarioBytesMax))
}

// tell writes the result wherever it is wanted.
func (c *loadtestRunCmd) tell(a *app, r *report.Result) error {
	var errs []error
	if c.JSON != "" {
		errs = append(errs, report.WriteFile(c.JSON, r.Write))
	}
	if c.Report != "" {
		errs = append(errs, report.WriteFile(c.Report, func(w io.Writer) error { return report.WriteHTML(w, r) }))
	}
	if c.json() {
		errs = append(errs, r.Write(a.Stdout))
	} else {
		errs = append(errs, r.WriteText(a.Stdout))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if r.Verdict != report.Go {
		return violationErrorf("%s: %s", r.Verdict, strings.Join(r.Reasons, " "))
	}
	return nil
}
