package order

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// T16: whatever the order in which the events of one order come, and however
// often, it ends in the same state, and so does the stock.
//
// What is left out because its meaning depends on when it is said: a return of
// what hasn't shipped is refused, as is picking what isn't allocated; a shipment
// or a delivery that names no lines, or a status without the order, means what is
// left then, so it stands beside no cancel of a part. And lines don't share a SKU
// that is scarce: what one of them is cancelled goes to the other.

// sent says an event and the topic that it comes by.
func sent(e *record.OrderEvent, topic string) sentEvent { return sentEvent{withHash(e), topic} }

const (
	webTopic    = "holdfast.channel.web.orders"
	shopeeTopic = "holdfast.channel.shopee.orders"
	fulfilment  = "holdfast.fulfilment.feed"
)

func naming(e *record.OrderEvent, pairs ...any) *record.OrderEvent {
	for i := 0; i < len(pairs); i += 2 {
		e.Lines = append(e.Lines, record.LineQty{Line: pairs[i].(string), Qty: record.Quantity(pairs[i+1].(int))})
	}
	return e
}

// play runs the events against the real inventory. Where wait says so inventory
// answers at once, else when all events are there.
func play(t *testing.T, stock map[record.SKU]record.Quantity, events []sentEvent, wait func() bool) string {
	s := newRealShop(t, stock)
	s.catalog("COMBO", "B", 2, "D", 1)
	var key record.OrderKey
	for _, e := range events {
		c := *e.e
		s.event(&c, e.topic)
		if !wait() {
			s.settle()
		}
		key = e.e.OrderKey
	}
	s.settle()
	return s.ends(key) + "\n" + s.real.stand()
}

var (
	plenty = map[record.SKU]record.Quantity{"A": 9, "B": 9, "C": 9, "D": 9}
	scarce = map[record.SKU]record.Quantity{"A": 2}
	none   = map[record.SKU]record.Quantity{}
)

// canonicalSets are orders in the canonical form.
func canonicalSets() map[string][]sentEvent {
	const key = "web/main/1"
	create := func(payment record.Payment, allow record.Allow) sentEvent {
		return sent(created(key, body(payment, allow, line("1", "A", 3), line("2", "B", 2))), webTopic)
	}
	ev := func(id string, typ record.OrderEventType, pairs ...any) sentEvent {
		topic := webTopic
		if typ != record.OrderPaid && typ != record.OrderCancelled {
			topic = fulfilment
		}
		return sent(naming(event(id, typ, key), pairs...), topic)
	}
	sets := map[string][]sentEvent{}
	for _, allow := range []record.Allow{record.AllowAll, record.AllowPartial, record.AllowBackorder} {
		unpaid, prepaid := create(record.PaymentUnpaid, allow), create(record.PaymentPrepaid, allow)
		for name, events := range map[string][]sentEvent{
			"paid and cancelled":         {unpaid, ev("p", record.OrderPaid), ev("x", record.OrderCancelled)},
			"cancelled in parts":         {unpaid, ev("p", record.OrderPaid), ev("x1", record.OrderCancelled, "1", 2), ev("x2", record.OrderCancelled, "1", 2), ev("x3", record.OrderCancelled, "2", 1)},
			"cancelled in parts, all":    {unpaid, ev("p", record.OrderPaid), ev("x1", record.OrderCancelled, "1", 2), ev("x2", record.OrderCancelled, "1", 1, "2", 2), ev("x3", record.OrderCancelled)},
			"shipped and cancelled":      {unpaid, ev("p", record.OrderPaid), ev("f", record.OrderShipped, "1", 3, "2", 2), ev("x", record.OrderCancelled)},
			"partly shipped, cancelled":  {unpaid, ev("p", record.OrderPaid), ev("f", record.OrderShipped, "1", 1), ev("x", record.OrderCancelled)},
			"partly shipped, in parts":   {unpaid, ev("p", record.OrderPaid), ev("f1", record.OrderShipped, "1", 1), ev("f2", record.OrderShipped, "1", 1, "2", 1), ev("x", record.OrderCancelled, "1", 2)},
			"worked on":                  {prepaid, ev("k", record.OrderPicked, "1", 2), ev("b", record.OrderPacked, "1", 1), ev("f", record.OrderShipped, "1", 1), ev("d", record.OrderDelivered, "1", 1)},
			"worked on and cancelled":    {prepaid, ev("k", record.OrderPicked, "1", 2), ev("b", record.OrderPacked, "1", 2), ev("x", record.OrderCancelled, "1", 1), ev("f", record.OrderShipped, "1", 1)},
			"delivered in parts":         {prepaid, ev("f", record.OrderShipped, "1", 2), ev("d1", record.OrderDelivered, "1", 1), ev("d2", record.OrderDelivered, "1", 1), ev("x", record.OrderCancelled, "2", 2)},
			"more than was ordered":      {prepaid, ev("f", record.OrderShipped, "1", 5), ev("x", record.OrderCancelled, "2", 7), ev("b", record.OrderPacked, "2", 1)},
			"lines that aren't there":    {prepaid, ev("f", record.OrderShipped, "7", 1, "2", 1), ev("x", record.OrderCancelled, "8", 1, "1", 1), ev("k", record.OrderPicked, "9", 1)},
			"all of it, without a line":  {unpaid, ev("p", record.OrderPaid), ev("f", record.OrderShipped), ev("d", record.OrderDelivered)},
			"not supported, not allowed": {unpaid, ev("p", record.OrderPaid), ev("n", record.OrderNotSupported), ev("x", record.OrderCancelled)},
		} {
			sets[fmt.Sprintf("allow %d, %s", allow, name)] = events
		}
	}
	return sets
}

// marketplaceSets are orders that a marketplace tells of in snapshots and
// statuses: any number of them may be missing, and none may change the end.
func marketplaceSets() map[string][]sentEvent {
	const key = "shopee/main/1"
	word := func(at int, state record.ChannelState, snapshot bool, cancelled record.Quantity) sentEvent {
		e := event(fmt.Sprint("w", at), record.OrderStatus, key)
		e.State, e.OccurredAt, e.Fact = state, base+record.Millis(at)*1000, true
		if snapshot {
			payment := record.PaymentPrepaid
			if state == record.StateUnpaid {
				payment = record.PaymentUnpaid
			}
			e.Type, e.Order = record.OrderSnapshot, body(payment, record.AllowPartial, line("1", "A", 3), line("2", "B", 1))
			e.Order.Lines[0].Cancelled = cancelled
		}
		return sent(e, shopeeTopic)
	}
	snapshot := func(at int, s record.ChannelState, cancelled record.Quantity) sentEvent {
		return word(at, s, true, cancelled)
	}
	status := func(at int, s record.ChannelState) sentEvent { return word(at, s, false, 0) }
	const unpaid, paid, cancelled, shipped, completed = record.StateUnpaid, record.StatePaid, record.StateCancelled, record.StateShipped, record.StateCompleted
	return map[string][]sentEvent{
		"snapshots to shipped":    {snapshot(1, unpaid, 0), snapshot(2, paid, 0), snapshot(3, shipped, 0)},
		"snapshots to completed":  {snapshot(1, unpaid, 0), snapshot(2, paid, 0), snapshot(3, shipped, 0), snapshot(4, completed, 0)},
		"snapshots to cancelled":  {snapshot(1, unpaid, 0), snapshot(2, paid, 0), snapshot(3, cancelled, 0)},
		"cancelled in part":       {snapshot(1, unpaid, 0), snapshot(2, paid, 0), snapshot(3, paid, 1), snapshot(4, shipped, 1), snapshot(5, completed, 1)},
		"cancelled more and more": {snapshot(1, unpaid, 0), snapshot(2, unpaid, 1), snapshot(3, paid, 1), snapshot(4, paid, 2), snapshot(5, cancelled, 2)},
		"with statuses":           {snapshot(1, unpaid, 0), status(2, paid), status(3, shipped), status(4, completed)},
		"statuses and a part":     {snapshot(1, unpaid, 0), snapshot(2, unpaid, 1), status(3, paid), snapshot(4, shipped, 1), snapshot(5, completed, 1)},
		"cancelled, yet shipped":  {snapshot(1, unpaid, 0), status(2, paid), snapshot(3, cancelled, 0), status(4, shipped)},
		"in the same second":      {snapshot(1, unpaid, 0), snapshot(1, paid, 0), status(1, shipped)},
		"and the call centre":     {snapshot(1, unpaid, 0), status(2, paid), sent(naming(event("c", record.OrderCancelled, key), "2", 1), webTopic), snapshot(3, paid, 0)},
	}
}

func TestT16_AllPermutationsOfAnOrdersEvents(t *testing.T) {
	sets := canonicalSets()
	for name, events := range marketplaceSets() {
		sets[name] = events
	}
	rnd := rand.New(rand.NewSource(1))
	runs := 0
	for name, events := range sets {
		for _, stock := range []map[record.SKU]record.Quantity{plenty, scarce, none} {
			want := play(t, stock, events, func() bool { return false })
			permute(len(events), func(order []int) {
				var shuffled []sentEvent
				for _, i := range order {
					shuffled = append(shuffled, events[i])
				}
				runs++
				require.Equal(t, want, play(t, stock, shuffled, func() bool { return false }), "%s, stock %v, %v", name, stock, order)
				// Each once more, at random places, with an inventory that lags behind.
				for _, i := range rnd.Perm(len(events)) {
					at := rnd.Intn(len(shuffled) + 1)
					shuffled = append(shuffled[:at:at], append([]sentEvent{events[i]}, shuffled[at:]...)...)
				}
				require.Equal(t, want, play(t, stock, shuffled, func() bool { return rnd.Intn(2) == 0 }), "%s, stock %v, %v doubled", name, stock, order)
			})
		}
	}
	t.Logf("%d permutations of %d sets", runs, len(sets))
}

// Longer lives than can be tried in all orders: random ones in random orders.
func TestT16_RandomLives(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = time.Now().UnixNano()
	}
	t.Logf("replay with -run TestT16_RandomLives -order.seed=%d", seed)
	rnd := rand.New(rand.NewSource(seed))
	for range 150 {
		events := randomLife(rnd)
		stock := map[record.SKU]record.Quantity{"A": record.Quantity(rnd.Intn(6)), "B": record.Quantity(rnd.Intn(6)), "C": record.Quantity(rnd.Intn(2)), "D": record.Quantity(rnd.Intn(3))}
		if slices.ContainsFunc(events, func(e sentEvent) bool { return e.e.Type == record.OrderPicked || e.e.Type == record.OrderPacked }) {
			stock = plenty
		}
		want := play(t, stock, events, func() bool { return false })
		for range 6 {
			var shuffled []sentEvent
			for _, i := range rnd.Perm(len(events)) {
				shuffled = append(shuffled, events[i])
				for rnd.Intn(3) == 0 {
					shuffled = append(shuffled, shuffled[rnd.Intn(len(shuffled))])
				}
			}
			got := play(t, stock, shuffled, func() bool { return rnd.Intn(2) == 0 })
			require.Equal(t, want, got, "stock %v, %s", stock, describeLife(shuffled))
		}
	}
}

func randomLife(rnd *rand.Rand) []sentEvent {
	const key = "web/main/1"
	payment := record.Payment(1 + rnd.Intn(3))
	sold := []record.SKU{"B", "COMBO"}[rnd.Intn(2)]
	create := created(key, body(payment, record.Allow(1+rnd.Intn(3)), line("1", "A", 3), line("2", sold, 2), line("3", "C", 1)))
	create.Fact = rnd.Intn(2) == 0
	events := []sentEvent{sent(create, webTopic)}
	types := []record.OrderEventType{record.OrderCancelled, record.OrderShipped, record.OrderShipped, record.OrderDelivered}
	if payment == record.PaymentUnpaid {
		events = append(events, sent(event("p", record.OrderPaid, key), webTopic))
	} else {
		types = append(types, record.OrderPicked, record.OrderPacked)
	}
	for i := range 3 + rnd.Intn(5) {
		e := event(fmt.Sprint("e", i), types[rnd.Intn(len(types))], key)
		for range 1 + rnd.Intn(2) {
			naming(e, fmt.Sprint(1+rnd.Intn(3)), 1+rnd.Intn(2))
		}
		events = append(events, sent(e, fulfilment))
	}
	return events
}

func describeLife(events []sentEvent) (s string) {
	for _, e := range events {
		s += fmt.Sprintf("\n%s %s %v", e.e.EventID, e.e.Type, e.e.Lines)
	}
	return s
}
