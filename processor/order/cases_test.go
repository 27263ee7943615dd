package order

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// shop is an order stage with a fake inventory that answers at once.
type shop struct {
	*bench
	stock *fakeInventory
	real  *realInventory // instead of it, if not nil
	verbs []string       // all commands so far: "reserve A #1"
	full  []string       // the same with quantities: "reserve A x2 #1"
	twice bool           // every event comes twice
	// back is what returns brought back into stock.
	back map[claimKey]record.Quantity
}

func newShop(t *testing.T, stock map[record.SKU]record.Quantity) *shop {
	s := &shop{bench: newBench(t, func(c *Config) { c.AcceptAgeMillis = 0 }), stock: newFakeInventory(t), back: map[claimKey]record.Quantity{}}
	for sku, n := range stock {
		s.stock.receive(sku, "HCM-1", n, "s")
	}
	return s
}

// newRealShop has the inventory stage behind it, and warehouses in its table.
func newRealShop(t *testing.T, stock map[record.SKU]record.Quantity) *shop {
	s := newShop(t, nil)
	s.real = newRealInventory(t)
	s.warehouse(`{"id":"HCM-1","priority":1}`)
	s.warehouse(`{"id":"HN-1","priority":2}`)
	for _, sku := range worldSKUs {
		if n := stock[sku]; n > 0 {
			s.real.receive(sku, "HCM-1", n)
		}
	}
	return s
}

// receive brings stock, and what waited for it to its orders.
func (s *shop) receive(sku record.SKU, at record.WarehouseID, n record.Quantity) {
	for _, d := range s.real.receive(sku, at, n) {
		s.decision(d)
	}
	s.settle()
}

// ends is what others would see of an order now.
func (s *shop) ends(key record.OrderKey) string {
	value, ok := s.task.State["o"+string(key)]
	if !ok {
		return "unknown"
	}
	o := decodeOrder(s.t, value)
	if o.Phase == PhasePending {
		return "pending"
	}
	seen := map[string]record.Quantity{}
	for i := range o.Lines {
		l := &o.Lines[i]
		for _, p := range l.Parts {
			state, at := o.shown(p)
			seen[fmt.Sprint(l.ID, " ", o.Items[l.Item].SKU, " ", state, " ", at)] += p.Qty
		}
	}
	return fmt.Sprint(o.status(), " ", seen)
}

func (s *shop) take(e *record.OrderEvent, topic string) {
	s.event(e, topic)
	if s.twice {
		s.event(e, topic)
	}
	s.settle()
	if s.twice {
		s.event(e, topic)
		s.settle()
	}
}

func (s *shop) settle() {
	for sent := s.task.Take(); len(sent) > 0; sent = s.task.Take() {
		for _, x := range sent {
			if x.Log == stage.LogOrders {
				s.entry(x.Entry.Kind, string(x.Entry.Key), "", x.Entry.Body)
				continue
			}
			c := &record.Command{}
			require.NoError(s.t, c.Decode(x.Entry.Body))
			s.verbs = append(s.verbs, fmt.Sprintf("%s %s #%d", c.Verb, c.SKU, c.Attempt))
			s.full = append(s.full, quantities(c))
			for _, p := range c.Parts {
				if c.Verb == record.VerbReturn {
					s.back[claimKey{c.OrderKey, c.SKU}] += p.Qty
				}
			}
			decide := s.stock.command
			if s.real != nil {
				decide = s.real.command
			}
			for _, d := range decide(c) {
				s.decision(d)
			}
		}
	}
}

func quantities(c *record.Command) string {
	what := fmt.Sprintf("%s %s", c.Verb, c.SKU)
	if c.Verb == record.VerbReserve || c.Verb == record.VerbReduce {
		what += fmt.Sprintf(" x%d", c.Qty)
	}
	for _, p := range c.Parts {
		what += fmt.Sprintf(" %s:%d", p.Warehouse, p.Qty)
	}
	return what + fmt.Sprintf(" #%d", c.Attempt)
}

// story is what was told of an order, in short.
func (s *shop) story(key record.OrderKey) []string {
	var out []string
	for _, p := range s.task.Published {
		if p.Topic == "order.events" && p.Key == string(key) {
			var u record.OrderUpdate
			require.NoError(s.t, json.Unmarshal(p.Value, &u))
			out = append(out, fmt.Sprintf("%d %s %s", u.Seq, strings.TrimPrefix(u.Type, "order."), u.Status))
		}
	}
	return out
}

func created(key record.OrderKey, body *record.OrderBody) *record.OrderEvent {
	return &record.OrderEvent{EventID: "c", Type: record.OrderCreated, OrderKey: key, OccurredAt: base, Order: body}
}

func body(payment record.Payment, allow record.Allow, lines ...record.OrderLine) *record.OrderBody {
	return &record.OrderBody{Payment: payment, Allow: allow, HoldSeconds: 10, Lines: lines}
}

func line(id string, sku record.SKU, qty record.Quantity) record.OrderLine {
	return record.OrderLine{Line: id, SKU: sku, Qty: qty}
}

func event(id string, typ record.OrderEventType, key record.OrderKey) *record.OrderEvent {
	return &record.OrderEvent{EventID: id, Type: typ, OrderKey: key, OccurredAt: base}
}

func TestT5_LinesOfOneSKUAreSummedUp(t *testing.T) {
	s := newShop(t, map[record.SKU]record.Quantity{"A": 5})
	s.take(created("web/main/1", body(record.PaymentPrepaid, record.AllowAll, line("1", "A", 3), line("2", "A", 3))), "")
	require.Equal(t, []string{"reserve A #1"}, s.verbs)
	require.Equal(t, []string{"1 rejected rejected"}, s.story("web/main/1"))

	s.take(created("web/main/2", body(record.PaymentPrepaid, record.AllowPartial, line("1", "A", 3), line("2", "A", 3))), "")
	require.Equal(t, []string{"1 accepted partly_short"}, s.story("web/main/2"))
	var u record.OrderUpdate
	require.NoError(t, json.Unmarshal(s.task.Published[len(s.task.Published)-2].Value, &u))
	require.Equal(t, []record.OrderUpdateLine{
		{Line: "1", SKU: "A", Qty: 3, State: "allocated", Warehouse: "HCM-1"},
		{Line: "2", SKU: "A", Qty: 2, State: "allocated", Warehouse: "HCM-1"},
		{Line: "2", SKU: "A", Qty: 1, State: "short"},
	}, u.Lines)
}

func TestT9_CancelOfAnUnknownOrderAddsNothing(t *testing.T) {
	s := newShop(t, nil)
	s.take(event("x", record.OrderCancelled, "web/main/1"), "")
	require.Empty(t, s.verbs)
	require.Empty(t, s.task.Published)
	s.tick(base + dayMillis)
	require.Empty(t, s.task.Published)
	require.Empty(t, s.task.Dead)
	require.Empty(t, s.task.State)
}

func TestT10_EveryEventDoubledLeavesTheSameState(t *testing.T) {
	run := func(seed int64, twice bool) *shop {
		rnd := rand.New(rand.NewSource(seed))
		s := newShop(t, map[record.SKU]record.Quantity{"A": 40, "B": 40})
		s.twice = twice
		for n := range 400 {
			s.now += record.Millis(rnd.Intn(1500))
			channel := []string{"web", "shopee"}[rnd.Intn(2)]
			key := record.MakeOrderKey(channel, "main", fmt.Sprint(n/12+rnd.Intn(2)))
			e := event(fmt.Sprint("e", n), []record.OrderEventType{record.OrderPaid, record.OrderCancelled, record.OrderShipped,
				record.OrderPicked, record.OrderPacked, record.OrderDelivered, record.OrderReturned}[rnd.Intn(7)], key)
			topic := ""
			if rnd.Intn(2) == 0 && e.Type != record.OrderPaid {
				e.Lines = []record.LineQty{{Line: fmt.Sprint(1 + rnd.Intn(2)), Qty: 1}}
			}
			switch {
			case rnd.Intn(3) == 0:
				e = created(key, body(record.Payment(1+rnd.Intn(3)), record.Allow(1+rnd.Intn(3)), line("1", "A", 1), line("2", "B", 2)))
				e.EventID = fmt.Sprint("e", n)
			case e.Type != record.OrderPaid && e.Type != record.OrderCancelled:
				topic = "holdfast.fulfilment.feed"
			case rnd.Intn(3) == 0 && channel == "shopee":
				e.Type, e.State = record.OrderStatus, record.ChannelState(2+rnd.Intn(5))
				e.OccurredAt = base + record.Millis(rnd.Intn(5))*1000
			}
			e.Fact = channel == "shopee"
			s.take(e, topic)
		}
		return s
	}
	for seed := range int64(8) {
		once, twice := run(seed, false), run(seed, true)
		require.Equal(t, once.verbs, twice.verbs, "seed %d", seed)
		require.Equal(t, once.task.Published, twice.task.Published, "seed %d", seed)
		require.Equal(t, withoutOrigins(t, once.task.State), withoutOrigins(t, twice.task.State), "seed %d", seed)
		require.Len(t, twice.task.Dead, len(once.task.Dead), "seed %d", seed)
		require.Greater(t, len(once.task.Published), 200)
	}
}

// withoutOrigins returns the state, but of events that wait no origins: those
// are offsets, and with everything doubled, offsets are others.
func withoutOrigins(t *testing.T, state map[string][]byte) map[string][]byte {
	state = maps.Clone(state)
	for k, v := range state {
		if k[0] == keyInbox || k[0] == keyOrder && isInbox(v) {
			in := inbox{}
			require.NoError(t, in.decode(v))
			for i := range in.Events {
				in.Events[i].Origin = record.Origin{}
			}
			state[k] = appendInbox(nil, &in)
		}
	}
	return state
}

func TestT12_CreateThatMeetsItsCancel(t *testing.T) {
	for _, early := range [][]string{{"cancel"}, {"cancel", "paid"}, {"paid", "cancel"}, {"cancel", "cancel2"}, {"part", "cancel"}, {"cancel", "part", "paid"}} {
		s := newShop(t, map[record.SKU]record.Quantity{"A": 5})
		for _, id := range early {
			typ := record.OrderCancelled
			if id == "paid" {
				typ = record.OrderPaid
			}
			e := event(id, typ, "web/main/1")
			if id == "part" {
				naming(e, "1", 1)
			}
			s.take(e, "")
		}
		s.take(created("web/main/1", body(record.PaymentUnpaid, record.AllowAll, line("1", "A", 3))), "")
		require.Empty(t, s.verbs)
		require.Equal(t, []string{"1 cancelled cancelled"}, s.story("web/main/1"))
		s.take(event("cancel", record.OrderCancelled, "web/main/1"), "")
		s.tick(s.now + 20_000)
		require.Len(t, s.story("web/main/1"), 1)
	}
}

// Due time and payment around the same instant: exactly one of them wins, for
// all SKUs of the order, whether or not a tick came in between.
func TestT13_expiry_and_payment_at_the_same_instant(t *testing.T) {
	for _, tickFirst := range []bool{false, true} {
		for late := record.Millis(-1); late <= 1; late++ {
			s := newShop(t, map[record.SKU]record.Quantity{"A": 5, "B": 5})
			s.take(created("web/main/1", body(record.PaymentUnpaid, record.AllowAll, line("1", "A", 1), line("2", "B", 1))), "")
			s.now += 10_000 + late
			if tickFirst {
				s.tick(s.now)
			}
			s.take(event("paid", record.OrderPaid, "web/main/1"), "")
			s.tick(s.now + 1000)
			s.settle()
			if late < 0 {
				require.Equal(t, []string{"reserve A #1", "reserve B #1", "confirm A #1", "confirm B #1"}, s.verbs)
				require.Equal(t, []string{"1 accepted held", "2 confirmed allocated"}, s.story("web/main/1"))
			} else {
				require.Equal(t, []string{"reserve A #1", "reserve B #1", "release A #1", "release B #1",
					"reserve A #2", "reserve B #2", "confirm A #2", "confirm B #2"}, s.verbs)
				require.Equal(t, []string{"1 accepted held", "2 expired cancelled", "3 revived allocated"}, s.story("web/main/1"))
			}
		}
	}
}

// Many holds due at once are worked off in chunks, in order of due, and a paid
// order among the rest that waits is expired before its payment is looked at.
func TestT15_HoldsDueAtOnceAreWorkedOffInChunks(t *testing.T) {
	const orders, chunk = 5000, 2000
	b := newBench(t, func(c *Config) { c.DueChunk = chunk })
	key := func(i int) record.OrderKey { return record.MakeOrderKey("web", "main", fmt.Sprint(i)) }
	var entries []record.Entry
	for i := range orders {
		e := created(key(i), body(record.PaymentUnpaid, record.AllowAll, line("1", "A", 1)))
		d := &record.Decision{Verb: record.VerbReserve, OrderKey: key(i), SKU: "A", Attempt: 1, Moves: []record.Movement{{Warehouse: "W", Qty: 1}}}
		entries = append(entries, record.Entry{Kind: record.KindOrderEvent, Key: []byte(key(i)), Body: record.AppendOrderEvent(nil, e)},
			record.Entry{Kind: record.KindDecision, Key: []byte(key(i)), Body: record.AppendDecision(nil, d)})
	}
	b.task.Entries(base, entries...)
	b.task.Published = nil
	expired := func() (ids []string) {
		for _, p := range b.task.Published {
			if bytes.Contains(p.Value, []byte(`"order.expired"`)) {
				ids = append(ids, p.Key)
			}
		}
		return ids
	}
	late := record.AppendOrderEvent(nil, event("paid", record.OrderPaid, key(orders-1)))
	for round, want := range []int{2000, 4001, orders} {
		tick := record.Entry{Kind: record.KindTick}
		if round == 1 { // the last in line
			tick = record.Entry{Kind: record.KindOrderEvent, Key: []byte(key(orders - 1)), Body: late}
		}
		b.task.Entries(base+20_000, tick)
		require.Len(t, expired(), min(want, orders))
		due, ok := b.task.Stage.Due(b.task)
		b.task.Stage.Reset()
		require.True(t, ok)
		require.Equal(t, round < 2, due <= b.task.Now(), "round %d", round)
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(expired()))), orders)
	require.NoError(t, checkState(b.task))
}

func permute(n int, fn func([]int)) {
	order := make([]int, 0, n)
	var next func()
	next = func() {
		if len(order) == n {
			fn(order)
			return
		}
		for i := range n {
			if !slices.Contains(order, i) {
				order = append(order, i)
				next()
				order = order[:len(order)-1]
			}
		}
	}
	next()
}

// An order that is bombarded with events remembers at least the last thousand.
func TestEventIDsAreBounded(t *testing.T) {
	s := newShop(t, map[record.SKU]record.Quantity{"A": 5})
	s.take(created("web/main/1", body(record.PaymentPrepaid, record.AllowAll, line("1", "A", 1))), "")
	for i := range 1500 {
		s.event(event(fmt.Sprint("p", i), record.OrderPaid, "web/main/1"), "")
	}
	o := decodeOrder(t, s.task.State["oweb/main/1"])
	require.Len(t, o.Seen, seenMax*seenBytes)
	require.Equal(t, seenSame, o.seen(withHash(event("p1499", record.OrderPaid, "web/main/1"))))
	require.Equal(t, seenSame, o.seen(withHash(event("p500", record.OrderPaid, "web/main/1"))))
	require.Equal(t, seenNever, o.seen(withHash(event("p400", record.OrderPaid, "web/main/1"))))
}

func withHash(e *record.OrderEvent) *record.OrderEvent {
	e.ContentHash = contentHash(e)
	return e
}

func TestUndecodableEntriesAreBugs(t *testing.T) {
	for _, kind := range []record.Kind{record.KindOrderEvent, record.KindDecision, record.KindWarehouse, record.KindCommand} {
		require.Panics(t, func() {
			stagetest.NewTask(New(DefaultConfig())).Entries(base, record.Entry{Kind: kind, Key: []byte("k"), Body: []byte{1}})
		}, kind)
	}
}

func TestConfigReportsAllProblems(t *testing.T) {
	cfg := DefaultConfig()
	require.NoError(t, cfg.Validate())
	require.Equal(t, cfg, Config{AcceptAgeMillis: 7 * dayMillis}.withDefaults())
	cfg.KeepClosedMillis, cfg.AcceptAgeMillis, cfg.DueChunk = -2, -1, 0
	require.EqualError(t, cfg.Validate(), "orders: KeepClosedMillis is -2, must not be negative\n"+
		"orders: AcceptAgeMillis is -1, must not be negative")
	require.Panics(t, func() { New(cfg) })
}
