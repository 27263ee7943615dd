package processor

import (
	"strconv"
	"time"

	"holdfast/processor/stage"
	"holdfast/topology"
	"holdfast/topology/record"
)

// batch is what one transaction of a worker carries: what its tasks polled and
// decided, and the records that will be produced. It is used again and again.
type batch struct {
	open    bool
	begun   time.Time // first record polled
	records int
	bytes   int
	ticks   int
	oldest  record.Millis // append time
	tasks   []*task       // those that decided a record, in the order of their first
	by      *task         // whose stage decides just now
	asked   bool          // a commit was asked for
	full    bool          // it is to be committed with what it has

	// What the observer is told of it, if it is committed.
	outcomes       []uint64 // by the stage's list
	dead           []string // reasons
	changelogBytes int
	told           Transaction

	logs   [stage.Logs]outLog
	public []*Out
	// outs is all that is produced, once closed.
	outs []*Out

	dlq    publicTopic
	topics map[string]publicTopic
}

// outLog gathers the envelopes for one internal log: one builder a partition.
// All tasks of a worker share them, since they share the transaction; so one
// record carries what a worker, not only a task, sends to a partition.
type outLog struct {
	name     string
	slots    *topology.SlotTable
	builders []record.EnvelopeBuilder
	sent     int // entries
}

type publicTopic struct {
	name       string
	partitions int32
}

func newBatch(t *topology.Topology, slots map[string]*topology.SlotTable, outcomes int) *batch {
	b := &batch{topics: map[string]publicTopic{}, outcomes: make([]uint64, outcomes)}
	for log, short := range map[stage.Log]string{stage.LogOrders: topology.LogOrders, stage.LogInventory: topology.LogInventory, stage.LogAvailability: topology.LogAvailability} {
		topic := t.Lookup(short)
		b.logs[log] = outLog{name: topic.Name, slots: slots[short], builders: make([]record.EnvelopeBuilder, topic.Partitions)}
	}
	for _, topic := range t.Topics {
		b.topics[topic.Short] = publicTopic{name: topic.Name, partitions: topic.Partitions}
	}
	b.dlq = b.topics[topology.DeadLetters]
	return b
}

// send adds an entry to the envelope of the partition that owns key.
func (b *batch) send(log stage.Log, kind record.Kind, key []byte, origin record.Origin, body []byte) {
	l := &b.logs[log]
	b.sendTo(l, l.slots.Partition(key), kind, key, origin, body)
}

func (b *batch) broadcast(log stage.Log, kind record.Kind, key []byte, origin record.Origin, body []byte) {
	l := &b.logs[log]
	for p := range l.builders {
		b.sendTo(l, int32(p), kind, key, origin, body)
	}
}

func (b *batch) sendTo(l *outLog, p int32, kind record.Kind, key []byte, origin record.Origin, body []byte) {
	e := &l.builders[p]
	e.Add(kind, key, origin, body)
	l.sent++
	if e.Full() {
		// Should it be too large, then by this last entry.
		b.from(b.closeEnvelope(l, p))
	}
}

func (b *batch) closeEnvelope(l *outLog, p int32) *Out {
	out := &Out{TopicPartition: TopicPartition{l.name, record.Partition(p)}, Value: l.builders[p].Close()}
	b.outs = append(b.outs, out)
	return out
}

// from notes whose decision an output comes from.
func (b *batch) from(out *Out) {
	if b.by != nil {
		out.by, out.at = b.by, b.by.next
	}
}

// publish adds a record to a public topic; Kafka's own partitioning by key, so
// that consumers find what they expect.
func (b *batch) publish(topic string, key, value []byte, headers []stage.Header) {
	t, ok := b.topics[topic]
	if !ok {
		panic("BUG: publish to unknown topic " + topic)
	}
	b.add(t, key, value, headers)
}

func (b *batch) add(t publicTopic, key, value []byte, headers []stage.Header) {
	kv := make([]byte, 0, len(key)+len(value))
	kv = append(append(kv, key...), value...)
	out := &Out{TopicPartition: TopicPartition{t.name, record.Partition(topology.KafkaPartition(key, t.partitions))}, Value: kv[len(key):], Headers: headers}
	if key != nil {
		out.Key = kv[:len(key):len(key)]
	}
	b.from(out)
	b.public = append(b.public, out)
}

// deadLetter adds a dead letter: the original key, value and headers, and the
// reason in headers named as Kafka Streams names them.
func (b *batch) deadLetter(d stage.DeadLetter) {
	headers := make([]stage.Header, 0, len(d.Headers)+5)
	headers = append(headers, d.Headers...)
	headers = append(headers,
		stage.Header{Key: record.HeaderErrorException, Value: []byte(d.Reason)},
		stage.Header{Key: record.HeaderErrorMessage, Value: []byte(d.Message)},
		stage.Header{Key: record.HeaderErrorTopic, Value: []byte(d.Origin.Topic)},
		stage.Header{Key: record.HeaderErrorPartition, Value: strconv.AppendInt(nil, int64(d.Origin.Partition), 10)},
		stage.Header{Key: record.HeaderErrorOffset, Value: strconv.AppendInt(nil, int64(d.Origin.Offset), 10)},
	)
	b.add(b.dlq, d.Key, d.Value, headers)
	b.dead = append(b.dead, d.Reason)
}

// input notes a record that is about to be decided.
func (b *batch) input(r *stage.Record) {
	b.bytes += len(r.Key) + len(r.Value)
	if b.oldest == 0 || r.At < b.oldest {
		b.oldest = r.At
	}
}

// close turns all that was gathered into records, internal logs first.
func (b *batch) close() []*Out {
	for i := range b.logs {
		l := &b.logs[i]
		for p := range l.builders {
			if l.builders[p].Len() > 0 {
				b.closeEnvelope(l, int32(p))
			}
		}
	}
	b.outs = append(b.outs, b.public...)
	return b.outs
}

// reset drops everything and keeps the memory.
func (b *batch) reset() {
	for i := range b.logs {
		for p := range b.logs[i].builders {
			b.logs[i].builders[p].Drop()
		}
		b.logs[i].sent = 0
	}
	clear(b.outcomes)
	clear(b.dead)
	b.dead = b.dead[:0]
	b.told = Transaction{}
	clear(b.public)
	clear(b.outs)
	clear(b.tasks)
	b.public, b.outs, b.tasks = b.public[:0], b.outs[:0], b.tasks[:0]
	b.open, b.records, b.bytes, b.ticks, b.oldest, b.by = false, 0, 0, 0, 0, nil
	b.asked, b.full, b.changelogBytes = false, false, 0
}
