package inventory

import (
	"fmt"
	"math/rand"
	"testing"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

const (
	benchSKUs     = 100_000
	benchLines    = 4096 // of a transaction
	benchEnvelope = 512  // lines of an envelope
)

// benchTx is as fast as a state can be, so that what is measured is the stage:
// item values stand in slots by SKU number, holds in a ring by order number.
// Both are overwritten in place, which the stage can't see: items are written
// after the last read of a transaction, and a hold's memory isn't used again
// before the ring has gone round. An order whose place in the ring has been
// taken is a new one when it comes again.
type benchTx struct {
	items []([]byte)
	holds []([]byte)
	keys  []([]byte)
	// histories are of one warehouse each.
	histories []([]byte)
	now       record.Millis

	puts, deletes, sends, bytes int
}

func digits(b []byte) int {
	n := 0
	for _, c := range b {
		n = n*10 + int(c-'0')
	}
	return n
}

// Keys are "i" + "SKU-000000" and "h" + "SKU-000000" + 0 + "web/main/000000000".
func (t *benchTx) slot(key []byte) *[]byte {
	switch key[0] {
	case 'i':
		return &t.items[digits(key[5:11])]
	case 'h':
		at := digits(key[21:30]) % len(t.holds)
		if string(t.keys[at]) != string(key) {
			t.keys[at], t.holds[at] = append(t.keys[at][:0], key...), t.holds[at][:0]
		}
		return &t.holds[at]
	case 'm':
		return &t.histories[digits(key[5:11])]
	}
	return nil
}

func (t *benchTx) Now() record.Millis { return t.now }
func (t *benchTx) Get(key []byte) ([]byte, bool) {
	v := t.slot(key)
	if v == nil || len(*v) == 0 {
		return nil, false
	}
	return *v, true
}
func (t *benchTx) Put(key, value []byte) {
	t.puts++
	t.bytes += len(key) + len(value)
	v := t.slot(key)
	*v = append((*v)[:0], value...)
}
func (t *benchTx) Delete(key []byte) {
	t.deletes++
	v := t.slot(key)
	*v = (*v)[:0]
}
func (t *benchTx) Scan(_, _ []byte, _ func(key, value []byte) bool) {}
func (t *benchTx) Send(_ stage.Log, _ record.Kind, key []byte, _ record.Origin, body []byte) {
	t.sends++
	t.bytes += len(key) + len(body)
}
func (t *benchTx) Broadcast(stage.Log, record.Kind, []byte, record.Origin, []byte) {}
func (t *benchTx) Publish(string, []byte, []byte)                                  {}
func (t *benchTx) DeadLetter(stage.DeadLetter)                                     { panic("dead letter") }

func (t *benchTx) Count(int) {}

func newBenchTx(warehouses []record.WarehouseID) *benchTx {
	t := &benchTx{items: make([][]byte, benchSKUs), holds: make([][]byte, 1<<16), keys: make([][]byte, 1<<16), histories: make([][]byte, benchSKUs), now: 1}
	it := Item{Fed: true}
	for _, w := range warehouses {
		it.Rows = append(it.Rows, Row{Warehouse: w, Number: 1, Counters: record.Counters{OnHand: record.OnHandMax}})
	}
	for i := range t.items {
		t.items[i] = appendItem(nil, &it)
	}
	return t
}

// benchCommands makes rounds of envelopes; every round has the same number of
// lines and runs as one transaction.
func benchCommands(rounds int, ranked []record.Ranked, cycle bool) [][]*stage.Record {
	r := rand.New(rand.NewSource(1))
	zipf := rand.NewZipf(r, 1.1, 1, benchSKUs-1)
	var b record.EnvelopeBuilder
	out := make([][]*stage.Record, rounds)
	order := 0
	for i := range out {
		var queue []record.Command
		for len(queue) < benchLines {
			c := record.Command{
				Verb: record.VerbReserve, OrderKey: record.OrderKey(fmt.Sprintf("web/main/%09d", order)), SKU: record.SKU(fmt.Sprintf("SKU-%06d", zipf.Uint64())),
				Attempt: 1, Cause: fmt.Sprintf("e-%d", order), Qty: record.Quantity(1 + r.Intn(3)), Whole: true, Ranked: ranked,
			}
			order++
			queue = append(queue, c)
			if cycle {
				qty := c.Qty
				c.Verb, c.Qty, c.Ranked, c.Whole = record.VerbConfirm, 0, nil, false
				queue = append(queue, c)
				c.Verb, c.Parts = record.VerbShip, []record.WarehouseQty{{Warehouse: ranked[0].Warehouse, Qty: qty}}
				queue = append(queue, c)
			}
		}
		for j := range queue {
			c := &queue[j]
			b.Add(record.KindCommand, []byte(c.SKU), record.Origin{Topic: "holdfast.channel.web.orders", Partition: 1, Offset: record.Offset(j)}, record.AppendCommand(nil, c))
			if b.Len() == benchEnvelope || j == len(queue)-1 {
				out[i] = append(out[i], &stage.Record{Topic: "holdfast.log.inventory", Short: "log.inventory", At: 1, Value: b.Close()})
			}
		}
	}
	return out
}

func benchStage(b *testing.B, warehouses []record.WarehouseID, cycle bool) {
	var ranked []record.Ranked
	for i, w := range warehouses {
		ranked = append(ranked, record.Ranked{Warehouse: w, Rank: uint16(i)})
	}
	tx := newBenchTx(warehouses)
	rounds := benchCommands(64, ranked, cycle)
	s := New(Config{})
	run := func(rs []*stage.Record) {
		for _, r := range rs {
			s.Decide(tx, r)
		}
		s.Finish(tx)
		s.Reset()
	}
	for _, rs := range rounds { // warm up: memory that is used again has its size
		run(rs)
	}
	tx.puts, tx.deletes, tx.sends, tx.bytes = 0, 0, 0, 0
	b.ReportAllocs()
	lines := 0
	for b.Loop() {
		run(rounds[lines/benchLines%len(rounds)])
		lines += benchLines
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(lines), "ns/line")
	b.ReportMetric(float64(tx.puts+tx.deletes)/float64(lines), "writes/line")
	b.ReportMetric(float64(tx.bytes)/float64(lines), "B-out/line")
}

// One op is a transaction of 4096 lines over 100,000 SKUs, Zipf 1.1.
func BenchmarkReserve(b *testing.B) {
	for _, n := range []int{1, 4, 20} {
		var ws []record.WarehouseID
		for i := range n {
			ws = append(ws, record.WarehouseID(fmt.Sprintf("W-%02d", i)))
		}
		b.Run(fmt.Sprintf("warehouses=%d", n), func(b *testing.B) { benchStage(b, ws, false) })
	}
}

// Lines are reserve, confirm and ship, one after the other.
func BenchmarkReserveConfirmShip(b *testing.B) {
	benchStage(b, []record.WarehouseID{"W-00"}, true)
}
