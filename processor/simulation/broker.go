package simulation

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

// Broker is a whole Kafka cluster in memory, as far as the run time uses one:
// logs, transactions, groups. It is used by one goroutine at a time and does
// nothing by itself: what would happen there after some time (a timeout, a
// delayed request) waits until Advance is called.
type Broker struct {
	clock  func() record.Millis
	faults *Faults

	logs      map[processor.TopicPartition]*partitionLog
	order     []*partitionLog // as created: everything that walks the logs does so in this order
	producers map[string]*producer
	groups    map[string]*group
	groupList []*group

	transactions int
	open         []*transaction
	committed    []*transaction // in the order of their markers
	delayed      []delayed
	trims        int // moves of a log's start
	fenced       int // transactions that others ended, as their members were gone
	violations   []Failure
	trace        func(format string, args ...any)
}

// delayed is a request that is on its way.
type delayed struct {
	at  record.Millis
	now func() bool // nil: not before; else it comes as soon as that is true
	do  func()
}

// Times of the broker, in milliseconds. The first two are what the run time
// asks Kafka for, or near it; what matters is that a process can be away for
// less and for more than each.
const (
	transactionTimeoutMillis = 10_000
	sessionTimeoutMillis     = 15_000
)

// NewBroker makes the logs of a topology. clock is the append time, before the
// skew of a partition's leader.
func NewBroker(t *topology.Topology, clock func() record.Millis, faults *Faults) *Broker {
	b := &Broker{
		clock: clock, faults: faults,
		logs:      map[processor.TopicPartition]*partitionLog{},
		producers: map[string]*producer{},
		groups:    map[string]*group{},
		trace:     func(string, ...any) {},
	}
	for _, topic := range t.Topics {
		for p := range topic.Partitions {
			l := &partitionLog{tp: processor.TopicPartition{Topic: topic.Name, Partition: record.Partition(p)}, short: topic.Short}
			b.logs[l.tp] = l
			b.order = append(b.order, l)
		}
	}
	return b
}

// log returns a partition that exists.
func (b *Broker) log(tp processor.TopicPartition) *partitionLog {
	l := b.logs[tp]
	if l == nil {
		panic(fmt.Sprintf("BUG: no partition %s/%d", tp.Topic, tp.Partition))
	}
	return l
}

// Append adds a record outside any transaction, as who feeds the public topics
// does.
func (b *Broker) Append(tp processor.TopicPartition, key, value []byte) record.Offset {
	return b.log(tp).append(entry{at: b.appendTime(tp), key: key, value: value})
}

func (b *Broker) appendTime(tp processor.TopicPartition) record.Millis {
	return b.clock() + b.faults.skew(tp)
}

// Advance does what is due by the clock: delayed requests arrive, transactions
// and members time out.
func (b *Broker) Advance() {
	now := b.clock()
	waiting := b.delayed
	b.delayed = nil
	for _, d := range waiting {
		if d.at > now && (d.now == nil || !d.now()) {
			b.delayed = append(b.delayed, d)
		} else {
			d.do()
		}
	}
	for _, t := range append([]*transaction(nil), b.open...) {
		if now-t.begun > transactionTimeoutMillis {
			b.trace("transaction %d of %s times out", t.id, t.producer.id)
			// The epoch goes up with it, so that a late request of the
			// transaction's owner can't begin where this one ended.
			t.producer.epoch++
			b.end(t, false)
		}
	}
	for _, g := range b.groupList {
		g.expire(now)
	}
}

// after lets a request arrive in some time.
func (b *Broker) after(millis record.Millis, do func()) {
	b.delayed = append(b.delayed, delayed{at: b.clock() + millis, do: do})
}

// violation notes that something happened that no history may contain.
func (b *Broker) violation(rule Rule, format string, args ...any) {
	f := Failure{Rule: rule, Detail: fmt.Sprintf(format, args...)}
	b.trace("VIOLATION: %s", f)
	b.violations = append(b.violations, f)
}

// Hash is over all that is on the logs and all committed offsets: two runs with
// the same hash have had the same history.
func (b *Broker) Hash() string {
	h := sha256.New()
	number := func(n int64) {
		var buf [8]byte
		binary.LittleEndian.PutUint64(buf[:], uint64(n))
		_, _ = h.Write(buf[:])
	}
	text := func(s []byte) {
		number(int64(len(s)))
		_, _ = h.Write(s)
	}
	for _, l := range b.order {
		text([]byte(l.tp.Topic))
		number(int64(l.tp.Partition))
		number(int64(l.start))
		for i := range l.entries {
			e := &l.entries[i]
			number(int64(e.at))
			text(e.key)
			text(e.value)
			if e.transaction != nil {
				number(int64(e.transaction.id)<<2 | int64(e.transaction.state))
			}
		}
	}
	for _, g := range b.groupList {
		for _, tp := range g.partitions() {
			if o, ok := g.offsets[tp]; ok {
				number(int64(o))
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// entries counts all that was ever written.
func (b *Broker) entries() int {
	n := 0
	for _, l := range b.order {
		n += len(l.entries)
	}
	return n
}

// unsettled tells what is left to do for anybody: an open transaction, a request
// on its way, a log that its group hasn't consumed; "" when there is nothing.
func (b *Broker) unsettled(except map[processor.TopicPartition]bool) string {
	if len(b.open) > 0 || len(b.delayed) > 0 {
		return fmt.Sprintf("%d open transactions, %d delayed requests", len(b.open), len(b.delayed))
	}
	for _, g := range b.groupList {
		for _, tp := range g.partitions() {
			if l := b.log(tp); !except[tp] && l.firstVisible(g.offsets[tp], l.end()) < l.end() {
				return fmt.Sprintf("group %s has consumed %s/%d up to %d of %d", g.name, tp.Topic, tp.Partition, g.offsets[tp], l.end())
			}
		}
	}
	return ""
}
