package order

import (
	"fmt"
	"strings"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// Causes that aren't event ids.
const (
	causeExpiry   = "expiry"
	causeDeadline = "deadline"
)

// Reasons in events, beside those of inventory.
const (
	reasonExpired            = "expired"
	reasonUndecided          = "undecided"
	reasonExpiredBeforePaid  = "expired_before_payment"
	reasonOrderExists        = "order_exists"
	reasonEventConflict      = "event_id_conflict"
	reasonAlreadyShipped     = "already_shipped"
	reasonNotAllocated       = "not_allocated"
	reasonNotShipped         = "not_shipped"
	reasonLineUnknown        = "line_unknown"
	reasonShippedAfterCancel = "shipped_after_cancel"
	reasonShippedUnallocated = "shipped_unallocated"
	reasonAmend              = "amend_not_supported"
	reasonNotSupported       = "not_supported"
	reasonOrderCancelled     = "order_cancelled" // paid after its cancel
	reasonOrderRejected      = "order_rejected"  // paid after its rejection
)

// turn is one order's turn: the order as it was loaded, the moment, and what
// comes of it. It knows neither state nor logs.
type turn struct {
	cfg    *Config
	places *places
	combos *catalog
	now    record.Millis
	at     string // now, as it is written
	key    record.OrderKey
	// origin and cause are of what is being decided right now: an entry, an event
	// that waited, or a timer (then there is no origin).
	origin record.Origin
	cause  string

	o     *Order // nil: not known
	was   before // o, or what stood there before it was dropped
	inbox inbox
	store *Order // memory of o

	// What comes of it.
	commands     []sentCommand
	told         []told
	json         []byte // what told points to
	dead         []stage.DeadLetter
	reminder     uint32 // to ourselves: the attempt; 0 is none
	changed      bool   // the order
	inboxChanged bool

	acts  []act // units that the event being decided shipped or cancelled
	wants []want
	moves []moves // by item
	parts []Part
	plan  plan
	// parcelsAt is where an order gets units from (capacity.go).
	parcelsAt []record.WarehouseID
	topics    map[string]string // of status, by channel
}

// sentCommand is a command to inventory.
type sentCommand struct {
	record.Command
	Origin record.Origin
}

// begin starts the turn of an order.
func (t *turn) begin(key record.OrderKey, now record.Millis, origin record.Origin) {
	clear(t.commands)
	clear(t.dead)
	if now != t.now {
		t.at = now.String()
	}
	t.key, t.now, t.origin, t.cause = key, now, origin, ""
	t.o, t.was = nil, before{}
	t.inbox.reset()
	t.commands, t.told, t.json, t.dead = t.commands[:0], t.told[:0], t.json[:0], t.dead[:0]
	t.reminder, t.changed, t.inboxChanged = 0, false, false
}

// channel returns the first part of the order key.
func (t *turn) channel() string {
	channel, _, _ := strings.Cut(string(t.key), "/")
	return channel
}

// ownChannel tells that what is being decided came from the order's own
// channel.
func (t *turn) ownChannel() bool {
	rest, ok := strings.CutSuffix(t.origin.Topic, ".orders")
	if !ok {
		return false
	}
	rest, ok = strings.CutSuffix(rest, t.channel())
	return ok && strings.HasSuffix(rest, "channel.")
}

// command sends a command for an item in the order's current attempt.
func (t *turn) command(item int, c record.Command) {
	c.OrderKey, c.SKU, c.Attempt, c.Cause = t.key, t.o.Items[item].SKU, t.o.Attempt, t.cause
	t.commands = append(t.commands, sentCommand{c, t.origin})
}

// reserve begins an attempt: it asks for all units that no part tells of, one
// command per SKU with the demand of all its lines.
//
// An order that wants all or nothing of several SKUs holds first, and confirms
// when it has them all: a claim that may be given back at once must not look
// like a sale.
func (t *turn) reserve() {
	o := t.o
	o.Phase, o.Cause = PhasePending, t.cause
	o.DecideBy, o.Reminded = t.now+t.patience(), false
	o.clearItems()
	for i := range o.Items {
		o.Items[i].Qty = 0
	}
	for i := range o.Lines {
		o.Items[o.Lines[i].Item].Qty += o.Lines[i].rest()
	}
	several := -1
	for i := range o.Items {
		if o.Items[i].Qty > 0 {
			several++
		}
	}
	if several < 0 {
		panic(fmt.Sprintf("BUG: order %q asks for nothing", t.key))
	}
	o.Hard = o.Paid && !(o.whole() && several > 0)
	ranked := t.places.rank(t.channel(), o)
	for i := range o.Items {
		if qty := o.Items[i].Qty; qty > 0 {
			t.command(i, record.Command{Verb: record.VerbReserve, Qty: qty, Allocate: o.Hard, Whole: o.whole(), Wait: o.waits(), Fact: o.Fact, Ranked: ranked})
		}
	}
	t.changed = true
}

// confirm makes the order's claims hard, and units that wait will be allocated
// when they come.
func (t *turn) confirm() {
	o := t.o
	for i := range o.Items {
		if o.itemUnits(i, UnitHeld|UnitWaiting) > 0 {
			t.command(i, record.Command{Verb: record.VerbConfirm})
		}
	}
	for i := range o.Lines {
		o.Lines[i].move(UnitHeld, UnitAllocated)
	}
	o.Hard = true
	t.changed = true
}

// release gives back all that the order may claim of any SKU, and so ends the
// attempt: a decision that inventory took before it heard of this, be it of a
// reserve or of units that waited, belongs to an old attempt when it comes.
func (t *turn) release() {
	o := t.o
	pending := o.Phase == PhasePending
	for i := range o.Items {
		it := &o.Items[i]
		claims := o.itemUnits(i, unitsOpen) > 0
		if pending {
			claims = it.Qty > 0 && (!it.Decided || it.Waiting > 0 || len(it.Granted) > 0)
		}
		if claims {
			t.command(i, record.Command{Verb: record.VerbRelease})
		}
	}
	o.Attempt++
	t.changed = true
}

// abandon ends the attempt of a pending order: all its claims are given back,
// decided or not.
func (t *turn) abandon() {
	t.release()
	o := t.o
	o.Hard = false
	t.endAttempt()
}

// fillUp gives all units that no part tells of one state.
func (t *turn) fillUp(state UnitState) {
	for i := range t.o.Lines {
		l := &t.o.Lines[i]
		l.add(Part{State: state, Qty: l.rest()})
	}
}

// tidy makes the fields that follow from others right, at the end of what
// changed an order.
func (t *turn) tidy() {
	o := t.o
	if o == nil {
		return
	}
	if has := len(t.inbox.Events) > 0; has != o.HasInbox {
		o.HasInbox, t.changed = has, true
	}
	if !t.changed {
		return
	}
	o.DropAt = 0
	if o.closed() {
		// Nothing is held that could expire.
		o.ExpiresAt, o.DropAt = 0, t.now+record.Millis(t.cfg.KeepClosedMillis)
	}
}

// forget lets go of all views of a transaction.
func (t *turn) forget() {
	t.begin("", 0, record.Origin{})
	t.parts, t.acts = t.parts[:0], t.acts[:0]
	t.wants, t.moves = t.wants[:0], t.moves[:0]
	clear(t.parts[:cap(t.parts)])
	clear(t.parcelsAt[:cap(t.parcelsAt)])
	clear(t.moves[:cap(t.moves)])
}

// drop forgets a closed order, and all that belongs to it.
func (t *turn) drop() {
	t.o, t.was, t.changed = nil, before{}, true
}
