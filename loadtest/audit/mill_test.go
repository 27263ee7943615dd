package audit

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// mill makes the logs of a sale without end: every order of one to three lines
// is created, decided, paid, packed in time and shipped, in transactions of many
// orders, and forgotten. It holds next to nothing, so what memory grows is the
// audit's.
type mill struct {
	rnd       *rand.Rand
	clock     record.Millis
	next      map[TopicPartition]record.Offset
	envelopes map[TopicPartition]*record.EnvelopeBuilder
	stock     []record.Counters
	numbers   []uint64
	touched   map[int]bool
	orders    int
	out       []Record
	body      []byte
}

const millPartitions = 8

func newMill(skus int) *mill {
	m := &mill{rnd: rand.New(rand.NewPCG(1, 2)), clock: 1_762_790_400_000, next: map[TopicPartition]record.Offset{},
		envelopes: map[TopicPartition]*record.EnvelopeBuilder{}, stock: make([]record.Counters, skus), numbers: make([]uint64, skus), touched: map[int]bool{}}
	for p := range millPartitions {
		text, _ := json.Marshal(record.Warehouse{ID: "HCM-1"})
		m.send("log.availability", p, record.KindWarehouse, "HCM-1", record.Origin{}, record.AppendTableRow(nil, &record.TableRow{Key: "HCM-1", JSON: text}))
	}
	for i := range skus {
		sku, event := m.sku(i), fmt.Sprint("s-", i)
		origin := m.public("stock.feed", sku, `{"holdfast":1}`)
		m.send("log.inventory", i%millPartitions, record.KindStock, sku, origin, record.AppendStockCommand(nil, &record.StockCommand{
			Verb: record.VerbReceive, EventID: event, SKU: record.SKU(sku), Warehouse: "HCM-1", Qty: 1_000_000}))
		m.decide("log.availability", i%millPartitions, sku, origin, i, 1_000_000, record.Counters{OnHand: 1_000_000},
			&record.Decision{Verb: record.VerbReceive, Outcome: record.OutcomeDone, SKU: record.SKU(sku), Cause: event, Requested: 1_000_000})
	}
	m.flush()
	return m
}

func (m *mill) sku(i int) string { return fmt.Sprintf("SKU-%06d", i) }

func (m *mill) write(topic string, partition int, value []byte) record.Offset {
	tp := TopicPartition{topic, record.Partition(partition)}
	o := m.next[tp]
	m.next[tp]++
	m.out = append(m.out, Record{Topic: topic, Partition: tp.Partition, Offset: o, At: m.clock, Value: value})
	return o
}

func (m *mill) public(topic, key, value string) record.Origin {
	p := int(lineHash(key, "") % 4)
	return record.Origin{Topic: "holdfast." + topic, Partition: record.Partition(p), Offset: m.write(topic, p, []byte(value))}
}

func (m *mill) send(log string, partition int, kind record.Kind, key string, origin record.Origin, body []byte) {
	tp := TopicPartition{log, record.Partition(partition)}
	if m.envelopes[tp] == nil {
		m.envelopes[tp] = &record.EnvelopeBuilder{}
	}
	m.envelopes[tp].Add(kind, []byte(key), origin, body)
}

// flush ends a transaction of everybody.
func (m *mill) flush() {
	m.clock += 3
	for _, log := range []string{"log.orders", "log.inventory", "log.availability"} {
		for p := range millPartitions {
			if e := m.envelopes[TopicPartition{log, record.Partition(p)}]; e != nil && e.Len() > 0 {
				m.write(log, p, e.Close())
			}
		}
	}
}

func (m *mill) decide(log string, partition int, key string, origin record.Origin, sku int, qty record.Quantity, by record.Counters, d *record.Decision) {
	c := &m.stock[sku]
	move := record.Movement{Warehouse: "HCM-1", Qty: qty, Before: *c}
	c.OnHand, c.Held, c.Allocated = c.OnHand+by.OnHand, c.Held+by.Held, c.Allocated+by.Allocated
	m.numbers[sku]++
	move.Number, move.After = m.numbers[sku], *c
	d.Moves = []record.Movement{move}
	m.body = record.AppendDecision(m.body[:0], d)
	m.send(log, partition, record.KindDecision, key, origin, m.body)
	m.touched[sku] = true
}

type milled struct {
	key   string
	part  int
	lines []record.OrderLine
	skus  []int
}

func (m *mill) ask(o *milled, i int, verb record.Verb, cause string, origin record.Origin) {
	l := &o.lines[i]
	m.body = record.AppendCommand(m.body[:0], &record.Command{Verb: verb, OrderKey: record.OrderKey(o.key), SKU: l.SKU, Attempt: 1, Cause: cause, Qty: l.Qty,
		Ranked: []record.Ranked{{Warehouse: "HCM-1"}}})
	m.send("log.inventory", o.skus[i]%millPartitions, record.KindCommand, string(l.SKU), origin, m.body)
}

func (m *mill) step(batch []*milled, what record.OrderEventType, update, status, state string, seq int64) {
	origins := make([]record.Origin, len(batch))
	for n, o := range batch {
		cause := fmt.Sprint("e-", seq, "-", o.key)
		origins[n] = m.public("channel.web.orders", o.key, `{"holdfast":1,"event_id":"e"}`)
		e := &record.OrderEvent{EventID: cause, ContentHash: 77, Type: what, OrderKey: record.OrderKey(o.key), OccurredAt: m.clock}
		if what == record.OrderCreated {
			e.Order = &record.OrderBody{Payment: record.PaymentUnpaid, HoldSeconds: 900, Currency: "VND", Lines: o.lines}
		}
		m.body = record.AppendOrderEvent(m.body[:0], e)
		m.send("log.orders", o.part, record.KindOrderEvent, o.key, origins[n], m.body)
	}
	m.flush()
	verb, by := record.VerbReserve, record.Counters{Held: 1}
	switch what {
	case record.OrderPaid:
		verb, by = record.VerbConfirm, record.Counters{Held: -1, Allocated: 1}
	case record.OrderShipped:
		verb, by = record.VerbShip, record.Counters{OnHand: -1, Allocated: -1}
	}
	for n, o := range batch {
		for i := range o.lines {
			m.ask(o, i, verb, "e", origins[n])
		}
	}
	m.flush()
	for n, o := range batch {
		for i := range o.lines {
			l := &o.lines[i]
			d := &record.Decision{Verb: verb, Outcome: record.OutcomeDone, OrderKey: record.OrderKey(o.key), SKU: l.SKU, Attempt: 1, Cause: "e", Requested: l.Qty, Rule: "one_warehouse"}
			log, p, key := "log.availability", o.skus[i]%millPartitions, string(l.SKU)
			if verb == record.VerbReserve {
				d.Outcome, log, p, key = record.OutcomeGranted, "log.orders", o.part, o.key
			}
			m.decide(log, p, key, origins[n], o.skus[i], l.Qty, record.Counters{OnHand: by.OnHand * l.Qty, Held: by.Held * l.Qty, Allocated: by.Allocated * l.Qty}, d)
		}
	}
	m.flush()
	for _, o := range batch {
		u := &record.OrderUpdate{Holdfast: 1, OrderKey: record.OrderKey(o.key), Seq: seq, Type: update, Status: status, At: m.clock, Cause: "e-" + o.key}
		for i := range o.lines {
			u.Lines = append(u.Lines, record.OrderUpdateLine{Line: o.lines[i].Line, SKU: o.lines[i].SKU, Qty: o.lines[i].Qty, State: state, Warehouse: "HCM-1"})
		}
		text, _ := json.Marshal(u)
		m.write("order.events", int(lineHash(o.key, "")%4), text)
		if what == record.OrderShipped {
			text, _ = json.Marshal(&record.StatusUpdate{Holdfast: 1, OrderKey: u.OrderKey, Channel: "web", Shop: "main", OrderID: o.key, Seq: seq, Status: status, At: m.clock})
			m.write("channel.web.status", int(lineHash(o.key, "")%4), text)
		}
	}
}

// orders lets n orders pass through.
func (m *mill) pass(n int) {
	batch := make([]*milled, n)
	for i := range batch {
		m.orders++
		o := &milled{key: fmt.Sprintf("web/main/W-%08d", m.orders), part: m.rnd.IntN(millPartitions)}
		for l := range 1 + m.rnd.IntN(3) {
			sku := m.rnd.IntN(len(m.stock)/3)*3 + l
			o.skus = append(o.skus, sku)
			o.lines = append(o.lines, record.OrderLine{Line: fmt.Sprint(l + 1), SKU: record.SKU(m.sku(sku)), Qty: 1 + record.Quantity(m.rnd.IntN(3)), UnitPriceMinor: 48000})
		}
		batch[i] = o
	}
	m.step(batch, record.OrderCreated, record.UpdateAccepted, "held", record.LineHeld, 1)
	m.step(batch, record.OrderPaid, record.UpdateConfirmed, "allocated", record.LineAllocated, 2)
	m.step(batch, record.OrderShipped, record.UpdateShipped, "shipped", record.LineShipped, 3)
	m.publish()
}

// publish tells of a part of what was touched: updates are conflated.
func (m *mill) publish() {
	for sku := range m.touched {
		c, name := m.stock[sku], m.sku(sku)
		delete(m.touched, sku)
		version := int64(m.numbers[sku])
		m.body = record.AppendAvailability(m.body[:0], &record.Availability{SKU: record.SKU(name), Fed: true,
			Rows: []record.AvailabilityRow{{Warehouse: "HCM-1", Number: m.numbers[sku], Counters: c}}})
		m.send("log.availability", sku%millPartitions, record.KindAvailability, name, record.Origin{}, m.body)
		text, _ := json.Marshal(&record.StockUpdate{Holdfast: 1, SKU: record.SKU(name), Warehouse: "HCM-1", OnHand: c.OnHand, Held: c.Held, Allocated: c.Allocated,
			Available: c.Available(), Version: version, At: m.clock})
		m.write("stock.events", sku%4, text)
		text, _ = json.Marshal(&record.ChannelStock{Holdfast: 1, Channel: "web", Shop: "main", SKU: record.SKU(name), Sellable: c.Available(), Version: version, At: m.clock})
		m.write("channel.web.stock", sku%4, text)
	}
	m.flush()
}

// BenchmarkOrders folds 100,000 orders, or as many as HOLDFAST_AUDIT_ORDERS says,
// and prints orders a second, records, the largest heap, and what is in use at
// the end.
func BenchmarkOrders(b *testing.B) {
	const batch = 500
	orders := benchOrders(b)
	for b.Loop() {
		debug.FreeOSMemory()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m := newMill(10_000)
		cut := Cut{Committed: map[TopicPartition]record.Offset{}}
		for _, topic := range []string{"stock.feed", "channel.web.orders", "log.orders", "log.inventory", "log.availability"} {
			for p := range millPartitions {
				cut.Committed[TopicPartition{topic, record.Partition(p)}] = 1 << 40
			}
		}
		a := New(Config{Settled: true, Channels: []string{"web"}}, cut)
		folding := time.Duration(0)
		fold := func() {
			begun := time.Now()
			for i := range m.out {
				require.NoError(b, a.Add(m.out[i]))
			}
			folding += time.Since(begun)
			m.out = m.out[:0]
		}
		peak := uint64(0)
		for i := range orders / batch {
			m.pass(batch)
			fold()
			if i%20 == 0 {
				runtime.ReadMemStats(&after)
				peak = max(peak, after.HeapInuse)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		begun := time.Now()
		r := a.Report()
		folding += time.Since(begun)
		require.Equal(b, Pass, r.Verdict, "%+v", r.Violations)
		require.Equal(b, orders, r.Orders)
		b.ReportMetric(float64(orders)/folding.Seconds(), "orders/s")
		b.ReportMetric(float64(r.Records), "records")
		b.ReportMetric(float64(r.Decisions), "decisions")
		b.ReportMetric(float64(peak)/(1<<20), "MiB_peak") // of the heap, with what the mill throws away
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB_live")
	}
}

func benchOrders(b *testing.B) int {
	orders := 100_000
	if text := os.Getenv("HOLDFAST_AUDIT_ORDERS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(b, err)
		orders = n
	}
	return orders
}
