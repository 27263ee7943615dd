package record

import (
	"fmt"
	"slices"

	"holdfast/topology/record/pack"
)

// OrderEventType says what happened to an order, in the channel's eyes. The
// numbers are on the wire.
type OrderEventType uint8

const (
	OrderCreated        OrderEventType = 1
	OrderPaid           OrderEventType = 2
	OrderCancelled      OrderEventType = 3
	OrderShipped        OrderEventType = 4 // fulfilment.shipped, or the channel's own
	OrderSnapshot       OrderEventType = 5 // a marketplace body: the whole order with its state
	OrderStatus         OrderEventType = 6 // a marketplace push: the state without the order
	OrderNotSupported   OrderEventType = 7 // a type of the contract that isn't built yet; Text names it
	OrderPicked         OrderEventType = 8
	OrderPacked         OrderEventType = 9
	OrderDelivered      OrderEventType = 10
	OrderReturned       OrderEventType = 11 // units came back: return.received or fulfilment.returned
	orderEventTypeCount                = 12
)

var orderEventTypeNames = [orderEventTypeCount]string{"", "order.created", "order.paid", "order.cancelled", "fulfilment.shipped", "order.snapshot", "order.status", "not_supported",
	"fulfilment.picked", "fulfilment.packed", "fulfilment.delivered", "return.received"}

// String returns the public name.
func (t OrderEventType) String() string {
	if int(t) < len(orderEventTypeNames) {
		return orderEventTypeNames[t]
	}
	return "unknown"
}

// ChannelState is the state of an order on its marketplace, mapped. A higher one
// is further along, which settles two of the same second.
type ChannelState uint8

const (
	StateNone      ChannelState = 0
	StateRecorded  ChannelState = 1 // noted, asks for nothing
	StateUnpaid    ChannelState = 2
	StatePaid      ChannelState = 3 // also cash on delivery: to be shipped
	StateCancelled ChannelState = 4
	StateShipped   ChannelState = 5
	StateCompleted ChannelState = 6
)

// Payment is how an order is paid.
type Payment uint8

const (
	PaymentUnpaid  Payment = 1
	PaymentPrepaid Payment = 2
	PaymentCOD     Payment = 3
)

// Allow says what to do with an order that can't be had whole.
type Allow uint8

const (
	AllowAll       Allow = 1
	AllowPartial   Allow = 2
	AllowBackorder Allow = 3
)

// OrderEvent is one event of an order in its normal form, whatever channel it
// came from: what intake sends to log.orders.
type OrderEvent struct {
	EventID     string
	ContentHash uint64 // of the normalised event: tells a repetition from a conflict
	Type        OrderEventType
	OrderKey    OrderKey
	Fact        bool // the order stands, whatever the stock: never rejected, short units wait
	OccurredAt  Millis
	State       ChannelState // OrderSnapshot, OrderStatus
	By          string       // who cancelled: buyer, seller, marketplace
	Text        string       // reason given, or the unsupported type
	Warehouse   WarehouseID  // fulfilment, OrderReturned: "" means where the units are, or were
	Carrier     string
	Tracking    string
	Lines       []LineQty  // OrderCancelled, fulfilment, OrderReturned: empty means all
	Order       *OrderBody // OrderCreated, OrderSnapshot
}

// LineQty names units of a line, as they were sold: of a combo, whole sets.
type LineQty struct {
	Line    string
	Qty     Quantity
	Restock Restock // OrderReturned
}

// Restock says where units go that came back. The numbers are on the wire.
type Restock uint8

const (
	RestockUnavailable Restock = 0 // on hand, and not for sale until somebody has looked
	RestockSellable    Restock = 1
	RestockNone        Restock = 2 // nowhere: written off
)

var restockNames = [...]string{"unavailable", "sellable", "none"}

// String returns the public name.
func (r Restock) String() string {
	if int(r) < len(restockNames) {
		return restockNames[r]
	}
	return "unknown"
}

// OrderBody is what was ordered.
type OrderBody struct {
	Payment     Payment
	Allow       Allow
	HoldSeconds int64 // unpaid only
	Currency    string
	TotalMinor  int64
	CustomerID  string
	VIP         bool
	Region      string
	HasPlace    bool // LatE6 and LngE6 are set
	LatE6       int64
	LngE6       int64
	PickupAt    WarehouseID
	ShipBy      Millis
	Lines       []OrderLine
}

// OrderLine is one line of an order.
type OrderLine struct {
	Line           string
	SKU            SKU
	Qty            Quantity
	UnitPriceMinor int64
	Cancelled      Quantity // marketplace snapshots: cancelled so far, absolute
}

const orderEventVersion = 2

// The fewest bytes of an element: its array's header and one for each field.
const (
	lineQtyBytesMin   = 1 + 3
	orderLineBytesMin = 1 + 5
)

// AppendOrderEvent appends e's internal form.
func AppendOrderEvent(b []byte, e *OrderEvent) []byte {
	b = pack.AppendArray(b, 15)
	b = pack.AppendUint(b, orderEventVersion)
	b = pack.AppendString(b, e.EventID)
	b = pack.AppendUint(b, e.ContentHash)
	b = pack.AppendUint(b, uint64(e.Type))
	b = pack.AppendString(b, e.OrderKey)
	b = pack.AppendBool(b, e.Fact)
	b = pack.AppendInt(b, int64(e.OccurredAt))
	b = pack.AppendUint(b, uint64(e.State))
	b = pack.AppendString(b, e.By)
	b = pack.AppendString(b, e.Text)
	b = pack.AppendString(b, e.Warehouse)
	b = pack.AppendString(b, e.Carrier)
	b = pack.AppendString(b, e.Tracking)
	b = pack.AppendArray(b, len(e.Lines))
	for _, l := range e.Lines {
		b = pack.AppendInt(pack.AppendString(pack.AppendArray(b, 3), l.Line), int64(l.Qty))
		b = pack.AppendUint(b, uint64(l.Restock))
	}
	if e.Order == nil {
		return pack.AppendNil(b)
	}
	return appendOrderBody(b, e.Order)
}

func appendOrderBody(b []byte, o *OrderBody) []byte {
	b = pack.AppendArray(b, 14)
	b = pack.AppendUint(b, uint64(o.Payment))
	b = pack.AppendUint(b, uint64(o.Allow))
	b = pack.AppendInt(b, o.HoldSeconds)
	b = pack.AppendString(b, o.Currency)
	b = pack.AppendInt(b, o.TotalMinor)
	b = pack.AppendString(b, o.CustomerID)
	b = pack.AppendBool(b, o.VIP)
	b = pack.AppendString(b, o.Region)
	b = pack.AppendBool(b, o.HasPlace)
	b = pack.AppendInt(b, o.LatE6)
	b = pack.AppendInt(b, o.LngE6)
	b = pack.AppendString(b, o.PickupAt)
	b = pack.AppendInt(b, int64(o.ShipBy))
	b = pack.AppendArray(b, len(o.Lines))
	for i := range o.Lines {
		l := &o.Lines[i]
		b = pack.AppendArray(b, 5)
		b = pack.AppendString(b, l.Line)
		b = pack.AppendString(b, l.SKU)
		b = pack.AppendInt(b, int64(l.Qty))
		b = pack.AppendInt(b, l.UnitPriceMinor)
		b = pack.AppendInt(b, int64(l.Cancelled))
	}
	return b
}

// DecodeOrderEvent reads what AppendOrderEvent wrote; strings are copied.
func DecodeOrderEvent(body []byte) (*OrderEvent, error) {
	e := &OrderEvent{}
	if err := e.decode(body, texts{copied: true}); err != nil {
		return nil, err
	}
	return e, nil
}

// Decode reads what AppendOrderEvent wrote into e, whose slices are used again.
// Strings are views of body. If e has an Order, that is memory for the order of
// the event; it is nil afterwards where the event has none.
func (e *OrderEvent) Decode(body []byte) error { return e.decode(body, texts{}) }

// texts reads strings, as views or copied.
type texts struct{ copied bool }

func (t texts) read(r *pack.Reader) string {
	if t.copied {
		return r.String()
	}
	return r.View()
}

func (e *OrderEvent) decode(body []byte, text texts) error {
	r := pack.NewReader(body)
	r.Form("order event", orderEventVersion, 15, 15)
	e.EventID = text.read(&r)
	e.ContentHash = r.Uint()
	e.Type = OrderEventType(r.UintMax(orderEventTypeCount - 1))
	e.OrderKey = OrderKey(text.read(&r))
	e.Fact = r.Bool()
	e.OccurredAt = Millis(r.Int())
	e.State = ChannelState(r.UintMax(uint64(StateCompleted)))
	e.By = text.read(&r)
	e.Text = text.read(&r)
	e.Warehouse = WarehouseID(text.read(&r))
	e.Carrier = text.read(&r)
	e.Tracking = text.read(&r)
	e.Lines = e.Lines[:0]
	if n := r.Elements(lineQtyBytesMin); n > 0 {
		e.Lines = slices.Grow(e.Lines, n)[:n]
		for i := range e.Lines {
			r.ArrayOf(3)
			e.Lines[i] = LineQty{Line: text.read(&r), Qty: Quantity(r.Int()), Restock: Restock(r.UintMax(uint64(RestockNone)))}
		}
	}
	if r.Nil() {
		e.Order = nil
	} else {
		if e.Order == nil {
			e.Order = &OrderBody{}
		}
		e.Order.read(&r, text)
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("order event: %w", err)
	}
	return nil
}

func (o *OrderBody) read(r *pack.Reader, text texts) {
	r.ArrayOf(14)
	o.Payment = Payment(r.UintMax(uint64(PaymentCOD)))
	o.Allow = Allow(r.UintMax(uint64(AllowBackorder)))
	o.HoldSeconds = r.Int()
	o.Currency = text.read(r)
	o.TotalMinor = r.Int()
	o.CustomerID = text.read(r)
	o.VIP = r.Bool()
	o.Region = text.read(r)
	o.HasPlace = r.Bool()
	o.LatE6 = r.Int()
	o.LngE6 = r.Int()
	o.PickupAt = WarehouseID(text.read(r))
	o.ShipBy = Millis(r.Int())
	o.Lines = o.Lines[:0]
	if n := r.Elements(orderLineBytesMin); n > 0 {
		o.Lines = slices.Grow(o.Lines, n)[:n]
		for i := range o.Lines {
			r.ArrayOf(5)
			o.Lines[i] = OrderLine{Line: text.read(r), SKU: SKU(text.read(r)), Qty: Quantity(r.Int()), UnitPriceMinor: r.Int(), Cancelled: Quantity(r.Int())}
		}
	}
}

// Forget lets go of all views, and keeps memory.
func (e *OrderEvent) Forget() {
	clear(e.Lines[:cap(e.Lines)])
	*e = OrderEvent{Lines: e.Lines[:0], Order: e.Order}
	if o := e.Order; o != nil {
		clear(o.Lines[:cap(o.Lines)])
		*o = OrderBody{Lines: o.Lines[:0]}
	}
}
