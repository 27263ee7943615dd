package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/state"
	"holdfast/topology"
	"holdfast/topology/record"
)

type stateCmd struct {
	Verify  stateVerifyCmd  `cmd:"" help:"Look through the stores of a stopped node for what can't be, and compare them with what their changelogs hold."`
	Dump    stateDumpCmd    `cmd:"" help:"Print a store of a stopped node, or some of its keys."`
	Explain stateExplainCmd `cmd:"" help:"Tell which deltas of the changelog wrote a key, and what stands there now."`
	Reset   stateResetCmd   `cmd:"" help:"Put a store of a stopped node aside, so that it is built anew from its changelog."`
}

type stateFlags struct {
	clusterFlags
	outputFlag
	DataDir string `key:"data_dir" help:"The node's data directory." placeholder:"holdfast-data"`
}

// storeArgs names one store.
type storeArgs struct {
	Stage     string `arg:"" help:"orders, inventory or channels"`
	Partition int32  `arg:"" help:"Number of the partition."`
}

// keyArg reads a key as dump prints it, in quotes, or as it is where that is all
// text.
func keyArg(text string) ([]byte, error) {
	if !strings.HasPrefix(text, `"`) {
		return []byte(text), nil
	}
	key, err := strconv.Unquote(text)
	if err != nil {
		return nil, usageErrorf("key %s: isn't in quotes as state dump prints it", text)
	}
	return []byte(key), nil
}

// storeReader opens the stores of a stopped node.
type storeReader struct {
	settings *Settings
	topology *topology.Topology
	cluster  *kafka.Cluster
	known    described
	dir      *dataDir
	shared   *state.Shared
}

func openStores(ctx context.Context, a *app) (*storeReader, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(s.DataDir); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	dir, err := openDataDir(s.DataDir, a.log)
	if err != nil {
		return nil, err
	}
	cl, t, err := a.connectExisting(ctx)
	if err != nil {
		dir.close()
		return nil, err
	}
	defer cl.Close()
	r := &storeReader{settings: s, topology: t, dir: dir}
	if r.known, err = a.checkCluster(ctx, cl, t); err != nil {
		dir.close()
		return nil, err
	}
	c := kafka.Default()
	c.Topology, c.Logger = t, a.log
	if c.Client, err = clientOptions(&s.Kafka); err == nil {
		r.cluster, err = kafka.NewCluster(c)
	}
	if err != nil {
		dir.close()
		return nil, err
	}
	r.shared = state.NewShared(int64(s.State.CacheBytes), nil)
	return r, nil
}

func (r *storeReader) close() {
	r.shared.Close()
	r.cluster.Close()
	r.dir.close()
}

// each calls fn for every store in the directory.
func (r *storeReader) each(fn func(stage string, partition record.Partition) error) error {
	for i := range r.topology.Stages {
		s := &r.topology.Stages[i]
		if s.Changelog == "" {
			continue
		}
		for p := range r.topology.Lookup(s.Changelog).Partitions {
			if _, err := os.Stat(filepath.Join(r.dir.path, s.Name, strconv.Itoa(int(p)))); err != nil {
				continue
			}
			if err := fn(s.Name, record.Partition(p)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *storeReader) config(stage string, partition record.Partition) (state.Config, processor.TopicPartition, error) {
	s := r.topology.Stage(stage)
	if s == nil || s.Changelog == "" {
		return state.Config{}, processor.TopicPartition{}, usageErrorf("stage %q keeps no state", stage)
	}
	tp := processor.TopicPartition{Topic: r.topology.Name(s.Changelog), Partition: partition}
	return state.Config{
		Dir: filepath.Join(r.dir.path, stage, strconv.Itoa(int(partition))), Shared: r.shared,
		Identity: state.Identity{ClusterID: r.known.ClusterID, Topic: tp.Topic, TopicID: r.known.TopicIDs[tp.Topic], Partition: int32(partition)},
	}, tp, nil
}

func (r *storeReader) open(stage string, partition record.Partition) (*state.Store, error) {
	c, _, err := r.config(stage, partition)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(c.Dir); err != nil {
		return nil, fmt.Errorf("no store of %s/%d: %w", stage, partition, err)
	}
	return state.Open(c)
}

// fold makes a store in memory of a changelog alone.
func (r *storeReader) fold(ctx context.Context, stage string, partition record.Partition) (fold *state.Store, records, bytes int64, err error) {
	c, tp, err := r.config(stage, partition)
	if err != nil {
		return nil, 0, 0, err
	}
	c.FS, c.Dir, c.Shared = vfs.NewMem(), "fold", nil
	if fold, err = state.Open(c); err != nil {
		return nil, 0, 0, err
	}
	records, bytes, err = processor.RollForward(ctx, r.cluster, tp, fold, r.settings.Node.RestoreStalled)
	if err != nil {
		return nil, 0, 0, errors.Join(err, fold.Close())
	}
	return fold, records, bytes, nil
}
