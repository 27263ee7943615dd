package sale

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func at(t *testing.T, p *Profile, n int, want time.Duration) {
	t.Helper()
	require.InDelta(t, want, p.At(n), float64(time.Microsecond), "order %d", n)
}

func TestProfileIsTheRatesIntegral(t *testing.T) {
	even := NewProfile([]Slope{{For: 10 * time.Second, From: 100, To: 100}})
	require.Equal(t, 1000, even.Orders())
	at(t, even, 0, 0)
	at(t, even, 1, 10*time.Millisecond)
	at(t, even, 999, 9990*time.Millisecond)

	// From 0 to 100 in 10 s: n orders after √(n/5) s.
	ramp := NewProfile([]Slope{{For: 10 * time.Second, To: 100}})
	require.Equal(t, 500, ramp.Orders())
	at(t, ramp, 5, time.Second)
	at(t, ramp, 45, 3*time.Second)
	at(t, ramp, 125, 5*time.Second)
	// And down again: the last orders are far apart.
	down := NewProfile([]Slope{{For: 10 * time.Second, From: 100}})
	at(t, down, 375, 5*time.Second)
	at(t, down, 495, 9*time.Second)
	require.InDelta(t, 70, down.Rate(3*time.Second), 1e-9)
	require.Zero(t, down.Rate(10*time.Second))

	// Nothing comes while the rate is 0, a burst comes at once.
	p := NewProfile([]Slope{{For: time.Second, From: 2, To: 2}, {For: 5 * time.Second}, {Burst: 3}, {For: time.Second, From: 1, To: 1}})
	require.Equal(t, 6, p.Orders())
	require.Equal(t, 7*time.Second, p.Duration())
	for n, want := range []time.Duration{0, 500 * time.Millisecond, 6 * time.Second, 6 * time.Second, 6 * time.Second, 6 * time.Second} {
		at(t, p, n, want)
	}
	require.Equal(t, 2, p.Before(6*time.Second))
	require.Equal(t, 6, p.Before(6*time.Second+1))
}

// However the rate goes, each second has as many orders as its integral, and
// time never goes back.
func TestProfileOfManySlopes(t *testing.T) {
	slopes := []Slope{{For: 20 * time.Second, From: 300, To: 300}, {For: 25 * time.Second, From: 300, To: 1000}, {Burst: 3000},
		{For: 15 * time.Second, From: 4000, To: 4000}, {For: 7 * time.Second, From: 0, To: 0}, {For: 60 * time.Second, From: 3000, To: 1500}}
	p := NewProfile(slopes)
	require.Equal(t, 6000+16250+3000+60000+135000, p.Orders())
	last := time.Duration(0)
	for n := range p.Orders() {
		if now := p.At(n); now >= last {
			last = now
			continue
		}
		require.Fail(t, "back in time", "order %d", n)
	}
	require.Less(t, last, p.Duration())
	begin := time.Duration(0)
	for i, s := range slopes {
		got := p.Before(begin+s.For) - p.Before(begin)
		if s.For > 0 {
			want := s.orders()
			if i == 3 {
				want += 3000 // the burst at its begin
			}
			require.InDelta(t, want, got, 1, "slope %d", i)
		}
		begin += s.For
	}
}
