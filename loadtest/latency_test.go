package loadtest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

func TestLatency(t *testing.T) {
	l := NewLatency()
	require.Zero(t, l.Quantile(0.99))
	start := time.Unix(1_762_794_000, 0)
	for i := range 1000 {
		key := record.OrderKey(fmt.Sprint(i))
		l.Sent(key, start)
		require.True(t, l.Seen(key, start.Add(time.Duration(i+1)*time.Millisecond)))
		require.False(t, l.Seen(key, start.Add(time.Hour)), "only the first event counts")
	}
	require.InEpsilon(t, 500*time.Millisecond, l.Quantile(0.5), 0.002)
	require.InEpsilon(t, 990*time.Millisecond, l.Quantile(0.99), 0.002)
	longest, key := l.Max()
	require.InEpsilon(t, time.Second, longest, 0.002)
	require.EqualValues(t, "999", key)
	require.False(t, l.Seen("nobody's", start))
	l.Sent("late", start)
	seen, waiting := l.Count()
	require.Equal(t, []int{1000, 1}, []int{seen, waiting})
}

func TestLatencyBeyondItsBounds(t *testing.T) {
	l := NewLatency()
	start := time.Unix(1_762_794_000, 0)
	l.Sent("a", start)
	l.Sent("b", start)
	require.True(t, l.Seen("a", start.Add(-time.Second)), "clocks differ")
	require.True(t, l.Seen("b", start.Add(48*time.Hour)))
	require.InEpsilon(t, time.Hour, l.Quantile(1), 0.002)
}

func TestLatencyOfManyGoroutines(t *testing.T) {
	l := NewLatency()
	start := time.Unix(1_762_794_000, 0)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 500 {
				key := record.OrderKey(fmt.Sprintf("%d/%d", g, i))
				l.Sent(key, start)
				l.Seen(key, start.Add(time.Millisecond))
			}
		})
	}
	wg.Wait()
	seen, waiting := l.Count()
	require.Equal(t, []int{2000, 0}, []int{seen, waiting})
}
