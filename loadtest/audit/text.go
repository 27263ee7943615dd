package audit

import (
	"fmt"
	"io"
	"slices"

	"holdfast/topology/record"
)

// WriteText writes the report for people who sell, not only for those who run
// the machines.
func (r Report) WriteText(w io.Writer) error {
	p := &printer{w: w}
	p.line("Audit: %s", map[string]string{Pass: "PASS", Fail: "FAIL"}[r.Verdict])
	p.line("  %s and %s of %s, read from %s in %.1f s with at most %s MiB of memory.",
		counted(r.Orders, "order"), counted(r.Movements, "movement"), counted(r.SKUs, "SKU"), counted(r.Records, "record"), r.Seconds, grouped(r.RSSMiB))
	if r.VouchesFrom != 0 {
		p.line("  Older records have been deleted: this vouches for what happened since %s.", r.VouchesFrom)
	} else {
		p.line("  It vouches for everything since the first record.")
	}
	p.line("")
	p.amount("units that came in", r.UnitsIn)
	p.amount("- shipped", r.UnitsShipped)
	if r.UnitsReturned > 0 {
		p.amount("+ came back", r.UnitsReturned)
	}
	p.amount("= on hand", r.UnitsOnHand)
	p.line("  %-36s %14s", "  held for unpaid orders", grouped(r.UnitsHeld)+" ("+counted(r.OpenHolds, "hold")+")")
	p.amount("  promised to paid orders", r.UnitsAllocated)
	p.line("")
	p.amount("promised and not there (oversold)", r.OversoldUnits)
	p.amount("kept for nobody (leaked)", r.LeakedUnits)
	p.amount("promised and gone since (shortage)", r.ShortageUnits)
	p.amount("waiting for stock", r.UnitsWaiting)
	r.writeOpen(p)
	r.writeViolations(p)
	return p.err
}

// writeOpen says what wasn't judged, and why.
func (r Report) writeOpen(p *printer) {
	switch {
	case r.Settled && r.VouchesFrom == 0:
		p.line("  %-36s %14s", "channels were told the truth", map[bool]string{true: "yes", false: "NO"}[r.ViolationsByRule[RuleChannelNotConverged] == 0])
	case !r.Settled:
		p.line("  %-36s %14s", "channels were told the truth", "not judged")
	}
	if r.InFlight > 0 {
		p.line("")
		p.line("  In flight: %s had been sent and not yet decided when the audit began. What they belong to isn't judged.", counted(r.InFlight, "record"))
	}
	for _, b := range r.Behind {
		state := "was still being worked off"
		if b.Halted {
			state = "STANDS STILL: see holdfast status"
		}
		p.line("  %s %s; %s unread, the first from %s.", b.Partition, state, counted(b.Records, "record"), b.Since)
	}
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

func (p *printer) amount(what string, n record.Quantity) {
	p.line("  %-36s %14s", what, grouped(n))
}

// counted is a number of things in words: "1 order", "2 orders".
func counted[N ~int | ~int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(n) + " " + what + "s"
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
