package bench

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor/kafka/embedded"
	"holdfast/topology"
	"holdfast/topology/record"
)

// told is what a node might have told of two orders of SKU-0000000, of which
// there were 10 units.
type told struct {
	t      *testing.T
	config OrdersConfig
	client *kgo.Client
}

func newTold(t *testing.T) *told {
	t.Helper()
	b, err := embedded.Start(embedded.Config{InMemory: true})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	c := topology.Default()
	c.Channels, c.PublicPartitions = []string{channel}, 2
	topo, err := topology.New(c)
	require.NoError(t, err)
	for _, short := range []string{topology.OrderEvents, topology.ChannelStock(channel)} {
		require.NoError(t, b.Cluster().CreateTopic(topo.Name(short), 2, nil))
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return &told{t: t, client: client, config: OrdersConfig{Topology: topo, Client: []kgo.Opt{kgo.SeedBrokers(b.Addr())},
		Lines: 2, LinesPerOrder: 1, SKUs: 1, Warehouses: 1, Stock: 10}}
}

func (o *told) write(short, key string, v any) {
	o.t.Helper()
	value, err := json.Marshal(v)
	require.NoError(o.t, err)
	require.NoError(o.t, o.client.ProduceSync(o.t.Context(), &kgo.Record{Topic: o.config.Topology.Name(short), Key: []byte(key), Value: value}).FirstErr())
}

func (o *told) sellable(n record.Quantity) {
	o.write(topology.ChannelStock(channel), string(skuName(0)), record.ChannelStock{SKU: skuName(0), Sellable: n})
}

func (o *told) event(number int, seq int64, kind, state string, qty record.Quantity) {
	key := publicOrderPrefix + strconv.Itoa(number)
	o.write(topology.OrderEvents, key, record.OrderUpdate{OrderKey: record.OrderKey(key), Seq: seq, Type: kind,
		Lines: []record.OrderUpdateLine{{Line: "1", SKU: skuName(0), Qty: qty, State: state}}})
}

// stock makes the channel know of the whole stock, as before the orders.
func (o *told) stock() *readback {
	o.t.Helper()
	o.sellable(10)
	b := newReadback(&o.config, newCounter(), o.config.Lines)
	require.NoError(o.t, b.awaitStock(o.t.Context()))
	return b
}

// outcome reads back what was told since.
func (o *told) outcome(b *readback, within time.Duration) error {
	o.t.Helper()
	n := b.counter
	ctx, cancel := context.WithTimeout(o.t.Context(), within)
	defer cancel()
	for _, s := range []string{topology.StageOrders, topology.StageChannels} {
		n.marks = append(n.marks, mark{stage: s, at: time.Now().Add(time.Hour)}) // a transaction that ended after all of it
	}
	_, err := b.await(ctx)
	return err
}

const (
	enough    = 20 * time.Second       // for what comes
	tooLittle = 300 * time.Millisecond // for what never comes
)

// TestReadback: each order has its first event, and the channel knows what is
// left; then the outcomes are counted.
func TestReadback(t *testing.T) {
	o := newTold(t)
	b := o.stock()
	o.event(0, 1, record.UpdateAccepted, record.LineAllocated, 4)
	o.event(1, 1, record.UpdateRejected, record.LineShort, 7)
	o.sellable(6)
	require.NoError(t, o.outcome(b, enough))
	require.EqualValues(t, 1, b.accepted)
	require.EqualValues(t, 1, b.rejected)
	require.EqualValues(t, 1, b.updates)
}

// TestReadbackFails: what a broken node might tell fails the measurement.
func TestReadbackFails(t *testing.T) {
	for _, c := range []struct {
		name, want string
		tell       func(o *told)
	}{
		{"an order without an event", "1 of 2 orders", func(o *told) {
			o.event(0, 1, record.UpdateAccepted, record.LineAllocated, 4)
		}},
		{"an order decided twice", "web/main/O-0 has event 1, and one was all to be said", func(o *told) {
			o.event(0, 1, record.UpdateAccepted, record.LineAllocated, 4)
			o.event(0, 1, record.UpdateAccepted, record.LineAllocated, 4)
		}},
		{"a second event", "web/main/O-0 has event 2", func(o *told) {
			o.event(0, 1, record.UpdateAccepted, record.LineAllocated, 4)
			o.event(0, 2, record.UpdateCancelled, record.LineCancelled, 4)
		}},
		{"an order that was never sent", "an event of web/main/O-7, which was never sent", func(o *told) {
			o.event(7, 1, record.UpdateAccepted, record.LineAllocated, 4)
			o.event(0, 1, record.UpdateAccepted, record.LineAllocated, 4)
		}},
		{"a channel that isn't told what is left", "1 of 1 SKUs: the channel wasn't told what is left", func(o *told) {
			o.event(0, 1, record.UpdateAccepted, record.LineAllocated, 4)
			o.event(1, 1, record.UpdateAccepted, record.LineAllocated, 1)
			o.sellable(5) // and then, again, what was before
			o.sellable(6)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newTold(t)
			b := o.stock()
			c.tell(o)
			require.ErrorContains(t, o.outcome(b, tooLittle), c.want)
		})
	}
}

// TestOrderText: the load is what a shop sends, as intake takes it.
func TestOrderText(t *testing.T) {
	var in record.OrderInput
	d := json.NewDecoder(strings.NewReader(string(appendOrder(nil, rand.New(rand.NewPCG(1, 1)), 4, 3, func() int { return 2 }, "2026-01-01T00:00:00Z"))))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&in))
	require.Equal(t, "O-4", in.OrderID)
	require.Len(t, in.Order.Lines, 3)
	for _, l := range in.Order.Lines {
		require.Equal(t, skuName(2), l.SKU)
		require.Positive(t, l.Qty)
	}
}
