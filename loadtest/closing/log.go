package closing

import (
	"context"
	"fmt"

	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

// log is a Kafka cluster for one process that nothing ever happens to. It is used
// by one goroutine.
type log struct {
	topology   *topology.Topology
	partitions map[processor.TopicPartition]*partition
	committed  map[processor.TopicPartition]record.Offset // of the only group
	now        record.Millis
	pollMillis record.Millis

	// ended is told of each commit: the changelogs that it wrote to have grown,
	// and nothing was trimmed because of it yet.
	ended func(changelogs []*partition)
	// sent is given what a stage wrote to internal logs that nobody reads here.
	sent func(envelope []byte) error
}

var _ processor.Cluster = (*log)(nil)

// partition is one partition in memory, of what is on it only.
//
// Invariant: bytes is the sum of the entries' values.
type partition struct {
	tp      processor.TopicPartition
	short   string
	role    topology.Role
	start   record.Offset
	entries []entry
	bytes   int64
	written int64 // all that bytes ever got
}

// entry is a record, or the marker that ends a transaction.
type entry struct {
	at      record.Millis
	value   []byte
	control bool
}

func newLog(t *topology.Topology, start record.Millis, pollMillis int) *log {
	l := &log{
		topology:   t,
		partitions: map[processor.TopicPartition]*partition{},
		committed:  map[processor.TopicPartition]record.Offset{},
		now:        start, pollMillis: record.Millis(pollMillis),
	}
	for _, topic := range t.Topics {
		for p := range topic.Partitions {
			tp := processor.TopicPartition{Topic: topic.Name, Partition: record.Partition(p)}
			l.partitions[tp] = &partition{tp: tp, short: topic.Short, role: topic.Role}
		}
	}
	return l
}

func (l *log) partition(tp processor.TopicPartition) *partition {
	p := l.partitions[tp]
	if p == nil {
		panic(fmt.Sprintf("BUG: no partition %s/%d", tp.Topic, tp.Partition))
	}
	return p
}

// of returns a partition by its topic's short name.
func (l *log) of(short string, p int) *partition {
	return l.partition(processor.TopicPartition{Topic: l.topology.Name(short), Partition: record.Partition(p)})
}

func (p *partition) end() record.Offset { return p.start + record.Offset(len(p.entries)) }

func (p *partition) append(e entry) record.Offset {
	p.entries = append(p.entries, e)
	p.bytes += int64(len(e.value))
	p.written += int64(len(e.value))
	return p.end() - 1
}

// trim drops what is below an offset.
func (p *partition) trim(before record.Offset) {
	n := min(max(before-p.start, 0), record.Offset(len(p.entries)))
	for i := range p.entries[:n] {
		p.bytes -= int64(len(p.entries[i].value))
		p.entries[i] = entry{}
	}
	p.entries = p.entries[n:]
	p.start += n
}

// from returns what is at an offset and above; ok is false when that isn't all
// there any longer.
func (p *partition) from(o record.Offset) (entries []entry, ok bool) {
	if o < p.start || o > p.end() {
		return nil, false
	}
	return p.entries[o-p.start:], true
}

// Join is part of processor.Cluster. The only member owns all partitions.
func (l *log) Join(_ context.Context, m processor.Member) (processor.Session, error) {
	s := &session{log: l, next: map[processor.TopicPartition]record.Offset{}, paused: map[processor.TopicPartition]bool{}}
	for _, name := range m.Topics {
		short, _ := l.topology.Short(name)
		for p := range l.topology.Lookup(short).Partitions {
			s.assigned = append(s.assigned, processor.TopicPartition{Topic: name, Partition: record.Partition(p)})
		}
	}
	return s, nil
}

// Committed is part of processor.Cluster.
func (l *log) Committed(_ context.Context, _ string, tp processor.TopicPartition) (record.Offset, bool, error) {
	o, ok := l.committed[tp]
	return o, ok, nil
}

// Bounds is part of processor.Cluster.
func (l *log) Bounds(_ context.Context, tp processor.TopicPartition) (start, end record.Offset, err error) {
	p := l.partition(tp)
	return p.start, p.end(), nil
}

// Trim is part of processor.Cluster.
func (l *log) Trim(_ context.Context, tp processor.TopicPartition, before record.Offset) error {
	l.partition(tp).trim(before)
	return nil
}

// Tick is part of processor.Cluster.
func (l *log) Tick(tp processor.TopicPartition, value []byte) {
	l.partition(tp).append(entry{at: l.now, value: value})
}

// Read is part of processor.Cluster.
func (l *log) Read(_ context.Context, tp processor.TopicPartition, from record.Offset) (processor.ChangelogReader, error) {
	return &reader{partition: l.partition(tp), next: from}, nil
}

// reader reads a partition that nobody writes to meanwhile.
type reader struct {
	partition *partition
	next      record.Offset
	records   []processor.ChangelogRecord
}

// Read is part of processor.ChangelogReader.
func (r *reader) Read(context.Context) ([]processor.ChangelogRecord, error) {
	entries, ok := r.partition.from(r.next)
	switch {
	case !ok:
		return nil, processor.ErrTruncated
	case len(entries) == 0:
		return nil, fmt.Errorf("%s/%d is read beyond its end, %d", r.partition.tp.Topic, r.partition.tp.Partition, r.next)
	}
	r.records = r.records[:0]
	for _, e := range entries[:min(len(entries), readRecordsMax)] {
		r.records = append(r.records, processor.ChangelogRecord{Offset: r.next, Value: e.value, Control: e.control})
		r.next++
	}
	return r.records, nil
}

// readRecordsMax is about what a fetch brings.
const readRecordsMax = 100

// Close is part of processor.ChangelogReader.
func (r *reader) Close() {}
