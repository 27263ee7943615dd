package record

// OrderUpdate is a record of order.events: the whole order after one change.
type OrderUpdate struct {
	Holdfast int               `json:"holdfast"`
	OrderKey OrderKey          `json:"order_key"`
	Seq      int64             `json:"seq"` // 1, 2, 3, … per order without gaps
	Type     string            `json:"type"`
	Status   string            `json:"status"`
	At       Millis            `json:"at"`
	Cause    string            `json:"cause"`
	Lines    []OrderUpdateLine `json:"lines"`
	Reason   string            `json:"reason"`
	Refund   bool              `json:"refund_proposed,omitempty"`
}

// OrderUpdateLine is a part of a line in one state. The parts of a line add up
// to the quantity ordered.
type OrderUpdateLine struct {
	Line      string      `json:"line"`
	SKU       SKU         `json:"sku"`
	Combo     SKU         `json:"combo,omitempty"` // the SKU that was sold, where that is a combo
	Qty       Quantity    `json:"qty"`             // of a combo: in units of the component
	State     string      `json:"state"`
	Warehouse WarehouseID `json:"warehouse,omitempty"`
}

// Types of OrderUpdate.
const (
	UpdateAccepted  = "order.accepted"
	UpdateRejected  = "order.rejected"
	UpdateConfirmed = "order.confirmed"
	UpdateExpired   = "order.expired"
	UpdateRevived   = "order.revived"
	UpdateCancelled = "order.cancelled"
	UpdateFilled    = "order.filled"
	UpdatePicking   = "order.picking"
	UpdatePacked    = "order.packed"
	UpdateShipped   = "order.shipped"
	UpdateDelivered = "order.delivered"
	UpdateCompleted = "order.completed"
	UpdateReturned  = "order.returned"
	UpdateRefused   = "order.refused"
)

// Line states.
const (
	LineHeld        = "held"
	LineAllocated   = "allocated"
	LineShort       = "short"
	LineBackordered = "backordered"
	LineReleased    = "released"
	LineShipped     = "shipped"
	LineDelivered   = "delivered"
	LineReturned    = "returned"
	LineCancelled   = "cancelled"
)

// StatusUpdate is a record of channel.<name>.status.
type StatusUpdate struct {
	Holdfast int          `json:"holdfast"`
	OrderKey OrderKey     `json:"order_key"`
	Channel  string       `json:"channel"`
	Shop     string       `json:"shop"`
	OrderID  string       `json:"order_id"`
	Seq      int64        `json:"seq"`
	Status   string       `json:"status"`
	Reason   string       `json:"reason"`
	Lines    []StatusLine `json:"lines"`
	At       Millis       `json:"at"`
}

// StatusLine asks the channel to act on units of a line.
type StatusLine struct {
	Line      string      `json:"line"`
	Qty       Quantity    `json:"qty"`
	Action    string      `json:"action"` // ship, cancel, short
	Warehouse WarehouseID `json:"warehouse,omitempty"`
	Tracking  string      `json:"tracking,omitempty"`
	Carrier   string      `json:"carrier,omitempty"`
}

// StockUpdate is a record of stock.events: counters after a change.
type StockUpdate struct {
	Holdfast    int         `json:"holdfast"`
	SKU         SKU         `json:"sku"`
	Warehouse   WarehouseID `json:"warehouse"`
	OnHand      Quantity    `json:"on_hand"`
	Unavailable Quantity    `json:"unavailable"`
	Held        Quantity    `json:"held"`
	Allocated   Quantity    `json:"allocated"`
	Incoming    Quantity    `json:"incoming"`
	Available   Quantity    `json:"available"`
	Version     int64       `json:"version"`
	At          Millis      `json:"at"`
}

// ChannelStock is a record of channel.<name>.stock: what a shop may sell.
type ChannelStock struct {
	Holdfast int      `json:"holdfast"`
	Channel  string   `json:"channel"`
	Shop     string   `json:"shop"`
	SKU      SKU      `json:"sku"`
	Sellable Quantity `json:"sellable"`
	Version  int64    `json:"version"`
	At       Millis   `json:"at"`
	Urgent   bool     `json:"urgent"`
}

// Headers of dead letters, named as Kafka Streams names them. All begin with
// HeaderErrors.
const (
	HeaderErrors         = "__streams.errors."
	HeaderErrorException = "__streams.errors.exception"
	HeaderErrorMessage   = "__streams.errors.message"
	HeaderErrorTopic     = "__streams.errors.topic"
	HeaderErrorPartition = "__streams.errors.partition"
	HeaderErrorOffset    = "__streams.errors.offset"
)
