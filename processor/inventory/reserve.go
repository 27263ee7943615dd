package inventory

import (
	"fmt"

	"holdfast/topology/record"
)

// reserve decides what of the command's units the order gets.
//
// Idempotent per (order, SKU, attempt): a hold of the same attempt answers
// "exists", with what was requested, is missing and waits, and without
// movements; one of a later attempt answers "stale". A hold of an earlier
// attempt has been released before this is called.
//
// Whole goes before Wait: all or nothing has nothing to wait for.
func reserve(it *Item, h *Hold, c *record.Command, d *record.Decision, p *picker) {
	d.Requested = c.Qty
	if h.live() {
		switch {
		case h.Attempt == c.Attempt:
			d.Outcome = record.OutcomeExists
			d.Requested, d.Missing, d.Waiting, d.Allocated = h.Requested, h.Missing, h.Waiting, h.Allocated
		case h.Attempt > c.Attempt:
			d.Outcome = record.OutcomeStale
		default:
			panic(fmt.Sprintf("BUG: %s reserves %s in attempt %d on top of attempt %d", c.OrderKey, c.SKU, c.Attempt, h.Attempt))
		}
		return
	}
	if c.Qty <= 0 {
		panic(fmt.Sprintf("BUG: %s reserves %d units of %s", c.OrderKey, c.Qty, c.SKU))
	}
	h.Attempt, h.Allocated, h.Requested = c.Attempt, c.Allocate, c.Qty
	d.Allocated = c.Allocate
	p.spared = 0
	if it.Behind {
		p.spared = it.Waiting
	}
	granted, fenced := p.takeFenced(it, h, c.Ranked, c.Qty, c.Whole, c.Fact, d)
	rest := c.Qty - granted
	switch {
	case rest == 0:
		d.Outcome = record.OutcomeGranted
	case granted > 0:
		d.Outcome = record.OutcomePartial
	default:
		d.Outcome = record.OutcomeRefused
	}
	if rest > 0 {
		d.Reason = record.ReasonOutOfStock
		switch {
		case fenced:
			d.Reason = record.ReasonQuota
		case !it.Fed:
			d.Reason = record.ReasonUnknownSKU
		}
		if c.Wait && !c.Whole {
			it.joinLine(h, c.OrderKey, c.Ranked, rest, c.Fact)
			d.Waiting = rest
		} else {
			h.Missing, d.Missing = rest, rest
		}
	}
	if h.live() {
		it.Holds++
	}
}
