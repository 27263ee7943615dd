package closing

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"holdfast/processor"
	"holdfast/processor/stage"
	"holdfast/topology"
	"holdfast/topology/record"
)

// session is the only member. What it polled it commits, and every transaction
// that it ends is committed: an abort is an error.
type session struct {
	log      *log
	assigned []processor.TopicPartition
	next     map[processor.TopicPartition]record.Offset // to be polled
	paused   map[processor.TopicPartition]bool
	outs     []*processor.Out
}

var _ processor.Session = (*session)(nil)

// errAbort: nothing here gives a reason for one.
var errAbort = errors.New("the run time wants a transaction aborted")

// Poll is part of processor.Session. It lets the time of a poll go by.
func (s *session) Poll(_ context.Context, f *processor.Fetches, most int, _ time.Duration) error {
	s.log.now += s.log.pollMillis
	f.Rebalanced, f.Parts, f.Failed = false, f.Parts[:0], f.Failed[:0]
	for _, tp := range s.assigned {
		next, ok := s.next[tp]
		if !ok || s.paused[tp] {
			continue // the run time seeks before it resumes
		}
		p := s.log.partition(tp)
		entries, ok := p.from(next)
		if !ok {
			return processor.ErrTruncated
		}
		if entries = entries[:min(len(entries), most)]; len(entries) == 0 {
			continue
		}
		most -= len(entries)
		part := processor.Fetch{TopicPartition: tp}
		for _, e := range entries {
			part.Records = append(part.Records, stage.Record{
				Topic: tp.Topic, Short: p.short, Partition: tp.Partition, Offset: next, At: e.at, Value: e.value,
			})
			next++
		}
		s.next[tp] = next
		f.Parts = append(f.Parts, part)
	}
	return nil
}

// Assigned is part of processor.Session.
func (s *session) Assigned() []processor.TopicPartition { return s.assigned }

// Joined is part of processor.Session.
func (s *session) Joined() bool { return true }

// Pause is part of processor.Session.
func (s *session) Pause(tp processor.TopicPartition) { s.paused[tp] = true }

// Resume is part of processor.Session.
func (s *session) Resume(tp processor.TopicPartition) { delete(s.paused, tp) }

// Seek is part of processor.Session.
func (s *session) Seek(offsets map[processor.TopicPartition]record.Offset) {
	for tp, o := range offsets {
		s.next[tp] = o
	}
}

// Begin is part of processor.Session.
func (s *session) Begin() error { return nil }

// Produce is part of processor.Session.
func (s *session) Produce(out *processor.Out) { s.outs = append(s.outs, out) }

// Flush is part of processor.Session. Changelogs are kept; what goes to the other
// stages is counted and forgotten.
func (s *session) Flush(context.Context) error {
	for _, out := range s.outs {
		p := s.log.partition(out.TopicPartition)
		switch p.role {
		case topology.RoleChangelog:
			// The store uses the memory again.
			out.Offset = p.append(entry{at: s.log.now, value: bytes.Clone(out.Value)})
		case topology.RoleLog:
			if err := s.log.sent(out.Value); err != nil {
				return err
			}
		default:
			return errors.New("a record for " + p.short + ", where the load gives no reason for one")
		}
	}
	return nil
}

// End is part of processor.Session.
func (s *session) End(_ context.Context, commit bool) (bool, error) {
	if !commit {
		return false, errAbort
	}
	var changelogs []*partition
	for _, out := range s.outs {
		if p := s.log.partition(out.TopicPartition); p.role == topology.RoleChangelog && !slices.Contains(changelogs, p) {
			p.append(entry{at: s.log.now, control: true})
			changelogs = append(changelogs, p)
		}
	}
	clear(s.outs)
	s.outs = s.outs[:0]
	for tp, next := range s.next {
		s.log.committed[tp] = next
		s.log.partition(tp).trim(next) // nobody else reads the input
	}
	s.log.ended(changelogs)
	return true, nil
}

// Settle is part of processor.Session.
func (s *session) Settle(context.Context) error { return errAbort }

// AllowRebalance is part of processor.Session.
func (s *session) AllowRebalance() {}

// Close is part of processor.Session.
func (s *session) Close(bool) {}
