package simulation

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/processor/stage"
	"holdfast/topology"
	"holdfast/topology/record"
)

// chunks is a stage with much to do at once, which it does one by one: a record
// says how much, a transaction does one.
type chunks struct{}

func (c *chunks) left(tx stage.Tx) (n uint64) {
	if v, ok := tx.Get([]byte("n")); ok {
		n = binary.BigEndian.Uint64(v)
	}
	return n
}

func (c *chunks) Decide(tx stage.Tx, r *stage.Record) {
	err := record.Entries(r.Value, func(e record.Entry) error {
		if e.Kind != record.KindTick {
			tx.Put([]byte("n"), binary.BigEndian.AppendUint64(nil, c.left(tx)+uint64(len(e.Body))))
		}
		return nil
	})
	if err != nil {
		panic("BUG: " + err.Error())
	}
}

func (c *chunks) Finish(tx stage.Tx) {
	if n := c.left(tx); n > 0 {
		tx.Put([]byte("n"), binary.BigEndian.AppendUint64(nil, n-1))
		tx.Count(0)
		tx.Send(stage.LogAvailability, record.KindAvailability, []byte("k"), record.Origin{}, []byte("done"))
	}
}

func (c *chunks) Reset() {}

func (c *chunks) Due(tx stage.Tx) (record.Millis, bool) { return tx.Now(), c.left(tx) > 0 }

// ticking is one worker of the stage above.
type ticking struct {
	*single
	begun time.Time
	sent  int // ticks
	lost  map[int]bool
}

func newTicking(t *testing.T) *ticking {
	s := &ticking{single: newSingle(t), lost: map[int]bool{}}
	require.NoError(t, s.loop.Stop())
	s.cfg.Stages[0].New = func(processor.TopicPartition) stage.Stage { return &chunks{} }
	s.start(t)
	input := processor.TopicPartition{Topic: s.cfg.Topology.Name(topology.LogInventory)}
	group := s.broker.group(s.cfg.Topology.Group(singleStage))
	s.faults.Tick = func() TickFault {
		s.sent++
		l := s.broker.log(input)
		require.Equal(t, l.end(), l.firstVisible(group.offsets[input], l.end()), "tick %d is sent before all that came before it is decided", s.sent)
		if s.lost[s.sent] {
			return TickLost
		}
		return TickFine
	}
	s.begun = s.now
	return s
}

// done returns how much was done, as committed.
func (s *ticking) done() (n int) {
	l := s.broker.log(processor.TopicPartition{Topic: s.cfg.Topology.Name(topology.LogAvailability)})
	for o := l.firstVisible(0, l.end()); o < l.end(); o = l.firstVisible(o+1, l.end()) {
		n++
	}
	return n
}

// until returns how long it takes until so much is done.
func (s *ticking) until(t *testing.T, n int) time.Duration {
	for begun := s.now; ; {
		if s.done() >= n {
			return s.now.Sub(begun)
		}
		require.Less(t, s.now.Sub(begun), time.Minute, "only %d done", s.done())
		s.round(t)
	}
}

// What is left over goes on at once, a tick at a time, and not at the pace at
// which time is let pass.
func TestLeftOverWorkGoesOnAtOnce(t *testing.T) {
	s := newTicking(t)
	s.feed("twenty things to do!")
	// A round polls or commits, and takes 10 ms.
	require.LessOrEqual(t, s.until(t, 20), 20*40*time.Millisecond)
	s.rest(t)
	require.Equal(t, 19, s.sent, "no tick without need")
	require.NoError(t, s.loop.Stop())
}

// A tick that is lost is sent again, after the time between ticks and not before,
// be the log silent or not.
func TestLostTickIsSentAgain(t *testing.T) {
	s := newTicking(t)
	s.lost[3] = true
	s.feed("twenty things to do!")
	s.until(t, 3)
	require.GreaterOrEqual(t, s.until(t, 4), s.cfg.TickEvery)
	s.until(t, 20)
	s.rest(t)
	require.Equal(t, 20, s.sent)

	s.sent, s.lost = 0, map[int]bool{1: true}
	s.feed("twenty things to do!")
	s.until(t, 21)
	lostAt := s.now
	for s.sent < 2 {
		require.Less(t, s.now.Sub(lostAt), time.Minute, "no tick is sent")
		s.feed(".") // each decides a chunk itself
		s.round(t)
	}
	require.GreaterOrEqual(t, s.now.Sub(lostAt), s.cfg.TickEvery-20*time.Millisecond)
	require.Less(t, s.now.Sub(lostAt), 2*s.cfg.TickEvery)
	require.NoError(t, s.loop.Stop())
}
