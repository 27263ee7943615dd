package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func htmlOf(t *testing.T, r *Result) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.Validate())
	require.NoError(t, WriteHTML(&b, r))
	return b.String()
}

// reference is what makes a browser ask for something else.
var reference = regexp.MustCompile(`(?i)(?:\b(?:src|href|srcset|action|poster)\s*=|@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|import\()`)

func requireAlone(t *testing.T, page string) {
	t.Helper()
	require.Empty(t, reference.FindAllString(page, -1))
	require.Contains(t, page, `content="default-src 'none';`, "the browser refuses what slips through")
	require.NotContains(t, page, "ZgotmplZ", "html/template didn't trust a value")
}

func TestHTMLNeedsNothingElse(t *testing.T) {
	page := htmlOf(t, sample(1, 1))
	requireAlone(t, page)
	require.True(t, reference.MatchString(`<img src="x">`))
	for _, want := range []string{"✕ NO-GO", "accepted p99 was", "The generator itself was late.", "broker 1 of 3 killed", "kill: broker 1", "1:20 to 1:40: 11,520 orders waited in it, and nothing longer than 6.01 s", `id="plot-lag"`, `id="plot-distribution"`} {
		require.Contains(t, page, want)
	}
}

func TestWhatWasNotMeasuredIsSaid(t *testing.T) {
	r := small()
	r.Thresholds[0].Value = Unknown
	require.Contains(t, htmlOf(t, r), "not measured")
	var b bytes.Buffer
	require.NoError(t, r.WriteText(&b))
	require.Contains(t, b.String(), "not measured")
}

func TestHTMLOfARunWithoutAnything(t *testing.T) {
	page := htmlOf(t, &Result{Version: Version, Scenario: "nothing", Verdict: Go})
	requireAlone(t, page)
	require.Contains(t, page, "✓ GO")
	for _, unwanted := range []string{"Why not", "generator itself", "Thresholds", "Latencies", "Audit", "Outages", `id="plot-`} {
		require.NotContains(t, page, unwanted)
	}
}

// Whatever a name holds stays text.
func TestHTMLEscapesNames(t *testing.T) {
	const evil = `</script></style></title><script>alert(1)</script><img src=x onerror=alert(2)>"'&<!--]]>`
	r := sample(1, 1)
	r.Scenario, r.Text, r.Reasons = evil, evil, []string{evil}
	r.Thresholds[0].Name, r.Thresholds[0].Unit, r.Phases[0].Name = evil, evil, evil
	r.Markers[0].Kind, r.Markers[0].Text, r.Latencies[0].Name = evil, evil, evil
	r.Series[3].Name, r.Series[3].Unit = evil, evil
	r.Series[4].Name = SeriesLagPrefix + evil
	r.Audit.Verdict, r.Audit.Violations = evil, map[string]int64{evil: 3}
	page := htmlOf(t, r)
	plain := htmlOf(t, sample(1, 1))
	count := func(page, what string) int { return strings.Count(strings.ToLower(page), what) }
	for _, tag := range []string{"<script", "</script", "</style", "</title", "<img", "<!--"} {
		require.Equal(t, count(plain, tag), count(page, tag), tag)
	}
	require.Equal(t, evil, dataOf(t, page).Bands[0].Name, "what the script reads is what was written")
}

// dataOf returns what the page's script reads.
func dataOf(t *testing.T, page string) (data struct {
	Bands, Outages []band
	Plots          []struct {
		ID    string
		X     []float64
		Lines []struct {
			Label  string
			Values []*float64
		}
	}
}) {
	t.Helper()
	_, rest, ok := strings.Cut(page, `<script type="application/json" id="data">`)
	require.True(t, ok)
	text, _, _ := strings.Cut(rest, "</script>")
	require.NoError(t, json.Unmarshal([]byte(text), &data))
	return data
}

func TestPlotsFollowTheSeconds(t *testing.T) {
	r := &Result{Version: Version, Scenario: "s", Verdict: Go, Seconds: 4,
		Series:    []Series{{Name: SeriesSent, Points: []float64{5, Unknown, 7}}},
		Latencies: []Latency{{Name: "accepted", Count: 2, Over: []Second{{0.4, 1, 0, 20, 30}, {3, 1, 11.23456, 21, 31}}}}}
	data := dataOf(t, htmlOf(t, r))
	require.Len(t, data.Plots, 2)
	require.Equal(t, []float64{0, 1, 2, 3}, data.Plots[0].X)
	v := func(x float64) *float64 { return &x }
	require.Equal(t, []*float64{v(5), nil, v(7), nil}, data.Plots[0].Lines[0].Values)
	p50 := data.Plots[1].Lines[2]
	require.Equal(t, "p50", p50.Label)
	require.Equal(t, []*float64{v(latencyLeast), nil, nil, v(11.23)}, p50.Values)
}

// A day's run is drawn in steps, and its worst second is still to be seen.
func TestPlotsOfALongRunKeepTheWorst(t *testing.T) {
	r := &Result{Version: Version, Scenario: "soak", Verdict: Go, Seconds: 86_400}
	l := Latency{Name: "accepted"}
	for at := range 86_400 {
		l.Over = append(l.Over, Second{At: float64(at), Count: 1, P50: 1, P99: 2, Max: 3})
	}
	l.Over[50_001].Max = 9000
	r.Latencies = []Latency{l}
	plot := dataOf(t, htmlOf(t, r)).Plots[0]
	require.LessOrEqual(t, len(plot.X), pointsMax)
	highest := 0.0
	for _, y := range plot.Lines[0].Values {
		highest = max(highest, *y)
	}
	require.Equal(t, 9000.0, highest)
}

func TestUPlotIsWhatSourceSays(t *testing.T) {
	source := embeddedForTest(t, "uplot/SOURCE")
	sums := regexp.MustCompile(`(?m)^([0-9a-f]{64})  (\S+)$`).FindAllStringSubmatch(source, -1)
	require.Len(t, sums, 3)
	for _, s := range sums {
		sum := sha256.Sum256([]byte(embeddedForTest(t, "uplot/"+s[2])))
		require.Equal(t, s[1], hex.EncodeToString(sum[:]), s[2])
	}
}
