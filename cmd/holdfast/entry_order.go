package main

import "holdfast/topology/record"

// orderEventLine is an order event in its normal form, as people read it.
type orderEventLine struct {
	Type       string             `json:"type"`
	EventID    string             `json:"event_id"`
	OrderKey   record.OrderKey    `json:"order_key"`
	Fact       bool               `json:"fact,omitempty"`
	OccurredAt record.Millis      `json:"occurred_at,omitzero"`
	State      string             `json:"state,omitempty"`
	By         string             `json:"by,omitempty"`
	Text       string             `json:"text,omitempty"`
	Warehouse  record.WarehouseID `json:"warehouse,omitempty"`
	Carrier    string             `json:"carrier,omitempty"`
	Tracking   string             `json:"tracking,omitempty"`
	Lines      []lineQtyLine      `json:"lines,omitempty"`
	Order      *orderBodyLine     `json:"order,omitempty"`
}

type lineQtyLine struct {
	Line    string          `json:"line"`
	Qty     record.Quantity `json:"qty"`
	Restock string          `json:"restock,omitempty"`
}

type orderBodyLine struct {
	Payment     string             `json:"payment"`
	Allow       string             `json:"allow"`
	HoldSeconds int64              `json:"hold_seconds,omitempty"`
	Currency    string             `json:"currency,omitempty"`
	TotalMinor  int64              `json:"total_minor,omitempty"`
	CustomerID  string             `json:"customer_id,omitempty"`
	VIP         bool               `json:"vip,omitempty"`
	Region      string             `json:"region,omitempty"`
	Place       *placeLine         `json:"place,omitempty"`
	PickupAt    record.WarehouseID `json:"pickup_at,omitempty"`
	ShipBy      record.Millis      `json:"ship_by,omitzero"`
	Lines       []orderLineLine    `json:"lines"`
}

type placeLine struct {
	Lat float64 `json:"lat"`
	Lng float64 `json:"lng"`
}

type orderLineLine struct {
	Line           string          `json:"line"`
	SKU            record.SKU      `json:"sku"`
	Qty            record.Quantity `json:"qty"`
	UnitPriceMinor int64           `json:"unit_price_minor,omitempty"`
	Cancelled      record.Quantity `json:"cancelled,omitempty"`
}

// restockWord is where units go that came back; other events say nothing of it.
func restockWord(e *record.OrderEvent, r record.Restock) string {
	if e.Type != record.OrderReturned {
		return ""
	}
	return r.String()
}

func orderEventView(e *record.OrderEvent) orderEventLine {
	line := orderEventLine{
		Type: e.Type.String(), EventID: e.EventID, OrderKey: e.OrderKey, Fact: e.Fact, OccurredAt: e.OccurredAt,
		State: stateWord(e.State), By: e.By, Text: e.Text, Warehouse: e.Warehouse, Carrier: e.Carrier, Tracking: e.Tracking,
	}
	for _, l := range e.Lines {
		line.Lines = append(line.Lines, lineQtyLine{Line: l.Line, Qty: l.Qty, Restock: restockWord(e, l.Restock)})
	}
	if o := e.Order; o != nil {
		line.Order = orderBodyView(o)
	}
	return line
}

func orderBodyView(o *record.OrderBody) *orderBodyLine {
	line := &orderBodyLine{
		Payment: paymentWord(o.Payment), Allow: allowWord(o.Allow), HoldSeconds: o.HoldSeconds,
		Currency: o.Currency, TotalMinor: o.TotalMinor, CustomerID: o.CustomerID, VIP: o.VIP, Region: o.Region,
		PickupAt: o.PickupAt, ShipBy: o.ShipBy, Lines: []orderLineLine{},
	}
	if o.HasPlace {
		line.Place = &placeLine{float64(o.LatE6) / 1e6, float64(o.LngE6) / 1e6}
	}
	for _, l := range o.Lines {
		line.Lines = append(line.Lines, orderLineLine(l))
	}
	return line
}

func paymentWord(p record.Payment) string {
	switch p {
	case record.PaymentUnpaid:
		return "unpaid"
	case record.PaymentPrepaid:
		return "prepaid"
	case record.PaymentCOD:
		return "cod"
	}
	return "unknown"
}

func allowWord(a record.Allow) string {
	switch a {
	case record.AllowAll:
		return "all"
	case record.AllowPartial:
		return "partial"
	case record.AllowBackorder:
		return "backorder"
	}
	return "unknown"
}

// stateWord: none is "", which isn't printed.
func stateWord(s record.ChannelState) string {
	switch s {
	case record.StateNone:
		return ""
	case record.StateRecorded:
		return "recorded"
	case record.StateUnpaid:
		return "unpaid"
	case record.StatePaid:
		return "paid"
	case record.StateCancelled:
		return "cancelled"
	case record.StateShipped:
		return "shipped"
	case record.StateCompleted:
		return "completed"
	}
	return "unknown"
}
