package audit

import (
	"fmt"
	"io"
	"slices"

	"holdfast/topology/record"
)

// Verdicts of a Report.
const (
	Pass = "pass"
	Fail = "fail"
)

// Report is what an audit found.
type Report struct {
	Verdict string `json:"verdict"`
	Settled bool   `json:"settled"` // convergence was judged too
	// VouchesFrom is the time before which the logs are trimmed; none means that
	// the report vouches for everything since the first record.
	VouchesFrom record.Millis `json:"vouches_from,omitzero"`
	Records     int64         `json:"records"`
	Decisions   int64         `json:"decisions"`
	Movements   int64         `json:"movements"`
	SKUs        int           `json:"skus"`
	Orders      int           `json:"orders"`
	// UnitsIn = UnitsOnHand + UnitsShipped - UnitsReturned.
	UnitsIn        record.Quantity `json:"units_in"`
	UnitsOnHand    record.Quantity `json:"units_on_hand"`
	UnitsHeld      record.Quantity `json:"units_held"`
	UnitsAllocated record.Quantity `json:"units_allocated"`
	UnitsWaiting   record.Quantity `json:"units_waiting"`
	UnitsShipped   record.Quantity `json:"units_shipped"`
	UnitsReturned  record.Quantity `json:"units_returned"`
	OversoldUnits  record.Quantity `json:"oversold_units"`
	ShortageUnits  record.Quantity `json:"shortage_units"`
	LeakedUnits    record.Quantity `json:"leaked_units"`
	OpenHolds      int             `json:"open_holds"` // claims with held units
	InFlight       int64           `json:"in_flight"`  // what crosses the cut

	ViolationsByRule map[Rule]int `json:"violations_by_rule"`
	// Violations is a part of them where a rule is broken often.
	Violations []Violation `json:"violations"`
}

// Report judges what was added. Nothing can be added after it.
func (a *Audit) Report() Report {
	if a.report != nil {
		return *a.report
	}
	a.judgeGaps()
	a.judgeInputs()
	a.judgeCommands()
	a.judgeOrders()
	a.judgeExpiries()
	if a.cfg.Settled {
		a.judgeChannels()
	}
	r := Report{Settled: a.cfg.Settled, Records: a.records, Decisions: a.decisions, Movements: a.movements,
		OversoldUnits: a.oversold, LeakedUnits: a.leaked}
	if a.trim {
		r.VouchesFrom = a.vouches
	}
	a.total(&r)
	r.InFlight = a.inFlight
	r.ViolationsByRule = map[Rule]int{}
	r.Verdict = Pass
	for rule, n := range a.found.count {
		r.ViolationsByRule[rule] = n
		r.Verdict = Fail
	}
	r.Violations = a.found.listed()
	a.report = &r
	return r
}

func (a *Audit) total(r *Report) {
	logged, moved := record.Quantity(0), map[uint32]bool{}
	for i := range a.chains {
		c := &a.chains[i]
		moved[c.sku] = true
		r.UnitsIn += c.in
		r.UnitsOnHand += c.model.OnHand
		r.UnitsHeld += c.model.Held
		r.UnitsAllocated += c.model.Allocated
		r.UnitsShipped += c.shipped
		r.UnitsReturned += c.returned
		r.ShortageUnits += max(0, -c.model.Available())
		logged += c.logged.OnHand
	}
	r.SKUs = len(moved)
	for i := range a.orders {
		o := &a.orders[i]
		if o.created {
			r.Orders++
		}
		if o.open == nil {
			continue
		}
		for _, c := range o.open.claims {
			if c.held > 0 {
				r.OpenHolds++
			}
		}
		for _, w := range o.open.waits {
			r.UnitsWaiting += w.open()
		}
	}
	if logged != r.UnitsIn-r.UnitsShipped+r.UnitsReturned {
		a.found.add(RuleNotConserved, "all stock", fmt.Sprintf("%d units came in, %d were shipped and %d returned, and the log ends with %d on hand", r.UnitsIn, r.UnitsShipped, r.UnitsReturned, logged))
	}
}

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	p := &printer{w: w}
	p.line("Audit: %s", map[string]string{Pass: "PASS", Fail: "FAIL"}[r.Verdict])
	p.line("  %s records, %s decisions, %s movements of %s SKUs folded; %s orders", grouped(r.Records), grouped(r.Decisions), grouped(r.Movements), grouped(r.SKUs), grouped(r.Orders))
	if r.VouchesFrom != 0 {
		p.line("  The logs are trimmed: this vouches for what happened since %s.", r.VouchesFrom)
	}
	p.line("")
	p.line("  %-34s %14s", "units that came in", grouped(r.UnitsIn))
	p.line("  %-34s %14s", "- shipped", grouped(r.UnitsShipped))
	if r.UnitsReturned > 0 {
		p.line("  %-34s %14s", "+ came back", grouped(r.UnitsReturned))
	}
	p.line("  %-34s %14s", "= on hand", grouped(r.UnitsOnHand))
	p.line("  %-34s %14s", "  of these held", fmt.Sprintf("%s (%s holds)", grouped(r.UnitsHeld), grouped(r.OpenHolds)))
	p.line("  %-34s %14s", "  of these allocated", grouped(r.UnitsAllocated))
	p.line("")
	p.line("  %-34s %14s", "promised and not there (oversold)", grouped(r.OversoldUnits))
	p.line("  %-34s %14s", "claimed by nobody (leaked)", grouped(r.LeakedUnits))
	p.line("  %-34s %14s", "promised and gone since (shortage)", grouped(r.ShortageUnits))
	p.line("  %-34s %14s", "waiting for stock", grouped(r.UnitsWaiting))
	switch {
	case r.Settled && r.VouchesFrom == 0:
		p.line("  %-34s %14s", "channels told the truth", map[bool]string{true: "yes", false: "NO"}[r.ViolationsByRule[RuleChannelNotConverged] == 0])
	default:
		p.line("  %-34s %14s", "in flight at the cut, not judged", grouped(r.InFlight))
	}
	r.writeViolations(p)
	return p.err
}

func (r Report) writeViolations(p *printer) {
	if len(r.ViolationsByRule) == 0 {
		return
	}
	var rules []Rule
	for rule := range r.ViolationsByRule {
		rules = append(rules, rule)
	}
	slices.Sort(rules)
	for _, rule := range rules {
		p.line("")
		p.line("  %s: %s", rule, grouped(r.ViolationsByRule[rule]))
		listed := 0
		for _, v := range r.Violations {
			if v.Rule != rule {
				continue
			}
			listed++
			p.line("    %s: %s", v.Key, v.Detail)
			for _, o := range v.Offsets {
				p.line("      %s", o)
			}
		}
		if rest := r.ViolationsByRule[rule] - listed; rest > 0 {
			p.line("    and %s more", grouped(rest))
		}
	}
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// grouped formats with commas between thousands.
func grouped[N ~int | ~int64](n N) string {
	s := fmt.Sprint(int64(n))
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
