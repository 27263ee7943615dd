package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func at(ms int) time.Time { return time.UnixMilli(int64(1_000_000 + ms)) }

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func TestWatch(t *testing.T) {
	w := newWatch(2)
	for _, now := range []int{0, 10, 5_000, 5_010} { // a standstill before it begins
		w.saw(0, at(now), at(now-5))
		w.saw(1, at(now), at(now-5))
	}
	w.begin(at(5_020))
	longest, stopped := w.standstill(at(5_030), ms(100))
	require.Equal(t, ms(20), longest, "what goes on counts from its beginning")
	require.Zero(t, stopped)
	_, ok := w.again()
	require.False(t, ok)

	w.saw(0, at(5_040), at(5_015)) // was under way
	_, ok = w.again()
	require.False(t, ok)
	w.saw(0, at(5_060), at(5_050))
	_, ok = w.again()
	require.False(t, ok, "partition 1 decides nothing yet")
	longest, stopped = w.standstill(at(6_060), ms(1_000))
	require.Equal(t, ms(1_050), longest, "it hasn't ended")
	require.Equal(t, 1, stopped)

	w.saw(1, at(7_010), at(5_018)) // first what was left from before
	w.saw(1, at(7_100), at(5_021))
	again, ok := w.again()
	require.True(t, ok)
	require.Equal(t, ms(2_080), again)
	longest, stopped = w.standstill(at(7_110), ms(1_000))
	require.Equal(t, ms(2_050), longest, "partition 0 has seen nothing since 5,060")
	require.Equal(t, 2, stopped)
	require.Equal(t, ms(7_110-5_021), w.behind(at(7_110)))
}
