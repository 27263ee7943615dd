package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor"
	"holdfast/topology"
)

type runCmd struct {
	clusterFlags
	DataDir     string         `key:"data_dir" help:"Where this node keeps its state." placeholder:"holdfast-data"`
	InstanceID  string         `key:"node.instance_id" help:"Name of this node, the same in each of its lives." placeholder:"NAME"`
	Stages      []string       `key:"node.stages" help:"Stages to run here; all unless named." placeholder:"NAME"`
	Workers     map[string]int `help:"Workers of stages here: orders=2,inventory=4." placeholder:"STAGE=N,…" mapsep:","`
	AdminListen string         `key:"admin.listen" help:"Address of health, status and metrics; empty: none." placeholder:"127.0.0.1:9464"`
	Leave       bool           `key:"node.leave" help:"Give the partitions up at the end (scale-in); without it they wait for this node's next life."`
	Skip        []string       `key:"node.skip" help:"A record that halts its partition: what can't be decided of it becomes dead letters (the last resort)." placeholder:"TOPIC/PARTITION@OFFSET"`
	Standby     string         `key:"node.standbys" help:"Nodes that keep each partition's state up to date beside its owner, so that a takeover costs seconds however much state there is." placeholder:"0"`
}

func (c *runCmd) Help() string {
	return "A node: it takes its share of the partitions, restores their state and decides. SIGTERM finishes the open transactions and closes the stores."
}

func (c *runCmd) Run(ctx context.Context, a *app) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	if err := s.setWorkers(c.Workers); err != nil {
		return err
	}
	dir, err := openDataDir(s.DataDir, a.log)
	if err != nil {
		return err
	}
	defer dir.close()
	if s.Node.InstanceID, err = dir.instanceID(s.Node.InstanceID); err != nil {
		return err
	}
	cl, t, err := a.connectTopology(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := checkRights(ctx, cl, t, s.Node.Stages); err != nil {
		return err
	}
	d, err := a.checkCluster(ctx, cl, t)
	if err != nil {
		return err
	}
	logs := map[string]string{}
	for _, short := range t.Logs() {
		logs[t.Name(short)] = fmt.Sprintf("%x", d.TopicIDs[t.Name(short)])
	}
	if err := dir.belongsTo(d.ClusterID, t.AppID, logs); err != nil {
		return err
	}
	options, err := clientOptions(&s.Kafka)
	if err != nil {
		return usageErrorf("%w", err)
	}
	m := newMetrics(s, logObserver{a.log})
	options = append(options, m.ClientOption())
	n, err := assemble(s, t, d, options, a.log, m, s.Node.Leave)
	if err != nil {
		return err
	}
	defer n.close()
	if s.Admin.Listen != "" {
		m.Disk(n.disk.FreeBytes)
		lag, stop := n.watch(m, d)
		defer stop()
		served := &admin{instance: s.Node.InstanceID, node: n.Node, metrics: m, lag: lag, log: a.log}
		closeAdmin, err := served.serve(&s.Admin)
		if err != nil {
			return err
		}
		defer closeAdmin()
	}
	tuneMemory(a.Environ)
	a.log.Info("running", "instance", s.Node.InstanceID, "stages", strings.Join(s.Node.Stages, ","), "brokers", strings.Join(s.Kafka.Brokers, ","), "admin", s.Admin.Listen)
	err = runNode(ctx, n, t, options)
	a.log.Info("stopped", "instance", s.Node.InstanceID)
	return err
}

// setWorkers takes --workers inventory=4,orders=2.
func (s *Settings) setWorkers(workers map[string]int) error {
	of := map[string]*int{
		topology.StageIntake: &s.Workers.Intake, topology.StageOrders: &s.Workers.Orders,
		topology.StageInventory: &s.Workers.Inventory, topology.StageChannels: &s.Workers.Channels,
	}
	for _, stage := range slices.Sorted(maps.Keys(workers)) {
		if of[stage] == nil {
			return usageErrorf("--workers %s=%d: no such stage; there are %s", stage, workers[stage], strings.Join(slices.Sorted(maps.Keys(of)), ", "))
		}
		if n := workers[stage]; n < 1 || n > workersMax {
			return usageErrorf("--workers %s=%d: must be 1 to %d", stage, n, workersMax)
		}
		*of[stage] = workers[stage]
	}
	return nil
}

// tuneMemory lets the collector run three times as often as Go's default: a
// fetch and a batch are some MiB that live for milliseconds, and half of the heap
// would be such garbage. Measured on the inventory benchmark with two million
// lines at 100, 50 and 30: a peak of 796, 605 and 527 MiB, for 2 % of CPU. GOGC
// and GOMEMLIMIT still overrule.
func tuneMemory(environ []string) {
	if lookupEnv(environ, "GOGC") == "" && lookupEnv(environ, "GOMEMLIMIT") == "" {
		debug.SetGCPercent(30)
	}
}

// runNode runs an assembled node until ctx ends, with the table of channels read
// before anything is decided.
func runNode(ctx context.Context, a *assembly, t *topology.Topology, options []kgo.Opt) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ready, failed := make(chan struct{}), make(chan error, 1)
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		if err := a.shops.follow(ctx, t, options, func() { close(ready) }); err != nil {
			failed <- err
		}
	}()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		a.watchDisk(ctx)
	}()
	defer func() { cancel(); <-followed; <-watched }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	case <-ready:
	}
	return a.Run(ctx)
}

func tableEnd(ctx context.Context, client *kgo.Client, topic string) (int64, error) {
	ends, err := kadm.NewClient(client).ListCommittedOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	if err := ends.Error(); err != nil {
		return 0, err
	}
	o, ok := ends.Lookup(topic, 0)
	if !ok {
		return 0, fmt.Errorf("%s has no partition 0", topic)
	}
	starts, err := kadm.NewClient(client).ListStartOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	if s, ok := starts.Lookup(topic, 0); ok && s.Offset >= o.Offset {
		return 0, nil
	}
	return o.Offset, nil
}

// logObserver tells of what should be known without looking.
type logObserver struct{ log *slog.Logger }

func (logObserver) Ended(*processor.Transaction) {}
func (o logObserver) Restored(stage string, tp processor.TopicPartition, records, bytes int64, took time.Duration) {
	o.log.Info("store is right", "stage", stage, "partition", tp.Partition, "deltas_read", records, "bytes_read", bytes, "seconds", took.Seconds())
}
func (logObserver) Halted(string, processor.TopicPartition, string) {} // the run time logs it with its cause
func (o logObserver) Wiped(stage string, tp processor.TopicPartition, reason string) {
	o.log.Warn("store was wiped", "stage", stage, "partition", tp.Partition, "reason", reason)
}

func (logObserver) Verified(string, processor.TopicPartition, processor.Verified) {}
