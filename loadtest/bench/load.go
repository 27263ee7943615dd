package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
	"holdfast/topology/record"
)

// loader writes the load to log.inventory as the stages before it would.
type loader struct {
	cfg    *Config
	client *kgo.Client
	topic  string
	slots  *topology.SlotTable

	mu       sync.Mutex
	firstErr error
	envelope map[int32]*record.EnvelopeBuilder
	records  int
	body     []byte
	ranked   []record.Ranked
}

func newLoader(c *Config) (*loader, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.TransactionalID(c.Topology.Name("bench.load")),
		kgo.TransactionTimeout(10 * 60_000_000_000),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MaxBufferedRecords(50_000),
		kgo.DisableClientMetrics(),
	}, c.Client...)...)
	if err != nil {
		return nil, fmt.Errorf("making the loader's client: %w", err)
	}
	return &loader{cfg: c, client: client, topic: c.Topology.Name(topology.LogInventory), slots: c.Slots[topology.LogInventory], envelope: map[int32]*record.EnvelopeBuilder{}}, nil
}

func (l *loader) add(kind record.Kind, sku []byte, body []byte, perRecord int) {
	p := l.slots.Partition(sku)
	e := l.envelope[p]
	if e == nil {
		e = &record.EnvelopeBuilder{}
		l.envelope[p] = e
	}
	e.Add(kind, sku, record.Origin{Topic: "bench", Partition: record.Partition(p)}, body)
	if e.Len() >= perRecord {
		l.produce(p, e)
	}
}

func (l *loader) produce(p int32, e *record.EnvelopeBuilder) {
	l.records++
	l.client.Produce(context.Background(), &kgo.Record{Topic: l.topic, Partition: p, Value: e.Close()}, func(_ *kgo.Record, err error) {
		if err != nil {
			l.mu.Lock()
			if l.firstErr == nil {
				l.firstErr = err
			}
			l.mu.Unlock()
		}
	})
}

// flush sends what is left and returns the number of records since the last
// flush.
func (l *loader) flush(ctx context.Context) (int, error) {
	for p := range l.slots.Partitions {
		if e := l.envelope[p]; e != nil && e.Len() > 0 {
			l.produce(p, e)
		}
	}
	if err := l.client.Flush(ctx); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.records
	l.records = 0
	return n, l.firstErr
}

func (l *loader) end(ctx context.Context) error { return l.client.EndTransaction(ctx, kgo.TryCommit) }

// stock gives every SKU its units.
func (l *loader) stock(ctx context.Context) (records int, err error) {
	if err := l.client.BeginTransaction(); err != nil {
		return 0, err
	}
	units := l.cfg.Stock
	if l.cfg.AcceptAll {
		units = 1_000_000_000
	}
	each := max(1, units/l.cfg.Warehouses)
	for i := range l.cfg.SKUs {
		sku := skuName(i)
		for w := range l.cfg.Warehouses {
			c := record.StockCommand{Verb: record.VerbReceive, EventID: "s-" + strconv.Itoa(i) + "-" + strconv.Itoa(w), ContentHash: uint64(i), SKU: sku, Warehouse: warehouseName(w), Qty: record.Quantity(each)}
			l.body = record.AppendStockCommand(l.body[:0], &c)
			l.add(record.KindStock, []byte(sku), l.body, 500)
		}
	}
	return l.flush(ctx)
}

// lines writes the reserve commands: one order a line, one unit to four.
func (l *loader) lines(ctx context.Context) (records int, err error) {
	return l.write(ctx, l.cfg.Lines, func(i, sku int, qty record.Quantity) { l.reserve(i, skuName(sku), qty) })
}

// turnover releases as many orders, in the order in which they came, and for each
// has another one take the same, right after. Each round is of the orders of the
// round before, of which round 0 is of those of lines.
func (l *loader) turnover(ctx context.Context, round, orders int) (records int, err error) {
	first := round * l.cfg.Lines
	return l.write(ctx, orders, func(i, number int, qty record.Quantity) {
		sku := skuName(number)
		c := record.Command{Verb: record.VerbRelease, OrderKey: orderName(first + i), SKU: sku, Attempt: 1, Cause: "r-" + strconv.Itoa(first+i)}
		l.body = record.AppendCommand(l.body[:0], &c)
		l.add(record.KindCommand, []byte(sku), l.body, l.cfg.LinesPerRecord)
		l.reserve(first+l.cfg.Lines+i, sku, qty)
	})
}

// write calls fn with what each line is about, in a transaction that stays open.
// It is the same in every call.
func (l *loader) write(ctx context.Context, lines int, fn func(line, sku int, qty record.Quantity)) (records int, err error) {
	if err := l.client.BeginTransaction(); err != nil {
		return 0, err
	}
	rng := rand.New(rand.NewPCG(uint64(l.cfg.Seed), 1))
	next := func() int { return rng.IntN(l.cfg.SKUs) }
	if l.cfg.Zipf > 1 {
		z := rand.NewZipf(rng, l.cfg.Zipf, 1, uint64(l.cfg.SKUs-1))
		next = func() int { return int(z.Uint64()) }
	}
	l.ranked = make([]record.Ranked, l.cfg.Warehouses)
	for w := range l.ranked {
		l.ranked[w] = record.Ranked{Warehouse: warehouseName(w), Rank: uint16(w)}
	}
	for i := range lines {
		sku := next()
		fn(i, sku, record.Quantity(1+rng.IntN(4)))
	}
	return l.flush(ctx)
}

func (l *loader) reserve(line int, sku record.SKU, qty record.Quantity) {
	c := record.Command{Verb: record.VerbReserve, OrderKey: orderName(line), SKU: sku, Attempt: 1, Cause: "e-" + strconv.Itoa(line),
		Qty: qty, Allocate: true, Whole: true, Ranked: l.ranked}
	l.body = record.AppendCommand(l.body[:0], &c)
	l.add(record.KindCommand, []byte(sku), l.body, l.cfg.LinesPerRecord)
}

func skuName(i int) record.SKU { return record.SKU(fmt.Sprintf("SKU-%07d", i)) }

func warehouseName(i int) record.WarehouseID { return record.WarehouseID("WH-" + strconv.Itoa(i)) }

func orderName(i int) record.OrderKey {
	return record.OrderKey(fmt.Sprintf(orderPrefix+"%010d", i))
}

const orderPrefix = "bench/main/O-"
