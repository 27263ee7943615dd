package processor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/state"
)

// What is redundant is trimmed when the grace is over, however often more becomes
// redundant meanwhile.
func TestTrimGrace(t *testing.T) {
	const grace = time.Minute
	var g trimGrace
	begun := time.Unix(1000, 0)
	at := func(seconds int, before, want state.Offset) {
		t.Helper()
		got, ok := g.passed(before, begun.Add(time.Duration(seconds)*time.Second), grace)
		require.Equal(t, want > 0, ok)
		require.Equal(t, want, got)
	}
	at(0, 100, 0)
	at(30, 150, 0)
	at(59, 190, 0)
	at(60, 200, 100)
	at(61, 200, 0)
	at(100, 260, 0)
	at(121, 300, 200)
	at(500, 900, 0) // and a new one only from when it is seen
	at(560, 950, 900)

	got, ok := new(trimGrace).passed(7, begun, 0)
	require.True(t, ok)
	require.Equal(t, state.Offset(7), got)
}

func TestBackoffBetween(t *testing.T) {
	var b backoff
	now := time.Unix(1000, 0)
	for _, want := range []time.Duration{0, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute} {
		require.Equal(t, want, b.failedBetween(now, 10*time.Second, time.Minute))
		require.True(t, b.waits(now.Add(want-1)))
		require.False(t, b.waits(now.Add(want)))
	}
	b.clear()
	require.Zero(t, b.failedBetween(now, 10*time.Second, time.Minute))
}
