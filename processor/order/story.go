package order

import "holdfast/topology/record"

// told is a record for others, as a range of turn.json.
type told struct {
	channel  bool // to the channel's status, else to order.events
	from, to int
}

// update is what happened, for the story.
type update struct {
	Type     string
	Reason   string
	Refund   bool
	Carrier  string // of a shipment
	Tracking string
}

// Order events, and what they are called in a status record's lines.
const (
	actionShip   = "ship"
	actionCancel = "cancel"
	actionShort  = "short"
)

// tell publishes one event: the order as it is now. A turn may tell several,
// so it is written down at once.
func (t *turn) tell(u update) {
	o := t.o
	o.Seq++
	t.changed = true
	status := o.status()
	from := len(t.json)
	t.json = t.appendUpdate(t.json, &u, status)
	t.told = append(t.told, told{false, from, len(t.json)})
	if t.concernsChannel(&u) {
		from = len(t.json)
		t.json = t.appendStatus(t.json, &u, status)
		t.told = append(t.told, told{true, from, len(t.json)})
	}
}

// refuse says that an event can't be applied. The order is unchanged.
func (t *turn) refuse(reason string) {
	t.tell(update{Type: record.UpdateRefused, Reason: reason})
}

// status is the order's state in one word; the first that matches.
func (o *Order) status() string {
	if o.Phase == PhaseRejected {
		return "rejected"
	}
	var all UnitState
	for i := range o.Lines {
		for _, p := range o.Lines[i].Parts {
			all |= p.State
		}
	}
	live := all & unitsLive
	short, waiting := o.lackSets()
	switch {
	case live == 0:
		return "cancelled"
	case live&^short == 0:
		return "short"
	case live&^waiting == 0:
		return "backordered"
	case live.in(short | waiting):
		return "partly_short"
	case live.in(UnitHeld):
		return "held"
	case live.in(UnitAllocated):
		return "allocated"
	case o.Completed:
		return "completed"
	}
	return "shipped"
}

// lackSets tells which states others see as short, and which as backordered:
// units of a fact that wait are short, those that the buyer agreed to wait for
// are on backorder.
func (o *Order) lackSets() (short, backordered UnitState) {
	if o.Fact {
		return UnitShort | UnitWaiting, 0
	}
	return UnitShort, UnitWaiting
}

// lineState is what others see of a unit's state.
func (o *Order) lineState(s UnitState) string {
	switch s {
	case UnitHeld:
		return record.LineHeld
	case UnitAllocated:
		return record.LineAllocated
	case UnitReleased:
		return record.LineReleased
	case UnitShipped:
		return record.LineShipped
	case UnitCancelled:
		return record.LineCancelled
	}
	if _, backordered := o.lackSets(); s.in(backordered) {
		return "backordered"
	}
	return record.LineShort
}

// concernsChannel tells that the channel doesn't know of this by itself: what
// it caused needs no answer, unless the answer isn't simply yes.
func (t *turn) concernsChannel(u *update) bool {
	switch u.Type {
	case record.UpdateAccepted:
		return t.o.units(UnitShort|UnitWaiting) > 0
	case record.UpdateRejected, record.UpdateExpired, record.UpdateRevived, record.UpdateFilled:
		return true
	}
	return !t.ownChannel()
}

// eachAction calls fn for every line of the status record.
func (t *turn) eachAction(u *update, fn func(line int, qty record.Quantity, action string, at record.WarehouseID)) {
	switch u.Type {
	case record.UpdateShipped:
		for _, a := range t.acts {
			fn(a.line, a.qty, actionShip, a.warehouse)
		}
	case record.UpdateCancelled:
		for _, a := range t.acts {
			fn(a.line, a.qty, actionCancel, "")
		}
	case record.UpdateRefused, record.UpdateCompleted:
	default:
		for i := range t.o.Lines {
			l := &t.o.Lines[i]
			if n := l.units(UnitShort | UnitWaiting); n > 0 {
				fn(i, n, actionShort, "")
			}
			if n := l.units(UnitReleased); n > 0 {
				fn(i, n, actionCancel, "")
			}
		}
	}
}
