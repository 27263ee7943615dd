package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/report"
)

// tinyScenario is a smoke test's smoke test.
const tinyScenario = `
name: tiny
phases:
- {name: ramp, for: 500ms, from: 50, to: 200}
- {name: plateau, for: 500ms, rate: 200}
spikes: [{at: 700ms, orders: 50}]
tail: 1s
channels: {shopee: 1, web: 1}
skus: {count: 20, hot: [{sku: HOT, units: 5, share: 0.2}]}
payments: {prepaid: 1, unpaid: 1, hold: 1s, never: 0.5}
noise: {duplicates: 0.1, out_of_order: 0.05, broken: 0.02}
faults: [{at: 200ms, name: nothing breaks, run: ["true"]}]
thresholds: {unanswered: 0, oversold_units: 0, dead_letters_max: 0, accepted_p99_ms: 60000, lag_max: 100000, channel_p99_ms: 60000}
`

// TestLoadtestRun: a rehearsal on a running node ends in GO, and the same with a
// threshold that nothing can keep in NO-GO with the reason. The second one's
// orders aren't taken for the first one's.
func TestLoadtestRun(t *testing.T) {
	h, _ := withBroker(t)
	h.timeout = 4 * time.Minute // some seconds, but many times that under the race detector
	h.good("topics", "apply", "--set", "channels=shopee,web")
	n := h.startNode(t.TempDir(), "--set", "channels=shopee,web")
	file, dir := writeFile(t, "tiny.yaml", tinyScenario), t.TempDir()

	said := h.good("loadtest", "run", file, "--json", filepath.Join(dir, "a.json"), "--report", filepath.Join(dir, "a.html"))
	require.True(t, strings.HasPrefix(said, "GO: tiny\n"), said)
	f, err := os.Open(filepath.Join(dir, "a.json"))
	require.NoError(t, err)
	defer f.Close()
	r, err := report.Read(f)
	require.NoError(t, err)
	requireWhole(t, r)
	require.Contains(t, readFile(t, filepath.Join(dir, "a.html")), "tiny")

	over := writeFile(t, "over.yaml", "faults: [{at: 300ms, run: [\"true\"], restore: true, outage: 2s}]\nthresholds: {outage_max_ms: 60000, lag_max: }")
	out := h.run("loadtest", "run", file, "--with", over, "--change", "thresholds.accepted_p99_ms=0.001", "--rate", "100", "-o", "json")
	require.Equal(t, exitViolation, out.code, out.errout)
	require.Regexp(t, `holdfast: NO-GO: accepted_p99_ms is [0-9.]+ ms, and may be 0.001 ms.\n$`, out.errout)
	second := decodeJSON[report.Result](t, out.out)
	require.Equal(t, report.NoGo, second.Verdict)
	require.Len(t, second.Reasons, 1)
	require.Len(t, second.Outages, 1)
	require.Equal(t, []float64{0.3, 2.3}, []float64{second.Outages[0].From, second.Outages[0].To})
	require.Positive(t, second.Outages[0].Orders, "who was due in it")
	require.Positive(t, second.Outages[0].MaxMillis)
	require.Equal(t, report.MarkerRestore, second.Markers[0].Kind, "the scenario's own fault is replaced")
	var judged []string
	for _, x := range second.Thresholds {
		judged = append(judged, x.Name)
	}
	require.Equal(t, []string{"accepted_p99_ms", "channel_p99_ms", "dead_letters_max", "outage_max_ms", "oversold_units", "unanswered"}, judged)
	require.EqualValues(t, 106, second.Totals.OrdersSent, "half of all rates")
	require.Equal(t, r.Audit.Orders+second.Totals.OrdersSent, second.Audit.Orders, "the audit is of all that there is")
	n.stop()
}

// requireWhole checks that the result of the first run has everything in it.
func requireWhole(t *testing.T, r *report.Result) {
	t.Helper()
	require.Equal(t, report.Go, r.Verdict)
	require.Equal(t, tinyScenario, r.Text)
	require.EqualValues(t, 62+100+50, r.Totals.OrdersSent)
	require.Equal(t, r.Totals.OrdersSent, r.Audit.Orders)
	require.Positive(t, r.Totals.Accepted)
	require.Positive(t, r.Totals.ChannelUpdates)
	require.Positive(t, r.Totals.Duplicates)
	require.EqualValues(t, 4, r.Totals.Broken)
	require.Equal(t, r.Totals.Broken, r.Totals.DeadLetters)
	require.Equal(t, []report.Marker{{At: r.Markers[0].At, Kind: report.MarkerFault, Text: "nothing breaks"}}, r.Markers)
	require.GreaterOrEqual(t, r.Markers[0].At, 0.2)
	require.Len(t, r.Phases, 2)
	require.Equal(t, report.Phase{Name: "plateau", From: 0.5, To: 1, RateFrom: 200, RateTo: 200}, r.Phases[1])
	require.GreaterOrEqual(t, r.Seconds, 1.0)

	latency := map[string]report.Latency{}
	for _, l := range r.Latencies {
		latency[l.Name] = l
	}
	require.Equal(t, r.Totals.OrdersSent, latency["accepted"].Count, "each order has one first answer")
	require.LessOrEqual(t, latency["decided"].Count, latency["accepted"].Count)
	require.Positive(t, latency["channel web"].Count, "the hot SKU sells out")
	for _, l := range r.Latencies {
		sum := int64(0)
		for _, s := range l.Over {
			sum += s.Count
		}
		require.Equal(t, l.Count, sum, l.Name)
	}

	series := map[string]float64{}
	for _, s := range r.Series {
		require.Len(t, s.Points, len(r.Series[0].Points), s.Name)
		for _, p := range s.Points {
			series[s.Name] += p
		}
	}
	require.EqualValues(t, r.Totals.OrdersSent, series["intended"])
	require.EqualValues(t, r.Totals.OrdersSent, series["sent"])
	require.EqualValues(t, latency["decided"].Count, series["decided"])
	require.EqualValues(t, r.Totals.Rejected, series["refused"])
	for _, stage := range []string{"intake", "orders", "inventory", "channels"} {
		require.Contains(t, series, "lag "+stage)
	}
}

// TestLoadtestRunInterrupted: Ctrl-C ends the load, and what was measured until
// then is told.
func TestLoadtestRunInterrupted(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply", "--set", "channels=shopee,web")
	n := h.startNode(t.TempDir(), "--set", "channels=shopee,web")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	var out, errout sharedText
	code := make(chan int, 1)
	file := writeFile(t, "tiny.yaml", tinyScenario)
	go func() {
		code <- Run(ctx, []string{"loadtest", "run", file, "--change", "phases.plateau.for=1h", "--change", "faults=[]", "-o", "json"},
			Process{Stdout: &out, Stderr: &errout, Environ: h.environ})
	}()
	h.follow("order.events").next()
	cancel()
	require.Equal(t, exitViolation, <-code, errout.String())
	require.Contains(t, errout.String(), "NO-GO: It was interrupted after")
	var r report.Result
	require.NoError(t, json.Unmarshal([]byte(out.String()), &r))
	require.Equal(t, report.NoGo, r.Verdict)
	require.Contains(t, r.Reasons[0], "It was interrupted after")
	require.Contains(t, r.Reasons[0], "of 3602 s")
	require.Contains(t, strings.Join(r.Reasons, " "), "There was no audit: the run was interrupted.")
	require.Positive(t, r.Totals.OrdersSent)
	require.Positive(t, r.Latencies[0].Count)
	require.Nil(t, r.Audit)
	n.stop()
}

// What can't be run is refused before anything is sent.
func TestLoadtestRunRefuses(t *testing.T) {
	h := &harness{t: t}
	require.Contains(t, h.bad(exitUsage, "loadtest", "run", "nowhere.yaml"), "the scenarios that come with Holdfast are 11.11, conflation, failover, flash-sale, smoke, soak, steady")
	require.Contains(t, h.bad(exitUsage, "loadtest", "run", "smoke", "--change", "speed=3"), "a scenario has no key speed")
	require.Contains(t, h.bad(exitUsage, "loadtest", "run", writeFile(t, "a.yaml", "name: a")), "0 phases")
	require.Contains(t, h.bad(exitUsage, "loadtest", "run", "11.11", "--with", "nowhere.yaml"), "the files to lay over a scenario that come with Holdfast are node-killed")
	require.Contains(t, h.bad(exitUsage, "loadtest", "run", "smoke", "--with", "node-killed"), "faults[0].at is 50s: from 0s to 15s")
	require.Contains(t, h.bad(exitUsage, "loadtest", "run", "11.11", "--with", writeFile(t, "over.yaml", "speed: 3")), "a scenario has no key speed")
	h, _ = withBroker(t)
	require.Contains(t, h.bad(exitFailed, "loadtest", "run", "smoke"), "there is no topic of an application")
	h.good("topics", "apply", "--set", "channels=web")
	require.Contains(t, h.bad(exitFailed, "loadtest", "run", "smoke", "--set", "kafka.connect_timeout=100ms"), "no node runs the stage intake")
	n := h.startNode(t.TempDir(), "--set", "channels=web")
	defer n.stop()
	require.Contains(t, h.bad(exitFailed, "loadtest", "run", "11.11", "--with", "node-killed", "--change", "channels={web: 1}"), `the fault "node b is killed" can't be done: open node-b.pid: no such file or directory`)
	require.Contains(t, h.bad(exitFailed, "loadtest", "run", "smoke"), "the scenario sells on channels that the system doesn't have: lazada pos shopee shopify tiktok")
}
