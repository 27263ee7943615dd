package order

import "holdfast/topology/record"

// pay decides a payment of a decided order. One that isn't awaited changes
// nothing: a channel may say paid more than once, and of prepaid orders too.
func (t *turn) pay() {
	o := t.o
	if o.Paid {
		return
	}
	switch o.Phase {
	case PhaseExpired:
		t.revive()
	case PhaseCancelled:
		t.refusePayment(reasonOrderCancelled)
	case PhaseRejected:
		t.refusePayment(reasonOrderRejected)
	default:
		o.Paid, o.ExpiresAt = true, 0
		t.confirm()
		// Nothing is claimed and nothing will come: the money is for nothing.
		refund := o.units(unitsOpen|UnitShipped|UnitDelivered) == 0
		t.tell(update{Type: record.UpdateConfirmed, Refund: refund})
	}
}

// revive begins a new attempt for an order whose payment came too late. From
// now on it is paid: what isn't to be had will be short, and never rejected.
func (t *turn) revive() {
	o := t.o
	o.Paid, o.Reviving = true, true
	for i := range o.Lines {
		o.Lines[i].move(UnitReleased, 0)
	}
	t.reserve()
}

// refusePayment says that the money has to go back.
func (t *turn) refusePayment(reason string) {
	t.tell(update{Type: record.UpdateRefused, Reason: reason, Refund: true})
}
