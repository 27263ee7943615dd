package run

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/sale"
	"holdfast/loadtest/scenario"
	"holdfast/topology/record"
)

// BenchmarkGenerator makes and paces a sale whose records are all due: what it
// could send at most, without Kafka's client.
func BenchmarkGenerator(b *testing.B) {
	text, err := os.ReadFile("../scenarios/11.11.yaml")
	require.NoError(b, err)
	s, err := scenario.Parse(text)
	require.NoError(b, err)
	orders, records := 0, 0
	for b.Loop() {
		cfg := s.Sale("bench")
		cfg.Start = 1_762_794_000_000
		made, err := sale.New(cfg)
		require.NoError(b, err)
		p := newPending()
		next, stop := ahead(made.Next)
		_, err = send(b.Context(), &fakeClock{at: time.Hour}, next, func(m *sale.Message, _ time.Duration) {
			if records++; m.First {
				orders++
				p.sent(m.OrderKey, m.AtOffset)
			}
		})
		require.NoError(b, err)
		stop()
	}
	b.ReportMetric(float64(orders)/b.Elapsed().Seconds(), "orders/s")
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkWatcher takes an order's event and three updates of stock, as they
// come out for each order.
func BenchmarkWatcher(b *testing.B) {
	w := &watcher{begun: time.Now(), pending: newPending(), accepted: newMeter("accepted", nil), decided: newMeter("decided", nil), channels: map[string]*meter{}}
	update := &kgo.Record{Value: []byte(`{"holdfast":1,"channel":"shopee","shop":"main","sku":"TEE-RED-M-0001-k2j3","sellable":37,"version":1234,"at":"2026-11-11T00:00:01.123+07:00","urgent":false}`)}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		key := fmt.Sprintf("web/main/W-k2j3-%07d", n)
		w.pending.sent(record.OrderKey(key), 0)
		w.take(kind{role: orderEvents}, &kgo.Record{Key: []byte(key), Value: []byte(`{"holdfast":1,"order_key":"` + key + `","seq":1,"type":"order.accepted","status":"allocated","at":"2026-11-11T00:00:01.123+07:00","cause":"e-1","lines":[{"line":"1","sku":"TEE-RED-M","qty":2,"state":"allocated","warehouse":"HCM-1"}],"reason":""}`)}, time.Second)
		for range 3 {
			w.take(kind{role: channelStock, channel: "shopee"}, update, time.Second)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "orders/s")
}
