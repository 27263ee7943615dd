package record

import (
	"fmt"
	"math"

	"holdfast/topology/record/pack"
)

// Outcome is how inventory decided. A refusal is an outcome, not an error. The
// numbers are on the wire.
type Outcome uint8

const (
	OutcomeGranted   Outcome = 1 // all of it
	OutcomePartial   Outcome = 2 // a part of it
	OutcomeRefused   Outcome = 3 // nothing of it
	OutcomeExists    Outcome = 4 // decided before: a repetition, nothing moved
	OutcomeNoClaim   Outcome = 5 // confirm, release, ship of what isn't claimed: nothing moved
	OutcomeDone      Outcome = 6 // stock feed: applied
	OutcomeDuplicate Outcome = 7 // stock feed: event id seen with the same content
	OutcomeConflict  Outcome = 8 // stock feed: event id seen with other content (dead-lettered too)
	OutcomeRejected  Outcome = 9 // stock feed: would break a rule; Reason says which (dead-lettered too)
	OutcomeStale     Outcome = 10
)

var outcomeNames = [...]string{"", "granted", "partial", "refused", "exists", "no_claim", "done", "duplicate", "conflict", "rejected", "stale"}

// String returns the outcome in words.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "unknown"
}

// Reasons of refusals and shortages.
const (
	ReasonOutOfStock = "out_of_stock"
	ReasonUnknownSKU = "unknown_sku"
	ReasonBelowZero  = "below_zero"
	ReasonAboveMax   = "above_max"
	ReasonCountOld   = "count_older"
	// ReasonCountTooOld is a count of which the movements since are forgotten.
	ReasonCountTooOld = "count_too_old"
	// ReasonQuota: there is stock, and it is fenced off for other channels.
	ReasonQuota = "quota"
	// ReasonEventIDConflict is a stock event whose id came before with other content.
	ReasonEventIDConflict = "event_id_conflict"
	// ReasonFoundByShipment is a shipment of units that a count hadn't seen: they
	// were booked in first.
	ReasonFoundByShipment = "found_by_shipment"
)

// Counters are the units of a SKU at a warehouse.
//
// Invariants after every decision: OnHand, Unavailable, Held and Allocated are
// not negative.
type Counters struct {
	OnHand, Unavailable, Held, Allocated Quantity
}

// Available is what can still be promised. It is below zero only after a count,
// damage or adjustment took what was promised already.
func (c Counters) Available() Quantity { return c.OnHand - c.Unavailable - c.Held - c.Allocated }

// Movement is one change of the counters of a SKU at a warehouse.
type Movement struct {
	Warehouse WarehouseID
	// Number counts the movements of this SKU at this warehouse: 1, 2, 3, …
	// without gaps, so the ledger's chain can be checked.
	Number uint64
	Qty    Quantity // units moved; signed for adjust and count, else above zero
	Before Counters
	After  Counters
}

// Decision is what inventory decided, with the ledger's movements: to log.orders
// for what the orders stage waits for (reserve, fill), to log.availability for
// the rest.
type Decision struct {
	Verb      Verb
	Outcome   Outcome
	OrderKey  OrderKey // "" for the stock feed
	SKU       SKU
	Attempt   uint32
	Cause     string // event id that led here
	Requested Quantity
	Allocated bool     // reserve, fill: claimed hard, not held
	Missing   Quantity // requested and not granted, and doesn't wait
	Waiting   Quantity // waits for stock after this decision
	Reason    string   // why not all was granted
	Rule      string   // how the warehouses were chosen: "one_warehouse", "split", …
	// Quota is how many of the units moved were out of the channel's quota, or
	// went back into it.
	Quota Quantity
	Moves []Movement
}

const decisionVersion = 2

// AppendDecision appends d's internal form.
func AppendDecision(b []byte, d *Decision) []byte {
	b = pack.AppendArray(b, 15)
	b = pack.AppendUint(b, decisionVersion)
	b = pack.AppendUint(b, uint64(d.Verb))
	b = pack.AppendUint(b, uint64(d.Outcome))
	b = pack.AppendString(b, d.OrderKey)
	b = pack.AppendString(b, d.SKU)
	b = pack.AppendUint(b, uint64(d.Attempt))
	b = pack.AppendString(b, d.Cause)
	b = pack.AppendInt(b, int64(d.Requested))
	b = pack.AppendBool(b, d.Allocated)
	b = pack.AppendInt(b, int64(d.Missing))
	b = pack.AppendInt(b, int64(d.Waiting))
	b = pack.AppendString(b, d.Reason)
	b = pack.AppendString(b, d.Rule)
	b = pack.AppendInt(b, int64(d.Quota))
	b = pack.AppendArray(b, len(d.Moves))
	for i := range d.Moves {
		m := &d.Moves[i]
		b = pack.AppendArray(b, 5)
		b = pack.AppendString(b, m.Warehouse)
		b = pack.AppendUint(b, m.Number)
		b = pack.AppendInt(b, int64(m.Qty))
		b = appendCounters(b, m.Before)
		b = appendCounters(b, m.After)
	}
	return b
}

// Decode reads what AppendDecision wrote into d, whose slice is used again. The
// strings are views of body.
func (d *Decision) Decode(body []byte) error {
	r := pack.NewReader(body)
	r.Form("decision", decisionVersion, 15, 15)
	d.Verb = readVerb(&r)
	d.Outcome = Outcome(r.UintMax(uint64(len(outcomeNames) - 1)))
	d.OrderKey = OrderKey(r.View())
	d.SKU = SKU(r.View())
	d.Attempt = uint32(r.UintMax(math.MaxUint32))
	d.Cause = r.View()
	d.Requested = Quantity(r.Int())
	d.Allocated = r.Bool()
	d.Missing = Quantity(r.Int())
	d.Waiting = Quantity(r.Int())
	d.Reason = r.View()
	d.Rule = r.View()
	d.Quota = Quantity(r.Int())
	d.Moves = d.Moves[:0]
	for n := r.Array(); n > 0 && r.Err() == nil; n-- {
		r.ArrayOf(5)
		d.Moves = append(d.Moves, Movement{
			Warehouse: WarehouseID(r.View()), Number: r.Uint(), Qty: Quantity(r.Int()),
			Before: readCounters(&r), After: readCounters(&r),
		})
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("decision: %w", err)
	}
	return nil
}

func appendCounters(b []byte, c Counters) []byte {
	b = pack.AppendArray(b, 4)
	b = pack.AppendInt(b, int64(c.OnHand))
	b = pack.AppendInt(b, int64(c.Unavailable))
	b = pack.AppendInt(b, int64(c.Held))
	return pack.AppendInt(b, int64(c.Allocated))
}

func readCounters(r *pack.Reader) Counters {
	r.ArrayOf(4)
	return Counters{OnHand: Quantity(r.Int()), Unavailable: Quantity(r.Int()), Held: Quantity(r.Int()), Allocated: Quantity(r.Int())}
}
