package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
)

// publicLoader writes the load as channels and warehouses do: JSON on public
// topics.
type publicLoader struct {
	cfg    *OrdersConfig
	client *kgo.Client
	begun  time.Time
	sizes  []uint16 // lines of each order

	mu       sync.Mutex
	firstErr error
}

func newPublicLoader(c *OrdersConfig) (*publicLoader, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.TransactionalID(c.Topology.Name("bench.load")),
		kgo.TransactionTimeout(10 * time.Minute),
		kgo.MaxBufferedRecords(50_000),
		kgo.DisableClientMetrics(),
	}, c.Client...)...)
	if err != nil {
		return nil, fmt.Errorf("making the loader's client: %w", err)
	}
	return &publicLoader{cfg: c, client: client, begun: time.Now(), sizes: c.sizes()}, nil
}

func (l *publicLoader) produce(short, key string, value []byte) {
	r := &kgo.Record{Topic: l.cfg.Topology.Name(short), Key: []byte(key), Value: value}
	l.client.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
		if err != nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.firstErr == nil {
				l.firstErr = err
			}
		}
	})
}

func (l *publicLoader) flush(ctx context.Context) error {
	if err := l.client.Flush(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.firstErr
}

func (l *publicLoader) end(ctx context.Context) error {
	return l.client.EndTransaction(ctx, kgo.TryCommit)
}

// transact runs fn in a transaction of its own.
func (l *publicLoader) transact(ctx context.Context, fn func()) error {
	if err := l.client.BeginTransaction(); err != nil {
		return err
	}
	fn()
	if err := l.flush(ctx); err != nil {
		return err
	}
	return l.end(ctx)
}

// The places of warehouses and buyers: Vietnam's, roughly.
const (
	latMin, latSpan = 9.0, 13.0
	lngMin, lngSpan = 104.0, 5.0
)

// warehouses writes the rows as those who keep a table do, without a transaction.
// The marker of one would end the table, no consumer gets that far, and intake
// waits some seconds for tables that aren't worked off to their end.
func (l *publicLoader) warehouses(ctx context.Context) error {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.DisableClientMetrics()}, l.cfg.Client...)...)
	if err != nil {
		return fmt.Errorf("making the tables' client: %w", err)
	}
	defer client.Close()
	rng := rand.New(rand.NewPCG(uint64(l.cfg.Seed), 2))
	rows := make([]*kgo.Record, l.cfg.Warehouses)
	for w := range rows {
		id := string(warehouseName(w))
		rows[w] = &kgo.Record{Topic: l.cfg.Topology.Name(topology.Warehouses), Key: []byte(id),
			Value: fmt.Appendf(nil, `{"id":%q,"lat":%.6f,"lng":%.6f}`, id, latMin+latSpan*rng.Float64(), lngMin+lngSpan*rng.Float64())}
	}
	return client.ProduceSync(ctx, rows...).FirstErr()
}

func (l *publicLoader) stock(ctx context.Context) error {
	return l.transact(ctx, func() {
		for i := range l.cfg.SKUs {
			sku := string(skuName(i))
			for w := range l.cfg.Warehouses {
				l.produce(topology.StockFeed, sku, fmt.Appendf(nil, `{"holdfast":1,"event_id":"s-%d-%d","type":"stock.receive","sku":%q,"warehouse":%q,"qty":%d,"occurred_at":%q}`,
					i, w, sku, warehouseName(w), l.cfg.each(), l.begun.Format(time.RFC3339)))
			}
		}
	})
}

// orders writes all orders into a transaction that stays open.
func (l *publicLoader) orders(ctx context.Context) error {
	if err := l.client.BeginTransaction(); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(uint64(l.cfg.Seed), 1))
	next := func() int { return rng.IntN(l.cfg.SKUs) }
	if l.cfg.Zipf > 1 {
		z := rand.NewZipf(rng, l.cfg.Zipf, 1, uint64(l.cfg.SKUs-1))
		next = func() int { return int(z.Uint64()) }
	}
	topic := topology.ChannelOrders(channel)
	at := l.begun.Format(time.RFC3339)
	for i, lines := range l.sizes {
		l.produce(topic, publicOrderPrefix+strconv.Itoa(i), appendOrder(nil, rng, i, int(lines), next, at))
	}
	return l.flush(ctx)
}

// publicOrderPrefix begins the keys of the orders; their number follows.
const publicOrderPrefix = channel + "/main/O-"

// appendOrder appends a paid order as a shop sends it: one unit to four a line.
func appendOrder(b []byte, rng *rand.Rand, number, lines int, sku func() int, at string) []byte {
	b = fmt.Appendf(b, `{"holdfast":1,"event_id":"e-%d","type":"order.created","channel":%q,"shop":"main","order_id":"O-%d","occurred_at":%q,`, number, channel, number, at)
	b = fmt.Appendf(b, `"order":{"payment":"prepaid","currency":"VND","total_minor":%d,"allow":"all","customer":{"id":"C-%d","name":"Nguyen Van A","phone":"+84900000000","email":"a@example.com"},`,
		48000*lines, rng.IntN(1_000_000))
	b = fmt.Appendf(b, `"ship_to":{"lat":%.6f,"lng":%.6f,"region":"VN-SG","address":"12 Nguyen Hue, Ben Nghe, Quan 1"},"lines":[`, latMin+latSpan*rng.Float64(), lngMin+lngSpan*rng.Float64())
	for i := range lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"line":"%d","sku":%q,"qty":%d,"unit_price_minor":48000}`, i+1, skuName(sku()), 1+rng.IntN(4))
	}
	return append(b, "]}}"...)
}
