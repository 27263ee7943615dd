package run

import (
	"maps"
	"math"
	"slices"
	"time"

	"holdfast/loadtest/report"
)

// secondsTold bounds what a result says of single seconds, over all latencies:
// what reads it takes a million objects. A day of nine channels is within.
const secondsTold = 1_000_000

// conclude puts together what was measured, and judges it.
func (r *run) conclude() {
	res := &r.result
	s := r.Scenario
	res.Version, res.Scenario, res.Text, res.Seed = report.Version, s.Name, s.Text, s.Seed
	at := 0.0
	for i := range s.Phases {
		from, to := s.Phases[i].Rates()
		end := at + time.Duration(s.Phases[i].For).Seconds()
		res.Phases = append(res.Phases, report.Phase{Name: s.Phases[i].Name, From: at, To: end, RateFrom: from, RateTo: to})
		at = end
	}
	if res.Markers == nil {
		res.Markers = []report.Marker{}
	}
	res.Behind = r.behind.report()
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	sent := res.Totals
	res.Totals = r.watch.totals
	res.Totals.OrdersSent, res.Totals.RecordsSent = r.sent.Load(), r.behind.records
	res.Totals.Duplicates, res.Totals.Broken = sent.Duplicates, sent.Broken
	meters := []*meter{r.watch.accepted, r.watch.decided}
	for _, name := range slices.Sorted(maps.Keys(r.watch.channels)) {
		meters = append(meters, r.watch.channels[name])
	}
	told := 0
	for _, m := range meters {
		l := m.report()
		if told += len(l.Over); told > secondsTold {
			l.Over = []report.Second{}
		}
		res.Latencies = append(res.Latencies, l)
		r.outcome.judged = append(r.outcome.judged, m.judged())
	}
	res.Outages = r.watch.outages.report()
	res.Series = r.series()
	r.result.Growth = r.samples.growth(s.Duration())
	r.outcome.lagMost = r.lags.most()
	r.outcome.sendFailed, _ = r.out.failures()
	judge(res, s, &r.outcome)
}

// series are the figures over time, all of the same length.
func (r *run) series() []report.Series {
	seconds := int(math.Ceil(r.result.Seconds))
	intended := make([]float64, seconds)
	before := 0
	for i := range intended {
		n := r.profile.Before(time.Duration(i+1) * time.Second)
		intended[i] = float64(n - before)
		before = n
	}
	counted := func(name string, points []float64) report.Series {
		return report.Series{Name: name, Unit: "orders/s", Points: padded(points, seconds, 0)}
	}
	dead := counted("dead letters", r.watch.dead)
	dead.Unit = "records/s"
	list := []report.Series{
		counted(report.SeriesIntended, intended), counted(report.SeriesSent, r.sentAt),
		counted(report.SeriesDecided, r.watch.answered), counted(report.SeriesRefused, r.watch.refused), dead,
	}
	for i := range r.System.Topology.Stages {
		name := r.System.Topology.Stages[i].Name
		list = append(list, report.Series{Name: report.SeriesLagPrefix + name, Unit: "records", Points: padded(r.lags.stages[name], seconds, report.Unknown)})
	}
	return append(list, r.samples.series(seconds)...)
}

// padded returns a copy of the points with a length.
func padded(points []float64, n int, with float64) []float64 {
	out := make([]float64, n)
	for i := copy(out, points); i < n; i++ {
		out[i] = with
	}
	return out
}
