package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Config is one comparison.
type Config struct {
	Count    int
	Lines    int64
	SKUs     int
	Stock    int // units a SKU in the case with refusals
	Workers  int
	Timeout  time.Duration // of one run
	Port     int
	Baseline string
	Holdfast string // the binary
	Peers    string // the folder of the peers
	Kafka    string // the script that starts a broker
	JSON     string // the file for all that was measured
}

func defaultConfig() Config {
	return Config{Count: 3, Lines: 2_000_000, SKUs: 100_000, Stock: 1000, Workers: 2, Timeout: 5 * time.Minute, Port: 9092, Baseline: "kafka-streams",
		Holdfast: "bin/holdfast", Peers: "loadtest/peers", Kafka: "deploy/kafka/kafka.sh", JSON: ".kafka/peers/result.json"}
}

// Validate reports all problems at once.
func (c *Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Count >= 1 && c.Count <= 100, "--count %d, must be 1 to 100", c.Count)
	check(c.Lines >= 1 && c.Lines <= 50_000_000, "--lines %d, must be 1 to 50,000,000", c.Lines)
	check(c.SKUs >= 1 && c.SKUs <= 10_000_000, "--skus %d, must be 1 to 10,000,000", c.SKUs)
	check(c.Stock >= 1 && c.Stock <= 1_000_000_000, "--stock %d, must be 1 to 1,000,000,000", c.Stock)
	check(c.Workers >= 1 && c.Workers <= 64, "--workers %d, must be 1 to 64", c.Workers)
	check(c.Timeout >= time.Second && c.Timeout <= time.Hour, "--timeout %s, must be 1s to 1h", c.Timeout)
	check(c.Port >= 1 && c.Port <= 65535, "--port %d, must be 1 to 65535", c.Port)
	return errors.Join(errs...)
}

func (c *Config) flags() *flag.FlagSet {
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.IntVar(&c.Count, "count", c.Count, "run every contender so often")
	f.Int64Var(&c.Lines, "lines", c.Lines, "lines of a run")
	f.IntVar(&c.SKUs, "skus", c.SKUs, "SKUs that the lines are about")
	f.IntVar(&c.Stock, "stock", c.Stock, "units a SKU in the case with refusals")
	f.IntVar(&c.Workers, "workers", c.Workers, "workers or threads of a contender")
	f.DurationVar(&c.Timeout, "timeout", c.Timeout, "of one run")
	f.IntVar(&c.Port, "port", c.Port, "the broker's, on 127.0.0.1; one is started if none answers")
	f.StringVar(&c.Baseline, "baseline", c.Baseline, "whom the ratios compare with")
	f.StringVar(&c.Holdfast, "holdfast", c.Holdfast, "the binary")
	f.StringVar(&c.Peers, "peers", c.Peers, "the folder with a folder for each peer")
	f.StringVar(&c.Kafka, "kafka", c.Kafka, "the script that starts a broker")
	f.StringVar(&c.JSON, "json", c.JSON, "write all that was measured to this file")
	return f
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0 good, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := defaultConfig()
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
	if err != nil {
		fmt.Fprintln(stderr, "peers:", err)
		return 2
	}
	if err := c.compare(ctx, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "peers:", err)
		return 1
	}
	return 0
}

// compare builds, starts the broker, measures and reports.
func (c *Config) compare(ctx context.Context, stdout, stderr io.Writer) (err error) {
	all, err := contenders(c.Holdfast, c.Peers)
	if err != nil {
		return err
	}
	for i := range all {
		if err := all[i].build(ctx, stderr); err != nil {
			return err
		}
	}
	stop, err := broker(ctx, c.Kafka, c.Port, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()

	report := Report{At: time.Now().UTC().Format(time.RFC3339), CPUs: runtime.NumCPU(), LoadBefore: loadAverage(), Baseline: c.Baseline}
	kinds, done := cases(c.Stock), 0
	report.Tables, err = rounds(ctx, all, kinds, c.Count, c.Lines, c.Baseline, func(ctx context.Context, contender Contender, k Case) (Answer, error) {
		a, err := contender.measure(ctx, c.args(k), c.Lines, c.Timeout, stderr)
		if err == nil {
			done++
			fmt.Fprintf(stderr, "peers: %d of %d: %s, %s: %s lines/s, %s per core-second, %d MiB\n", done, len(kinds)*c.Count*len(all),
				contender.Name, k.Name, thousands(a.PerSecond), thousands(a.PerCoreSecond), a.RSSMiB)
		}
		return a, err
	})
	if err != nil {
		return err
	}
	report.LoadAfter = loadAverage()
	if err := report.save(c.JSON); err != nil {
		return err
	}
	return report.write(stdout)
}

func (c *Config) args(k Case) []string {
	return append([]string{"--brokers", fmt.Sprintf("127.0.0.1:%d", c.Port), "--lines", fmt.Sprint(c.Lines), "--skus", fmt.Sprint(c.SKUs), "--zipf", "1.1",
		"--partitions", "8", "--workers", fmt.Sprint(c.Workers), "--timeout", fmt.Sprintf("%ds", int(c.Timeout.Seconds())), "--output", "json"}, k.Args...)
}

// Report is all that was measured, and on what.
type Report struct {
	At         string  `json:"at"`
	CPUs       int     `json:"cpus"`
	LoadBefore string  `json:"load_before,omitempty"` // the machine's load averages, of 1, 5 and 15 minutes
	LoadAfter  string  `json:"load_after,omitempty"`
	Baseline   string  `json:"baseline"`
	Tables     []Table `json:"tables"`
}

func (r *Report) write(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d CPUs, load averages before: %s, after: %s\n", r.At, r.CPUs, r.LoadBefore, r.LoadAfter)
	for i := range r.Tables {
		if err := r.Tables[i].write(w, r.Baseline); err != nil {
			return fmt.Errorf("writing the table: %w", err)
		}
	}
	return nil
}

func (r *Report) save(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	return nil
}

// loadAverage tells how busy the machine is; "" where it doesn't say.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return ""
	}
	return strings.Join(fields[:3], " ")
}
