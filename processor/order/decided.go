package order

import (
	"fmt"

	"holdfast/topology/record"
)

// decided takes a decision of inventory.
func (t *turn) decided(d *record.Decision) {
	switch d.Verb {
	case record.VerbReserve:
		t.reserved(d)
	case record.VerbFill:
		t.filled(d)
	default:
		panic(fmt.Sprintf("BUG: decision of verb %s for order %q", d.Verb, t.key))
	}
}

// current tells that a decision belongs to an attempt that stands. The claims
// of an attempt that has ended were released when it ended.
func (t *turn) current(d *record.Decision) bool {
	return t.o != nil && d.Attempt == t.o.Attempt && (t.o.Phase == PhasePending || t.o.Phase == PhaseLive)
}

// reserved notes the decision of one SKU; with the last one the order is
// decided.
func (t *turn) reserved(d *record.Decision) {
	if !t.current(d) || t.o.Phase != PhasePending {
		return
	}
	at := t.o.item(d.SKU)
	if at < 0 || t.o.Items[at].Qty == 0 {
		panic(fmt.Sprintf("BUG: order %q got a decision of %q, which it doesn't ask for", t.key, d.SKU))
	}
	it := &t.o.Items[at]
	if it.Decided {
		return
	}
	if d.Outcome == record.OutcomeExists || d.Outcome == record.OutcomeStale {
		// Every attempt reserves once, so there should be no claim that we don't
		// know of. What there is isn't ours to use: it goes back.
		t.cause = t.o.Cause
		t.command(at, record.Command{Verb: record.VerbRelease})
		it.Missing, it.Reason = it.Qty, record.ReasonOutOfStock
	} else {
		for i := range d.Moves {
			it.Granted = addUnits(it.Granted, d.Moves[i].Warehouse, d.Moves[i].Qty)
		}
		it.Waiting, it.Reason = d.Waiting, d.Reason
		it.Missing = it.Qty - it.granted() - it.Waiting
		if it.Missing < 0 || it.Waiting < 0 {
			panic(fmt.Sprintf("BUG: order %q asked for %d of %q and got %d, %d waiting", t.key, it.Qty, d.SKU, it.granted(), it.Waiting))
		}
	}
	it.Decided, t.changed = true, true
	for i := range t.o.Items {
		if it := &t.o.Items[i]; it.Qty > 0 && !it.Decided {
			return
		}
	}
	t.settle()
}

// settle is the first decision of an order, or of its new attempt: everything
// is known now.
func (t *turn) settle() {
	o := t.o
	t.cause = o.Cause
	missing, had, reason := false, false, ""
	for i := range o.Items {
		it := &o.Items[i]
		missing = missing || it.Missing > 0
		had = had || len(it.Granted) > 0 || it.Waiting > 0
		if reason == "" && it.Missing+it.Waiting > 0 {
			reason = it.Reason
		}
	}
	if o.hasCombos() {
		had = t.planSets()
	}
	if missing && o.whole() || !had && !o.Fact {
		t.turnDown(reason)
		return
	}
	t.accept(reason)
}

// turnDown rejects an order that isn't to be had; one that is paid already is
// short instead.
func (t *turn) turnDown(reason string) {
	o := t.o
	t.release()
	u := update{Type: record.UpdateRejected, Reason: reason}
	if o.Reviving {
		t.fillUp(UnitShort)
		o.Phase = PhaseLive
		u = update{Type: record.UpdateRevived, Reason: reasonExpiredBeforePaid, Refund: true}
	} else {
		for i := range o.Items {
			t.share(i, UnitReleased, UnitShort)
		}
		o.Phase, o.ExpiresAt = PhaseRejected, 0
	}
	t.endAttempt()
	o.Hard = false
	t.tell(u)
}

// accept gives the lines what was granted.
func (t *turn) accept(reason string) {
	o := t.o
	granted := UnitHeld
	if o.Hard {
		granted = UnitAllocated
	}
	if o.hasCombos() {
		t.keepSets(granted)
	} else {
		for i := range o.Items {
			t.share(i, granted, UnitWaiting)
		}
	}
	o.Phase = PhaseLive
	t.countParcels()
	if o.Paid && !o.Hard {
		t.confirm()
	}
	u := update{Type: record.UpdateAccepted, Reason: reason}
	switch {
	case o.Retry:
		u = update{Type: record.UpdateFilled}
	case o.Reviving:
		u.Type = record.UpdateRevived
		if reason != "" {
			u.Reason, u.Refund = reasonExpiredBeforePaid, true
		}
	}
	news := !o.Retry || o.units(unitsClaim) > 0
	t.endAttempt()
	if news {
		t.tell(u)
	}
}

func (t *turn) endAttempt() {
	o := t.o
	o.DecideBy, o.Reminded, o.Cause, o.Reviving, o.Retry = 0, false, "", false, false
	o.clearItems()
	t.changed = true
}

// share gives an item's lines what was granted (in the state granted), what
// waits (in the state waiting), and what is missing. An item that isn't decided
// misses all.
func (t *turn) share(item int, granted, waiting UnitState) {
	it := &t.o.Items[item]
	t.parts = t.parts[:0]
	for _, g := range it.Granted {
		t.parts = append(t.parts, Part{State: granted, Qty: g.Qty, Warehouse: g.Warehouse})
	}
	missing := it.Missing
	if !it.Decided {
		missing = it.Qty
	}
	t.parts = append(t.parts, Part{State: waiting, Qty: it.Waiting}, Part{State: UnitShort, Qty: missing})
	t.o.shareOut(item, t.parts)
}

// filled gives units that waited to the lines, in their order.
func (t *turn) filled(d *record.Decision) {
	if t.o == nil {
		// Forgotten while it still waited: that can't be, but units that nobody
		// knows of must not stay claimed.
		t.commands = append(t.commands, sentCommand{record.Command{
			Verb: record.VerbRelease, OrderKey: t.key, SKU: d.SKU, Attempt: d.Attempt, Cause: d.Cause}, t.origin})
		return
	}
	if !t.current(d) {
		t.giveBackLate(d)
		return
	}
	o := t.o
	t.cause = d.Cause
	at := o.item(d.SKU)
	if at < 0 {
		panic(fmt.Sprintf("BUG: order %q got units of %q, which it doesn't ask for", t.key, d.SKU))
	}
	t.beginMoves()
	had := false
	for i := range d.Moves {
		m := &d.Moves[i]
		if o.Phase == PhasePending {
			// Filled between the decisions of two SKUs.
			it := &o.Items[at]
			it.Waiting -= m.Qty
			it.Granted = addUnits(it.Granted, m.Warehouse, m.Qty)
			if it.Waiting < 0 {
				panic(fmt.Sprintf("BUG: order %q got %d units of %q that it doesn't wait for", t.key, -it.Waiting, d.SKU))
			}
		} else {
			if o.itemUnits(at, UnitWaiting) > 0 {
				had = true
				t.countFilled(m.Warehouse)
			}
			excess := t.fillLines(at, m.Warehouse, m.Qty)
			if excess > 0 {
				mv := t.movesOf(at)
				mv.reduce = addUnits(mv.reduce, m.Warehouse, excess)
			}
		}
	}
	t.sendMoves(0)
	if had {
		t.tell(update{Type: record.UpdateFilled})
	}
}

// giveBackLate gives back what was filled for an attempt that has ended. Its end
// released all that the order claimed or waited for; units that it no longer
// waited for then, while they were on their way, are known to inventory alone:
//
//	waits for 1 ── fill 1 ──────────────────────────> ends: gives back this
//	      └── shipped all the same: reduce 1, too late ─> ends: has nothing to release
//
// Where the release has been there before it, inventory finds no claim.
func (t *turn) giveBackLate(d *record.Decision) {
	parts := make([]record.WarehouseQty, 0, len(d.Moves))
	for i := range d.Moves {
		parts = addUnits(parts, d.Moves[i].Warehouse, d.Moves[i].Qty)
	}
	t.commands = append(t.commands, sentCommand{record.Command{
		Verb: record.VerbReduce, OrderKey: t.key, SKU: d.SKU, Attempt: d.Attempt, Cause: d.Cause, Parts: parts}, t.origin})
}

// fillLines gives units to the lines that wait, and returns how many were too
// many: the order gave up waiting for them while they were on their way.
func (t *turn) fillLines(item int, at record.WarehouseID, qty record.Quantity) (excess record.Quantity) {
	o := t.o
	to := UnitHeld
	if o.Hard {
		to = UnitAllocated
	}
	for i := range o.Lines {
		l := &o.Lines[i]
		if l.Item != item {
			continue
		}
		for j := 0; j < len(l.Parts) && qty > 0; j++ {
			if l.Parts[j].State == UnitWaiting {
				n := min(qty, l.Parts[j].Qty)
				l.split(j, n, to, at)
				qty -= n
				break
			}
		}
	}
	return qty
}
