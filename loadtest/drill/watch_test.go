package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a partition had committed before the fault shows only with its takeover,
// and isn't a decision after it.
func TestWatchCountsOnlyWhatIsDecidedAfterTheMark(t *testing.T) {
	w := &Watch{scene: &Scene{App: "x", logs: 1}, seen: map[Place]sight{}}
	at := func(phase string, next int64) Status {
		return Status{Partitions: []Partition{{Place: Place{"orders", "x.log.orders", 0}, Phase: phase, Next: next}, {Place: Place{"intake", "x.stock.feed", 0}, Phase: "running", Next: next}}}
	}
	again := func() bool { return w.seen[Place{"orders", "x.log.orders", 0}].done }
	now := time.Now
	w.note(now(), at("running", 5))
	w.note(now(), at("running", 6))
	require.True(t, again())
	w.Mark()
	w.note(now().Add(-time.Minute), at("running", 7)) // asked before
	require.Empty(t, w.seen)
	w.note(now(), at("restoring", 7))
	require.Empty(t, w.seen)
	w.note(now(), at("running", 9)) // taken over at 9
	require.False(t, again())
	w.note(now(), at("running", 9))
	require.False(t, again())
	w.note(now(), at("running", 10))
	require.True(t, again())
	took, err := w.Again(t.Context())
	require.NoError(t, err)
	require.Positive(t, took)
	longest, where := w.Longest()
	require.Equal(t, "orders x.log.orders/0", where.String())
	require.GreaterOrEqual(t, longest, took)
}

func TestMetric(t *testing.T) {
	const text = "# HELP a_total x\n# TYPE a_total counter\na_total{stage=\"orders\",result=\"x\"} 3\na_total{stage=\"intake\",result=\"x\"} 4\na_total_more 7\nb 1.5e+03\n"
	for _, c := range []struct {
		name   string
		labels []string
		want   float64
	}{{"a_total", nil, 7}, {"a_total", []string{`stage="orders"`}, 3}, {"b", nil, 1500}, {"c", nil, 0}} {
		got, err := metric(text, c.name, c.labels)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}
