package order

import (
	"fmt"
	"slices"

	"holdfast/topology/record"
)

// Phase is where an order stands. The numbers are in state.
type Phase uint8

const (
	PhasePending   Phase = 1 // reserved, and not every SKU is decided
	PhaseLive      Phase = 2
	PhaseRejected  Phase = 3
	PhaseExpired   Phase = 4
	PhaseCancelled Phase = 5
)

// UnitState is the state of units of a line. The numbers are in state; as bits
// they make sets.
type UnitState uint16

const (
	UnitHeld      UnitState = 1 << 0
	UnitAllocated UnitState = 1 << 1
	UnitWaiting   UnitState = 1 << 2 // for stock, in inventory
	UnitShort     UnitState = 1 << 3 // not to be had, and doesn't wait
	UnitReleased  UnitState = 1 << 4
	UnitShipped   UnitState = 1 << 5
	UnitCancelled UnitState = 1 << 6
	UnitPicked    UnitState = 1 << 7 // allocated, and taken off the shelf
	UnitPacked    UnitState = 1 << 8 // allocated, and in a parcel
	UnitDelivered UnitState = 1 << 9
	UnitReturned  UnitState = 1 << 10
)

// Sets of unit states.
const (
	unitsHard   = UnitAllocated | UnitPicked | UnitPacked
	unitsClaim  = UnitHeld | unitsHard     // claimed at a warehouse, in inventory
	unitsOpen   = unitsClaim | UnitWaiting // inventory knows of them
	unitsGone   = UnitShipped | UnitDelivered | UnitReturned
	unitsLive   = unitsOpen | UnitShort | UnitShipped | UnitDelivered
	unitsPlaced = unitsClaim | unitsGone                  // others are told the warehouse
	unitsUndone = unitsOpen | UnitShort | UnitReleased    // neither shipped nor cancelled
	unitsDead   = UnitReleased | UnitCancelled            // given up
	unitsAll    = unitsUndone | unitsGone | UnitCancelled // every state
)

func (s UnitState) in(set UnitState) bool { return s&set != 0 }

// Order is the whole of what is known of one order.
//
// Invariants, but while it is pending: the parts of a line add up to its
// quantity. While it is pending: they add up to at most that, and the rest is
// demanded by its item. ExpiresAt, DecideBy and DropAt each have exactly one
// timer when they aren't zero, but that an order doesn't expire while a payment
// waits for its decision. DecideBy is set while it is pending, but between a
// reminder's way out and its return (see deadline.go). DropAt is set exactly
// while nothing is pending or open.
type Order struct {
	CreateHash uint64
	Fact       bool // never rejected, short units wait
	Payment    record.Payment
	Allow      record.Allow
	PickupAt   record.WarehouseID
	HasPlace   bool
	LatE6      int64
	LngE6      int64

	Phase     Phase
	Reviving  bool // pending because its payment came after its expiry
	Retry     bool // pending again because nobody decided it in time: told as short until then
	Paid      bool // no payment is awaited (any more)
	Hard      bool // its claims are allocated, not held
	Completed bool
	HasInbox  bool   // events wait for its decision
	Reminded  bool   // pending: DecideBy is the last chance
	Attempt   uint32 // 1 at first; one more after each release
	Seq       int64  // of the last event told
	// State and StateAt are of the newest word of its marketplace.
	State     record.ChannelState
	StateAt   record.Millis
	ExpiresAt record.Millis
	DecideBy  record.Millis
	DropAt    record.Millis
	Cause     string // pending: the event id that asked

	Items []Item
	Lines []Line
	Seen  []byte // see seen.go
}

// Item is one SKU of an order, with the demand of all its lines.
type Item struct {
	SKU record.SKU
	// Qty is what the current or last attempt demands.
	Qty record.Quantity
	// The rest is set between the decision of this SKU and that of the last.
	Decided bool
	Waiting record.Quantity
	Missing record.Quantity
	Reason  string
	Granted []record.WarehouseQty
}

func (it *Item) granted() record.Quantity {
	var n record.Quantity
	for i := range it.Granted {
		n += it.Granted[i].Qty
	}
	return n
}

// Line is one line of an order, or of a line that is a combo one component: then
// several lines stand together that have the same ID and Combo.
type Line struct {
	ID   string
	Item int // index in Order.Items
	// Qty and Parts count units of the item. Events count a line in what was
	// sold, which is PerSet units of the item for each.
	Qty    record.Quantity
	Combo  record.SKU      // the SKU that was sold, where it is a combo
	PerSet record.Quantity // 1 where it isn't
	Parts  []Part
	Named  []Named // see named.go
}

// Part is a number of units of a line in one state, at one warehouse. Units
// that were given up remember where they were claimed: that is where they leave
// from, if they leave all the same. Only units that nobody ever claimed have none.
type Part struct {
	State     UnitState
	Qty       record.Quantity
	Warehouse record.WarehouseID
}

// reset makes an order that nothing is known of, and keeps memory.
func (o *Order) reset() {
	*o = Order{Items: o.Items[:0], Lines: o.Lines[:0], Seen: o.Seen[:0]}
}

// forget lets go of all views, and keeps memory.
func (o *Order) forget() {
	items, lines := o.Items[:cap(o.Items)], o.Lines[:cap(o.Lines)]
	for i := range items {
		clear(items[i].Granted[:cap(items[i].Granted)])
		items[i] = Item{Granted: items[i].Granted[:0]}
	}
	for i := range lines {
		clear(lines[i].Parts[:cap(lines[i].Parts)])
		clear(lines[i].Named[:cap(lines[i].Named)])
		lines[i] = Line{Parts: lines[i].Parts[:0], Named: lines[i].Named[:0]}
	}
	o.reset()
}

// growItems and growLines append an empty element whose own slice is used again.
func (o *Order) growItems() *Item {
	if n := len(o.Items); n < cap(o.Items) {
		o.Items = o.Items[:n+1]
		o.Items[n] = Item{Granted: o.Items[n].Granted[:0]}
	} else {
		o.Items = append(o.Items, Item{})
	}
	return &o.Items[len(o.Items)-1]
}

func (o *Order) growLines() *Line {
	if n := len(o.Lines); n < cap(o.Lines) {
		o.Lines = o.Lines[:n+1]
		o.Lines[n] = Line{Parts: o.Lines[n].Parts[:0], Named: o.Lines[n].Named[:0]}
	} else {
		o.Lines = append(o.Lines, Line{})
	}
	return &o.Lines[len(o.Lines)-1]
}

// item returns the index of a SKU, or -1.
func (o *Order) item(sku record.SKU) int {
	for i := range o.Items {
		if o.Items[i].SKU == sku {
			return i
		}
	}
	return -1
}

// whole tells that the order wants all of its units or none.
func (o *Order) whole() bool { return o.Allow == record.AllowAll && !o.Fact }

// waits tells that what isn't to be had is waited for.
func (o *Order) waits() bool { return o.Fact || o.Allow == record.AllowBackorder }

// units counts the order's units in the states.
func (o *Order) units(in UnitState) record.Quantity {
	var n record.Quantity
	for i := range o.Lines {
		n += o.Lines[i].units(in)
	}
	return n
}

// itemUnits counts the units of one SKU in the states.
func (o *Order) itemUnits(item int, in UnitState) record.Quantity {
	var n record.Quantity
	for i := range o.Lines {
		if o.Lines[i].Item == item {
			n += o.Lines[i].units(in)
		}
	}
	return n
}

// closed tells that nothing of the order is pending, held, allocated or waited
// for: it is only remembered.
func (o *Order) closed() bool { return o.Phase != PhasePending && o.units(unitsOpen) == 0 }

// clearItems forgets the decisions of the attempt that has ended.
func (o *Order) clearItems() {
	for i := range o.Items {
		it := &o.Items[i]
		*it = Item{SKU: it.SKU, Qty: it.Qty, Granted: it.Granted[:0]}
	}
}

// units counts the line's units in the states.
func (l *Line) units(in UnitState) record.Quantity {
	var n record.Quantity
	for i := range l.Parts {
		if l.Parts[i].State.in(in) {
			n += l.Parts[i].Qty
		}
	}
	return n
}

// rest is what no part tells of: the line's demand while the order is pending.
func (l *Line) rest() record.Quantity { return l.Qty - l.units(unitsAll) }

// add adds units to the part of the same state and place.
func (l *Line) add(p Part) {
	if p.Qty == 0 {
		return
	}
	for i := range l.Parts {
		if l.Parts[i].State == p.State && l.Parts[i].Warehouse == p.Warehouse {
			l.Parts[i].Qty += p.Qty
			return
		}
	}
	l.Parts = append(l.Parts, p)
}

// move gives all units in the states from the state to, and returns how many
// those were. To 0 removes them.
func (l *Line) move(from, to UnitState) (moved record.Quantity) {
	parts := l.Parts
	l.Parts = l.Parts[:0]
	// Writing follows reading: add appends at most one part per part read.
	for _, p := range parts {
		if p.State.in(from) {
			moved += p.Qty
			p.State = to
			if to.in(UnitWaiting | UnitShort) {
				p.Warehouse = ""
			}
		}
		if p.State != 0 {
			l.add(p)
		}
	}
	return moved
}

// split gives n units of part i another state and place. They stand before
// the rest of the part, or with the units that are there already, whichever
// comes first.
func (l *Line) split(i int, n record.Quantity, to UnitState, at record.WarehouseID) {
	l.Parts[i].Qty -= n
	j := slices.IndexFunc(l.Parts, func(p Part) bool { return p.State == to && p.Warehouse == at })
	if j > i {
		n += l.Parts[j].Qty
		l.Parts = slices.Delete(l.Parts, j, j+1)
	}
	if j < 0 || j > i {
		l.Parts = slices.Insert(l.Parts, i, Part{State: to, Qty: n, Warehouse: at})
		i++
	} else {
		l.Parts[j].Qty += n
	}
	if l.Parts[i].Qty == 0 {
		l.Parts = slices.Delete(l.Parts, i, i+1)
	}
}

// shareOut gives the rest of the lines of an item the parts, in the order of
// the lines and of the parts. The parts are used up.
func (o *Order) shareOut(item int, parts []Part) {
	k := 0
	for i := range o.Lines {
		l := &o.Lines[i]
		if l.Item != item {
			continue
		}
		for rest := l.rest(); rest > 0; {
			for k < len(parts) && parts[k].Qty == 0 {
				k++
			}
			if k == len(parts) {
				panic(fmt.Sprintf("BUG: %d units of %q have nothing to be shared out to them", rest, o.Items[item].SKU))
			}
			n := min(rest, parts[k].Qty)
			l.add(Part{State: parts[k].State, Qty: n, Warehouse: parts[k].Warehouse})
			parts[k].Qty -= n
			rest -= n
		}
	}
}
