package order

import (
	"errors"
	"fmt"

	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// checkState tells what isn't as it must be after every transaction: timers are
// those of the orders and inboxes, no more, no less; nothing is due before the
// bound; parts of lines add up; orders and inboxes know of each other.
func checkState(task *stagetest.Task) error {
	timers := map[string]bool{}
	for k, v := range task.State {
		var err error
		switch k[0] {
		case keyOrder:
			if isInbox(v) {
				err = checkInbox(record.OrderKey(k[1:]), v, timers)
			} else {
				err = checkOrder(task, record.OrderKey(k[1:]), v, timers)
			}
		case keyInbox:
			if o, ok := task.State[string(keyOrder)+k[1:]]; !ok || isInbox(o) {
				err = errors.New("events wait for the decision of an order that isn't known")
			}
		}
		if err != nil {
			return fmt.Errorf("%q: %w", k, err)
		}
	}
	next := nextDue{}
	next.load(task)
	for k := range task.State {
		if k[0] != keyTimer {
			continue
		}
		if !timers[k] {
			return fmt.Errorf("%q: timer of nothing", k)
		}
		delete(timers, k)
		if next.at == 0 || string(next.appendFrom(nil)) > k {
			return fmt.Errorf("%q: next due is %q, later than that", k, next.appendFrom(nil))
		}
	}
	for k := range timers {
		return fmt.Errorf("%q: timer missing", k)
	}
	return nil
}

func checkOrder(task *stagetest.Task, key record.OrderKey, value []byte, timers map[string]bool) error {
	o, in := &Order{}, inbox{}
	if err := o.Decode(value); err != nil {
		return err
	}
	box, has := task.State[string(keyInbox)+string(key)]
	if has {
		if err := in.decode(box); err != nil {
			return err
		}
	}
	if has && (len(in.Events) == 0 || in.Due != 0) {
		return fmt.Errorf("%d events wait, due %d", len(in.Events), in.Due)
	}
	pending := o.Phase == PhasePending
	if has != o.HasInbox || has && !pending {
		return fmt.Errorf("phase %d, inbox %v, known %v", o.Phase, has, o.HasInbox)
	}
	if !pending && o.DecideBy != 0 || o.closed() != (o.DropAt != 0) || !pending && o.Seq == 0 {
		return fmt.Errorf("phase %d, decide by %d, drop at %d, seq %d", o.Phase, o.DecideBy, o.DropAt, o.Seq)
	}
	if o.Phase != PhaseLive && !pending && o.units(unitsOpen) > 0 || o.Retry && !pending || o.units(UnitHeld) > 0 && o.Hard && !pending || o.units(unitsHard) > 0 && !o.Hard && !pending {
		return fmt.Errorf("phase %d, hard %v, retry %v: %+v", o.Phase, o.Hard, o.Retry, o.Lines)
	}
	for i := range o.Lines {
		for _, p := range o.Lines[i].Parts {
			if p.Qty <= 0 || (p.Warehouse == "") != (p.State.in(UnitWaiting|UnitShort)) && !p.State.in(unitsDead) {
				return fmt.Errorf("line %q has %+v", o.Lines[i].ID, p)
			}
		}
		if rest := o.Lines[i].rest(); rest < 0 || rest > 0 && !pending {
			return fmt.Errorf("line %q misses %d", o.Lines[i].ID, rest)
		}
	}
	t := turn{o: o, inbox: in}
	for kind, due := range t.dues() {
		if due != 0 {
			timers[string(appendTimerKey(nil, due, timerKind(kind), key))] = true
		}
	}
	return nil
}

func checkInbox(key record.OrderKey, value []byte, timers map[string]bool) error {
	in := inbox{}
	if err := in.decode(value); err != nil {
		return err
	}
	if len(in.Events) == 0 || in.Due == 0 {
		return fmt.Errorf("%d events of an order that isn't known, due %d", len(in.Events), in.Due)
	}
	timers[string(appendTimerKey(nil, in.Due, timerInbox, key))] = true
	return nil
}
