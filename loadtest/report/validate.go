package report

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// Bounds of a Result: far more than a run has, and little enough for a page.
const (
	secondsMax    = 7 * 24 * 3600
	textBytesMax  = 1 << 20
	nameBytesMax  = 200
	lineBytesMax  = 2000
	listMax       = 1000 // phases, markers, thresholds, reasons, kinds of violations
	latenciesMax  = 256
	seriesMax     = 256
	magnitudeMax  = 1e15 // of any figure: beyond it a float no longer counts in ones
	latencyMaxMax = 7 * 24 * 3600 * 1000
)

// Validate reports all that is wrong with a Result at once.
func (r *Result) Validate() error {
	v := &validator{}
	v.check(r.Version == Version, "version %d, must be %d", r.Version, Version)
	v.name("scenario", r.Scenario)
	v.text("text", r.Text, textBytesMax)
	v.number("seconds", r.Seconds, 0, secondsMax)
	v.check(r.Verdict == Go || r.Verdict == NoGo, "verdict %q, must be %s or %s", cut(string(r.Verdict)), Go, NoGo)
	if v.list("reasons", len(r.Reasons), listMax) {
		for i, reason := range r.Reasons {
			v.text(fmt.Sprintf("reasons[%d]", i), reason, lineBytesMax)
		}
	}
	if v.list("thresholds", len(r.Thresholds), listMax) {
		for i := range r.Thresholds {
			v.threshold(fmt.Sprintf("thresholds[%d]", i), &r.Thresholds[i])
		}
	}
	if v.list("phases", len(r.Phases), listMax) {
		for i := range r.Phases {
			v.phase(fmt.Sprintf("phases[%d]", i), &r.Phases[i])
		}
	}
	if v.list("markers", len(r.Markers), listMax) {
		for i := range r.Markers {
			at := fmt.Sprintf("markers[%d]", i)
			v.number(at+".at", r.Markers[i].At, -secondsMax, secondsMax)
			v.name(at+".kind", r.Markers[i].Kind)
			v.text(at+".text", r.Markers[i].Text, lineBytesMax)
		}
	}
	if v.list("outages", len(r.Outages), listMax) {
		for i := range r.Outages {
			v.outage(fmt.Sprintf("outages[%d]", i), &r.Outages[i])
		}
	}
	for _, f := range r.Totals.figures() {
		v.check(f.count >= 0, "totals: %s is %d, must not be negative", f.label, f.count)
	}
	v.number("behind.max_ms", r.Behind.MaxMillis, 0, latencyMaxMax)
	v.number("behind.seconds", float64(r.Behind.Seconds), 0, secondsMax)
	v.check(r.Behind.RecordsLate >= 0, "behind.records_late %d, must not be negative", r.Behind.RecordsLate)
	v.number("behind.share", r.Behind.Share, 0, 1)
	v.latencies(r.Latencies)
	v.series(r.Series)
	if v.list("growth", len(r.Growth), seriesMax) {
		for i := range r.Growth {
			g, where := &r.Growth[i], fmt.Sprintf("growth[%d]", i)
			v.name(where+".name", g.Name)
			v.text(where+".unit", g.Unit, nameBytesMax)
			v.number(where+".then", g.Then, Unknown, magnitudeMax)
			v.number(where+".now", g.Now, Unknown, magnitudeMax)
		}
	}
	v.audit(r.Audit)
	return v.err()
}

// validator gathers what is wrong.
type validator struct {
	found []error
}

// foundMax keeps a file in which everything is wrong from being answered with a
// book.
const foundMax = 20

func (v *validator) check(ok bool, format string, args ...any) {
	if !ok && len(v.found) <= foundMax {
		v.found = append(v.found, fmt.Errorf(format, args...))
	}
}

func (v *validator) err() error {
	if len(v.found) == 0 {
		return nil
	}
	if len(v.found) > foundMax {
		v.found[foundMax] = errors.New("and more")
	}
	return fmt.Errorf("a load test's result isn't valid: %w", errors.Join(v.found...))
}

func (v *validator) list(where string, n, most int) bool {
	v.check(n <= most, "%s has %d entries, may have %d", where, n, most)
	return n <= most
}

func (v *validator) text(where, s string, most int) {
	v.check(len(s) <= most, "%s has %d bytes, may have %d", where, len(s), most)
	v.check(utf8.ValidString(s), "%s isn't UTF-8", where)
}

func (v *validator) name(where, s string) {
	v.check(s != "", "%s is empty", where)
	v.text(where, s, nameBytesMax)
}

func (v *validator) number(where string, x, least, most float64) {
	// Not a number is neither.
	v.check(x >= least && x <= most, "%s is %g, must be %g to %g", where, x, least, most)
}

func (v *validator) threshold(where string, t *Threshold) {
	v.name(where+".name", t.Name)
	v.text(where+".unit", t.Unit, nameBytesMax)
	v.number(where+".limit", t.Limit, -magnitudeMax, magnitudeMax)
	v.number(where+".value", t.Value, -magnitudeMax, magnitudeMax)
}

func (v *validator) phase(where string, p *Phase) {
	v.name(where+".name", p.Name)
	v.number(where+".from", p.From, 0, secondsMax)
	v.number(where+".to", p.To, p.From, secondsMax)
	v.number(where+".rate_from", p.RateFrom, 0, magnitudeMax)
	v.number(where+".rate_to", p.RateTo, 0, magnitudeMax)
}

func (v *validator) outage(where string, o *Outage) {
	v.number(where+".from", o.From, 0, secondsMax)
	v.number(where+".to", o.To, o.From, secondsMax)
	v.check(o.Orders >= 0, "%s.orders is %d, must not be negative", where, o.Orders)
	v.number(where+".max_ms", o.MaxMillis, 0, latencyMaxMax)
}

func (v *validator) latencies(all []Latency) {
	if !v.list("latencies", len(all), latenciesMax) {
		return
	}
	seen := map[string]bool{}
	for i := range all {
		l, where := &all[i], fmt.Sprintf("latencies[%d]", i)
		v.name(where+".name", l.Name)
		v.check(!seen[l.Name], "%s: a second latency %q", where, cut(l.Name))
		seen[l.Name] = true
		v.check(l.Count >= 0, "%s.count %d, must not be negative", where, l.Count)
		for _, x := range []float64{l.P50, l.P90, l.P99, l.P999, l.Max} {
			v.number(where+": a percentile", x, 0, latencyMaxMax)
		}
		h, err := l.Decode()
		switch {
		case err != nil:
			v.check(false, "%s: %w", where, err)
		case h != nil:
			v.check(h.TotalCount() == l.Count, "%s.count %d, but its histogram has %d values", where, l.Count, h.TotalCount())
		}
		last := math.Inf(-1)
		for j := range l.Over {
			s := &l.Over[j]
			v.check(s.At > last, "%s.over[%d].at is %g, must be above the one before", where, j, s.At)
			last = s.At
			v.number(where+".over: at", s.At, 0, secondsMax)
			v.check(s.Count >= 0, "%s.over[%d].count %d, must not be negative", where, j, s.Count)
			for _, x := range []float64{s.P50, s.P99, s.Max} {
				v.number(where+".over: a percentile", x, 0, latencyMaxMax)
			}
		}
	}
}

func (v *validator) series(all []Series) {
	if !v.list("series", len(all), seriesMax) {
		return
	}
	seen := map[string]bool{}
	for i := range all {
		s, where := &all[i], fmt.Sprintf("series[%d]", i)
		v.name(where+".name", s.Name)
		v.check(!seen[s.Name], "%s: a second series %q", where, cut(s.Name))
		seen[s.Name] = true
		v.text(where+".unit", s.Unit, nameBytesMax)
		if !v.list(where+".points", len(s.Points), secondsMax) {
			continue
		}
		for j, x := range s.Points {
			v.check(x == Unknown || x >= 0 && x <= magnitudeMax, "%s.points[%d] is %g, must be 0 or more, or %d for unknown", where, j, x, Unknown)
		}
	}
}

func (v *validator) audit(a *Audit) {
	if a == nil {
		return
	}
	v.name("audit.verdict", a.Verdict)
	v.check(a.Orders >= 0 && a.OversoldUnits >= 0, "audit: orders %d and oversold_units %d, must not be negative", a.Orders, a.OversoldUnits)
	v.number("audit.seconds", a.Seconds, 0, secondsMax)
	if v.list("audit.violations", len(a.Violations), listMax) {
		for rule, n := range a.Violations {
			v.name("audit.violations: a rule", rule)
			v.check(n >= 0, "audit.violations[%q] is %d, must not be negative", cut(rule), n)
		}
	}
}

// cut shortens what somebody else wrote, for a message.
func cut(s string) string { return cutTo(s, 40) }

// cutTo returns valid UTF-8 of so many bytes at most.
func cutTo(s string, most int) string {
	const more = "…"
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most-len(more)], "") + more
	}
	return strings.ToValidUTF8(s, "?")
}
