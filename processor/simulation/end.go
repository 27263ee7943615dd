package simulation

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"holdfast/processor"
)

// errUnanswered is a request whose answer didn't come.
var errUnanswered = errors.New("the connection was closed before the answer came")

// End is part of processor.Session. A commit takes two requests: the offsets,
// which the group checks, and the end, which it doesn't; anything may happen
// between them. A transaction without offsets is therefore checked by nobody
// but the transaction coordinator.
func (s *session) End(_ context.Context, commit bool) (bool, error) {
	if err := s.c.pause("offsets request", nil); err != nil {
		return false, err
	}
	revoked := s.revoked
	s.revoked = false
	if !s.begun {
		s.back()
		return false, nil
	}
	s.outs, s.begun = nil, false
	fault := s.c.b.faults.end(commit)
	if fault != EndFine {
		s.c.b.trace("%s: end (commit: %v) will be %s", s.member.TransactionalID, commit, fault)
	}
	if fault == EndUnsent || fault == EndSessionLost {
		s.back()
		return false, fault.err()
	}
	if commit = commit && !revoked; commit {
		if err := s.sendOffsets(); errors.Is(err, kerr.FencedInstanceID) {
			s.back()
			return false, err
		} else if err != nil {
			s.c.b.trace("%s: offsets refused: %v", s.member.TransactionalID, err)
			commit = false
		}
	}
	if err := s.c.pause("end request", nil); err != nil {
		return false, err
	}
	return s.end(commit, fault)
}

func (f EndFault) err() error {
	if f == EndSessionLost {
		return processor.ErrSessionLost
	}
	return errUnanswered
}

// sendOffsets makes what was polled pending in the transaction.
func (s *session) sendOffsets() error {
	var offsets []consumed
	for _, tp := range s.assigned {
		if at := s.positions[tp]; at != nil && at.first >= 0 {
			offsets = append(offsets, consumed{tp: tp, first: at.first, next: at.next})
		}
	}
	if len(offsets) == 0 {
		return nil
	}
	t, err := s.c.b.transactionOf(s)
	if err != nil {
		return err
	}
	return s.c.b.addOffsets(t, s, offsets)
}

// end sends the end of the transaction, if one is open.
func (s *session) end(commit bool, fault EndFault) (bool, error) {
	if err := s.fencedAsProducer(); err != nil {
		s.back()
		return false, err
	}
	t := s.producer.open
	if t == nil {
		s.back()
		return commit, nil
	}
	switch fault {
	case EndAborted, EndAbortedError, EndClaimed:
		s.c.b.end(t, false)
	case EndHalf:
	case EndLate:
		s.c.b.after(s.c.b.faults.delay(), func() {
			if t.state == transactionOpen {
				s.c.b.trace("late end of transaction %d arrives", t.id)
				s.c.b.end(t, commit)
			}
		})
	default:
		s.c.b.end(t, commit)
	}
	return s.answer(commit, fault)
}

// answer is what the client makes of it.
func (s *session) answer(commit bool, fault EndFault) (bool, error) {
	switch fault {
	case EndFine:
		if commit {
			s.forward()
			return true, nil
		}
		s.back()
		return false, nil
	case EndClaimed:
		s.forward()
		return true, errUnanswered
	case EndDenied, EndAborted:
		s.back()
		return false, nil
	}
	s.back()
	return false, errUnanswered
}

// forward: what was polled counts as committed.
func (s *session) forward() {
	for _, at := range s.positions {
		at.committed, at.first = at.next, -1
	}
}

// back: the consumer goes to what the client last knew to be committed, which is
// wrong where a commit looked like something else.
func (s *session) back() {
	for _, at := range s.positions {
		at.next, at.first = at.committed, -1
	}
}

// Settle is part of processor.Session.
func (s *session) Settle(context.Context) error {
	if err := s.c.pause("producer id request", nil); err != nil {
		return err
	}
	if s.producer.life != s {
		return kerr.ProducerFenced
	}
	if err := s.c.b.faults.call(s.c.b.faults.Settle); err != nil {
		return err
	}
	s.c.b.initProducer(s.producer.id, s)
	s.epoch = s.producer.epoch
	return nil
}
