package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// feed writes the input. Orders are numbered from 0; each is one line of one
// SKU, all SKUs alike often.
type feed struct {
	who    contender
	client *kgo.Client
	rng    *rand.Rand
	skus   int
	book   *book

	mu       sync.Mutex
	firstErr error
}

// book says when orders were sent.
type book struct {
	mu    sync.Mutex
	first int         // the first order that is noted
	sent  []time.Time // of the orders from first on
	next  int         // the order to come
}

func (b *book) of(order int) time.Time {
	if order < b.first || order-b.first >= len(b.sent) {
		return time.Time{}
	}
	return b.sent[order-b.first]
}

func (b *book) orders() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

func newFeed(c *config, who contender) (*feed, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.brokers()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableClientMetrics(),
		kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(100_000), kgo.ProducerBatchCompression(kgo.SnappyCompression()))
	if err != nil {
		return nil, fmt.Errorf("making the feed's client: %w", err)
	}
	return &feed{who: who, client: client, rng: rand.New(rand.NewPCG(1, 1)), skus: c.SKUs, book: &book{}}, nil
}

func (f *feed) send(r *kgo.Record) {
	f.client.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
		if err != nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.firstErr == nil {
				f.firstErr = fmt.Errorf("sending: %w", err)
			}
		}
	})
}

func (f *feed) flush(ctx context.Context) error {
	if err := f.client.Flush(ctx); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.firstErr
}

const unitsPerSKU = 1_000_000_000

// fill sends stock for all and then so many orders, as fast as the broker takes
// them.
func (f *feed) fill(ctx context.Context, orders int) error {
	for sku := range f.skus {
		f.send(f.who.stock(sku, unitsPerSKU))
	}
	for range orders {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.order()
	}
	f.book.mu.Lock()
	f.book.first = f.book.next
	f.book.mu.Unlock()
	return f.flush(ctx)
}

func (f *feed) order() {
	f.book.mu.Lock()
	n := f.book.next
	f.book.next++
	f.book.mu.Unlock()
	f.send(f.who.line(n, f.rng.IntN(f.skus), 1+f.rng.IntN(4)))
}

const feedEvery = 10 * time.Millisecond

// load sends orders at a rate until ctx ends. What the machine makes it miss is
// sent as soon as it can.
func (f *feed) load(ctx context.Context, rate int) error {
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	begun, sent := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return f.flush(context.WithoutCancel(ctx))
		case now := <-tick.C:
			for due := int(now.Sub(begun).Seconds() * float64(rate)); sent < due; sent++ {
				f.book.mu.Lock()
				f.book.sent = append(f.book.sent, time.Now())
				f.book.mu.Unlock()
				f.order()
			}
		}
	}
}

func skuName(i int) string { return fmt.Sprintf("SKU-%07d", i) }

func orderName(i int) string { return fmt.Sprintf(orderPrefix+"%010d", i) }

func orderNumber(name []byte) (int, error) {
	number, ok := bytes.CutPrefix(name, []byte(orderPrefix))
	n, err := strconv.Atoi(string(number))
	if !ok || err != nil {
		return 0, fmt.Errorf("%q is no order of ours", name)
	}
	return n, nil
}
