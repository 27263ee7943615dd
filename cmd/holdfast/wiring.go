package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor"
	"holdfast/processor/channels"
	"holdfast/processor/intake"
	"holdfast/processor/inventory"
	"holdfast/processor/kafka"
	"holdfast/processor/order"
	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology"
	"holdfast/topology/record"
)

// assembly is a node put together: the run time, its stages and what they share.
type assembly struct {
	*processor.Node
	cluster *kafka.Cluster
	shared  *state.Shared
	disk    *state.Disk
	shops   *shopsView
	log     *slog.Logger
}

// assemble puts a node together from the settings and what is known of the
// cluster. options say how to reach the brokers.
func assemble(s *Settings, t *topology.Topology, d described, options []kgo.Opt, log *slog.Logger, observer processor.Observer, leave bool) (*assembly, error) {
	at, err := killPoint(log)
	if err != nil {
		return nil, err
	}
	kc := kafka.Default()
	kc.Client, kc.Topology, kc.Logger = options, t, log
	kc.SessionTimeout, kc.RebalanceTimeout, kc.TransactionTimeout = s.Kafka.SessionTimeout, s.Kafka.RebalanceTimeout, s.Kafka.TransactionTimeout
	cluster, err := kafka.NewCluster(kc)
	if err != nil {
		return nil, err
	}
	a := &assembly{cluster: cluster, shared: state.NewShared(state.CacheBytes(int64(s.State.CacheBytes), storesMax(s, t)), nil), shops: &shopsView{log: log}, log: log}

	c := processor.Default()
	c.Env.At = at
	c.Topology, c.Slots, c.ClusterID, c.TopicIDs = t, d.Slots, d.ClusterID, d.TopicIDs
	c.Cluster, c.Logger, c.Metrics = cluster, log, observer
	c.InstanceID, c.DataDir = s.Node.InstanceID, s.DataDir
	c.ClockJumpMax, c.RestoreStallMax = s.Node.ClockJumpMax, s.Node.RestoreStalled
	c.CommitIntervalMin, c.CommitIntervalMax = s.Commit.IntervalMin, s.Commit.IntervalMax
	c.BatchRecordsMax, c.BatchBytesMax = s.Commit.RecordsMax, int(s.Commit.BytesMax)
	c.DeadLettersMax = s.Intake.DeadLettersMax
	c.LeaveGroup, c.Standbys = leave, s.Node.Standbys
	if c.Skips, err = skipsOf(t, s.Node.Skip); err != nil {
		a.close()
		return nil, err
	}
	c.VerifyKeys, c.VerifyBytes = s.State.VerifyKeys, int64(s.State.VerifyBytes)
	a.disk = state.NewDisk(nil, s.DataDir, int64(s.State.FreeBytesMin))
	c.Room = a.disk.Room
	c.Store = state.Config{Shared: a.shared, Logger: log, Disk: a.disk, Fatal: fatal, FlushBytes: int64(s.State.FlushBytes), FlushEvery: s.State.FlushEvery, SweepShare: s.State.SweepShare}
	for _, name := range s.Node.Stages {
		c.Stages = append(c.Stages, processor.StageConfig{Name: name, New: a.stage(s, d, name, log), Workers: s.WorkersOf(name), Verifier: verifierOf(name), Outcomes: outcomesOf(name)})
	}
	if a.Node, err = processor.NewNode(c); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// fatal ends the process where a store can't go on. Nothing is lost: its changelog
// has all of it.
func fatal(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(exitFailed)
}

// watchDisk measures the room on the disk until ctx ends; then what waits for room
// fails.
func (a *assembly) watchDisk(ctx context.Context) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			a.disk.Close()
			return
		case <-every.C:
			a.disk.Look()
		}
	}
}

// storesMax is how many stores a node has that has all partitions.
func storesMax(s *Settings, t *topology.Topology) (n int) {
	for _, name := range s.Node.Stages {
		if st := t.Stage(name); st != nil && st.Changelog != "" {
			n += int(t.Lookup(st.Changelog).Partitions)
		}
	}
	return n
}

func (a *assembly) close() {
	a.cluster.Close()
	a.shared.Close()
}

// stage returns what makes the stage of one task.
func (a *assembly) stage(s *Settings, d described, name string, log *slog.Logger) func(processor.TopicPartition) stage.Stage {
	switch name {
	case topology.StageIntake:
		c := intake.Config{Channels: s.Channels, Adapters: adapters(s.Channels)}
		c.Shops = a.shops.view
		c.HoldSecondsMarketplace = int64(s.Orders.HoldMarketplace.Seconds())
		c.Report = func(message string) { log.Warn("table row", "problem", message) }
		return func(processor.TopicPartition) stage.Stage { return intake.New(c) }
	case topology.StageOrders:
		c := order.DefaultConfig()
		c.KeepClosedMillis = s.Orders.KeepClosed.Milliseconds()
		c.AcceptAgeMillis = s.Orders.AcceptAge.Milliseconds()
		c.MarketplaceHoldMillis = s.Orders.HoldMarketplace.Milliseconds()
		c.DecideWithinMillis = s.Orders.DecideWithin.Milliseconds()
		c.Partitions = int(d.Slots[topology.LogOrders].Partitions)
		return func(processor.TopicPartition) stage.Stage { return order.New(c) }
	case topology.StageInventory:
		return func(processor.TopicPartition) stage.Stage { return inventory.New(inventory.Config{}) }
	case topology.StageChannels:
		c := channels.Config{Channels: s.Channels, WindowMillis: record.Millis(s.Updates.Window.Milliseconds())}
		return func(processor.TopicPartition) stage.Stage { return channels.New(c) }
	}
	panic("BUG: no stage " + name)
}

// verifierOf returns what makes a stage's verifier; nil for one without state.
func verifierOf(name string) func() stage.Verifier {
	switch name {
	case topology.StageOrders:
		return order.NewVerifier
	case topology.StageInventory:
		return inventory.NewVerifier
	case topology.StageChannels:
		return channels.NewVerifier
	}
	return nil
}

// shopsView follows the table channels, which every intake worker needs whole to
// tell whose shop a marketplace means. It is read with a client of its own: the
// group gives the table to one worker only.
type shopsView struct {
	current atomic.Pointer[intake.Shops]
	log     *slog.Logger
}

func (v *shopsView) view() *intake.Shops { return v.current.Load() }

// follow reads the table to its end, then reports ready and keeps following it
// until ctx ends.
func (v *shopsView) follow(ctx context.Context, t *topology.Topology, options []kgo.Opt, ready func()) error {
	name := t.Name(topology.ChannelTable)
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{name: {0: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // the end may be a marker
		kgo.DisableClientMetrics(),
	}, options...)...)
	if err != nil {
		return fmt.Errorf("making a reader of %s: %w", name, err)
	}
	defer client.Close()
	end, err := tableEnd(ctx, client, name)
	if err != nil {
		return fmt.Errorf("reading the end of %s: %w", name, err)
	}
	rows := map[string]record.Shop{}
	next := int64(0)
	told := false
	for {
		if next >= end && !told {
			told = true
			ready()
		}
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err(); err != nil && !errors.Is(err, context.Canceled) {
			v.log.Warn("reading the table of channels", "err", err)
		}
		changed := false
		fetches.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			changed = (!r.Attrs.IsControl() && v.apply(rows, r)) || changed
		})
		if changed {
			list := make([]record.Shop, 0, len(rows))
			for _, row := range rows {
				list = append(list, row)
			}
			v.current.Store(intake.NewShops(list))
		}
	}
}

// apply takes a row as intake would; what isn't one, intake dead-letters.
func (v *shopsView) apply(rows map[string]record.Shop, r *kgo.Record) bool {
	if len(r.Value) == 0 {
		delete(rows, string(r.Key))
		return true
	}
	if len(r.Value) > record.ValueBytesMax {
		return false
	}
	var row record.Shop
	if err := json.Unmarshal(r.Value, &row); err != nil || row.Channel == "" || row.Shop == "" {
		return false
	}
	rows[row.Channel+"/"+row.Shop] = row
	return true
}
