package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func figureOf(t *testing.T, c *Comparison, name string) Figure {
	t.Helper()
	for _, f := range c.Figures {
		if f.Name == name {
			return f
		}
	}
	require.Fail(t, "no figure", name)
	return Figure{}
}

func TestCompareWithItselfIsTheSame(t *testing.T) {
	r := sample(1, 1)
	c := Compare(r, r, CompareConfig{})
	require.False(t, c.Regressed)
	for _, f := range c.Figures {
		require.Contains(t, []Judgement{Same, Shown}, f.Judgement, f.Name)
	}
}

// Two runs of one system differ, and none of it is a regression, however little
// is asked for.
func TestCompareTakesChanceForNoise(t *testing.T) {
	first := sample(1, 1)
	for seed := uint64(2); seed < 6; seed++ {
		c := Compare(first, sample(seed, 1), CompareConfig{})
		for _, f := range c.Figures {
			require.NotEqual(t, Regressed, f.Judgement, "seed %d: %s", seed, f.Name)
		}
	}
}

func TestCompareFindsASlowerSystem(t *testing.T) {
	c := Compare(sample(1, 1), sample(2, 1.3), DefaultCompare())
	require.True(t, c.Regressed)
	for _, name := range []string{"accepted p50", "decided p50", "channel shopee p50"} {
		require.Equal(t, Regressed, figureOf(t, &c, name).Judgement, name)
	}
	f := figureOf(t, &c, "accepted p50")
	require.InDelta(t, 0.3, *f.Change, 0.05)
	back := Compare(sample(2, 1.3), sample(1, 1), DefaultCompare())
	require.False(t, back.Regressed)
	require.Equal(t, Improved, figureOf(t, &back, "accepted p50").Judgement)
	lenient := Compare(sample(1, 1), sample(2, 1.3), CompareConfig{Worse: 0.5})
	require.False(t, lenient.Regressed)
}

// judged changes a copy of a and tells how a figure was judged against a.
func judged(t *testing.T, a *Result, of []byte, name string, change func(b *Result)) Judgement {
	t.Helper()
	b, err := parse(of)
	require.NoError(t, err)
	change(b)
	require.NoError(t, b.Validate())
	c := Compare(a, b, DefaultCompare())
	f := figureOf(t, &c, name)
	require.Equal(t, f.Judgement == Regressed, c.Regressed)
	return f.Judgement
}

func TestCompareJudges(t *testing.T) {
	a := sample(1, 0.5)
	of := jsonOf(t, a)
	for _, c := range []struct {
		name   string
		want   Judgement
		change func(b *Result)
	}{
		{"verdict", Improved, func(b *Result) { b.Verdict = Go }},
		{"audit", Regressed, func(b *Result) { b.Audit.Verdict = "fail" }},
		{"oversold units", Regressed, func(b *Result) { b.Audit.OversoldUnits = 1 }},
		{"threshold decided p50", Regressed, func(b *Result) { b.Thresholds[1].Kept = false }},
		{"threshold accepted p99", Improved, func(b *Result) { b.Thresholds[0].Kept = true }},
		{"threshold decided p50", Regressed, func(b *Result) { b.Thresholds[1].Kept, b.Thresholds[1].Value = false, Unknown }},
		{"threshold decided p50", Missing, func(b *Result) { b.Thresholds = b.Thresholds[:1] }},
		{"accepted p99", Missing, func(b *Result) { b.Latencies = b.Latencies[1:] }},
		{"accepted max", Shown, func(b *Result) { b.Latencies[0].Max *= 10 }},
		{"accepted p50", Shown, func(b *Result) { b.Latencies[0].Histogram, b.Latencies[0].P50 = "", 1e6 }},
		{"dead letters of all orders", Regressed, func(b *Result) { b.Totals.DeadLetters *= 2 }},
		{"dead letters of all orders", Noise, func(b *Result) { b.Totals.DeadLetters += 5 }},
		{"accepted of all orders", Regressed, func(b *Result) { b.Totals.Accepted /= 2 }},
		{"shipped", Shown, func(b *Result) { b.Totals.Shipped = 0 }},
		{"decided, mean", Same, func(b *Result) {}},
		{"decided, mean", Regressed, func(b *Result) { scale(b, SeriesDecided, 0.5) }},
		{"decided, mean", Shown, func(b *Result) { scale(b, SeriesDecided, 0.5); scale(b, SeriesIntended, 0.5) }},
		{"lag inventory, mean", Missing, func(b *Result) { b.Series = b.Series[:4] }},
		{"lag orders, mean", Regressed, func(b *Result) { add(b, "lag orders", 500) }},
		{"lag orders, mean", Noise, func(b *Result) { add(b, "lag orders", 40) }},
		{"lag inventory, mean", Noise, func(b *Result) { scale(b, "lag inventory", 30) }}, // of one stall
		{"refused, mean", Shown, func(b *Result) { scale(b, SeriesRefused, 0) }},
	} {
		require.Equal(t, c.want, judged(t, a, of, c.name, c.change), c.name)
	}
}

func scale(r *Result, name string, by float64) {
	points, _ := r.series(name)
	for i := range points {
		points[i] *= by
	}
}

func add(r *Result, name string, what float64) {
	points, _ := r.series(name)
	for i := range points {
		points[i] += what
	}
}

func TestCompareNotes(t *testing.T) {
	a, b := sample(1, 0), sample(1, 0)
	a.Behind = Behind{MaxMillis: 2}
	b.Scenario, b.Seed = "other", 12
	c := Compare(a, b, DefaultCompare())
	notes := strings.Join(c.Notes, "\n")
	require.Contains(t, notes, `The scenarios differ, "rush with a broker killed" and "other"`)
	require.Contains(t, notes, "The seeds differ, 11 and 12")
	require.Contains(t, notes, "In B the generator itself was late, by up to 143 ms")
	require.NotContains(t, notes, "In A")
}

func TestCompareConfig(t *testing.T) {
	require.NoError(t, DefaultCompare().Validate())
	require.Error(t, CompareConfig{Worse: -0.1}.Validate())
}

func TestCompareTextAndJSON(t *testing.T) {
	c := Compare(small(), func() *Result {
		b := small()
		b.Thresholds[0].Kept, b.Verdict, b.Reasons = true, Go, nil
		b.Totals.DeadLetters, b.Totals.Rejected = 4000, 0
		b.Latencies = append(b.Latencies, Latency{Name: "channel shopee", Count: 1, P50: 3, P90: 3, P99: 3, P999: 3, Max: 3})
		return b
	}(), DefaultCompare())
	var text bytes.Buffer
	require.NoError(t, c.WriteText(&text))
	golden(t, "compare.txt", text.Bytes())
	js, err := json.MarshalIndent(c, "", "  ")
	require.NoError(t, err)
	golden(t, "compare.json", append(js, '\n'))
}

func TestCompareHTML(t *testing.T) {
	a, b := sample(1, 1), sample(2, 1.3)
	const evil = `</script><script>alert(1)</script>`
	b.Scenario, b.Thresholds[0].Name, b.Latencies[1].Name, b.Markers[0].Text = evil, evil, evil, evil
	c := Compare(a, b, DefaultCompare())
	var page bytes.Buffer
	require.NoError(t, c.WriteHTML(&page))
	requireAlone(t, page.String())
	require.NotContains(t, page.String(), evil)
	require.Contains(t, page.String(), "✕ REGRESSED")
	require.Contains(t, page.String(), "▲ regressed")
	data := dataOf(t, page.String())
	require.Len(t, data.Plots, 5, "decided, and p99 and distribution of the two latencies that both have")
	for _, p := range data.Plots {
		require.Len(t, p.Lines, 2, p.ID)
	}
}
