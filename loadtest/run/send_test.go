package run

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/sale"
)

// fakeClock goes on when somebody sleeps, or when the test says so.
type fakeClock struct {
	at     time.Duration
	slept  int
	cancel func() // when at reaches until
	until  time.Duration
}

func (c *fakeClock) now() time.Duration { return c.at }

func (c *fakeClock) sleep(ctx context.Context, d time.Duration) error {
	c.slept++
	c.at += d
	if c.cancel != nil && c.at >= c.until {
		c.cancel()
	}
	return ctx.Err()
}

// every returns n messages that are due one after the other.
func every(gap time.Duration, n int) func() (sale.Message, bool) {
	i := 0
	return func() (sale.Message, bool) {
		if i == n {
			return sale.Message{}, false
		}
		i++
		return sale.Message{AtOffset: time.Duration(i-1) * gap}, true
	}
}

func TestSendInTime(t *testing.T) {
	c := &fakeClock{}
	var times []time.Duration
	b, err := send(t.Context(), c, every(10*time.Millisecond, 200), func(m *sale.Message, now time.Duration) {
		require.GreaterOrEqual(t, now, m.AtOffset, "never before its time")
		times = append(times, now-m.AtOffset)
	})
	require.NoError(t, err)
	require.Len(t, times, 200)
	require.Zero(t, b.report())
	require.EqualValues(t, 200, b.records)
}

// At a high rate some records are due at each waking: that costs a sleep for
// each millisecond, not for each record.
func TestSendSleepsLittle(t *testing.T) {
	c := &fakeClock{}
	b, err := send(t.Context(), c, every(50*time.Microsecond, 20_000), func(*sale.Message, time.Duration) {})
	require.NoError(t, err)
	require.LessOrEqual(t, c.slept, 1001)
	require.LessOrEqual(t, b.report().MaxMillis, 1.0)
	require.Zero(t, b.report().RecordsLate)
}

// A system that holds the sender up for two seconds doesn't get fewer orders, and
// what came late is told: by how much, how many, in how many seconds.
func TestStarvedGeneratorSaysSo(t *testing.T) {
	c := &fakeClock{}
	sent := 0
	b, err := send(t.Context(), c, every(10*time.Millisecond, 1000), func(m *sale.Message, now time.Duration) {
		sent++
		if m.AtOffset == 3*time.Second {
			c.at += 2 * time.Second // the client's buffer is full
		}
	})
	require.NoError(t, err)
	require.Equal(t, 1000, sent)
	r := b.report()
	// The record after the one that was held up is 1.99 s late, then all that
	// were due meanwhile at once; 100 ms late is the last that doesn't count.
	require.Equal(t, 1990.0, r.MaxMillis)
	require.EqualValues(t, 189, r.RecordsLate)
	require.Equal(t, 2, r.Seconds)
	require.InDelta(t, 0.189, r.Share, 1e-9)
}

// A generator that needs 15 ms for each of what is due every 10 ms falls behind
// for good.
func TestGeneratorThatIsTooSlow(t *testing.T) {
	c := &fakeClock{}
	b, err := send(t.Context(), c, every(10*time.Millisecond, 1000), func(*sale.Message, time.Duration) { c.at += 15 * time.Millisecond })
	require.NoError(t, err)
	r := b.report()
	require.Equal(t, 999*5.0, r.MaxMillis)
	require.EqualValues(t, 1000-21, r.RecordsLate)
	require.Equal(t, 10, r.Seconds)
}

// The end of the context ends the load, whether or not the sender ever sleeps.
func TestSendIsInterrupted(t *testing.T) {
	for _, slow := range []time.Duration{0, 20 * time.Millisecond} {
		ctx, cancel := context.WithCancel(t.Context())
		c := &fakeClock{cancel: cancel, until: time.Second}
		b, err := send(ctx, c, every(10*time.Millisecond, 100_000), func(*sale.Message, time.Duration) {
			if c.at += slow; c.at > time.Second {
				cancel()
			}
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Less(t, b.records, int64(1000))
		require.Positive(t, b.records)
	}
}

// What is made ahead is the same, in the same order, to its end.
func TestAhead(t *testing.T) {
	for _, n := range []int{0, 1, aheadBatch, aheadBatch + 1, 3 * aheadBatch * aheadBatches} {
		next, stop := ahead(every(time.Millisecond, n))
		for i := range n {
			m, ok := next()
			require.True(t, ok)
			require.Equal(t, time.Duration(i)*time.Millisecond, m.AtOffset)
		}
		for range 2 {
			_, ok := next()
			require.False(t, ok)
		}
		stop()
	}
}

// One that is stopped early makes no more, however much it could.
func TestAheadIsStopped(t *testing.T) {
	made := 0
	next, stop := ahead(func() (sale.Message, bool) { made++; return sale.Message{}, true })
	_, ok := next()
	require.True(t, ok)
	stop()
	require.LessOrEqual(t, made, (aheadBatches+3)*aheadBatch)
}
