package run

import (
	"time"

	"holdfast/loadtest/report"
	"holdfast/loadtest/scenario"
)

// outages are the times in which the scenario expects its faults to make orders
// wait, and what came of them. They are the watcher's, below its lock.
type outages []outage

type outage struct {
	scenario.Outage
	orders int64 // that waited while it lasted
	most   time.Duration
}

func newOutages(s *scenario.Scenario) outages {
	var all outages
	for _, o := range s.Outages() {
		all = append(all, outage{Outage: o})
	}
	return all
}

// hit returns the outage that lasted while something waited, or nil. What was on
// its way when the fault came counts, however early it was due: the fault is what
// it waited for.
//
//	     from ├─────────┤ to
//	├──┤ ├─────┤  ├──┤ ├────┤ ├──┤      intended to seen
//	 no    hit     hit  hit    no
func (all outages) hit(intended, seen time.Duration) *outage {
	for i := range all {
		if o := &all[i]; intended < o.To && seen >= o.From {
			return o
		}
	}
	return nil
}

func (all outages) report() (list []report.Outage) {
	for i := range all {
		o := &all[i]
		list = append(list, report.Outage{From: o.From.Seconds(), To: o.To.Seconds(), Orders: o.orders, MaxMillis: millis(o.most)})
	}
	return list
}
