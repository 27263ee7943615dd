package order

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// The channel is told of each event that it didn't cause itself, and of those
// that answer it with less than a plain yes. Every type of event, from where it
// may come from:
func TestStatusOfEachEvent(t *testing.T) {
	const web, shopee = "web/main/1", "shopee/main/1"
	const centre = "holdfast.channel.callcentre.orders"
	one := func(payment record.Payment) *record.OrderBody {
		return body(payment, record.AllowAll, line("1", "A", 1))
	}
	make := func(key record.OrderKey, payment record.Payment) sentEvent {
		e := created(key, one(payment))
		e.Fact = key == shopee
		return sentEvent{e, ""}
	}
	ev := func(id string, typ record.OrderEventType, key record.OrderKey, topic string) sentEvent {
		return sentEvent{event(id, typ, key), topic}
	}
	word := func(id string, state record.ChannelState) sentEvent {
		e := event(id, record.OrderStatus, shopee)
		e.State, e.OccurredAt = state, base+record.Millis(state)*1000
		return sentEvent{e, ""}
	}
	prepaid, unpaid := make(web, record.PaymentPrepaid), make(web, record.PaymentUnpaid)
	fact := make(shopee, record.PaymentPrepaid)
	paid, ship := ev("p", record.OrderPaid, web, ""), ev("f", record.OrderShipped, web, fulfilment)
	for _, c := range []struct {
		name   string
		stock  record.Quantity
		events []sentEvent
		expire bool // before the last of them
		want   string
		told   bool
	}{
		{"accepted", 1, []sentEvent{prepaid}, false, "order.accepted", false},
		{"accepted and short", 0, []sentEvent{fact}, false, "order.accepted", true},
		{"rejected", 0, []sentEvent{prepaid}, false, "order.rejected", true},
		{"confirmed", 1, []sentEvent{unpaid, paid}, false, "order.confirmed", false},
		{"confirmed elsewhere", 1, []sentEvent{unpaid, ev("p", record.OrderPaid, web, centre)}, false, "order.confirmed", true},
		{"expired", 1, []sentEvent{unpaid, {}}, true, "order.expired", true},
		{"revived", 1, []sentEvent{unpaid, paid}, true, "order.revived", true},
		{"cancelled", 1, []sentEvent{prepaid, ev("x", record.OrderCancelled, web, "")}, false, "order.cancelled", false},
		{"cancelled elsewhere", 1, []sentEvent{prepaid, ev("x", record.OrderCancelled, web, centre)}, false, "order.cancelled", true},
		{"picking", 1, []sentEvent{prepaid, ev("k", record.OrderPicked, web, fulfilment)}, false, "order.picking", true},
		{"packed", 1, []sentEvent{prepaid, ev("k", record.OrderPacked, web, fulfilment)}, false, "order.packed", true},
		{"shipped", 1, []sentEvent{prepaid, ship}, false, "order.shipped", true},
		{"shipped by the channel", 1, []sentEvent{fact, word("w", record.StateShipped)}, false, "order.shipped", false},
		{"delivered", 1, []sentEvent{prepaid, ship, ev("d", record.OrderDelivered, web, fulfilment)}, false, "order.delivered", true},
		{"completed", 1, []sentEvent{fact, word("w", record.StateShipped), word("v", record.StateCompleted)}, false, "order.completed", false},
		{"returned", 1, []sentEvent{prepaid, ship, ev("r", record.OrderReturned, web, "")}, false, "order.returned", false},
		{"returned elsewhere", 1, []sentEvent{prepaid, ship, ev("r", record.OrderReturned, web, fulfilment)}, false, "order.returned", true},
		{"refused", 1, []sentEvent{prepaid, ev("n", record.OrderNotSupported, web, "")}, false, "order.refused", false},
		{"refused elsewhere", 1, []sentEvent{prepaid, ev("n", record.OrderNotSupported, web, fulfilment)}, false, "order.refused", true},
	} {
		s := newRealShop(t, map[record.SKU]record.Quantity{"A": c.stock})
		for i, e := range c.events {
			if c.expire && i == len(c.events)-1 {
				s.tick(s.now + 10_000)
				s.settle()
			}
			if e.e != nil {
				copied := *e.e
				s.take(&copied, e.topic)
			}
		}
		s.requireLast(c.name, c.want, c.told)
	}

	s := newRealShop(t, nil)
	s.take(fact.e, "")
	s.receive("A", "HCM-1", 1)
	s.requireLast("filled", "order.filled", true)
}

// requireLast looks at the last event, and whether the channel was told.
func (s *shop) requireLast(name, typ string, told bool) {
	published := s.task.Published
	last := published[len(published)-1]
	if told {
		var u record.StatusUpdate
		requireAsEncoded(s.t, last.Value, &u)
		require.Equal(s.t, "channel."+u.Channel+".status", last.Topic, name)
		last = published[len(published)-2]
	}
	var u record.OrderUpdate
	require.Equal(s.t, "order.events", last.Topic, name)
	require.NoError(s.t, json.Unmarshal(last.Value, &u), name)
	require.Equal(s.t, typ, u.Type, name)
}
