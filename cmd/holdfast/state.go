package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/cockroachdb/pebble/v2/vfs"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/state"
	"holdfast/topology"
	"holdfast/topology/record"
)

type stateCmd struct {
	Verify stateVerifyCmd `cmd:"" help:"Compare the stores of a stopped node with what their changelogs hold."`
	Dump   stateDumpCmd   `cmd:"" help:"Print a store of a stopped node."`
}

type stateFlags struct {
	clusterFlags
	outputFlag
	DataDir string `key:"data_dir" help:"The node's data directory." placeholder:"holdfast-data"`
}

type stateVerifyCmd struct{ stateFlags }

type stateDumpCmd struct {
	stateFlags
	Stage     string `arg:"" help:"orders, inventory or channels"`
	Partition int32  `arg:"" help:"Number of the partition."`
}

func (c *stateVerifyCmd) Help() string {
	return "Each store is rolled forward to the end of its changelog, the changelog is folded anew from its start into memory, and the two must hold the same. Exit code 3 when they don't."
}

// storeReport is what verify says of one store.
type storeReport struct {
	Stage            string           `json:"stage"`
	Partition        record.Partition `json:"partition"`
	Keys             int64            `json:"keys"`
	Bytes            int64            `json:"bytes"`
	Digest           string           `json:"digest"`
	TailRecords      int64            `json:"tail_records"` // rolled forward
	ChangelogRecords int64            `json:"changelog_records"`
	ChangelogBytes   int64            `json:"changelog_bytes"`
	Different        []string         `json:"different"` // some of the keys, printable
}

func (c *stateVerifyCmd) Run(ctx context.Context, a *app) error {
	r, err := openStores(ctx, a)
	if err != nil {
		return err
	}
	defer r.close()
	reports := []storeReport{}
	bad := 0
	err = r.each(func(stage string, partition record.Partition) error {
		report, err := r.verify(ctx, stage, partition)
		if err != nil {
			return fmt.Errorf("store %s/%d: %w", stage, partition, err)
		}
		reports = append(reports, report)
		if len(report.Different) > 0 {
			bad++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if c.json() {
		err = a.printJSON(struct {
			Stores    []storeReport `json:"stores"`
			Different int           `json:"different"`
		}{reports, bad})
	} else {
		for _, s := range reports {
			verdict := "same"
			if len(s.Different) > 0 {
				verdict = fmt.Sprintf("DIFFERENT, for instance %q", s.Different)
			}
			fmt.Fprintf(a.Stdout, "%s/%d: %s: %d keys, %d bytes, changelog of %d records, %d bytes, digest %s\n", s.Stage, s.Partition, verdict, s.Keys, s.Bytes, s.ChangelogRecords, s.ChangelogBytes, s.Digest)
		}
	}
	if err == nil && bad > 0 {
		err = violationErrorf("%d of %d stores differ from their changelogs", bad, len(reports))
	}
	return err
}

func (c *stateDumpCmd) Run(ctx context.Context, a *app) error {
	r, err := openStores(ctx, a)
	if err != nil {
		return err
	}
	defer r.close()
	store, err := r.open(c.Stage, record.Partition(c.Partition))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(a.Stdout)
	if c.json() {
		err = c.printJSON(out, store)
	} else {
		err = printStore(out, store)
	}
	return errors.Join(err, out.Flush(), store.Close())
}

// printStore prints an entry a line: the key as text, the value in hexadecimal
// digits.
func printStore(out io.Writer, store *state.Store) error {
	var printed error
	err := store.Each(func(key, value []byte) bool {
		_, printed = fmt.Fprintf(out, "%s %s\n", strconv.Quote(string(key)), hex.EncodeToString(value))
		return printed == nil
	})
	return errors.Join(err, printed)
}

// printJSON prints one object. A store may be larger than memory, so its entries
// are written as they are read.
func (c *stateDumpCmd) printJSON(out io.Writer, store *state.Store) error {
	type entry struct {
		Key   any    `json:"key"`   // text, or {"bytes": base64} where it isn't
		Value []byte `json:"value"` // base64
	}
	_, printed := fmt.Fprintf(out, `{"stage":%s,"partition":%d,"entries":[`, compactJSON(c.Stage), c.Partition)
	separator := "\n"
	err := store.Each(func(key, value []byte) bool {
		if printed == nil {
			_, printed = fmt.Fprintf(out, "%s  %s", separator, compactJSON(entry{textValue(key), value}))
		}
		separator = ",\n"
		return printed == nil
	})
	if err != nil || printed != nil {
		return errors.Join(err, printed) // cut off: no reader takes it for the whole
	}
	_, printed = fmt.Fprintln(out, "\n]}")
	return printed
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

// verify folds the changelog into memory and compares.
func (r *storeReader) verify(ctx context.Context, stage string, partition record.Partition) (report storeReport, err error) {
	c, tp, err := r.config(stage, partition)
	if err != nil {
		return report, err
	}
	store, err := state.Open(c)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	memory := c
	memory.FS, memory.Dir, memory.Shared = vfs.NewMem(), "fold", nil
	fold, err := state.Open(memory)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, fold.Close()) }()
	report = storeReport{Stage: stage, Partition: partition, Different: []string{}}
	stall := r.settings.Node.RestoreStalled
	if report.TailRecords, _, err = processor.RollForward(ctx, r.cluster, tp, store, stall); err != nil {
		return report, err
	}
	if report.ChangelogRecords, report.ChangelogBytes, err = processor.RollForward(ctx, r.cluster, tp, fold, stall); err != nil {
		return report, err
	}
	const listed = 5
	err = state.Diff(store, fold, func(key, _, _ []byte) bool {
		report.Different = append(report.Different, strconv.Quote(string(key)))
		return len(report.Different) < listed
	})
	if err != nil {
		return report, err
	}
	d, err := store.Digest()
	report.Keys, report.Bytes, report.Digest = d.Keys, d.Bytes, fmt.Sprintf("%016x", d.Hash)
	return report, err
}
