package record

import (
	"fmt"
	"math"

	"holdfast/topology/record/pack"
)

// Verb is what inventory is asked to do, or what moved stock. The numbers are on
// the wire.
type Verb uint8

const (
	VerbReserve Verb = 1 // orders: claim units
	VerbConfirm Verb = 2 // orders: held -> allocated
	VerbRelease Verb = 3 // orders: give back all that the order still claims of the SKU
	VerbShip    Verb = 4 // orders: allocated units left the building
	VerbFill    Verb = 5 // inventory itself: waiting units got stock
	VerbCount   Verb = 6 // stock.feed from here on
	VerbReceive Verb = 7
	VerbAdjust  Verb = 8

	VerbReduce Verb = 9  // orders: give back a part of what the order claims or waits for
	VerbReturn Verb = 10 // orders: units that had left came back
	// VerbShipUnclaimed: units left that the order had no claim on (any more). It
	// is a fact: on hand falls.
	VerbShipUnclaimed Verb = 11
	VerbDamage        Verb = 12 // stock.feed: sellable -> unavailable, or back
	VerbPolicy        Verb = 13 // stock.feed: who may sell how much; moves nothing
)

// verbMax is the last verb.
const verbMax = VerbPolicy

var verbNames = [verbMax + 1]string{"", "reserve", "confirm", "release", "ship", "fill", "count", "receive", "adjust",
	"reduce", "return", "ship_unclaimed", "damage", "policy"}

// String returns the verb in words.
func (v Verb) String() string {
	if int(v) < len(verbNames) {
		return verbNames[v]
	}
	return "unknown"
}

// Ranked is a warehouse that may serve an order. Those of the same Rank are
// equally good to the orders stage: the one with more available units wins,
// then the smaller id.
type Ranked struct {
	Warehouse WarehouseID
	Rank      uint16
}

// WarehouseQty is a number of units at a warehouse.
type WarehouseQty struct {
	Warehouse WarehouseID
	Qty       Quantity
}

// Command is what the orders stage asks of inventory for one SKU of an order.
type Command struct {
	Verb     Verb
	OrderKey OrderKey
	SKU      SKU
	Attempt  uint32 // of the order's saga; a decision of an old attempt is ignored
	Cause    string // event id, or "expiry", "deadline"
	// VerbReserve
	Qty      Quantity // summed over the order's lines of this SKU
	Allocate bool     // claim hard at once (no payment awaited, nothing to wait for)
	Whole    bool     // all or nothing
	Wait     bool     // what is missing waits for stock
	Fact     bool     // it waits before those that aren't facts, and may take what a quota leaves free
	Ranked   []Ranked // in order of rank
	// Parts are units by warehouse. VerbShip: what left; the rest of the claim
	// stays. VerbShipUnclaimed: what left without a claim. VerbReturn: what came
	// back. VerbReduce: what is given back; beside it, Qty units that wait.
	Parts []WarehouseQty
	// OccurredAt is when the units left or came back; 0: not known, now.
	OccurredAt Millis
	// Unavailable: what came back can't be sold (VerbReturn).
	Unavailable bool
}

const commandVersion = 2

// AppendCommand appends c's internal form.
func AppendCommand(b []byte, c *Command) []byte {
	b = pack.AppendArray(b, 15)
	b = pack.AppendUint(b, commandVersion)
	b = pack.AppendUint(b, uint64(c.Verb))
	b = pack.AppendString(b, c.OrderKey)
	b = pack.AppendString(b, c.SKU)
	b = pack.AppendUint(b, uint64(c.Attempt))
	b = pack.AppendString(b, c.Cause)
	b = pack.AppendInt(b, int64(c.Qty))
	b = pack.AppendBool(b, c.Allocate)
	b = pack.AppendBool(b, c.Whole)
	b = pack.AppendBool(b, c.Wait)
	b = pack.AppendBool(b, c.Fact)
	b = pack.AppendArray(b, len(c.Ranked)*2)
	for _, w := range c.Ranked {
		b = pack.AppendUint(pack.AppendString(b, w.Warehouse), uint64(w.Rank))
	}
	b = pack.AppendArray(b, len(c.Parts)*2)
	for _, p := range c.Parts {
		b = pack.AppendInt(pack.AppendString(b, p.Warehouse), int64(p.Qty))
	}
	b = pack.AppendInt(b, int64(c.OccurredAt))
	return pack.AppendBool(b, c.Unavailable)
}

// Decode reads what AppendCommand wrote into c, whose slices are used again.
// The strings are views of body.
func (c *Command) Decode(body []byte) error {
	r := pack.NewReader(body)
	r.Form("command", commandVersion, 15, 15)
	c.Verb = readVerb(&r)
	c.OrderKey = OrderKey(r.View())
	c.SKU = SKU(r.View())
	c.Attempt = uint32(r.UintMax(math.MaxUint32))
	c.Cause = r.View()
	c.Qty = Quantity(r.Int())
	c.Allocate = r.Bool()
	c.Whole = r.Bool()
	c.Wait = r.Bool()
	c.Fact = r.Bool()
	c.Ranked = c.Ranked[:0]
	for n := tuples(&r, 2); n > 0 && r.Err() == nil; n-- {
		c.Ranked = append(c.Ranked, Ranked{Warehouse: WarehouseID(r.View()), Rank: uint16(r.UintMax(math.MaxUint16))})
	}
	c.Parts = c.Parts[:0]
	for n := tuples(&r, 2); n > 0 && r.Err() == nil; n-- {
		c.Parts = append(c.Parts, WarehouseQty{Warehouse: WarehouseID(r.View()), Qty: Quantity(r.Int())})
	}
	c.OccurredAt = Millis(r.Int())
	c.Unavailable = r.Bool()
	if err := r.Close(); err != nil {
		return fmt.Errorf("command: %w", err)
	}
	return nil
}

func readVerb(r *pack.Reader) Verb { return Verb(r.UintMax(uint64(len(verbNames) - 1))) }

// tuples reads the header of an array of n-tuples and returns how many there are.
func tuples(r *pack.Reader, n int) int {
	got := r.Array()
	if got%n != 0 {
		r.Fail(pack.ErrForm)
		return 0
	}
	return got / n
}
