package order

import (
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// A dead letter shows each event as its public record would look.
func TestCanonicalFormOfEachEvent(t *testing.T) {
	const key = "web/main/1"
	lines := []record.LineQty{{Line: "1", Qty: 2, Restock: record.RestockSellable}}
	const order = `"channel":"web","shop":"main","order_id":"1","occurred_at":"2026-11-11T00:00:00.000Z"`
	const named = `"lines":[{"line":"1","qty":2}]`
	for want, e := range map[string]*record.OrderEvent{
		`{"holdfast":1,"event_id":"e","type":"order.paid",` + order + `}`:                                                                             {Type: record.OrderPaid},
		`{"holdfast":1,"event_id":"e","type":"order.cancelled",` + order + `,"by":"buyer",` + named + `}`:                                             {Type: record.OrderCancelled, By: "buyer", Lines: lines},
		`{"holdfast":1,"event_id":"e","type":"return.received",` + order + `,"lines":[{"line":"1","qty":2,"restock":"sellable"}],"warehouse":"HN-1"}`: {Type: record.OrderReturned, Warehouse: "HN-1", Lines: lines},
		`{"holdfast":1,"event_id":"e","type":"order.amended",` + order + `}`:                                                                          {Type: record.OrderNotSupported, Text: "order.amended"},
		`{"holdfast":1,"event_id":"e","type":"fulfilment.failed","order_key":"web/main/1","occurred_at":"2026-11-11T00:00:00.000Z"}`:                  {Type: record.OrderNotSupported, Text: "fulfilment.failed"},
		`{"holdfast":1,"event_id":"e","type":"fulfilment.picked","order_key":"web/main/1",` + named + `,"occurred_at":"2026-11-11T00:00:00.000Z"}`:    {Type: record.OrderPicked, Lines: lines},
		`{"holdfast":1,"event_id":"e","type":"fulfilment.packed","order_key":"web/main/1",` + named + `,"occurred_at":"2026-11-11T00:00:00.000Z"}`:    {Type: record.OrderPacked, Lines: lines},
		`{"holdfast":1,"event_id":"e","type":"fulfilment.delivered","order_key":"web/main/1",` + named + `,"occurred_at":"2026-11-11T00:00:00.000Z"}`: {Type: record.OrderDelivered, Lines: lines},
		`{"holdfast":1,"event_id":"e","type":"fulfilment.shipped","order_key":"web/main/1","carrier":"ghn","occurred_at":"2026-11-11T00:00:00.000Z"}`: {Type: record.OrderShipped, Carrier: "ghn"},
		`{"holdfast":1,"event_id":"e","type":"order.status",` + order + `,"reason":"shipped"}`:                                                        {Type: record.OrderStatus, State: record.StateShipped},
	} {
		e.EventID, e.OrderKey, e.OccurredAt = "e", key, base
		require.Equal(t, want, string(canonical(e)))
	}
}
