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
//
// Every attempt that follows on one that wasn't answered is given twice the time
// of the one before, up to 128 times (an hour, by default): its commands wait in
// inventory's log, and must not become most of it.
func (t *turn) patience() record.Millis {
	half := record.Millis(t.cfg.DecideWithinMillis+1) / 2
	if t.o.Retry {
		half <<= min(t.o.Attempt-1, 7)
	}
	return half
}

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
// rejected. One that was paid too late is short. A fact stands: its units are
// told as short, and asked for anew, with more and more patience, until somebody
// answers.
func (t *turn) giveUpAttempt() {
	o := t.o
	if o.Fact {
		t.retry()
		return
	}
	t.cause, t.origin = causeDeadline, record.Origin{}
	if o.Reviving {
		t.abandon()
		t.fillUp(UnitShort)
		o.Phase = PhaseLive
		t.tell(update{Type: record.UpdateRevived, Reason: reasonExpiredBeforePaid, Refund: true})
		return
	}
	for i := range o.Items {
		t.share(i, UnitReleased, UnitShort)
	}
	t.abandon()
	o.Phase, o.ExpiresAt = PhaseRejected, 0
	t.tell(update{Type: record.UpdateRejected, Reason: reasonUndecided})
}

// retry begins a new attempt for a fact that inventory didn't decide. The first
// time the channel hears that its units are short for now.
func (t *turn) retry() {
	o := t.o
	u := update{Type: record.UpdateAccepted, Reason: reasonUndecided}
	if o.Reviving {
		u = update{Type: record.UpdateRevived, Reason: reasonExpiredBeforePaid, Refund: true}
	}
	asked, told := o.Cause, o.Retry
	t.cause, t.origin = causeDeadline, record.Origin{}
	t.abandon()
	if !told {
		t.fillUp(UnitShort)
		o.Phase = PhaseLive
		t.tell(u)
		for i := range o.Lines {
			o.Lines[i].move(UnitShort, 0)
		}
	}
	o.Retry, t.cause = true, asked
	t.reserve()
}
