package order

import (
	"fmt"
	"testing"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// benchTx is a transaction that costs as little as a map does.
type benchTx struct {
	now   record.Millis
	state map[string][]byte
	sent  int
	bytes int
}

func (b *benchTx) Now() record.Millis { return b.now }
func (b *benchTx) Get(k []byte) ([]byte, bool) {
	v, ok := b.state[string(k)]
	return v, ok
}
func (b *benchTx) Put(k, v []byte)                                   { b.state[string(k)] = append(b.state[string(k)][:0:0], v...) }
func (b *benchTx) Delete(k []byte)                                   { delete(b.state, string(k)) }
func (b *benchTx) Scan(from, to []byte, fn func(key, v []byte) bool) {}
func (b *benchTx) Send(_ stage.Log, _ record.Kind, _ []byte, _ record.Origin, body []byte) {
	b.sent++
	b.bytes += len(body)
}
func (b *benchTx) Broadcast(stage.Log, record.Kind, []byte, record.Origin, []byte) {}
func (b *benchTx) Publish(_ string, _, v []byte)                                   { b.bytes += len(v) }
func (b *benchTx) DeadLetter(stage.DeadLetter)                                     {}
func (b *benchTx) Count(int)                                                       {}

// BenchmarkOrder is an order from its creation to its first decision: one SKU,
// prepaid, 20 warehouses by distance.
func BenchmarkOrder(b *testing.B) {
	s, tx := New(DefaultConfig()), &benchTx{now: base, state: map[string][]byte{}}
	s.places.read, s.places.checked, s.places.services = true, true, map[service]*eligible{}
	for i := range 20 {
		s.places.all = append(s.places.all, parsePlace(fmt.Sprint("W-", i), fmt.Appendf(nil, `{"id":"W-%d","lat":%d.5,"lng":106.5}`, i, i)))
	}
	e := created("web/main/0000001", body(record.PaymentPrepaid, record.AllowAll, line("1", "TEE-RED-M", 2)))
	e.Order.HasPlace, e.Order.LatE6, e.Order.LngE6 = true, 10_776_000, 106_700_000
	d := &record.Decision{Verb: record.VerbReserve, Outcome: record.OutcomeGranted, SKU: "TEE-RED-M", Attempt: 1, Cause: "c", Requested: 2,
		Allocated: true, Rule: "one_warehouse", Moves: []record.Movement{{Warehouse: "W-10", Number: 7, Qty: 2}}}
	var records [][2][]byte
	const batch = 100
	for n := range 50 {
		var creates, decisions record.EnvelopeBuilder
		for i := range batch {
			key := record.MakeOrderKey("web", "main", fmt.Sprint(n*batch+i))
			e.OrderKey, d.OrderKey = key, key
			creates.Add(record.KindOrderEvent, []byte(key), record.Origin{Topic: "holdfast.channel.web.orders"}, record.AppendOrderEvent(nil, e))
			decisions.Add(record.KindDecision, []byte(key), record.Origin{Topic: "holdfast.channel.web.orders"}, record.AppendDecision(nil, d))
		}
		records = append(records, [2][]byte{creates.Close(), decisions.Close()})
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += batch {
		at := i / batch % len(records)
		if at == 0 {
			clear(tx.state)
		}
		for _, value := range records[at] {
			s.Decide(tx, &stage.Record{Value: value})
			s.Finish(tx)
			s.Reset()
			s.places.checked = true
		}
	}
	b.ReportMetric(float64(tx.bytes)/float64(b.N), "B-out/op")
}
