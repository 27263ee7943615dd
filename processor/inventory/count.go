package inventory

import (
	"fmt"

	"holdfast/topology/record"
)

// count sets what is on hand to what was counted. What is held and allocated
// stays; where less is there than is promised, available goes below zero and
// later stock covers that first.
//
// A count that took place before the last one is ignored. A count can't have
// taken place later than the log's time: a wrong clock is cut, or it would shut
// out every right one.
func count(it *Item, c *record.StockCommand, now record.Millis, d *record.Decision) {
	if c.Qty < 0 {
		panic(fmt.Sprintf("BUG: count of %d units of %s at %s", c.Qty, c.SKU, c.Warehouse))
	}
	took := min(c.OccurredAt, now)
	if took == 0 {
		took = now
	}
	if at, ok := it.find(c.Warehouse); ok && it.Rows[at].CountedAt != 0 && took < it.Rows[at].CountedAt {
		reject(d, record.ReasonCountOld)
		return
	}
	if c.Qty > record.OnHandMax {
		reject(d, record.ReasonAboveMax)
		return
	}
	row := it.feed(c.Warehouse)
	row.CountedAt = took
	delta := c.Qty - row.OnHand
	row.move(d, delta, record.Counters{OnHand: delta})
	d.Outcome = record.OutcomeDone
}

func reject(d *record.Decision, reason string) {
	d.Outcome, d.Reason = record.OutcomeRejected, reason
}
