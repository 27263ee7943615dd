package audit

import (
	"fmt"

	"holdfast/topology/record"
)

// wait is what of an order's SKU waits for stock: the least that a decision of
// the attempt left waiting, for within an attempt it only shrinks. So it doesn't
// matter in what order log.orders (reserve, fill) and log.availability (reduce)
// are read.
type wait struct {
	sku      uint32
	attempt  uint32 // the last that is known
	released uint32 // the last attempt that was released, plus one
	qty      record.Quantity
	at       record.Millis // append time of the attempt's last decision that is known
}

func (w wait) open() record.Quantity {
	if w.released > w.attempt {
		return 0
	}
	return w.qty
}

func (a *Audit) decision(at place, appended record.Millis, e record.Entry) error {
	d := &a.scratch.decision
	if err := d.Decode(e.Body); err != nil {
		return err
	}
	a.decisions++
	sku := a.skus.number(string(d.SKU))
	var orderNo uint32
	if d.OrderKey != "" {
		orderNo = a.orderNumber(string(d.OrderKey))
		a.noteWait(orderNo, sku, appended, d)
	}
	if !at.consumed() {
		p := pending{place: at}
		if at.p.role == roleOrders {
			p.order = orderNo
		}
		a.notConsumed(p)
	}
	command, ordinal := a.countDecision(at, appended, orderNo, sku, d)
	if len(d.Moves) > 0 && !moves(d.Outcome) {
		a.found.add(RuleNotConserved, string(d.SKU), fmt.Sprintf("%s with outcome %s moves stock", d.Verb, d.Outcome), at)
	}
	for i := range d.Moves {
		m := &d.Moves[i]
		a.movements++
		a.move(a.chainNumber(sku, a.warehouses.number(string(m.Warehouse))), movement{
			number: m.Number, qty: m.Qty, before: m.Before, after: m.After, order: orderNo,
			verb: d.Verb, allocated: d.Allocated, at: at, appended: appended, command: command, ordinal: ordinal,
			found: ships(d.Verb) && d.Reason == record.ReasonFoundByShipment && m.After.OnHand > m.Before.OnHand,
		})
	}
	a.checkSum(at, d)
	a.close(orderNo)
	return nil
}

// checkSum holds the parts of an answer against what was asked for.
func (a *Audit) checkSum(at place, d *record.Decision) {
	if d.Verb != record.VerbReserve && d.Verb != record.VerbFill || !decides(d.Outcome) {
		return
	}
	sum := d.Missing + d.Waiting
	for i := range d.Moves {
		sum += d.Moves[i].Qty
	}
	if sum != d.Requested {
		a.found.add(RuleNotConserved, string(d.OrderKey), fmt.Sprintf("%s of %d %s: granted, missing and waiting units are %d", d.Verb, d.Requested, d.SKU, sum), at)
	}
}

func (a *Audit) noteWait(orderNo, sku uint32, appended record.Millis, d *record.Decision) {
	switch d.Verb {
	case record.VerbReserve, record.VerbFill, record.VerbReduce:
		if d.Verb == record.VerbReserve && !decides(d.Outcome) || d.Verb == record.VerbReduce && !moves(d.Outcome) {
			return
		}
		if d.Attempt < a.orders[orderNo].settled {
			return // read late: what came after it in another log is known
		}
		switch w := a.opened(orderNo).wait(sku); {
		case d.Attempt > w.attempt:
			w.attempt, w.qty, w.at = d.Attempt, d.Waiting, appended
		case d.Attempt == w.attempt:
			w.qty, w.at = min(w.qty, d.Waiting), max(w.at, appended)
		}
	case record.VerbRelease:
		// Noted also where nothing waits yet: the reserve may be read later.
		if w := a.opened(orderNo).wait(sku); d.Outcome != record.OutcomeStale {
			w.released = max(w.released, d.Attempt+1)
		}
	}
}

// moves tells the outcomes that may move stock.
func moves(o record.Outcome) bool {
	return o == record.OutcomeGranted || o == record.OutcomePartial || o == record.OutcomeDone
}
