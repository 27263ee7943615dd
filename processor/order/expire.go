package order

import "holdfast/topology/record"

// expire ends the hold of an order that wasn't paid in time, decided or not.
func (t *turn) expire() {
	t.cause, t.origin = causeExpiry, record.Origin{}
	o := t.o
	if o.Phase == PhasePending {
		t.abandon()
	} else {
		t.release()
	}
	for i := range o.Lines {
		o.Lines[i].move(unitsOpen|UnitShort, UnitReleased)
	}
	t.fillUp(UnitReleased)
	o.Phase, o.ExpiresAt, o.Hard = PhaseExpired, 0, false
	t.tell(update{Type: record.UpdateExpired, Reason: reasonExpired})
}
