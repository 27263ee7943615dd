package order

import "holdfast/topology/record"

// told is a record for others, as a range of turn.json.
type told struct {
	channel  bool // to the channel's status, else to order.events
	outcome  int  // of an order event
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
	t.told = append(t.told, told{false, outcomeOf(u.Type), from, len(t.json)})
	if t.concernsChannel(&u) {
		from = len(t.json)
		t.json = t.appendStatus(t.json, &u, status)
		t.told = append(t.told, told{true, 0, from, len(t.json)})
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
	case live == 0 && all.in(UnitReturned):
		return "returned"
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
	case live.in(UnitPicked), live.in(UnitPacked) && live.in(UnitAllocated):
		return "picking"
	case live.in(UnitAllocated):
		return "allocated"
	case live.in(UnitPacked):
		return "packed"
	case o.Completed:
		return "completed"
	case live.in(UnitShipped):
		return "shipped"
	}
	return "delivered"
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

// shown is the state and the place that others see of a part.
func (o *Order) shown(p Part) (state string, at record.WarehouseID) {
	if p.State.in(unitsPlaced) {
		at = p.Warehouse
	}
	return o.lineState(p.State), at
}

// lineState is what others see of a unit's state.
func (o *Order) lineState(s UnitState) string {
	switch s {
	case UnitHeld:
		return record.LineHeld
	case UnitAllocated, UnitPicked, UnitPacked:
		return record.LineAllocated
	case UnitReleased:
		return record.LineReleased
	case UnitShipped:
		return record.LineShipped
	case UnitDelivered:
		return record.LineDelivered
	case UnitReturned:
		return record.LineReturned
	case UnitCancelled:
		return record.LineCancelled
	}
	if _, backordered := o.lackSets(); s.in(backordered) {
		return record.LineBackordered
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
	case record.UpdateRefused, record.UpdatePicking, record.UpdatePacked, record.UpdateDelivered, record.UpdateCompleted, record.UpdateReturned:
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
