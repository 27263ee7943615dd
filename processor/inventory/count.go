package inventory

import (
	"fmt"

	"holdfast/topology/record"
)

// count sets what is on hand to what was counted, with all that came and left
// since. What is held and allocated stays; where less is there than is promised,
// available goes below zero and later stock covers that first.
//
// A count that took place before the last one is ignored; one that would need
// movements that are forgotten is rejected, but for a warehouse's first one:
// any count is better than none. Where more left since than was counted, nothing
// is left.
func count(it *Item, past *history, c *record.StockCommand, now record.Millis, d *record.Decision) {
	if c.Qty < 0 {
		panic(fmt.Sprintf("BUG: count of %d units of %s at %s", c.Qty, c.SKU, c.Warehouse))
	}
	took, last := happened(c.OccurredAt, now), record.Millis(0)
	if at, ok := it.find(c.Warehouse); ok {
		last = it.Rows[at].CountedAt
	}
	since, known := past.after(took, now)
	switch {
	case took < last:
		reject(d, record.ReasonCountOld)
		return
	case last != 0 && !known:
		reject(d, record.ReasonCountTooOld)
		return
	case c.Qty+since > record.OnHandMax:
		reject(d, record.ReasonAboveMax)
		return
	}
	past.counted(took, now)
	row := it.feed(c.Warehouse)
	row.CountedAt = took
	delta := max(0, c.Qty+since) - row.OnHand
	row.move(d, delta, record.Counters{OnHand: delta})
	d.Outcome = record.OutcomeDone
}

func reject(d *record.Decision, reason string) {
	d.Outcome, d.Reason = record.OutcomeRejected, reason
}
