package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/bench"
	"holdfast/processor"
	"holdfast/topology"
)

type benchCmd struct {
	Inventory benchInventoryCmd `cmd:"" help:"Speed of the inventory stage with all that it does in production."`
	Orders    benchOrdersCmd    `cmd:"" help:"Speed of all stages together, from canonical JSON to the channels' updates."`
	Restore   benchRestoreCmd   `cmd:"" help:"Time that a node needs to restore its partitions from an empty directory."`
	Pipe      benchPipeCmd      `cmd:"" help:"Speed of the bare exactly-once pipe: the same records, no decision."`
	Restored  benchRestoredCmd  `cmd:"" hidden:"" help:"The process in which bench restore restores."`
}

// benchFlags are those of every benchmark. It makes topics of its own and
// deletes them at the end.
type benchFlags struct {
	Brokers        []string      `key:"kafka.brokers" help:"Brokers of the cluster." placeholder:"HOST:PORT" group:"cluster"`
	ConnectTimeout string        `key:"kafka.connect_timeout" help:"How long to wait for a broker that doesn't answer." placeholder:"30s" group:"cluster"`
	SKUs           int           `name:"skus" help:"SKUs that the lines are about." default:"100000"`
	Zipf           float64       `help:"Skew of the SKUs, above 1; 0 is none." default:"1.1"`
	Hot            bool          `help:"All lines are about one SKU."`
	Partitions     int           `help:"Partitions of the logs." default:"8"`
	Timeout        time.Duration `help:"Give up after so long." default:"5m"`
	Repeat         int           `help:"Measure so often, and report the median run." default:"1"`
	CPUProfile     string        `name:"cpu-profile" help:"Write a CPU profile of the whole command, for go tool pprof." placeholder:"FILE"`
	Profile        string        `help:"Write profiles into a directory: CPU of the whole command, blocking, and the heap at its largest." placeholder:"DIR"`
	outputFlag
}

// benchStageFlags are those of a measurement of one stage.
type benchStageFlags struct {
	Lines          int           `help:"Lines to decide." default:"1000000"`
	Workers        int           `help:"Workers of the stage." default:"2"`
	LinesPerRecord int           `help:"Lines in one input record. Under load the stage before sends hundreds; 1 is the worst case." default:"1"`
	CommitInterval time.Duration `help:"Age of a transaction at its commit; 0 adapts." default:"0s"`
}

// benchStockFlags say what there is to sell.
type benchStockFlags struct {
	Warehouses int  `help:"Warehouses that may serve a line." default:"1"`
	Stock      int  `help:"Units a SKU." default:"1000"`
	AcceptAll  bool `help:"So much stock that every line is accepted."`
}

type benchInventoryCmd struct {
	benchFlags
	benchStageFlags
	benchStockFlags
	benchLimitFlag
}

// benchLimitFlag asks for the speed of the pipe beside the figure.
type benchLimitFlag struct {
	Pipe bool `help:"Then measure the bare pipe with as many lines: how fast anything could be here."`
}

type benchOrdersCmd struct {
	benchFlags
	benchStockFlags
	benchLimitFlag
	Lines         int    `help:"Order lines in all. What is counted and reported is orders." default:"300000"`
	LinesMix      string `help:"Percentages of orders with one line, with two, and with three to five." default:"70/20/10" placeholder:"70/20/10"`
	LinesPerOrder int    `help:"Lines of every order; 0: by --lines-mix." default:"0"`
	Workers       int    `help:"Workers of each stage; 0: as configured for a node." default:"0"`
}

type benchPipeCmd struct {
	benchFlags
	benchStageFlags
}

func (c *benchInventoryCmd) Run(ctx context.Context, a *app) error {
	config := c.config(&c.benchFlags)
	config.Warehouses, config.Stock, config.AcceptAll = c.Warehouses, c.Stock, c.AcceptAll
	if err := config.Validate(); err != nil {
		return usageErrorf("%w", err)
	}
	return a.bench(ctx, &c.benchFlags, a.benchStage(config, bench.Inventory), c.limit(a, config))
}

func (c *benchPipeCmd) Run(ctx context.Context, a *app) error {
	config := c.config(&c.benchFlags)
	if err := config.Validate(); err != nil {
		return usageErrorf("%w", err)
	}
	return a.bench(ctx, &c.benchFlags, a.benchStage(config, bench.Pipe), nil)
}

func (c *benchStageFlags) config(f *benchFlags) bench.Config {
	return bench.Config{Lines: c.Lines, SKUs: f.skus(), Zipf: f.Zipf, Workers: c.Workers, LinesPerRecord: c.LinesPerRecord,
		Warehouses: 1, CommitInterval: c.CommitInterval, Seed: 1}
}

// measurement is one run on topics of its own.
type measurement func(context.Context, *benchGround) (bench.Result, error)

func (a *app) benchStage(config bench.Config, measure func(context.Context, bench.Config) (bench.Result, error)) measurement {
	return func(ctx context.Context, g *benchGround) (bench.Result, error) {
		config := config
		g.describe(a, &config)
		config.Progress = a.progress("lines decided")
		return measure(ctx, config)
	}
}

// limit is the pipe with as many lines, where it was asked for.
func (c *benchLimitFlag) limit(a *app, config bench.Config) measurement {
	if !c.Pipe {
		return nil
	}
	return a.benchStage(config, bench.Pipe)
}

func (c *benchOrdersCmd) Help() string {
	return "All four stages in one process, as a node runs them. Every order must have its first event, and the channel must have been told what is left of every SKU. Loading stock and orders isn't in the time; that updates wait for their window is."
}

func (c *benchOrdersCmd) Run(ctx context.Context, a *app) error {
	mix, err := bench.ParseMix(c.LinesMix)
	if err != nil {
		return usageErrorf("%w", err)
	}
	config := bench.OrdersConfig{Lines: c.Lines, LinesPerOrder: c.LinesPerOrder, Mix: mix, SKUs: c.skus(), Zipf: c.Zipf,
		Warehouses: c.Warehouses, Stock: c.Stock, AcceptAll: c.AcceptAll, Seed: 1}
	err = config.Validate()
	if c.Workers < 0 || c.Workers > workersMax {
		err = errors.Join(err, fmt.Errorf("workers %d, must be 1 to %d, or 0", c.Workers, workersMax))
	}
	if err != nil {
		return usageErrorf("%w", err)
	}
	pipe := bench.Config{Lines: c.Lines, SKUs: config.SKUs, Zipf: config.Zipf, Warehouses: 1, Workers: cmp.Or(c.Workers, benchWorkers), LinesPerRecord: 1, Seed: 1}
	return a.bench(ctx, &c.benchFlags, func(ctx context.Context, g *benchGround) (bench.Result, error) {
		config := config
		if n := c.Workers; n > 0 {
			g.settings.Workers = WorkerSettings{Intake: n, Orders: n, Inventory: n, Channels: n}
		}
		config.Topology, config.Client, config.Progress = g.topology, g.options, a.progress("orders decided")
		config.Start = func(ctx context.Context, o processor.Observer) (func() error, error) { return g.startNode(ctx, a, o) }
		return bench.Orders(ctx, config)
	}, c.limit(a, pipe))
}

// benchWorkers is the default of those who measure one stage.
const benchWorkers = 2

// bench measures on topics of its own, as often as asked for, then the limit
// unless it is nil, and reports.
func (a *app) bench(ctx context.Context, f *benchFlags, measure, limit measurement) (err error) {
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
	stop, err := startProfiles(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	var results []bench.Result
	for range f.Repeat {
		r, err := a.benchOnce(ctx, s, f, measure)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	r := bench.Median(results)
	if limit != nil {
		pipe, err := a.benchOnce(ctx, s, f, limit)
		if err != nil {
			return fmt.Errorf("the pipe: %w", err)
		}
		r.Pipe = &pipe
	}
	if f.json() {
		return a.printJSON(r)
	}
	return r.WriteText(a.Stdout)
}

// skus is how many SKUs the lines are about.
func (f *benchFlags) skus() int {
	if f.Hot {
		return 1
	}
	return f.SKUs
}

// benchGround is what a measurement stands on: an application that is its own.
type benchGround struct {
	settings *Settings
	topology *topology.Topology
	known    described
	options  []kgo.Opt
}

func newBenchGround(s *Settings, appID string, partitions int) (*benchGround, error) {
	own := *s
	own.AppID = appID
	own.Channels = []string{"web"}
	own.Topics.LogPartitions = partitions
	own.Node.InstanceID = "bench"
	g := &benchGround{settings: &own}
	var err error
	if g.topology, err = own.Topology(1); err != nil {
		return nil, err
	}
	g.options, err = clientOptions(&s.Kafka)
	return g, err
}

// describe tells a measurement of one stage what it stands on.
func (g *benchGround) describe(a *app, c *bench.Config) {
	c.Client, c.Topology, c.Slots, c.TopicIDs, c.ClusterID = g.options, g.topology, g.known.Slots, g.known.TopicIDs, g.known.ClusterID
	c.Logger, c.DataDir, c.CacheBytes = a.log, g.settings.DataDir, int64(g.settings.State.CacheBytes)
}

func (a *app) benchOnce(ctx context.Context, s *Settings, f *benchFlags, measure measurement) (r bench.Result, err error) {
	g, err := newBenchGround(s, "holdfast-bench-"+strconv.FormatInt(time.Now().UnixNano(), 36), f.Partitions)
	if err != nil {
		return r, usageErrorf("%w", err)
	}
	cl, err := a.connect(ctx)
	if err != nil {
		return r, err
	}
	defer cl.Close()
	defer func() { err = errors.Join(err, deleteApp(cl, g.topology)) }()
	if _, err := applyTopics(ctx, cl, g.topology); err != nil {
		return r, err
	}
	if g.known, err = checkCluster(ctx, cl, g.topology); err != nil {
		return r, err
	}
	dir, err := os.MkdirTemp("", "holdfast-bench-")
	if err != nil {
		return r, fmt.Errorf("a directory for the stores: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	g.settings.DataDir = filepath.Join(dir, "stores")
	return measure(ctx, g)
}

// startNode runs all stages as a node does.
func (g *benchGround) startNode(ctx context.Context, a *app, o processor.Observer) (stop func() error, err error) {
	n, err := assemble(g.settings, g.topology, g.known, g.options, a.log, o, true)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		err := runNode(ctx, n, g.topology, g.options)
		if err != nil && ctx.Err() == nil {
			o.Halted("", processor.TopicPartition{}, err.Error())
		}
		done <- err
	}()
	return func() error {
		cancel()
		err := <-done
		n.close()
		return err
	}, nil
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
