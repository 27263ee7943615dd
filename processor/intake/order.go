package intake

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// contentTypeOrder marks the canonical form of an order event.
const contentTypeOrder = "application/vnd.holdfast.order+json"

// takeOrder takes a record of a channel's order topic, in either form.
func (s *Stage) takeOrder(tx stage.Tx, r *stage.Record, channel string) *record.Refusal {
	if !isCanonical(r) {
		if adapter := s.config.Adapters[channel]; adapter != nil {
			return s.takeBodies(tx, r, channel, adapter)
		}
		var any json.RawMessage
		if refusal := parse(r.Value, &any); refusal != nil {
			return refusal
		}
		return refuse(record.RefuseUnknownFormat, `not the canonical form ("holdfast": 1), and %s has no other`, channel)
	}
	in := record.OrderInput{}
	if refusal := parse(r.Value, &in); refusal != nil {
		return refusal
	}
	// The header says which form it is; then the field may be left out.
	if refusal := checkForm(in.Holdfast, hasContentType(r)); refusal != nil {
		return refusal
	}
	event, refusal := s.orderEvent(&in, channel)
	if refusal != nil {
		return refusal
	}
	if refusal := s.settle(event, r); refusal != nil {
		return refusal
	}
	s.sendOrder(tx, r, event)
	return nil
}

// isCanonical tells the canonical form from a channel's own. Looking for the
// usual beginning first saves reading the value twice.
func isCanonical(r *stage.Record) bool {
	if bytes.HasPrefix(r.Value, []byte(`{"holdfast":1,`)) || hasContentType(r) {
		return true
	}
	if !bytes.Contains(r.Value, []byte(`"holdfast"`)) {
		return false
	}
	var probe struct {
		Holdfast json.RawMessage `json:"holdfast"`
	}
	return json.Unmarshal(r.Value, &probe) == nil && string(probe.Holdfast) == "1"
}

func hasContentType(r *stage.Record) bool {
	mediaType, _, _ := strings.Cut(r.Header("content-type"), ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), contentTypeOrder)
}

// orderEvent brings the canonical form into the normal one. What is common to
// all events, whatever form they came in, is checked by settle.
func (s *Stage) orderEvent(in *record.OrderInput, topicChannel string) (*record.OrderEvent, *record.Refusal) {
	channel, shop := in.Channel, in.Shop
	if channel == "" {
		channel = topicChannel
	}
	if shop == "" {
		shop = mainShop
	}
	e := &record.OrderEvent{
		EventID: in.EventID, OrderKey: record.MakeOrderKey(channel, shop, in.OrderID),
		Fact: record.OrdersAreFacts(channel), OccurredAt: in.OccurredAt,
	}
	switch in.Type {
	case "order.created":
		e.Type = record.OrderCreated
	case "order.paid":
		e.Type = record.OrderPaid
	case "order.cancelled":
		e.Type, e.By, e.Text = record.OrderCancelled, in.By, cut(in.Reason, textBytesMax)
	case "return.received":
		e.Type, e.Text, e.Warehouse = record.OrderReturned, cut(in.Reason, textBytesMax), in.Warehouse
	case "order.amended", "return.requested", "return.refused", "exchange.requested":
		e.Type, e.Text = record.OrderNotSupported, in.Type
	default:
		return nil, refuse(record.RefuseUnknownType, "type: %.60q isn't a type of order event", in.Type)
	}
	// An order belongs to the channel it was placed on; of events after that,
	// another of our own channels may tell, but no marketplace about another's.
	elsewhere := e.Type == record.OrderCreated || record.IsMarketplace(topicChannel)
	if channel != topicChannel && elsewhere {
		return nil, refuse(record.RefuseChannelMismatch, "channel: %.60q on the topic of %s", channel, topicChannel)
	}
	if refusal := first(checkShop("shop", shop), checkID("order_id", in.OrderID)); refusal != nil {
		return nil, refusal
	}
	if !s.channels[channel] {
		return nil, refuse(record.RefuseChannelUnknown, "channel: %.60q isn't configured", channel)
	}
	var refusal *record.Refusal
	switch e.Type {
	case record.OrderCancelled, record.OrderReturned:
		e.Lines, refusal = lineQtys(e.Type, in.Lines)
	case record.OrderCreated:
		if in.Order == nil {
			return nil, refuse(record.RefuseMalformed, "order: missing")
		}
		e.Order, refusal = orderBody(in.Order)
	}
	if refusal != nil {
		return nil, refusal
	}
	return e, nil
}

func orderBody(in *record.OrderInputOrder) (*record.OrderBody, *record.Refusal) {
	o := &record.OrderBody{Currency: in.Currency, TotalMinor: in.TotalMinor, ShipBy: in.ShipBy}
	switch in.Payment {
	case "unpaid":
		o.Payment, o.HoldSeconds = record.PaymentUnpaid, 0
	case "prepaid":
		o.Payment = record.PaymentPrepaid
	case "cod":
		o.Payment = record.PaymentCOD
	default:
		return nil, refuse(record.RefuseBadPayment, "order.payment: %.60q isn't unpaid, prepaid or cod", in.Payment)
	}
	if o.Payment == record.PaymentUnpaid && in.HoldSeconds != nil {
		if o.HoldSeconds = *in.HoldSeconds; o.HoldSeconds < 1 || o.HoldSeconds > record.HoldSecondsMax {
			return nil, refuse(record.RefuseBadHold, "order.hold_seconds: %d, must be 1 to %d", o.HoldSeconds, record.HoldSecondsMax)
		}
	}
	switch in.Allow {
	case "", "all":
		o.Allow = record.AllowAll
	case "partial":
		o.Allow = record.AllowPartial
	case "backorder":
		o.Allow = record.AllowBackorder
	default:
		return nil, refuse(record.RefuseBadAllow, "order.allow: %.60q isn't all, partial or backorder", in.Allow)
	}
	if c := in.Customer; c != nil {
		o.CustomerID, o.VIP = c.ID, c.VIP
	}
	if p := in.ShipTo; p != nil {
		if refusal := checkPlace(p.Lat, p.Lng); refusal != nil {
			return nil, refusal
		}
		o.Region = p.Region
		if p.Lat != nil {
			o.HasPlace, o.LatE6, o.LngE6 = true, microDegrees(*p.Lat), microDegrees(*p.Lng)
		}
	}
	if in.PickupAt != nil {
		o.PickupAt = record.WarehouseID(*in.PickupAt)
	}
	if refusal := checkLineCount(len(in.Lines)); refusal != nil {
		return nil, refusal
	}
	o.Lines = make([]record.OrderLine, len(in.Lines))
	for i, l := range in.Lines {
		if l.Line == "" {
			l.Line = strconv.Itoa(i + 1)
		}
		o.Lines[i] = record.OrderLine{Line: l.Line, SKU: l.SKU, Qty: l.Qty, UnitPriceMinor: l.UnitPriceMinor}
	}
	return o, nil
}

func microDegrees(degrees float64) int64 { return int64(math.Round(degrees * 1e6)) }

// lineQtys brings units named by line into their normal form. Where units go is
// a question of those that came back only.
func lineQtys(t record.OrderEventType, in []record.LineQtyInput) ([]record.LineQty, *record.Refusal) {
	var out []record.LineQty
	for i, l := range in {
		n := record.LineQty{Line: l.Line, Qty: l.Qty}
		if t == record.OrderReturned {
			switch l.Restock {
			case "", "unavailable":
				n.Restock = record.RestockUnavailable
			case "sellable":
				n.Restock = record.RestockSellable
			case "none":
				n.Restock = record.RestockNone
			default:
				return nil, refuse(record.RefuseBadRestock, "line %d: restock: %.60q isn't sellable, unavailable or none", i+1, l.Restock)
			}
		}
		out = append(out, n)
	}
	return out, nil
}
