package run

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/report"
	"holdfast/loadtest/scenario"
)

// good is a run in which nothing went wrong.
func good() (*report.Result, *outcome) {
	latencies := []report.Latency{{Name: "accepted", Count: 1000, P50: 10, P99: 80, P999: 90, Max: 95}, {Name: "decided", Count: 1000, P99: 81, Max: 96}, {Name: "channel web", Count: 3, P99: 40}, {Name: "channel pos", Count: 3, P99: 60}}
	return &report.Result{
		Totals:    report.Totals{OrdersSent: 1000, Accepted: 900, Rejected: 100, Broken: 3, DeadLetters: 3},
		Behind:    report.Behind{MaxMillis: 12, Share: 0},
		Latencies: latencies,
		Outages:   []report.Outage{{From: 3, To: 5, Orders: 7, MaxMillis: 4000}, {From: 7, To: 8, MaxMillis: 2000}},
		Growth: []report.Growth{{Name: "memory a", Then: 100, Now: 90}, {Name: "memory b", Then: 100, Now: 125}, {Name: "heap a", Then: 10, Now: 11}, {Name: "goroutines a", Then: 50, Now: 53},
			{Name: "descriptors a", Then: 0, Now: 2}, {Name: "disk a", Then: 8, Now: 8}, {Name: "broker changelogs", Then: 4, Now: 5}, {Name: "broker logs", Then: 1, Now: 9}},
		Audit: &report.Audit{Verdict: "pass", Orders: 1000, Violations: map[string]int64{}},
	}, &outcome{planned: 10 * time.Second, drain: 2 * time.Second, lagMost: 500, lagKnown: true, judged: latencies}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		what       string
		thresholds map[string]float64
		spoil      func(r *report.Result, o *outcome)
		reasons    []string // none: GO
	}{
		{"nothing asked for", nil, nil, nil},
		{"all kept, to the last bit", map[string]float64{"accepted_p50_ms": 10, "accepted_p99_ms": 80, "accepted_p999_ms": 90, "accepted_max_ms": 95, "decided_p99_ms": 81, "decided_max_ms": 96,
			"channel_p99_ms": 60, "lag_max": 500, "drain_max_s": 2, "behind_max_ms": 12, "behind_share": 0, "dead_letters_max": 0, "rejected_share": 0.1, "outage_max_ms": 4000, "unanswered": 0, "oversold_units": 0, "violations": 0}, nil, nil},
		{"one broken", map[string]float64{"accepted_p99_ms": 79.9, "lag_max": 500}, nil, []string{"accepted_p99_ms is 80 ms, and may be 79.9 ms."}},
		{"the slowest channel counts", map[string]float64{"channel_p99_ms": 50}, nil, []string{"channel_p99_ms is 60 ms, and may be 50 ms."}},
		{"dead letters beyond the broken records", map[string]float64{"dead_letters_max": 1}, func(r *report.Result, _ *outcome) { r.Totals.DeadLetters = 5 }, []string{"dead_letters_max is 2 records, and may be 1 records."}},
		{"fewer dead letters than broken records aren't bonus", map[string]float64{"dead_letters_max": 0}, func(r *report.Result, _ *outcome) { r.Totals.DeadLetters = 0 }, nil},
		{"not measured isn't kept", map[string]float64{"accepted_p99_ms": 1000, "lag_max": 1e9, "drain_max_s": 10}, func(r *report.Result, o *outcome) {
			o.judged, o.lagKnown, o.notDrained = nil, false, errors.New("12 records to go")
		}, []string{"The system didn't come to rest: 12 records to go.", "accepted_p99_ms wasn't measured.", "drain_max_s wasn't measured.", "lag_max wasn't measured."}},
		{"oversold, whatever the thresholds", nil, func(r *report.Result, _ *outcome) {
			r.Audit = &report.Audit{Verdict: "fail", OversoldUnits: 2, Violations: map[string]int64{"oversold": 2, "leaked": 1, "seq_gap": 0}}
		}, []string{"The audit found violations: leaked 1, oversold 2."}},
		{"oversold beyond its threshold", map[string]float64{"oversold_units": 0, "violations": 5}, func(r *report.Result, _ *outcome) {
			r.Audit = &report.Audit{Verdict: "fail", OversoldUnits: 2, Violations: map[string]int64{"oversold": 2}}
		}, []string{"The audit found violations: oversold 2.", "oversold_units is 2 units, and may be 0 units."}},
		{"no audit where one was asked for", map[string]float64{"oversold_units": 0}, func(r *report.Result, o *outcome) {
			r.Audit, o.notAudited = nil, errors.New("no such topic")
		}, []string{"There was no audit: no such topic.", "oversold_units wasn't measured."}},
		{"orders without an answer", nil, func(_ *report.Result, o *outcome) { o.unanswered, o.example = 3, "web/main/W-1" },
			[]string{"3 orders were never answered, web/main/W-1 among them."}},
		{"some of which are allowed", map[string]float64{"unanswered": 3}, func(_ *report.Result, o *outcome) { o.unanswered = 3 }, nil},
		{"but not so many", map[string]float64{"unanswered": 2}, func(_ *report.Result, o *outcome) { o.unanswered = 3 }, []string{"unanswered is 3 orders, and may be 2 orders."}},
		{"interrupted", nil, func(_ *report.Result, o *outcome) { o.interrupted = 4 * time.Second }, []string{"It was interrupted after 4 s of 10 s."}},
		{"records that weren't sent", nil, func(_ *report.Result, o *outcome) { o.sendFailed, o.sendError = 7, errors.New("no leader") }, []string{"7 records couldn't be sent: no leader."}},
		{"the last of them", nil, func(_ *report.Result, o *outcome) { o.sendError = errors.New("too late") }, []string{"Not everything was sent: too late."}},
		{"a fault that wasn't one", nil, func(_ *report.Result, o *outcome) { o.faults = []string{"At 3 s: x didn't work: y."} }, []string{"At 3 s: x didn't work: y."}},
		{"who waits during an outage", map[string]float64{"outage_max_ms": 3999, "accepted_max_ms": 95}, nil, []string{"outage_max_ms is 4000 ms, and may be 3999 ms."}},
		{"an outage in which nothing waited", map[string]float64{"outage_max_ms": 0}, func(r *report.Result, _ *outcome) { r.Outages = []report.Outage{{From: 3, To: 5}} }, nil},
		{"nothing but outage", map[string]float64{"outage_max_ms": 4000, "accepted_p99_ms": 1e9}, func(_ *report.Result, o *outcome) {
			o.judged = []report.Latency{{Name: "accepted"}}
		}, []string{"accepted_p99_ms wasn't measured."}},
		{"what may grow so much", map[string]float64{"memory_growth": 0.25, "heap_growth": 0.1, "goroutines_growth": 3, "descriptors_growth": 2, "disk_growth": 0, "changelogs_growth": 0.25}, nil, nil},
		{"the node that grows most counts", map[string]float64{"memory_growth": 0.24, "goroutines_growth": 2.5}, nil, []string{"goroutines_growth is 3 goroutines, and may be 2.5 goroutines.", "memory_growth is 0.25, and may be 0.24."}},
		{"a node of which too little is known", map[string]float64{"memory_growth": 9}, func(r *report.Result, _ *outcome) { r.Growth[0].Now = report.Unknown }, []string{"memory_growth wasn't measured."}},
		{"a share of nothing", map[string]float64{"disk_growth": 9}, func(r *report.Result, _ *outcome) { r.Growth[5].Then = 0 }, []string{"disk_growth wasn't measured."}},
		{"a generator behind", map[string]float64{"behind_max_ms": 10}, nil, []string{"behind_max_ms is 12 ms, and may be 10 ms."}},
	} {
		r, o := good()
		if c.spoil != nil {
			c.spoil(r, o)
		}
		judge(r, &scenario.Scenario{Thresholds: c.thresholds}, o)
		require.Equal(t, strings.Join(c.reasons, "\n"), strings.Join(r.Reasons, "\n"), c.what)
		want := report.Go
		if len(c.reasons) > 0 {
			want = report.NoGo
		}
		require.Equal(t, want, r.Verdict, c.what)
		require.Len(t, r.Thresholds, len(c.thresholds), c.what)
	}
}

// Every name that a scenario may use is measured in a good run.
func TestEveryGaugeIsMeasured(t *testing.T) {
	r, o := good()
	values := gauges(r, o)
	for name := range scenario.Gauges() {
		require.Contains(t, values, name)
	}
	require.Len(t, values, len(scenario.Gauges()))
}
