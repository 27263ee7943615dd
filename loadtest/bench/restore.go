package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"holdfast/processor"
	"holdfast/processor/inventory"
	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology"
)

// RestoreConfig is one measurement of a restore from an empty directory.
type RestoreConfig struct {
	// Config says how the changelog is filled: Lines are the holds, which all stay
	// open.
	Config
	// Turnover is how many of the holds are released again, each for another one:
	// the state stays, the changelog grows.
	Turnover int
	// Restore runs RestoreOnce with stores below dir, in a process of its own unless
	// somebody wants to look into it: its peak memory would be the filling's.
	Restore func(ctx context.Context, dir string) (Restored, error)
}

// Restored is what a restore of all partitions of a node took.
type Restored struct {
	Partitions int     `json:"partitions"`
	Deltas     int64   `json:"deltas"`          // records of the changelog
	Bytes      int64   `json:"changelog_bytes"` // read
	Seconds    float64 `json:"restore_seconds"` // from the first partition's begin to the last one's end
	// Ready is from the node's start to the last partition's end: joining the group
	// is in it.
	Ready      float64 `json:"ready_seconds"`
	CPUSeconds float64 `json:"restore_cpu_seconds"` // of the process, until then
	RSSMiB     int64   `json:"restore_rss_mib"`     // peak, until then

	// What came out, and was compared with the stores that the stage had left.
	Keys       int64 `json:"keys,omitempty"`
	StateBytes int64 `json:"state_bytes,omitempty"` // keys and values
}

// Restore fills a changelog through the inventory stage as it is in production,
// ends that node, restores all of its partitions from nothing, and compares the
// stores: they must hold the same.
func Restore(ctx context.Context, c RestoreConfig) (r Result, err error) {
	if err := c.Validate(); err != nil {
		return Result{}, err
	}
	if err := c.fill(ctx); err != nil {
		return Result{}, fmt.Errorf("filling the changelog: %w", err)
	}
	dir := filepath.Join(c.DataDir, "restored")
	restored, err := c.Restore(ctx, dir)
	if err != nil {
		return Result{}, fmt.Errorf("restoring: %w", err)
	}
	if err := c.compare(dir, &restored); err != nil {
		return Result{}, fmt.Errorf("comparing the stores: %w", err)
	}
	if restored.Keys < int64(c.Lines) {
		return Result{}, fmt.Errorf("%d keys are in the stores, %d holds were made", restored.Keys, c.Lines)
	}
	r = Result{Bench: "restore", Records: int64(c.Lines), Lines: int64(c.Lines), Seconds: restored.Seconds,
		CPUSeconds: restored.CPUSeconds, RSSMiB: restored.RSSMiB, Restored: &restored}
	r.PerSecond, r.PerCoreSecond = float64(r.Records)/r.Seconds, float64(r.Records)/r.CPUSeconds
	return r, nil
}

// turnoversMax is how often all holds may be turned over.
const turnoversMax = 100

// Validate reports all problems at once.
func (c *RestoreConfig) Validate() error {
	err := c.Config.Validate()
	if c.Turnover < 0 || c.Turnover > turnoversMax*c.Lines {
		err = errors.Join(err, fmt.Errorf("turnover %d, must be 0 to %d times the holds", c.Turnover, turnoversMax))
	}
	return err
}

func (c *RestoreConfig) newStage(processor.TopicPartition) stage.Stage {
	return inventory.New(inventory.Config{})
}

// fill has every hold made and ends the node that made them.
func (c *RestoreConfig) fill(ctx context.Context) (err error) {
	n, err := c.start(ctx, c.newStage)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	l, err := newLoader(&c.Config)
	if err != nil {
		return err
	}
	defer l.client.Close()
	if err := n.counter.wait(ctx, &n.counter.restored, c.partitions(), nil); err != nil {
		return fmt.Errorf("waiting for the node: %w", err)
	}
	want := int64(0)
	loads := []func(context.Context) (int, error){l.stock, l.lines}
	for round := range (c.Turnover + c.Lines - 1) / c.Lines {
		n := min(c.Lines, c.Turnover-round*c.Lines)
		loads = append(loads, func(ctx context.Context) (int, error) { return l.turnover(ctx, round, n) })
	}
	for _, load := range loads {
		records, err := load(ctx)
		if err == nil {
			err = l.end(ctx)
		}
		if err != nil {
			return err
		}
		want += int64(records)
		if err := n.counter.wait(ctx, &n.counter.records, want, c.Progress); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) partitions() int64 {
	return int64(c.Topology.Lookup(topology.LogInventory).Partitions)
}

// RestoreOnce runs a node on an empty directory until all of its partitions run,
// and tells what that took. The stores are left below c.DataDir.
func RestoreOnce(ctx context.Context, c Config) (r Restored, err error) {
	debug.FreeOSMemory()
	before, err := cpuSeconds()
	if err != nil {
		return r, err
	}
	begun := time.Now()
	rc := RestoreConfig{Config: c}
	n, err := c.start(ctx, rc.newStage)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	if err := n.counter.wait(ctx, &n.counter.restored, c.partitions(), nil); err != nil {
		return r, err
	}
	if r.RSSMiB, err = peakRSSMiB(); err != nil {
		return r, err
	}
	n.counter.mu.Lock()
	defer n.counter.mu.Unlock()
	var first, last time.Time
	for _, p := range n.counter.restores {
		if began := p.at.Add(-p.took); first.IsZero() || began.Before(first) {
			first = began
		}
		if p.at.After(last) {
			last = p.at
			r.CPUSeconds = p.cpu - before
		}
		r.Deltas += p.records
		r.Bytes += p.bytes
	}
	r.Partitions = len(n.counter.restores)
	r.Seconds, r.Ready = last.Sub(first).Seconds(), last.Sub(begun).Seconds()
	return r, nil
}

// compare opens both nodes' stores, which must hold the same.
func (c *RestoreConfig) compare(restoredDir string, r *Restored) error {
	shared := state.NewShared(c.CacheBytes, nil)
	defer shared.Close()
	for p := range int32(c.partitions()) {
		if err := c.comparePartition(shared, restoredDir, p, r); err != nil {
			return fmt.Errorf("partition %d: %w", p, err)
		}
	}
	return nil
}

func (c *RestoreConfig) comparePartition(shared *state.Shared, restoredDir string, p int32, r *Restored) error {
	own, err := c.open(shared, c.DataDir, p)
	if err != nil {
		return err
	}
	defer own.Abandon()
	restored, err := c.open(shared, restoredDir, p)
	if err != nil {
		return err
	}
	defer restored.Abandon()
	var different error
	err = state.Diff(own, restored, func(key, a, b []byte) bool {
		different = fmt.Errorf("the restored state differs first at %q: %q instead of %q", key, b, a)
		return false
	})
	if err := errors.Join(err, different); err != nil {
		return err
	}
	return restored.Each(func(key, value []byte) bool {
		r.Keys++
		r.StateBytes += int64(len(key) + len(value))
		return true
	})
}

func (c *RestoreConfig) open(shared *state.Shared, dataDir string, p int32) (*state.Store, error) {
	changelog := c.Topology.Name(topology.Changelog(topology.StageInventory))
	return state.Open(state.Config{
		Dir: filepath.Join(dataDir, "node", topology.StageInventory, strconv.Itoa(int(p))), Shared: shared, Logger: c.Logger,
		Identity: state.Identity{ClusterID: c.ClusterID, Topic: changelog, TopicID: c.TopicIDs[changelog], Partition: p},
	})
}
