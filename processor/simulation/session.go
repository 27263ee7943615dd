package simulation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"holdfast/processor"
	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// session is one life of a member, with the habits of franz-go's transact
// session: what was polled is what a commit commits; a partition that was taken
// away makes the next end an abort; an end that isn't a commit sets the consumer
// back to what it last knew to be committed, right or wrong.
type session struct {
	c      *Cluster
	member processor.Member
	closed bool
	out    bool // put out of the group, which it learns when it polls

	group      *group
	generation int
	assigned   []processor.TopicPartition
	positions  map[processor.TopicPartition]*position
	paused     map[processor.TopicPartition]bool
	blocked    bool // no rebalance until AllowRebalance
	revoked    bool // since the last End

	producer *producer
	epoch    int
	begun    bool
	outs     []*processor.Out
}

var _ processor.Session = (*session)(nil)

// position is where the session reads a partition.
type position struct {
	next      record.Offset // to be fetched
	committed record.Offset // as far as the session knows
	first     record.Offset // of the records polled since committed; -1: none
}

// alive tells whether heartbeats of the session reach the group.
func (s *session) alive() bool { return !s.closed && s.c.alive() }

// Poll is part of processor.Session.
func (s *session) Poll(ctx context.Context, f *processor.Fetches, most int, _ time.Duration) error {
	if err := s.c.pause("poll request", nil); err != nil {
		return err
	}
	f.Rebalanced, f.Parts, f.Failed = false, f.Parts[:0], f.Failed[:0]
	if !s.blocked {
		if err := s.rebalance(); err != nil {
			return err
		}
	}
	s.blocked = true
	f.Rebalanced = s.revoked
	turn := s.c.b.faults.pick(len(s.assigned))
	for i := range s.assigned {
		tp := s.assigned[(i+turn)%len(s.assigned)]
		if most <= 0 || s.paused[tp] {
			continue
		}
		most -= s.fetch(f, tp, most)
	}
	return nil
}

func (s *session) rebalance() error {
	before := s.generation
	lost, err := s.group.poll(s)
	if err != nil {
		return err
	}
	if s.generation != before {
		s.fence()
	}
	for _, tp := range lost {
		delete(s.positions, tp)
		s.revoked = true
	}
	return nil
}

// fetch adds some of a partition's records and moves the position past them.
func (s *session) fetch(f *processor.Fetches, tp processor.TopicPartition, most int) int {
	l := s.c.b.log(tp)
	at := s.positions[tp]
	if at == nil {
		if s.group.pending(tp) {
			return 0
		}
		at = &position{first: -1}
		at.committed = l.start
		if o, ok := s.group.offsets[tp]; ok {
			at.committed = o
		}
		at.next = at.committed
		s.positions[tp] = at
	}
	if at.next < l.start || at.next > l.end() {
		f.Failed = append(f.Failed, processor.FailedPartition{TopicPartition: tp, Err: kerr.OffsetOutOfRange})
		return 0
	}
	part := processor.Fetch{TopicPartition: tp}
	next, end := l.firstVisible(at.next, l.stableEnd(s.c.b.open)), l.stableEnd(s.c.b.open)
	if next >= end {
		// Markers behind the last record were fetched, not polled: what is
		// committed is the offset after the last record.
		return 0
	}
	if at.first < 0 {
		at.first = next
	}
	for n := s.c.b.faults.some(min(most, int(end-next))); n > 0 && next < end; n-- {
		e := &l.entries[next]
		part.Records = append(part.Records, stage.Record{
			Topic: tp.Topic, Short: l.short, Partition: tp.Partition, Offset: next, At: e.at,
			Key: slices.Clone(e.key), Value: slices.Clone(e.value), Headers: e.headers,
		})
		at.next = next + 1
		next = l.firstVisible(at.next, end)
	}
	f.Parts = append(f.Parts, part)
	return len(part.Records)
}

// Assigned is part of processor.Session.
func (s *session) Assigned() []processor.TopicPartition { return s.assigned }

// Joined is part of processor.Session.
func (s *session) Joined() bool { return s.generation >= 0 }

// Pause is part of processor.Session.
func (s *session) Pause(tp processor.TopicPartition) { s.paused[tp] = true }

// Resume is part of processor.Session.
func (s *session) Resume(tp processor.TopicPartition) { delete(s.paused, tp) }

// Seek is part of processor.Session.
func (s *session) Seek(offsets map[processor.TopicPartition]record.Offset) {
	for tp, o := range offsets {
		if slices.Contains(s.assigned, tp) {
			s.positions[tp] = &position{next: o, committed: o, first: -1}
		}
	}
}

// Begin is part of processor.Session.
func (s *session) Begin() error {
	if s.begun {
		return errors.New("a transaction is open already")
	}
	if err := s.c.b.faults.call(s.c.b.faults.Begin); err != nil {
		return err
	}
	s.begun = true
	return nil
}

// Produce is part of processor.Session. The record is kept as it is until Flush
// sends it, so who changes it in between is found out.
func (s *session) Produce(out *processor.Out) {
	if !s.begun {
		panic("BUG: produced outside a transaction")
	}
	s.outs = append(s.outs, out)
}

// Flush is part of processor.Session. One record that the broker refuses doesn't
// keep the others from the log.
func (s *session) Flush(context.Context) error {
	outs := s.outs
	s.outs = nil
	if err := s.c.pause("produce request", nil); err != nil {
		return err
	}
	var first error
	for _, out := range outs {
		err := s.c.b.faults.produce(out)
		if err == nil {
			var t *transaction
			if t, err = s.c.b.transactionOf(s); err == nil {
				out.Offset = s.c.b.add(t, out)
				continue
			}
		}
		if first == nil {
			first = &processor.RefusedError{Out: out, Err: err}
		}
	}
	if err := s.c.b.faults.call(s.c.b.faults.Flush); err != nil && first == nil {
		first = err
	}
	return first
}

// AllowRebalance is part of processor.Session.
func (s *session) AllowRebalance() { s.blocked = false }

// Close is part of processor.Session.
func (s *session) Close(leave bool) {
	if s.closed {
		return
	}
	s.closed = true
	if m := s.group.member(s.member.TransactionalID); leave && m != nil && m.session == s {
		s.group.remove(m)
	}
}
