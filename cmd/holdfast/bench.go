package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/bench"
	"holdfast/topology"
)

type benchCmd struct {
	Inventory benchInventoryCmd `cmd:"" help:"Speed of the inventory stage with all that it does in production."`
	Pipe      benchPipeCmd      `cmd:"" help:"Speed of the bare exactly-once pipe: the same records, no decision."`
}

// benchFlags are those of every benchmark. It makes topics of its own and
// deletes them at the end.
type benchFlags struct {
	Brokers        []string      `key:"kafka.brokers" help:"Brokers of the cluster." placeholder:"HOST:PORT" group:"cluster"`
	ConnectTimeout string        `key:"kafka.connect_timeout" help:"How long to wait for a broker that doesn't answer." placeholder:"30s" group:"cluster"`
	Lines          int           `help:"Lines to decide." default:"1000000"`
	SKUs           int           `name:"skus" help:"SKUs they are about." default:"100000"`
	Zipf           float64       `help:"Skew of the SKUs, above 1; 0 is none." default:"1.1"`
	Hot            bool          `help:"All lines are about one SKU."`
	Partitions     int           `help:"Partitions of the logs." default:"8"`
	Workers        int           `help:"Workers of the stage." default:"2"`
	LinesPerRecord int           `help:"Lines in one input record. Under load the stage before sends hundreds; 1 is the worst case." default:"1"`
	CommitInterval time.Duration `help:"Age of a transaction at its commit; 0 adapts." default:"0s"`
	Timeout        time.Duration `help:"Give up after so long." default:"5m"`
	Repeat         int           `help:"Measure so often, and report the median run." default:"1"`
	CPUProfile     string        `name:"cpu-profile" help:"Write a CPU profile of the whole command, for go tool pprof." placeholder:"FILE"`
	outputFlag
}

type benchInventoryCmd struct {
	benchFlags
	Warehouses int  `help:"Warehouses that may serve a line." default:"1"`
	Stock      int  `help:"Units a SKU." default:"1000"`
	AcceptAll  bool `help:"So much stock that every line is accepted."`
}

type benchPipeCmd struct{ benchFlags }

func (c *benchInventoryCmd) Run(ctx context.Context, a *app) error {
	return a.bench(ctx, &c.benchFlags, bench.Config{Warehouses: c.Warehouses, Stock: c.Stock, AcceptAll: c.AcceptAll}, bench.Inventory)
}

func (c *benchPipeCmd) Run(ctx context.Context, a *app) error {
	return a.bench(ctx, &c.benchFlags, bench.Config{Warehouses: 1}, bench.Pipe)
}

func (a *app) bench(ctx context.Context, f *benchFlags, c bench.Config, measure func(context.Context, bench.Config) (bench.Result, error)) (err error) {
	if f.Repeat < 1 {
		return usageErrorf("--repeat %d: must be above 0", f.Repeat)
	}
	s, err := a.settings()
	if err != nil {
		return err
	}
	tuneMemory(a.Environ)
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	if f.CPUProfile != "" {
		file, err := os.Create(f.CPUProfile)
		if err != nil {
			return fmt.Errorf("the profile: %w", err)
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return fmt.Errorf("the profile: %w", err)
		}
		defer func() {
			pprof.StopCPUProfile()
			err = errors.Join(err, file.Close())
		}()
	}
	var results []bench.Result
	for range f.Repeat {
		r, err := a.benchOnce(ctx, s, f, c, measure)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	r := bench.Median(results)
	if f.json() {
		return a.printJSON(r)
	}
	_, err = fmt.Fprintf(a.Stdout, "%s: %d lines in %.2f s: %.0f lines/s, %.0f per core-second, peak RSS %d MiB, %d transactions of %.1f ms, %d accepted, %d rejected\n",
		r.Bench, r.Records, r.Seconds, r.PerSecond, r.PerCoreSecond, r.RSSMiB, r.Transactions, r.CommitMillis, r.Accepted, r.Rejected)
	return err
}

func (a *app) benchOnce(ctx context.Context, s *Settings, f *benchFlags, c bench.Config, measure func(context.Context, bench.Config) (bench.Result, error)) (r bench.Result, err error) {
	own := *s
	own.AppID = "holdfast-bench-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	own.Channels = []string{"web"}
	own.Topics.LogPartitions = f.Partitions
	t, err := own.Topology(1)
	if err != nil {
		return r, usageErrorf("%w", err)
	}
	cl, err := a.connect(ctx)
	if err != nil {
		return r, err
	}
	defer cl.Close()
	defer func() { err = errors.Join(err, deleteApp(cl, t)) }()
	if _, err := applyTopics(ctx, cl, t); err != nil {
		return r, err
	}
	d, err := checkCluster(ctx, cl, t)
	if err != nil {
		return r, err
	}
	dir, err := os.MkdirTemp("", "holdfast-bench-")
	if err != nil {
		return r, fmt.Errorf("a directory for the stores: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if c.Client, err = clientOptions(&s.Kafka); err != nil {
		return r, usageErrorf("%w", err)
	}
	c.Topology, c.Slots, c.TopicIDs, c.ClusterID = t, d.Slots, d.TopicIDs, d.ClusterID
	c.Logger, c.DataDir, c.Progress = a.log, filepath.Join(dir, "stores"), a.progress("lines decided")
	c.Lines, c.SKUs, c.Zipf, c.Workers, c.LinesPerRecord = f.Lines, f.SKUs, f.Zipf, f.Workers, f.LinesPerRecord
	c.CommitInterval, c.CacheBytes, c.Seed = f.CommitInterval, int64(s.State.CacheBytes), 1
	if f.Hot {
		c.SKUs = 1
	}
	if err := c.Validate(); err != nil {
		return r, usageErrorf("%w", err)
	}
	return measure(ctx, c)
}

// deleteApp removes the topics and groups of an application that was made for a
// measurement or a demo.
func deleteApp(cl *kgo.Client, t *topology.Topology) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var names []string
	for i := range t.Topics {
		names = append(names, t.Topics[i].Name)
	}
	admin := kadm.NewClient(cl)
	deleted, err := admin.DeleteTopics(ctx, names...)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		return fmt.Errorf("deleting the topics of %s: %w", t.AppID, err)
	}
	for i := range t.Stages {
		// A group that is still closing is left: it is empty, and goes by itself.
		_, _ = admin.DeleteGroups(ctx, t.Stages[i].Group)
	}
	return nil
}
