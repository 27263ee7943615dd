package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/audit"
	"holdfast/loadtest/ledger"
	"holdfast/topology"
	"holdfast/topology/record"
)

// logs reads what is committed about a key from those partitions alone that can
// hold it.
type logs struct {
	app      *app
	client   *kgo.Client
	options  []kgo.Opt
	topology *topology.Topology
	cut      audit.Cut
	slots    map[string]*topology.SlotTable
}

// openLogs connects and takes the cut below which everything is read.
func (a *app) openLogs(ctx context.Context) (*logs, error) {
	cl, t, err := a.connectExisting(ctx)
	if err != nil {
		return nil, err
	}
	l := &logs{app: a, client: cl, topology: t}
	if err := l.open(ctx); err != nil {
		cl.Close()
		return nil, err
	}
	return l, nil
}

func (l *logs) open(ctx context.Context) (err error) {
	if l.options, err = clientOptions(&l.app.loaded.Kafka); err != nil {
		return usageErrorf("%w", err)
	}
	if l.cut, err = ledger.Capture(ctx, l.client, l.topology); err != nil {
		return err
	}
	f := &found{slots: map[string]*topology.SlotTable{}}
	if err := readCommitted(ctx, l.client, false, []string{l.topology.Name(topology.SlotTables)}, f.takeSlotTable); err != nil {
		return fmt.Errorf("reading the slot tables: %w", err)
	}
	l.slots = f.slots
	return nil
}

func (l *logs) close() { l.client.Close() }

// partitions returns how many a topic has.
func (l *logs) partitions(short string) (n int32) {
	for tp := range l.cut.Ends {
		if tp.Topic == short {
			n = max(n, int32(tp.Partition)+1)
		}
	}
	return n
}

// logPartitions are partitions that are to be read.
type logPartitions map[audit.TopicPartition]bool

// addAll adds all partitions of a topic.
func (l *logs) addAll(to logPartitions, short string) {
	for p := range l.partitions(short) {
		to[audit.TopicPartition{Topic: short, Partition: record.Partition(p)}] = true
	}
}

// addOwner adds the partition of an internal log that owns a key, or all where
// no slot table says which that is.
func (l *logs) addOwner(to logPartitions, log, key string) {
	table, n := l.slots[log], l.partitions(log)
	if table == nil || table.Partitions != n {
		l.addAll(to, log)
		return
	}
	to[audit.TopicPartition{Topic: log, Partition: record.Partition(table.Partition([]byte(key)))}] = true
}

// addHome adds the partition of a public topic on which Kafka's own partitioning
// puts a key.
func (l *logs) addHome(to logPartitions, short, key string) {
	if n := l.partitions(short); n > 0 {
		to[audit.TopicPartition{Topic: short, Partition: record.Partition(topology.KafkaPartition([]byte(key), n))}] = true
	}
}

// read gives fn the records of the partitions below the cut, each partition in
// order.
func (l *logs) read(ctx context.Context, from logPartitions, what string, fn func(audit.Record) error) error {
	cut := audit.Cut{Ends: map[audit.TopicPartition]record.Offset{}, Starts: l.cut.Starts}
	for tp := range from {
		if end, ok := l.cut.Ends[tp]; ok {
			cut.Ends[tp] = end
		}
	}
	all := func(string) bool { return true }
	return ledger.Read(ctx, l.options, l.topology, cut, all, fn, l.app.progress(what))
}
