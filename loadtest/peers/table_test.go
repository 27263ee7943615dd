package main

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func replaceOnce(s, old, fresh string) string { return strings.Replace(s, old, fresh, 1) }

func TestMedian(t *testing.T) {
	f := func(want float64, values ...float64) {
		t.Helper()
		require.InDelta(t, want, median(values), 1e-12)
	}
	f(5, 5)
	f(3, 4, 2)
	f(2, 3, 1, 2)
	f(7, 100, 7, 1)
	f(2.5, 4, 1, 3, 2)
	require.True(t, math.IsNaN(median(nil)))

	values := []float64{3, 1, 2}
	median(values)
	require.Equal(t, []float64{3, 1, 2}, values, "the runs stay in their order")
}

func someTable() Table {
	run := func(perSecond, perCore float64, rss int64) Answer {
		return Answer{Records: 1000, Accepted: 400, Rejected: 600, PerSecond: perSecond, PerCoreSecond: perCore, RSSMiB: rss}
	}
	return Table{Case: Case{Name: "with refusals"}, Lines: 1_234_567, Accepted: 400_000, Rows: []Row{
		{Name: "holdfast", Runs: []Answer{run(300_000, 190_000, 500), run(310_000, 170_000, 540), run(290_000, 180_000, 520)}},
		{Name: "kafka-streams", Runs: []Answer{run(100_000, 60_000, 1000), run(120_000, 59_000, 1040), run(90_000, 70_000, 1100)}},
	}}
}

// Medians are of each column: in someTable they are of different runs.
func TestFill(t *testing.T) {
	table := someTable()
	table.fill("kafka-streams")
	h, k := table.Rows[0], table.Rows[1]
	require.Equal(t, []float64{300_000, 180_000, 520}, []float64{h.PerSecond, h.PerCoreSecond, h.RSSMiB})
	require.Equal(t, []float64{100_000, 60_000, 1040}, []float64{k.PerSecond, k.PerCoreSecond, k.RSSMiB})
	require.Equal(t, []float64{3, 3, 0.5}, []float64{h.PerSecondRatio, h.PerCoreSecondRatio, h.RSSRatio})
	require.Equal(t, []float64{1, 1, 1}, []float64{k.PerSecondRatio, k.PerCoreSecondRatio, k.RSSRatio})
}

func TestFillWithoutBaseline(t *testing.T) {
	table := someTable()
	table.fill("flink")
	require.Zero(t, table.Rows[0].PerSecondRatio)
	require.InDelta(t, 300_000, table.Rows[0].PerSecond, 0)
	var out strings.Builder
	require.NoError(t, table.write(&out, "flink"))
	require.Contains(t, out.String(), "| 300,000 (290,000 to 310,000) | - ")
}

func TestWrite(t *testing.T) {
	table := someTable()
	table.fill("kafka-streams")
	var out strings.Builder
	require.NoError(t, table.write(&out, "kafka-streams"))
	require.Equal(t, `
with refusals: 1,234,567 lines, 400,000 accepted (32.4 %); medians of 3 runs, the slowest and fastest run in brackets; ratios to kafka-streams

|               | lines/s                      | ratio | lines per core-second | ratio | peak RSS, MiB | ratio |
|---            |---                           |---    |---                    |---    |---            |---    |
| holdfast      | 300,000 (290,000 to 310,000) | 3.00  | 180,000               | 3.00  | 520           | 0.50  |
| kafka-streams | 100,000 (90,000 to 120,000)  | 1.00  | 60,000                | 1.00  | 1,040         | 1.00  |
`, out.String())
}

func TestThousands(t *testing.T) {
	f := func(v float64, want string) {
		t.Helper()
		require.Equal(t, want, thousands(v))
	}
	f(0, "0")
	f(999.4, "999")
	f(999.6, "1,000")
	f(123456, "123,456")
	f(1234567, "1,234,567")
}

func TestCheckShares(t *testing.T) {
	table := someTable()
	require.NoError(t, table.checkShares())
	last := &table.Rows[1].Runs[2]
	last.Accepted = 403
	require.NoError(t, table.checkShares(), "within 1 %")
	last.Accepted = 405
	require.ErrorContains(t, table.checkShares(), "holdfast accepted 400 of 1000 lines, and kafka-streams 405 of 1000")
	last.Accepted = 0
	require.Error(t, table.checkShares())
}
