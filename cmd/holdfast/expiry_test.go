package main

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor/kafka/embedded"
	"holdfast/topology"
	"holdfast/topology/record"
)

// BenchmarkExpiriesDueAtOnce holds 25,000 unpaid orders on one partition that all
// fall due in the same moment, and measures from then until the last of them has
// expired, by the broker's clock. They are given back in chunks of some thousand:
// what is between two chunks counts as much as the work itself.
func BenchmarkExpiriesDueAtOnce(b *testing.B) {
	for range b.N {
		e := newExpiries(b)
		b.ReportMetric(e.run(25_000, 8*time.Second).Seconds(), "s-after-due/op")
	}
}

// expiries is a node with orders and inventory on one partition each.
type expiries struct {
	tb       testing.TB
	ctx      context.Context
	client   *kgo.Client
	topology *topology.Topology
}

func newExpiries(tb testing.TB) *expiries {
	broker, err := embedded.Start(embedded.Config{InMemory: true})
	require.NoError(tb, err)
	tb.Cleanup(broker.Close)
	s := DefaultSettings()
	s.Topics.LogPartitions, s.Channels, s.Node.Stages = 1, []string{"web"}, []string{topology.StageOrders, topology.StageInventory}
	s.Kafka.Brokers, s.DataDir, s.Node.InstanceID = []string{broker.Addr()}, tb.TempDir(), "a"
	t, err := s.Topology(1)
	require.NoError(tb, err)
	options, err := clientOptions(&s.Kafka)
	require.NoError(tb, err)
	client, err := kgo.NewClient(append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ConsumeTopics(t.Name(topology.OrderEvents)), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	tb.Cleanup(cancel)
	_, err = applyTopics(ctx, client, t)
	require.NoError(tb, err)
	d, err := checkCluster(ctx, client, t)
	require.NoError(tb, err)
	n, err := assemble(&s, t, d, options, slog.New(slog.DiscardHandler), nil, false)
	require.NoError(tb, err)
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- n.Run(run) }()
	tb.Cleanup(func() {
		stop()
		require.NoError(tb, <-ended)
		n.close()
	})
	return &expiries{tb: tb, ctx: ctx, client: client, topology: t}
}

// run orders n times, all to be paid within hold, and returns how long after that
// the last order has expired.
func (e *expiries) run(n int, hold time.Duration) time.Duration {
	e.tb.Helper()
	const skus = 100
	row := record.TableRow{Key: "HCM", JSON: []byte(`{"id":"HCM"}`)}
	e.feed(topology.LogOrders, record.Entry{Kind: record.KindWarehouse, Key: []byte("HCM"), Body: record.AppendTableRow(nil, &row)})
	var stock, orders []record.Entry
	for i := range skus {
		c := record.StockCommand{Verb: record.VerbReceive, EventID: fmt.Sprint("s", i), SKU: record.SKU(fmt.Sprint("S", i)), Warehouse: "HCM", Qty: record.Quantity(n)}
		stock = append(stock, record.Entry{Kind: record.KindStock, Key: []byte(c.SKU), Body: record.AppendStockCommand(nil, &c)})
	}
	for i := range n {
		ev := record.OrderEvent{EventID: fmt.Sprint("e", i), Type: record.OrderCreated, OrderKey: record.MakeOrderKey("web", "main", fmt.Sprint(i)),
			Order: &record.OrderBody{Payment: record.PaymentUnpaid, Allow: record.AllowAll, HoldSeconds: int64(hold.Seconds()),
				Lines: []record.OrderLine{{Line: "1", SKU: record.SKU(fmt.Sprint("S", i%skus)), Qty: 1}}}}
		orders = append(orders, record.Entry{Kind: record.KindOrderEvent, Key: []byte(ev.OrderKey), Body: record.AppendOrderEvent(nil, &ev)})
	}
	e.feed(topology.LogInventory, stock...)
	// One request, one append time, one due time.
	due := e.feed(topology.LogOrders, orders...).Add(hold)
	held := e.await("order.accepted", n)
	require.Less(e.tb, held, due, "all must be held before the first falls due")
	took := e.await("order.expired", n).Sub(due)
	e.tb.Logf("%d orders held %v before they fell due, expired %v after", n, due.Sub(held), took)
	return took
}

// feed writes entries and returns the append time of the last.
func (e *expiries) feed(log string, entries ...record.Entry) time.Time {
	e.tb.Helper()
	var records []*kgo.Record
	var envelope record.EnvelopeBuilder
	for i, entry := range entries {
		envelope.Add(entry.Kind, entry.Key, record.Origin{}, entry.Body)
		if envelope.Full() || i == len(entries)-1 {
			records = append(records, &kgo.Record{Topic: e.topology.Name(log), Value: envelope.Close()})
		}
	}
	require.NoError(e.tb, e.client.ProduceSync(e.ctx, records...).FirstErr())
	return records[len(records)-1].Timestamp
}

// await reads order events until n of a type have come, and returns when the last
// was appended.
func (e *expiries) await(eventType string, n int) (last time.Time) {
	e.tb.Helper()
	for n > 0 {
		fetches := e.client.PollFetches(e.ctx)
		require.NoError(e.tb, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			u := decodeJSON[record.OrderUpdate](e.tb, string(r.Value))
			require.Equal(e.tb, eventType, u.Type)
			n--
			last = r.Timestamp
		})
	}
	return last
}
