package order

import "holdfast/topology/record"

// An order that inventory doesn't decide in time is abandoned. Time is the
// log's, and that must not be taken for inventory's fault: when this stage has
// fallen behind by more than the deadline, a create and the end of its patience
// both lie in the part of the log that is still to be read, while the decision
// is written behind all of it.
//
//	log.orders   create@0 … other orders … @15 s … … @60 s │ here when the stage reads create
//	                                        ^ not yet!     └─> decision@60.1 s
//
// So after half of the time the stage sends itself a reminder. That is written
// behind what was sent before, at the log's real time; half of the time after
// that, inventory has had at least so long.
func (t *turn) patience() record.Millis { return record.Millis(t.cfg.DecideWithinMillis+1) / 2 }

// deadline is at half time first: a reminder; then at the end.
func (t *turn) deadline() {
	if t.o.Reminded {
		t.giveUpAttempt()
		return
	}
	t.o.DecideBy = 0
	t.reminder, t.changed = t.o.Attempt, true
}

// reminded takes our own reminder.
func (t *turn) reminded(attempt uint32) {
	o := t.o
	if o == nil || o.Phase != PhasePending || o.Attempt != attempt || o.DecideBy != 0 {
		return
	}
	o.Reminded, o.DecideBy, t.changed = true, t.now+t.patience(), true
}

// giveUpAttempt ends an attempt that inventory didn't decide. A request is
// rejected. A fact stands: its units are short, as are those of an order that
// was paid too late.
func (t *turn) giveUpAttempt() {
	t.cause, t.origin = causeDeadline, record.Origin{}
	o := t.o
	u := update{Type: record.UpdateAccepted, Reason: reasonUndecided}
	switch {
	case o.Reviving:
		u = update{Type: record.UpdateRevived, Reason: reasonExpiredBeforePaid, Refund: true}
	case !o.Fact:
		u.Type = record.UpdateRejected
		for i := range o.Items {
			t.share(i, UnitReleased, UnitShort)
		}
	}
	t.abandon()
	t.fillUp(UnitShort)
	o.Phase = PhaseLive
	if u.Type == record.UpdateRejected {
		o.Phase, o.ExpiresAt = PhaseRejected, 0
	}
	t.tell(u)
}
