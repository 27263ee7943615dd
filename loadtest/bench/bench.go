package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology"
)

// Config is one measurement.
type Config struct {
	Topology  *topology.Topology
	Slots     map[string]*topology.SlotTable
	TopicIDs  map[string][16]byte
	ClusterID string
	Client    []kgo.Opt // how to reach the brokers
	Logger    *slog.Logger
	DataDir   string // for the stores; the caller removes it
	Progress  func(done, total int64)

	Lines          int
	SKUs           int
	Zipf           float64 // 0: uniform
	Warehouses     int     // a SKU's
	Workers        int
	Stock          int // units a SKU (all warehouses together)
	AcceptAll      bool
	LinesPerRecord int // 1: every line is a record of its own, the worst case
	CacheBytes     int64
	Seed           int64
	CommitInterval time.Duration // fixed; 0: adaptive
}

// Validate reports all problems at once.
func (c *Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Lines > 0 && c.Lines <= 1_000_000_000, "lines %d, must be 1 to 1,000,000,000", c.Lines)
	check(c.SKUs > 0 && c.SKUs <= 10_000_000, "skus %d, must be 1 to 10,000,000", c.SKUs)
	check(c.Zipf == 0 || c.Zipf > 1, "zipf %g, must be above 1, or 0 for uniform", c.Zipf)
	check(c.Warehouses > 0 && c.Warehouses <= 1000, "warehouses %d, must be 1 to 1,000", c.Warehouses)
	check(c.Workers > 0 && c.Workers <= 64, "workers %d, must be 1 to 64", c.Workers)
	check(c.LinesPerRecord > 0 && c.LinesPerRecord <= 1000, "lines per record %d, must be 1 to 1,000", c.LinesPerRecord)
	return errors.Join(errs...)
}

// Result is what was measured.
type Result struct {
	Bench         string  `json:"bench"`
	Records       int64   `json:"records"` // lines; orders where whole orders are measured
	Lines         int64   `json:"lines"`
	Seconds       float64 `json:"seconds"`
	PerSecond     float64 `json:"per_second"`
	CPUSeconds    float64 `json:"cpu_seconds"` // of this process; the broker's isn't in it
	PerCoreSecond float64 `json:"per_core_second"`
	RSSMiB        int64   `json:"rss_mib"`            // peak
	Accepted      *int64  `json:"accepted,omitempty"` // nil where nothing is decided
	Rejected      *int64  `json:"rejected,omitempty"`
	Transactions  int64   `json:"transactions"`
	CommitMillis  float64 `json:"commit_ms"` // mean time from the last decision to the end

	// Of whole orders: updates that the channel was told, and what the stages did.
	ChannelUpdates int64       `json:"channel_updates,omitempty"`
	Stages         []StageWork `json:"stages,omitempty"`

	// Pipe is what the bare pipe came to on the same machine, right after.
	Pipe *Result `json:"pipe,omitempty"`

	*Restored // of a restore; its process' CPU and memory are those above
}

// Median returns the run with the median speed.
func Median(results []Result) Result {
	sorted := slices.Clone(results)
	slices.SortFunc(sorted, func(a, b Result) int { return cmp.Compare(a.PerSecond, b.PerSecond) })
	return sorted[len(sorted)/2]
}

// node runs one stage the way `holdfast run` does.
type node struct {
	counter *counter
	cluster *kafka.Cluster
	shared  *state.Shared
	cancel  context.CancelFunc
	done    chan error
	stopped sync.Once
	stopErr error
}

func (c *Config) start(ctx context.Context, newStage func(processor.TopicPartition) stage.Stage) (*node, error) {
	kc := kafka.Default()
	kc.Client, kc.Topology, kc.Logger = c.Client, c.Topology, c.Logger
	kc.Static = false
	cluster, err := kafka.NewCluster(kc)
	if err != nil {
		return nil, err
	}
	n := &node{counter: newCounter(), cluster: cluster, shared: state.NewShared(state.CacheBytes(c.CacheBytes, int(c.Topology.Lookup(topology.Changelog(topology.StageInventory)).Partitions)), nil), done: make(chan error, 1)}
	pc := processor.Default()
	pc.Topology, pc.Slots, pc.Cluster, pc.Logger, pc.Metrics = c.Topology, c.Slots, cluster, c.Logger, n.counter
	pc.TopicIDs, pc.ClusterID, pc.DataDir, pc.InstanceID = c.TopicIDs, c.ClusterID, filepath.Join(c.DataDir, "node"), "bench"
	pc.Store = state.Config{Shared: n.shared, Logger: c.Logger}
	pc.LeaveGroup = true
	pc.Stages = []processor.StageConfig{{Name: topology.StageInventory, New: newStage, Workers: c.Workers}}
	if c.CommitInterval > 0 {
		pc.CommitIntervalMin, pc.CommitIntervalMax = c.CommitInterval, c.CommitInterval
	}
	run, err := processor.NewNode(pc)
	if err != nil {
		cluster.Close()
		return nil, err
	}
	nctx, cancel := context.WithCancel(ctx)
	n.cancel = cancel
	go func() {
		err := run.Run(nctx)
		if err != nil && nctx.Err() == nil {
			n.counter.Halted("", processor.TopicPartition{}, err.Error())
		}
		n.done <- err
	}()
	return n, nil
}

// stop ends the node gracefully; a second call returns what the first did.
func (n *node) stop() error {
	n.stopped.Do(func() {
		n.cancel()
		n.stopErr = <-n.done
		n.cluster.Close()
		n.shared.Close()
	})
	return n.stopErr
}

// measure runs between the moment the load becomes visible and the last commit.
func (c *Config) measure(ctx context.Context, name string, n *node, show func() error, records int) (Result, error) {
	before := n.counter.records.Load()
	transactions, commits := n.counter.transactions.Load(), n.counter.commitNanos.Load()
	cpu, err := cpuSeconds()
	if err != nil {
		return Result{}, err
	}
	begun := time.Now()
	if err := show(); err != nil {
		return Result{}, fmt.Errorf("committing the load: %w", err)
	}
	if err := n.counter.wait(ctx, &n.counter.records, before+int64(records), c.Progress); err != nil {
		return Result{}, err
	}
	seconds := time.Since(begun).Seconds()
	after, err := cpuSeconds()
	if err != nil {
		return Result{}, err
	}
	rss, err := peakRSSMiB()
	if err != nil {
		return Result{}, err
	}
	r := Result{Bench: name, Records: int64(c.Lines), Lines: int64(c.Lines), Seconds: seconds, CPUSeconds: after - cpu, RSSMiB: rss,
		Transactions: n.counter.transactions.Load() - transactions}
	r.PerSecond = float64(c.Lines) / r.Seconds
	r.PerCoreSecond = float64(c.Lines) / r.CPUSeconds
	if r.Transactions > 0 {
		r.CommitMillis = float64(n.counter.commitNanos.Load()-commits) / float64(r.Transactions) / 1e6
	}
	return r, nil
}
