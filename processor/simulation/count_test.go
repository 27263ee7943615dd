package simulation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/processor/stage"
)

// tally adds up what an observer is told.
type tally struct {
	singleObserver
	of       map[processor.Result]int
	records  int
	outcomes uint64
}

// Ended is part of processor.Observer.
func (o *tally) Ended(t *processor.Transaction) {
	o.of[t.Result]++
	if t.Result == processor.Committed {
		o.records += t.Records
		o.outcomes += t.Outcomes[0]
	}
}

// TestCounts: what a stage counts is told once for what was committed, and of what
// was done again only the last time. Where the commit was asked for and not
// confirmed, nothing is told, even if it came to be.
func TestCounts(t *testing.T) {
	f := func(fault func(s *single), committed, aborted, unknown, counted int) {
		t.Helper()
		s := newSingle(t)
		require.NoError(t, s.loop.Stop())
		o := &tally{of: map[processor.Result]int{}}
		s.cfg.Metrics = o
		s.cfg.Stages[0].Outcomes = []string{"chunk done"}
		s.cfg.Stages[0].New = func(processor.TopicPartition) stage.Stage { return &chunks{} }
		s.start(t)
		fault(s)
		s.feed("three")
		s.rest(t)
		require.Equal(t, []int{committed, aborted, unknown}, []int{o.of[processor.Committed], o.of[processor.Aborted], o.of[processor.Unknown]})
		require.Equal(t, counted, int(o.outcomes))
		require.Equal(t, counted, o.records, "a record and a chunk each")
		require.NoError(t, s.loop.Stop())
	}
	end := func(fault EndFault) func(*single) {
		return func(s *single) {
			s.faults.End = func(bool) EndFault {
				defer func() { fault = EndFine }()
				return fault
			}
		}
	}
	f(func(*single) {}, 5, 0, 0, 5)
	f(func(s *single) { s.faults.Flush = once(processor.ErrUnreachable) }, 5, 1, 0, 5)
	f(end(EndAborted), 5, 0, 1, 5)
	f(end(EndAnswerLost), 4, 0, 1, 4)
}

// once returns an error the first time.
func once(err error) func() error {
	return func() error {
		defer func() { err = nil }()
		return err
	}
}
