package run

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/loadtest/report"
	"holdfast/loadtest/scenario"
)

// outcome is what a run leaves to be judged, beside what its result holds.
type outcome struct {
	planned     time.Duration // of the load
	interrupted time.Duration // when somebody ended it; 0: nobody did
	unanswered  int64
	example     string // an order that is among them
	notDrained  error
	drain       time.Duration // from the last sending until nothing was left
	notAudited  error
	sendFailed  int64
	sendError   error
	faults      []string // what couldn't be done to the system
	lagMost     float64
	lagKnown    bool
	judged      []report.Latency // those of the result, without what an outage hit
}

// unmeasured is the value of a threshold that there is nothing to compare with.
// A threshold that wasn't measured isn't kept.
const unmeasured = -1

// judge fills in thresholds, reasons and verdict. Whatever went wrong is a
// reason, whether or not there is a threshold for it: a rehearsal that wasn't run
// to its end proves nothing.
func judge(r *report.Result, s *scenario.Scenario, o *outcome) {
	r.Thresholds, r.Reasons = []report.Threshold{}, nil
	blame := func(format string, args ...any) { r.Reasons = append(r.Reasons, fmt.Sprintf(format, args...)) }
	if o.interrupted > 0 {
		blame("It was interrupted after %.0f s of %.0f s.", o.interrupted.Seconds(), o.planned.Seconds())
	}
	switch {
	case o.sendFailed > 0:
		blame("%d records couldn't be sent: %v.", o.sendFailed, o.sendError)
	case o.sendError != nil:
		blame("Not everything was sent: %v.", o.sendError)
	}
	r.Reasons = append(r.Reasons, o.faults...)
	if o.notDrained != nil {
		blame("The system didn't come to rest: %v.", o.notDrained)
	}
	_, counted := s.Thresholds["unanswered"]
	if o.unanswered > 0 && !counted {
		blame("%d orders were never answered, %s among them.", o.unanswered, o.example)
	}
	if o.notAudited != nil {
		blame("There was no audit: %v.", o.notAudited)
	}
	if r.Audit != nil && r.Audit.Verdict != auditPass {
		blame("The audit found violations: %s.", violations(r.Audit))
	}
	values := gauges(r, o)
	for _, name := range slices.Sorted(maps.Keys(s.Thresholds)) {
		unit := scenario.Gauges()[name].Unit
		t := report.Threshold{Name: name, Limit: s.Thresholds[name], Value: unmeasured, Unit: unit}
		value, ok := values[name]
		if ok {
			t.Value, t.Kept = value, value <= t.Limit
		}
		r.Thresholds = append(r.Thresholds, t)
		switch {
		case !ok:
			blame("%s wasn't measured.", name)
		case !t.Kept:
			blame("%s is %s, and may be %s.", name, withUnit(t.Value, unit), withUnit(t.Limit, unit))
		}
	}
	r.Verdict = report.Go
	if len(r.Reasons) > 0 {
		r.Verdict = report.NoGo
	}
}

const auditPass = "pass"

// gauges returns what was measured, by the names of thresholds.
func gauges(r *report.Result, o *outcome) map[string]float64 {
	g := map[string]float64{
		"behind_max_ms": r.Behind.MaxMillis, "behind_share": r.Behind.Share,
		"dead_letters_max": float64(max(0, r.Totals.DeadLetters-r.Totals.Broken)),
		"unanswered":       float64(o.unanswered),
		"channel_burst":    float64(r.Totals.ChannelUpdatesBurst),
	}
	if o.lagKnown {
		g["lag_max"] = o.lagMost
	}
	if o.notDrained == nil {
		g["drain_max_s"] = o.drain.Seconds()
	}
	if n := r.Totals.OrdersSent; n > 0 {
		g["rejected_share"] = float64(r.Totals.Rejected) / float64(n)
	}
	maps.Copy(g, growths(r.Growth))
	urgent := 0.0
	if len(r.Outages) > 0 {
		g[scenario.OutageMax] = 0
	}
	for i := range r.Outages {
		g[scenario.OutageMax] = max(g[scenario.OutageMax], r.Outages[i].MaxMillis)
	}
	for i := range o.judged {
		l := &o.judged[i]
		switch {
		case l.Count == 0:
		case l.Name == "accepted":
			g["accepted_p50_ms"], g["accepted_p99_ms"], g["accepted_p999_ms"], g["accepted_max_ms"] = l.P50, l.P99, l.P999, l.Max
		case l.Name == "decided":
			g["decided_p99_ms"], g["decided_max_ms"] = l.P99, l.Max
		default:
			urgent = max(urgent, l.P99)
		}
	}
	if _, any := g["accepted_p50_ms"]; any { // nothing sold out: no update was late
		g["channel_p99_ms"] = urgent
	}
	if r.Audit != nil {
		g[scenario.OversoldUnits] = float64(r.Audit.OversoldUnits)
		g[scenario.Violations] = 0
		for _, n := range r.Audit.Violations {
			g[scenario.Violations] += float64(n)
		}
	}
	return g
}

// violations lists the rules that were broken, and how often.
func violations(a *report.Audit) string {
	var list []string
	for _, rule := range slices.Sorted(maps.Keys(a.Violations)) {
		if n := a.Violations[rule]; n > 0 {
			list = append(list, fmt.Sprintf("%s %d", rule, n))
		}
	}
	return strings.Join(list, ", ")
}

func withUnit(v float64, unit string) string {
	return strings.TrimSpace(strconv.FormatFloat(float64(int64(v*1000+0.5))/1000, 'f', -1, 64) + " " + unit)
}
