package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Config is one rehearsal.
type Config struct {
	Only     string // regular expression over names; empty: all
	List     bool
	Keep     bool
	Port     int
	Dir      string // folders of the drills, and what is written
	Holdfast string // the binary; empty: built here, with the drills' own switches
	Kafka    string // the script that starts a broker

	stderr io.Writer
}

func defaultConfig() Config {
	return Config{Port: 9092, Dir: filepath.Join("bin", "drill", time.Now().UTC().Format("20060102-150405")), Kafka: "deploy/kafka/kafka.sh"}
}

// Validate reports all problems at once.
func (c *Config) Validate() error {
	var errs []error
	if _, err := regexp.Compile(c.Only); err != nil {
		errs = append(errs, fmt.Errorf("--only: %w", err))
	}
	if c.Port < 1 || c.Port > 65535 {
		errs = append(errs, fmt.Errorf("--port %d, must be 1 to 65535", c.Port))
	}
	if c.Dir == "" {
		errs = append(errs, errors.New("--dir must name a folder"))
	}
	return errors.Join(errs...)
}

func (c *Config) flags() *flag.FlagSet {
	f := flag.NewFlagSet("drill", flag.ContinueOnError)
	f.StringVar(&c.Only, "only", c.Only, "only drills whose name matches this `regexp`")
	f.BoolVar(&c.List, "list", c.List, "print the matrix of faults, and run nothing")
	f.BoolVar(&c.Keep, "keep", c.Keep, "keep the folders of drills that passed, too")
	f.IntVar(&c.Port, "port", c.Port, "the broker's, on 127.0.0.1; one is started if none answers")
	f.StringVar(&c.Dir, "dir", c.Dir, "where logs, state and the result go")
	f.StringVar(&c.Holdfast, "holdfast", c.Holdfast, "a binary that was built with -tags drills; empty: build one")
	f.StringVar(&c.Kafka, "kafka", c.Kafka, "the script that starts a broker")
	return f
}

func (c *Config) say(format string, args ...any) {
	fmt.Fprintf(c.stderr, "drill: "+format+"\n", args...)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0 all passed, 1 something failed, 2 wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := defaultConfig()
	c.stderr = stderr
	flags := c.flags()
	flags.SetOutput(stderr)
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2 // the flags have said why
	}
	err := c.Validate()
	if flags.NArg() > 0 {
		err = errors.Join(err, fmt.Errorf("%s: no such argument", strings.Join(flags.Args(), " ")))
	}
	var chosen []Drill
	if err == nil {
		chosen, err = choose(drills(), c.Only)
	}
	if err != nil {
		c.say("%v", err)
		return 2
	}
	if c.List {
		err = writeMatrix(stdout, matrix(), drills())
	} else {
		err = c.rehearseAll(ctx, chosen, stdout)
	}
	if err != nil {
		c.say("%v", err)
		return 1
	}
	return 0
}

// choose takes the drills whose name matches.
func choose(all []Drill, only string) (chosen []Drill, err error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if pattern.MatchString(d.Name) {
			chosen = append(chosen, d)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("--only %s: no drill has such a name", only)
	}
	return chosen, nil
}

// rehearseAll runs the drills one after the other, each to its end, whatever
// became of those before it.
func (c *Config) rehearseAll(ctx context.Context, chosen []Drill, stdout io.Writer) (err error) {
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	if err := c.build(ctx); err != nil {
		return err
	}
	var kafka *Kafka
	if slices.ContainsFunc(chosen, func(d Drill) bool { return !d.Cluster }) {
		if kafka, err = openKafka(ctx, c.Kafka, c.Port, c.stderr); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, kafka.Close(ctx)) }()
	}
	begun := time.Now()
	report := Report{At: begun.UTC().Format(time.RFC3339), CPUs: runtime.NumCPU(), Kafka: "127.0.0.1:" + strconv.Itoa(c.Port)}
	for i, d := range chosen {
		c.say("%d of %d: %s: %s", i+1, len(chosen), d.Name, d.Fault)
		r := c.rehearse(ctx, d, kafka)
		report.Results = append(report.Results, r)
		if r.Passed {
			c.say("%s passed in %.0f s", d.Name, r.Seconds)
		} else {
			c.say("%s FAILED in %.0f s: %s", d.Name, r.Seconds, r.Reason)
		}
		if ctx.Err() != nil {
			break
		}
	}
	report.Seconds, report.Passed = time.Since(begun).Seconds(), report.failed() == 0 && len(report.Results) == len(chosen)
	if err := report.save(filepath.Join(c.Dir, "result.json")); err != nil {
		return err
	}
	if err := report.write(stdout); err != nil {
		return err
	}
	switch {
	case len(report.Results) < len(chosen):
		return fmt.Errorf("interrupted after %d of %d drills", len(report.Results), len(chosen))
	case !report.Passed:
		return fmt.Errorf("%d of %d drills failed; see %s", report.failed(), len(chosen), c.Dir)
	}
	return nil
}

// build makes the program with the switches that drills need, and that no
// program which is shipped has.
func (c *Config) build(ctx context.Context) (err error) {
	if c.Holdfast == "" {
		c.Holdfast = filepath.Join(c.Dir, "holdfast")
		cmd := exec.CommandContext(ctx, "go", "build", "-tags", "drills", "-o", c.Holdfast, "./cmd/holdfast")
		cmd.Stdout, cmd.Stderr = c.stderr, c.stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("building the program: %w", err)
		}
	}
	c.Holdfast, err = filepath.Abs(c.Holdfast)
	return err
}
