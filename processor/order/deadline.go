package order

import "holdfast/topology/record"

// passDeadline ends an attempt that inventory didn't decide in time, because a
// partition of it is down. A request is rejected. A fact stands: its units are
// short, as are those of an order that was paid too late.
func (t *turn) passDeadline() {
	t.cause, t.origin = causeDeadline, record.Origin{}
	o := t.o
	reviving := o.Reviving
	if !reviving && !o.Fact {
		for i := range o.Items {
			t.share(i, UnitReleased, UnitShort)
		}
		t.abandon()
		o.Phase, o.ExpiresAt = PhaseRejected, 0
		t.tell(update{Type: record.UpdateRejected, Reason: reasonUndecided})
		return
	}
	t.abandon()
	t.fillUp(UnitShort)
	o.Phase = PhaseLive
	if reviving {
		t.tell(update{Type: record.UpdateRevived, Reason: reasonExpiredBeforePaid, Refund: true})
	} else {
		t.tell(update{Type: record.UpdateAccepted, Reason: reasonUndecided})
	}
}
