package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// config is one comparison.
type config struct {
	Count    int
	Holds    int
	SKUs     int
	Rate     int // orders a second
	Session  time.Duration
	Patience time.Duration // for whatever is waited for
	Port     int
	Who      string // contenders, with commas between
	Standbys string
	Only     string // drills; empty: all
	Holdfast string
	Peer     string
	Kafka    string
	Dir      string
	Verbose  bool
}

func defaults() config {
	return config{Count: 3, Holds: 4_000_000, SKUs: 100_000, Rate: 4_000, Session: 6 * time.Second, Patience: 3 * time.Minute, Port: 9092,
		Who: "holdfast,kafka-streams", Standbys: "1,0", Holdfast: "bin/holdfast", Peer: "loadtest/peers/kafka-streams/run.sh",
		Kafka: "deploy/kafka/kafka.sh", Dir: ".kafka/takeover"}
}

func (c *config) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Count >= 1 && c.Count <= 20, "--count %d, must be 1 to 20", c.Count)
	check(c.Holds >= 1 && c.Holds <= 20_000_000, "--holds %d, must be 1 to 20,000,000", c.Holds)
	check(c.SKUs >= partitions && c.SKUs <= 1_000_000, "--skus %d, must be %d to 1,000,000", c.SKUs, partitions)
	check(c.Rate >= 100 && c.Rate <= 100_000, "--rate %d, must be 100 to 100,000", c.Rate)
	check(c.Session >= time.Second && c.Session <= time.Minute, "--session-timeout %v, must be 1s to 1m", c.Session)
	check(c.Patience >= 10*time.Second && c.Patience <= time.Hour, "--patience %v, must be 10s to 1h", c.Patience)
	check(c.Port >= 1 && c.Port <= 65_000, "--port %d, must be 1 to 65000", c.Port)
	for _, w := range strings.Split(c.Who, ",") {
		check(w == "holdfast" || w == "kafka-streams", "--who %s: there are holdfast and kafka-streams", w)
	}
	for _, s := range strings.Split(c.Standbys, ",") {
		check(s == "0" || s == "1", "--standbys %s: must be 0 or 1", s)
	}
	for _, o := range c.only() {
		check(slices.Contains(drillFlags(), o), "--only %s: there are %s", o, strings.Join(drillFlags(), ", "))
	}
	return errors.Join(errs...)
}

func drillFlags() []string { return []string{"kill", "restart", "roll", "lag"} }

func (c *config) only() []string {
	if c.Only == "" {
		return drillFlags()
	}
	return strings.Split(c.Only, ",")
}

// drills are those of a run with so many standbys.
func (c *config) drills(standbys int) []string {
	names := map[string]string{"kill": killed, "restart": restarted, "roll": rolled, "lag": lagging}
	var out []string
	for _, o := range []string{"lag", "restart", "roll", "kill"} {
		if slices.Contains(c.only(), o) && (o != "lag" || standbys > 0) {
			out = append(out, names[o])
		}
	}
	return out
}

func (c *config) brokers() string { return "127.0.0.1:" + strconv.Itoa(c.Port) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0 good, 1 failed, 2 wrong usage, 3 a target of
// Holdfast's was missed.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := defaults()
	f := flag.NewFlagSet("takeover", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&c.Count, "count", c.Count, "do every drill so often")
	f.IntVar(&c.Holds, "holds", c.Holds, "open holds before the first drill")
	f.IntVar(&c.SKUs, "skus", c.SKUs, "SKUs that orders are about")
	f.IntVar(&c.Rate, "rate", c.Rate, "orders a second, all the time")
	f.DurationVar(&c.Session, "session-timeout", c.Session, "after which a silent node loses its partitions")
	f.DurationVar(&c.Patience, "patience", c.Patience, "how long anything may take")
	f.IntVar(&c.Port, "port", c.Port, "the broker's, on 127.0.0.1; one is started if none answers; nodes listen 20 and 21 above")
	f.StringVar(&c.Who, "who", c.Who, "contenders")
	f.StringVar(&c.Standbys, "standbys", c.Standbys, "with so many standbys, and then so many")
	f.StringVar(&c.Only, "only", c.Only, "drills of kill, restart, roll, lag; all unless named")
	f.StringVar(&c.Holdfast, "holdfast", c.Holdfast, "the binary")
	f.StringVar(&c.Peer, "peer", c.Peer, "the script that runs Kafka Streams")
	f.StringVar(&c.Kafka, "kafka", c.Kafka, "the script that starts a broker")
	f.StringVar(&c.Dir, "dir", c.Dir, "for state, logs, and result.json")
	f.BoolVar(&c.Verbose, "verbose", c.Verbose, "tell when each partition stood still")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2 // the flags have said why
	}
	err := c.validate()
	if f.NArg() > 0 {
		err = errors.Join(err, fmt.Errorf("%s: no such argument", strings.Join(f.Args(), " ")))
	}
	if err != nil {
		fmt.Fprintln(stderr, "takeover:", err)
		return 2
	}
	r, err := c.compare(ctx, stderr)
	if err == nil {
		err = r.write(stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "takeover:", err)
		return 1
	case r.Missed > 0:
		return 3
	}
	return 0
}

func (c *config) compare(ctx context.Context, stderr io.Writer) (r *report, err error) {
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return nil, err
	}
	who := strings.Split(c.Who, ",")
	if slices.Contains(who, "kafka-streams") {
		if out, err := exec.CommandContext(ctx, c.Peer, "--build").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building Kafka Streams: %w\n%s", err, out)
		}
	}
	stop, err := broker(ctx, c.Kafka, c.Port, stderr)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	r = &report{At: time.Now().UTC().Format(time.RFC3339), CPUs: runtime.NumCPU(), Holds: c.Holds, Rate: c.Rate, LoadBefore: loadAverage()}
	for _, standbys := range strings.Split(c.Standbys, ",") {
		for _, name := range who {
			n, _ := strconv.Atoi(standbys)
			app := "takeover-" + strconv.FormatInt(time.Now().UnixMilli(), 36)
			d := &drill{c: c, standbys: n, dir: filepath.Join(c.Dir, name+"-"+standbys), nodes: map[string]*node{}, down: map[string]bool{}, figures: map[string][]figure{}}
			if name == "holdfast" {
				d.who = &holdfast{c: c, app: app}
			} else {
				d.who = &streams{c: c, app: app}
			}
			begun := time.Now()
			d.tell = func(format string, args ...any) {
				fmt.Fprintf(stderr, "takeover: %s, %s, standbys %s: %s\n", time.Now().UTC().Format("15:04:05.000"), d.who.name(), standbys, fmt.Sprintf(format, args...))
			}
			if err := d.run(ctx); err != nil {
				return nil, fmt.Errorf("%s, standbys %s: %w (logs in %s)", d.who.name(), standbys, err, d.dir)
			}
			d.tell("done in %.0f s", time.Since(begun).Seconds())
			r.add(d)
		}
	}
	r.LoadAfter = loadAverage()
	r.fill()
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("the report: %w", err)
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "result.json"), append(text, '\n'), 0o644); err != nil {
		return nil, fmt.Errorf("the report: %w", err)
	}
	return r, nil
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
