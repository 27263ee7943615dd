package simulation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"holdfast/processor"
	"holdfast/topology/record"
)

// producer is what the transaction coordinator knows of a transactional id. The
// epoch goes up whenever somebody must be kept from going on: a new life joins,
// a life settles, a transaction times out.
type producer struct {
	id    string
	epoch int
	life  *session // who asked for the producer id last
	open  *transaction
}

type transactionState uint8

const (
	transactionOpen transactionState = iota
	transactionCommitted
	transactionAborted
)

// transaction is one transaction over several partitions and a group's offsets.
type transaction struct {
	id       int
	producer *producer
	epoch    int // of the producer, when it was begun
	state    transactionState
	begun    record.Millis
	ended    record.Millis
	logs     []*partitionLog                 // touched, in order
	first    map[*partitionLog]record.Offset // its first offset there
	group    *group
	// offsets are pending until the transaction ends. They are sorted.
	offsets []consumed
}

// consumed is the part of a partition that a transaction consumed: the records
// from the one at first up to next-1 have been polled.
type consumed struct {
	tp          processor.TopicPartition
	first, next record.Offset
}

// initProducer gives a life of a transactional id its epoch. What an earlier
// life left open is aborted, and nothing of it that is still on its way will
// find its epoch.
func (b *Broker) initProducer(id string, life *session) *producer {
	p := b.producers[id]
	if p == nil {
		p = &producer{id: id}
		b.producers[id] = p
	}
	p.epoch++
	p.life = life
	if p.open != nil {
		b.end(p.open, false)
	}
	return p
}

// transactionOf returns the producer's open transaction, beginning one if need
// be, or why it may not have one.
func (b *Broker) transactionOf(s *session) (*transaction, error) {
	if err := s.fencedAsProducer(); err != nil {
		return nil, err
	}
	if s.producer.open == nil {
		b.transactions++
		t := &transaction{id: b.transactions, producer: s.producer, epoch: s.producer.epoch, begun: b.clock(), first: map[*partitionLog]record.Offset{}}
		s.producer.open = t
		b.open = append(b.open, t)
	}
	return s.producer.open, nil
}

// fencedAsProducer tells why the session can't produce any longer. A newer life
// is final; an epoch that went up because of a timeout can be asked for anew.
func (s *session) fencedAsProducer() error {
	switch {
	case s.producer.life != s:
		return kerr.ProducerFenced
	case s.producer.epoch != s.epoch:
		return kerr.InvalidProducerEpoch
	}
	return nil
}

// add appends a record to the transaction.
func (b *Broker) add(t *transaction, out *processor.Out) record.Offset {
	l := b.log(out.TopicPartition)
	b.touch(t, l)
	return l.append(entry{
		at: b.appendTime(out.TopicPartition), transaction: t,
		key: slices.Clone(out.Key), value: slices.Clone(out.Value), headers: slices.Clone(out.Headers),
	})
}

func (b *Broker) touch(t *transaction, l *partitionLog) {
	if _, ok := t.first[l]; !ok {
		t.first[l] = l.end()
		t.logs = append(t.logs, l)
	}
}

// addOffsets makes offsets pending in the transaction, if the group still knows
// the member by this generation.
func (b *Broker) addOffsets(t *transaction, s *session, offsets []consumed) error {
	if err := s.group.check(s); err != nil {
		return err
	}
	t.group, t.offsets = s.group, offsets
	return nil
}

// end writes the markers and makes the group's pending offsets committed, or
// forgets them.
func (b *Broker) end(t *transaction, commit bool) {
	if t.state != transactionOpen {
		panic("BUG: a transaction is ended twice")
	}
	t.state, t.ended = transactionAborted, b.clock()
	if commit {
		t.state = transactionCommitted
		b.committed = append(b.committed, t)
		for _, c := range t.offsets {
			b.checkConsumed(t, c)
			t.group.offsets[c.tp] = c.next
		}
	}
	for _, l := range t.logs {
		l.append(entry{at: b.appendTime(l.tp), transaction: t, control: true})
	}
	t.producer.open = nil
	b.open = slices.DeleteFunc(b.open, func(o *transaction) bool { return o == t })
	b.trace("%s", t)
}

// String shows what the transaction consumed and where it wrote.
func (t *transaction) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "transaction %d of %s %s:", t.id, t.producer.id, [...]string{"open", "committed", "aborted"}[t.state])
	for _, c := range t.offsets {
		fmt.Fprintf(&s, " %s/%d %d-%d", c.tp.Topic, c.tp.Partition, c.first, c.next-1)
	}
	for _, l := range t.logs {
		fmt.Fprintf(&s, " > %s/%d@%d", l.tp.Topic, l.tp.Partition, t.first[l])
	}
	return s.String()
}

// checkConsumed: transactions consume a partition without gaps and overlaps.
// This is the whole of exactly-once on the input's side, seen from the broker.
func (b *Broker) checkConsumed(t *transaction, c consumed) {
	l := b.log(c.tp)
	from := max(t.group.offsets[c.tp], 0)
	if want := l.firstVisible(from, c.next); want != c.first {
		b.violation(RuleConsumed, "transaction %d of %s consumed %s/%d from %d to %d, due was %d (committed: %d)",
			t.id, t.producer.id, c.tp.Topic, c.tp.Partition, c.first, c.next, want, from)
	}
}
