package order

import (
	"errors"
	"fmt"

	"holdfast/topology/record"
)

// before is where an order stood when its turn began; all zero: it wasn't known.
type before struct {
	phase   Phase
	seq     int64
	attempt uint32
	gone    record.Quantity // shipped, wherever they are now
}

func (o *Order) before() before {
	return before{o.Phase, o.Seq, o.Attempt, o.units(unitsGone)}
}

// phasesAfter are the phases that a turn may leave an order in, as bits, by the
// phase that it found it in. What was decided is never rejected afterwards; a
// cancel and a rejection are final, but for a shipment, which is a fact.
var phasesAfter = [...]uint8{
	0:              1<<PhasePending | 1<<PhaseLive | 1<<PhaseRejected | 1<<PhaseCancelled,
	PhasePending:   1<<PhasePending | 1<<PhaseLive | 1<<PhaseRejected | 1<<PhaseExpired | 1<<PhaseCancelled,
	PhaseLive:      1<<PhasePending | 1<<PhaseLive | 1<<PhaseExpired | 1<<PhaseCancelled,
	PhaseRejected:  1<<PhaseRejected | 1<<PhaseLive | 1<<PhaseCancelled,
	PhaseExpired:   1<<PhasePending | 1<<PhaseLive | 1<<PhaseExpired | 1<<PhaseCancelled,
	PhaseCancelled: 1<<PhaseLive | 1<<PhaseCancelled,
}

// check panics unless what must be true after every turn is true: the order is
// sound, it came here by a way that there is, and all that it went through was
// told. It doesn't trust the verbs, and is cheap enough to be always on.
func (t *turn) check() {
	o, was := t.o, &t.was
	if o == nil || !t.changed {
		return
	}
	if err := o.sound(); err != nil {
		t.bug("%v", err)
	}
	if phasesAfter[was.phase]>>o.Phase&1 == 0 {
		t.bug("phase %d after phase %d", o.Phase, was.phase)
	}
	told := int64(0)
	for i := range t.told {
		if !t.told[i].channel {
			told++
		}
	}
	if o.Seq != was.seq+told || o.Attempt < was.attempt {
		t.bug("seq %d after %d and %d events, attempt %d after %d", o.Seq, was.seq, told, o.Attempt, was.attempt)
	}
	if gone := o.units(unitsGone); gone < was.gone {
		t.bug("%d units have left the building, %d had before", gone, was.gone)
	}
}

func (t *turn) bug(format string, args ...any) {
	panic(fmt.Sprintf("BUG: turn of order %q by %s: ", t.key, t.origin) + fmt.Sprintf(format, args...))
}

var (
	errTimes = errors.New("times don't fit the phase")
	errState = errors.New("units in states that don't fit the phase")
)

// sound tells what isn't as Order's invariants say. It is asked after every turn
// of an order, so it looks at each part once, and makes nothing unless it is wrong.
func (o *Order) sound() error {
	pending := o.Phase == PhasePending
	var states UnitState
	for i := range o.Lines {
		l := &o.Lines[i]
		var units record.Quantity
		for k := range l.Parts {
			p := &l.Parts[k]
			if p.Qty <= 0 || (p.Warehouse == "") != p.State.in(UnitWaiting|UnitShort) && !p.State.in(unitsDead) {
				return fmt.Errorf("line %q has %+v", l.ID, *p)
			}
			units += p.Qty
			states |= p.State
		}
		if units > l.Qty || units < l.Qty && !pending {
			return fmt.Errorf("line %q has %d units in states, of %d", l.ID, units, l.Qty)
		}
	}
	open := pending || states.in(unitsOpen)
	switch {
	case o.Phase < PhasePending || o.Phase > PhaseCancelled:
		return fmt.Errorf("phase %d", o.Phase)
	case !pending && o.DecideBy != 0, open == (o.DropAt != 0):
		return fmt.Errorf("%w: phase %d, decide by %d, drop at %d, units in %b", errTimes, o.Phase, o.DecideBy, o.DropAt, states)
	case pending:
		return nil
	case o.Seq == 0, o.HasInbox, o.Retry:
		return fmt.Errorf("decided, with seq %d, inbox %v, asked for again %v", o.Seq, o.HasInbox, o.Retry)
	case o.Phase != PhaseLive && states.in(unitsOpen), o.Hard && states.in(UnitHeld), !o.Hard && states.in(unitsHard):
		return fmt.Errorf("%w: phase %d, hard %v, units in %b", errState, o.Phase, o.Hard, states)
	}
	return nil
}
