package order

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// crowd is a task with very many orders whose holds run out, in a state whose
// timers are kept in order: a scan steps over what was deleted, as that of a
// store does, and sorts nothing.
type crowd struct {
	stage  *Stage
	now    record.Millis
	state  map[string][]byte
	timers []string
	later  string // of the timers that are put meanwhile, the first: none comes due here
	told   []toldEvent
	sent   int
	steps  int // over timers, deleted or not
}

type toldEvent struct {
	key  record.OrderKey
	what string
}

func (c *crowd) Now() record.Millis { return c.now }
func (c *crowd) Get(k []byte) ([]byte, bool) {
	v, ok := c.state[string(k)]
	return v, ok
}
func (c *crowd) Put(k, v []byte) {
	if k[0] == keyTimer && (c.later == "" || string(k) < c.later) {
		c.later = string(k)
	}
	c.state[string(k)] = bytes.Clone(v)
}
func (c *crowd) Delete(k []byte) { delete(c.state, string(k)) }
func (c *crowd) Scan(from, _ []byte, fn func(key, v []byte) bool) {
	if from[0] != keyTimer {
		return
	}
	at, _ := slices.BinarySearch(c.timers, string(from))
	for _, k := range c.timers[at:] {
		c.steps++
		if v, ok := c.state[k]; ok && !fn([]byte(k), v) {
			return
		}
	}
	if _, ok := c.state[c.later]; ok {
		fn([]byte(c.later), nil)
	}
}
func (c *crowd) Send(stage.Log, record.Kind, []byte, record.Origin, []byte)      { c.sent++ }
func (c *crowd) Broadcast(stage.Log, record.Kind, []byte, record.Origin, []byte) {}
func (c *crowd) Publish(topic string, k, v []byte) {
	if topic == "order.events" {
		from := bytes.Index(v, []byte(`"type":"order.`)) + len(`"type":"order.`)
		c.told = append(c.told, toldEvent{record.OrderKey(k), string(v[from : from+bytes.IndexByte(v[from:], '"')])})
	}
}
func (c *crowd) DeadLetter(stage.DeadLetter) {}
func (c *crowd) Count(int)                   {}

// transaction decides entries at a time; no entries: a tick.
func (c *crowd) transaction(now record.Millis, entries ...record.Entry) {
	c.now = max(c.now, now)
	value := record.Tick()
	if len(entries) > 0 {
		var e record.EnvelopeBuilder
		for _, x := range entries {
			e.Add(x.Kind, x.Key, x.Origin, x.Body)
		}
		value = e.Close()
	}
	c.stage.Decide(c, &stage.Record{Topic: "log", At: now, Value: value})
	c.stage.Finish(c)
	c.stage.Reset()
}

func crowdKey(i int) record.OrderKey {
	return record.MakeOrderKey("web", "main", fmt.Sprintf("%07d", i))
}

// newCrowd has orders of one SKU, held until due(i): what the stage itself
// stores for one, under many keys.
func newCrowd(t require.TestingT, orders int, due func(int) record.Millis) *crowd {
	c := &crowd{stage: New(DefaultConfig()), now: base, state: make(map[string][]byte, 3*orders)}
	b := newBench(t)
	b.event(created("web/main/1", body(record.PaymentUnpaid, record.AllowAll, line("1", "TEE-RED-M", 1))), "")
	b.decision(&record.Decision{Verb: record.VerbReserve, OrderKey: "web/main/1", SKU: "TEE-RED-M", Attempt: 1, Moves: []record.Movement{{Warehouse: "W", Qty: 1}}})
	o := decodeOrder(t, b.task.State["oweb/main/1"])
	first := record.Millis(0)
	for i := range orders {
		o.ExpiresAt = due(i)
		if first == 0 || o.ExpiresAt < first {
			first = o.ExpiresAt
		}
		c.state["o"+string(crowdKey(i))] = AppendOrder(nil, o)
		timer := string(appendTimerKey(nil, o.ExpiresAt, timerExpiry, crowdKey(i)))
		c.state[timer] = nil
		c.timers = append(c.timers, timer)
	}
	slices.Sort(c.timers)
	c.stage.next.load(c)
	c.stage.next.set([]byte(c.timers[0]))
	c.stage.next.write(c)
	c.stage.Reset()
	return c
}

// T15: 200,000 holds of one partition that are due at once expire in order of
// due, a chunk in each transaction; who pays at that moment wins or loses by
// his place in the log, and whatever else comes waits for a chunk and not for
// the crowd.
func TestT15_200000HoldsDueAtOnce(t *testing.T) {
	const orders, hold = 200_000, 900_000
	due := func(i int) record.Millis { return base + hold + record.Millis(i*7919%orders/20_000) } // ten milliseconds, mixed
	c := newCrowd(t, orders, due)
	chunk := c.stage.cfg.DueChunk
	paid := func(i int) record.Entry {
		e := withHash(event("paid", record.OrderPaid, crowdKey(i)))
		return record.Entry{Kind: record.KindOrderEvent, Key: []byte(e.OrderKey), Body: record.AppendOrderEvent(nil, e)}
	}
	inTime, late, last := 17, 18, -1
	for i := range orders {
		if due(i) == base+hold+9 {
			last = i // of the last in line
		}
	}
	c.transaction(base+hold-1, paid(inTime))
	require.Equal(t, []toldEvent{{crowdKey(inTime), "confirmed"}}, c.told)

	c.told = nil
	c.transaction(base+hold+10, paid(last)) // when all are due
	require.Len(t, c.told, chunk+1, "a chunk, and the one that is asked about")
	require.Equal(t, toldEvent{crowdKey(last), "expired"}, c.told[chunk], "at or after its due time expiry wins, wherever it stands in line")
	require.Equal(t, PhasePending, decodeOrder(t, c.state["o"+string(crowdKey(last))]).Phase, "and the payment begins its revival")

	newcomers, transactions := 0, 1
	for {
		at, ok := c.stage.Due(c)
		c.stage.Reset()
		require.True(t, ok, "closed orders are still to be dropped")
		if at > c.now {
			break
		}
		before := len(c.told)
		switch transactions++; transactions % 10 {
		case 0: // an order that comes meanwhile
			e := withHash(created(record.MakeOrderKey("web", "new", fmt.Sprint(newcomers)), body(record.PaymentPrepaid, record.AllowAll, line("1", "A", 1))))
			newcomers++
			c.transaction(c.now, record.Entry{Kind: record.KindOrderEvent, Key: []byte(e.OrderKey), Body: record.AppendOrderEvent(nil, e)})
			require.Contains(t, c.state, "o"+string(e.OrderKey), "it is decided in this very transaction")
		case 5:
			c.transaction(c.now, paid(late))
		default:
			c.transaction(c.now)
		}
		require.LessOrEqual(t, len(c.told)-before, chunk+1)
	}
	require.InDelta(t, orders/chunk, transactions, 1)
	require.Positive(t, newcomers)

	seen, dueBefore := map[record.OrderKey]bool{}, record.Millis(0)
	for i, e := range c.told {
		require.Equal(t, "expired", e.what)
		require.False(t, seen[e.key], "%s expires twice", e.key)
		seen[e.key] = true
		if e.key == crowdKey(last) || e.key == crowdKey(late) {
			continue // what is asked about is brought up to date first
		}
		var n int
		_, err := fmt.Sscanf(string(e.key), "web/main/%d", &n)
		require.NoError(t, err)
		require.LessOrEqual(t, dueBefore, due(n), "the %dth", i)
		dueBefore = due(n)
	}
	require.Len(t, seen, orders-1)
	require.NotContains(t, seen, crowdKey(inTime))
	require.Less(t, c.steps, 2*orders, "no chunk steps over the remains of those before it")
}

// T14: orders that are over leave nothing: after KeepClosedMillis the state is
// that of before the sale, to the key.
func TestT14_ClosedOrdersLeaveNothing(t *testing.T) {
	const orders, batch = 20_000, 1000
	s := newShop(t, nil)
	s.warehouse(`{"id":"HCM-1"}`)
	s.catalog("COMBO", "A", 1, "B", 2)
	for _, sku := range []record.SKU{"A", "B"} {
		s.stock.receive(sku, "HCM-1", orders/3, "s")
	}
	before := maps.Clone(s.task.State)
	input := func(es ...*record.OrderEvent) {
		var entries []record.Entry
		for _, e := range es {
			entries = append(entries, record.Entry{Kind: record.KindOrderEvent, Key: []byte(e.OrderKey), Body: record.AppendOrderEvent(nil, withHash(e))})
		}
		for len(entries) > 0 {
			s.task.Entries(s.now, entries...)
			entries = s.answers()
		}
	}
	largest := 0
	for from := 0; from < orders; from += batch {
		var creates, rest []*record.OrderEvent
		for i := from; i < from+batch; i++ {
			key := record.MakeOrderKey([]string{"web", "pos"}[i%2], "main", fmt.Sprint(i))
			e := created(key, body(record.Payment(1+i%3), record.Allow(1+i%2), line("1", []record.SKU{"A", "COMBO"}[i%5/4], 1)))
			e.Fact = i%2 == 1
			creates = append(creates, e)
			if i%7 > 0 { // some of the unpaid expire
				rest = append(rest, event("p", record.OrderPaid, key))
			}
			if i%4 > 0 {
				rest = append(rest, event("s", record.OrderShipped, key))
			} else {
				rest = append(rest, event("x", record.OrderCancelled, key))
			}
			rest = append(rest, event("y", record.OrderCancelled, record.MakeOrderKey("web", "nobody", fmt.Sprint(i))))
		}
		input(creates...)
		input(rest...)
		s.now += 1000
		largest = max(largest, len(s.task.State))
	}
	require.Greater(t, largest, orders)
	s.now += 10_000 // the last holds run out
	s.drainTicks()
	input()
	// What still waits for stock is called off.
	var ends []*record.OrderEvent
	for k, v := range s.task.State {
		if k[0] == keyOrder && !isInbox(v) {
			if o := decodeOrder(t, v); !o.closed() {
				ends = append(ends, event("end", record.OrderCancelled, record.OrderKey(k[1:])))
			}
		}
	}
	input(ends...)
	require.Empty(t, s.stock.claim)
	s.now += record.Millis(max(DefaultConfig().KeepClosedMillis, DefaultConfig().InboxMillis))
	s.drainTicks()
	require.Equal(t, keysOf(before), keysOf(s.task.State))
	require.Equal(t, before, s.task.State)
}

func keysOf(state map[string][]byte) []string { return slices.Sorted(maps.Keys(state)) }

// answers is what inventory says to all that was sent, and our own reminders.
func (s *shop) answers() (entries []record.Entry) {
	for _, x := range s.task.Take() {
		if x.Log == stage.LogOrders {
			entries = append(entries, x.Entry)
			continue
		}
		var c record.Command
		require.NoError(s.t, c.Decode(x.Entry.Body))
		for _, d := range s.stock.command(&c) {
			entries = append(entries, record.Entry{Kind: record.KindDecision, Key: []byte(d.OrderKey), Body: record.AppendDecision(nil, d)})
		}
	}
	return entries
}

// drainTicks lets time pass until nothing is due.
func (s *shop) drainTicks() {
	for {
		s.task.Tick(s.now)
		for entries := s.answers(); len(entries) > 0; entries = s.answers() {
			s.task.Entries(s.now, entries...)
		}
		due, ok := s.task.Stage.Due(s.task)
		s.task.Stage.Reset()
		if !ok || due > s.now {
			return
		}
	}
}

// BenchmarkExpiry is holds that are due at once, in chunks: one SKU each, the
// release and the event that come of it, and the timer to drop the order.
func BenchmarkExpiry(b *testing.B) {
	c := newCrowd(b, b.N, func(int) record.Millis { return base + 1 })
	c.told = make([]toldEvent, 0, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for {
		c.transaction(base + 1)
		if at, ok := c.stage.Due(c); !ok || at > c.now {
			break
		}
		c.stage.Reset()
	}
	b.StopTimer()
	require.Len(b, c.told, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "expiries/s")
}
