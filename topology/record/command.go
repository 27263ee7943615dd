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
)

var verbNames = [...]string{"", "reserve", "confirm", "release", "ship", "fill", "count", "receive", "adjust"}

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
	Ranked   []Ranked // in order of rank
	// VerbShip: what left; the rest of the claim stays
	Parts []WarehouseQty
}

const commandVersion = 1

// AppendCommand appends c's internal form.
func AppendCommand(b []byte, c *Command) []byte {
	b = pack.AppendArray(b, 12)
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
	b = pack.AppendArray(b, len(c.Ranked)*2)
	for _, w := range c.Ranked {
		b = pack.AppendUint(pack.AppendString(b, w.Warehouse), uint64(w.Rank))
	}
	b = pack.AppendArray(b, len(c.Parts)*2)
	for _, p := range c.Parts {
		b = pack.AppendInt(pack.AppendString(b, p.Warehouse), int64(p.Qty))
	}
	return b
}

// Decode reads what AppendCommand wrote into c, whose slices are used again.
// The strings are views of body.
func (c *Command) Decode(body []byte) error {
	r := pack.NewReader(body)
	r.ArrayOf(12)
	checkVersion(&r, "command", commandVersion)
	c.Verb = readVerb(&r)
	c.OrderKey = OrderKey(r.View())
	c.SKU = SKU(r.View())
	c.Attempt = uint32(r.UintMax(math.MaxUint32))
	c.Cause = r.View()
	c.Qty = Quantity(r.Int())
	c.Allocate = r.Bool()
	c.Whole = r.Bool()
	c.Wait = r.Bool()
	c.Ranked = c.Ranked[:0]
	for n := evenArray(&r); n > 0 && r.Err() == nil; n -= 2 {
		c.Ranked = append(c.Ranked, Ranked{Warehouse: WarehouseID(r.View()), Rank: uint16(r.UintMax(math.MaxUint16))})
	}
	c.Parts = c.Parts[:0]
	for n := evenArray(&r); n > 0 && r.Err() == nil; n -= 2 {
		c.Parts = append(c.Parts, WarehouseQty{Warehouse: WarehouseID(r.View()), Qty: Quantity(r.Int())})
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("command: %w", err)
	}
	return nil
}

func readVerb(r *pack.Reader) Verb { return Verb(r.UintMax(uint64(len(verbNames) - 1))) }

// evenArray reads the header of an array of pairs.
func evenArray(r *pack.Reader) int {
	n := r.Array()
	if n%2 != 0 {
		r.Fail(pack.ErrForm)
		return 0
	}
	return n
}

// StockCommand is one record of stock.feed in its normal form.
type StockCommand struct {
	Verb        Verb // VerbCount, VerbReceive, VerbAdjust
	EventID     string
	ContentHash uint64
	SKU         SKU
	Warehouse   WarehouseID
	Qty         Quantity // count: absolute; receive: above 0; adjust: signed
	OccurredAt  Millis
	Reason      string
}

const stockCommandVersion = 1

// AppendStockCommand appends c's internal form.
func AppendStockCommand(b []byte, c *StockCommand) []byte {
	b = pack.AppendArray(b, 9)
	b = pack.AppendUint(b, stockCommandVersion)
	b = pack.AppendUint(b, uint64(c.Verb))
	b = pack.AppendString(b, c.EventID)
	b = pack.AppendUint(b, c.ContentHash)
	b = pack.AppendString(b, c.SKU)
	b = pack.AppendString(b, c.Warehouse)
	b = pack.AppendInt(b, int64(c.Qty))
	b = pack.AppendInt(b, int64(c.OccurredAt))
	return pack.AppendString(b, c.Reason)
}

// Decode reads what AppendStockCommand wrote. The strings are views of body.
func (c *StockCommand) Decode(body []byte) error {
	r := pack.NewReader(body)
	r.ArrayOf(9)
	checkVersion(&r, "stock command", stockCommandVersion)
	c.Verb = readVerb(&r)
	c.EventID = r.View()
	c.ContentHash = r.Uint()
	c.SKU = SKU(r.View())
	c.Warehouse = WarehouseID(r.View())
	c.Qty = Quantity(r.Int())
	c.OccurredAt = Millis(r.Int())
	c.Reason = r.View()
	if err := r.Close(); err != nil {
		return fmt.Errorf("stock command: %w", err)
	}
	return nil
}
