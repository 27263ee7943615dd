package inventory

import (
	"fmt"

	"holdfast/topology/record"
)

// check panics unless what must be true after every decision is true: of the
// movements, of the sums that the decision names, of the hold and of the item.
// It is cheap enough to be always on, and it doesn't trust the verbs: what a
// movement may do is written down here a second time. h is nil for the stock
// feed.
func check(it *Item, h *Hold, d *record.Decision) {
	moved := checkMoves(it, d)
	checkSums(d, moved)
	for i := range d.Moves {
		m := &d.Moves[i]
		row := &it.Rows[it.mustFind(m.Warehouse)]
		if row.Number < m.Number || row.Number == m.Number && row.Counters != m.After {
			bug(d, "row %+v after movement %+v", *row, *m)
		}
	}
	if h != nil {
		checkHold(it, h, d)
	}
	checkQuotas(it, h, d)
	if it.Holds == 0 {
		if it.Waiting != 0 || it.NextSeq != 0 || len(it.Wanted) != 0 {
			bug(d, "%d units wait without a hold, wanted from %+v", it.Waiting, it.Wanted)
		}
		for i := range it.Rows {
			if it.Rows[i].Held != 0 || it.Rows[i].Allocated != 0 {
				bug(d, "units are claimed without a hold: %+v", it.Rows[i])
			}
		}
	}
}

// checkMoves looks at the movements one by one and returns the sum of their
// units; those that a shipment found aren't in it.
func checkMoves(it *Item, d *record.Decision) (moved record.Quantity) {
	for i := range d.Moves {
		m := &d.Moves[i]
		if negative(m.After) {
			bug(d, "negative counters: %+v", *m)
		}
		var delta record.Counters
		found := false
		switch d.Verb {
		case record.VerbReserve, record.VerbFill:
			delta = claimOf(d, m.Qty)
			if d.Verb == record.VerbReserve && it.Behind && d.Waiting == 0 && it.wants(m.Warehouse) && m.After.Available() < it.Waiting {
				bug(d, "%d units wait, and somebody went before them: %+v", it.Waiting, *m)
			}
			if m.After.Available() < 0 {
				bug(d, "granted more than there was: %+v", *m)
			}
		case record.VerbConfirm:
			delta = record.Counters{Held: -m.Qty, Allocated: m.Qty}
		case record.VerbRelease, record.VerbReduce:
			delta = claimOf(d, -m.Qty)
		case record.VerbShip, record.VerbShipUnclaimed:
			if d.Verb == record.VerbShip {
				delta = claimOf(d, -m.Qty)
			}
			delta.OnHand = -m.Qty
			if found = m.After.OnHand > m.Before.OnHand; found {
				delta = record.Counters{OnHand: m.Qty}
				checkFound(d, i)
			}
		case record.VerbReturn:
			delta = record.Counters{OnHand: m.Qty}
			if m.After.Unavailable != m.Before.Unavailable {
				delta.Unavailable = m.Qty
			}
		case record.VerbDamage:
			delta = record.Counters{Unavailable: m.Qty}
		default:
			delta = record.Counters{OnHand: m.Qty}
			if m.After.OnHand > record.OnHandMax {
				bug(d, "more on hand than may be: %+v", *m)
			}
		}
		if plus(m.Before, delta) != m.After || m.Qty <= 0 && d.OrderKey != "" {
			bug(d, "movement isn't what the verb does: %+v", *m)
		}
		if !found {
			moved += m.Qty
		}
	}
	return moved
}

// checkFound looks at what a shipment found: the shipment follows at once and
// leaves nothing.
func checkFound(d *record.Decision, at int) {
	if d.Reason != record.ReasonFoundByShipment || at+1 == len(d.Moves) {
		bug(d, "found for no shipment: %+v", d.Moves[at])
	}
	if next := &d.Moves[at+1]; next.Warehouse != d.Moves[at].Warehouse || next.After.OnHand != 0 {
		bug(d, "found more than was shipped: %+v, then %+v", d.Moves[at], *next)
	}
}

// checkSums compares what moved with what the decision tells.
func checkSums(d *record.Decision, moved record.Quantity) {
	if d.Missing < 0 || d.Waiting < 0 {
		bug(d, "%d missing, %d waiting", d.Missing, d.Waiting)
	}
	want := record.Quantity(0)
	switch d.Outcome {
	case record.OutcomeGranted, record.OutcomePartial, record.OutcomeRefused:
		want = d.Requested - d.Missing
		if d.Verb != record.VerbShip { // what waits isn't part of a shipment
			want -= d.Waiting
		}
	case record.OutcomeDone:
		switch d.Verb {
		case record.VerbConfirm:
			want = d.Requested - d.Waiting
		case record.VerbRelease:
			want = min(moved, d.Requested) // the rest waited
		case record.VerbReduce:
			want = min(moved, d.Requested-d.Missing) // the rest waited
		case record.VerbCount:
			want = moved // Requested is absolute
		default:
			want = d.Requested
		}
	}
	if moved != want {
		bug(d, "%d units moved, %d should have", moved, want)
	}
}

// checkHold looks at the claim, and that its rows count it in.
func checkHold(it *Item, h *Hold, d *record.Decision) {
	if !h.live() {
		return
	}
	if err := h.wellFormed(); err != nil {
		bug(d, "%v", err)
	}
	if it.Holds == 0 || it.Waiting < h.Waiting || h.Waiting > 0 && it.NextSeq <= h.Place.seq {
		bug(d, "hold %+v isn't counted in: %d holds, %d units wait", *h, it.Holds, it.Waiting)
	}
	if h.Waiting > 0 != (h.Place.class == classFact || h.Place.class == classBackorder) {
		bug(d, "hold %+v isn't where it waits", *h)
	}
	for i := range h.Parts {
		p := &h.Parts[i]
		row := &it.Rows[it.mustFind(p.Warehouse)]
		sum := row.Held
		if h.Allocated {
			sum = row.Allocated
		}
		if sum < p.Qty {
			bug(d, "%+v claimed, counters are %+v", *p, *row)
		}
	}
}

// claimOf returns the change of counters by units claimed.
func claimOf(d *record.Decision, qty record.Quantity) record.Counters {
	if d.Allocated {
		return record.Counters{Allocated: qty}
	}
	return record.Counters{Held: qty}
}

func plus(a, b record.Counters) record.Counters {
	return record.Counters{
		OnHand: a.OnHand + b.OnHand, Unavailable: a.Unavailable + b.Unavailable,
		Held: a.Held + b.Held, Allocated: a.Allocated + b.Allocated,
	}
}

// negative tells that one of the counters is below zero: the sign bit of any
// shows in all of them together.
func negative(c record.Counters) bool {
	return c.OnHand|c.Unavailable|c.Held|c.Allocated < 0
}

func bug(d *record.Decision, format string, args ...any) {
	panic(fmt.Sprintf("BUG: %s of %s for %q: ", d.Verb, d.SKU, d.OrderKey) + fmt.Sprintf(format, args...))
}
