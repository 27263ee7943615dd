package audit

import (
	"fmt"
	"slices"
	"strings"

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

	// Behind are logs whose stage stood still, or was behind, at the cut.
	Behind []Behind `json:"behind"`

	// Seconds and RSSMiB, the largest memory of the process, are for who runs
	// the audit to fill in.
	Seconds float64 `json:"seconds"`
	RSSMiB  int64   `json:"rss_mib"`

	ViolationsByRule map[Rule]int `json:"violations_by_rule"`
	// Violations is a part of them where a rule is broken often.
	Violations []Violation `json:"violations"`
}

// Behind is a partition of an internal log that wasn't read to its end.
type Behind struct {
	Partition string        `json:"partition"`
	Records   int64         `json:"records"` // not read by the stage
	Since     record.Millis `json:"since"`   // append time of the first of them
	// Halted: the others went on for longer than behindMax. The orders that wait
	// for it are in flight.
	Halted bool `json:"halted"`
}

// behindMax is how long a partition may have something to read before it is
// called halted.
const behindMax = record.Millis(30_000)

// behind lists the partitions of internal logs that have unread records.
func (a *Audit) behind() []Behind {
	list := []Behind{}
	newest := record.Millis(0)
	for _, p := range a.partitions {
		newest = max(newest, p.newest)
	}
	for _, p := range a.partitions {
		if p.unread > 0 {
			list = append(list, Behind{p.String(), p.unread, p.unreadSince, newest-p.unreadSince > behindMax})
		}
	}
	slices.SortFunc(list, func(x, y Behind) int { return strings.Compare(x.Partition, y.Partition) })
	return list
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
	r.Behind = a.behind()
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
