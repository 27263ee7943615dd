package intake

import (
	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// takeFulfilment takes a record of fulfilment.feed: an event of an order.
func (s *Stage) takeFulfilment(tx stage.Tx, r *stage.Record) *record.Refusal {
	in := record.FulfilmentInput{}
	if refusal := first(parse(r.Value, &in), checkForm(in.Holdfast, true)); refusal != nil {
		return refusal
	}
	e := &record.OrderEvent{
		EventID: in.EventID, OrderKey: in.OrderKey, OccurredAt: in.OccurredAt,
		Warehouse: in.Warehouse, Carrier: in.Carrier, Tracking: in.Tracking,
	}
	switch in.Type {
	case "fulfilment.picked":
		e.Type = record.OrderPicked
	case "fulfilment.packed":
		e.Type = record.OrderPacked
	case "fulfilment.shipped":
		e.Type = record.OrderShipped
	case "fulfilment.delivered":
		e.Type = record.OrderDelivered
	case "fulfilment.returned":
		e.Type = record.OrderReturned
	case "fulfilment.accepted", "fulfilment.rejected", "fulfilment.in_transit", "fulfilment.failed":
		e.Type, e.Text = record.OrderNotSupported, in.Type
	default:
		return refuse(record.RefuseUnknownType, "type: %.60q isn't a type of fulfilment.feed", in.Type)
	}
	var refusal *record.Refusal
	if e.Lines, refusal = lineQtys(e.Type, in.Lines); refusal != nil {
		return refusal
	}
	channel, shop, orderID, ok := in.OrderKey.Cut()
	if !ok {
		return refuse(record.RefuseBadID, "order_key: %.60q isn't channel/shop/order_id", in.OrderKey)
	}
	refusal = first(checkChannel("order_key", channel), checkShop("order_key", shop), checkID("order_key", orderID))
	if refusal != nil {
		return refusal
	}
	if !s.channels[channel] {
		return refuse(record.RefuseChannelUnknown, "order_key: channel %s isn't configured", channel)
	}
	e.Fact = record.OrdersAreFacts(channel)
	if refusal := s.settle(e, r); refusal != nil {
		return refusal
	}
	s.sendOrder(tx, r, e)
	return nil
}
