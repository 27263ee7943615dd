package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// probe reads what was decided, as anybody who reads committed records would.
type probe struct {
	who    contender
	client *kgo.Client
	book   *book

	mu    sync.Mutex
	watch *watch
	seen  []uint64 // a bit for each order
	count int
	err   error
}

func newProbe(c *config, who contender, b *book) (*probe, error) {
	from := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		from[p] = kgo.NewOffset().AtStart()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.brokers()), kgo.DisableClientMetrics(), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{who.outcomes(): from}), kgo.FetchMaxWait(20*time.Millisecond),
		kgo.FetchMaxBytes(8<<20))
	if err != nil {
		return nil, fmt.Errorf("making the probe's client: %w", err)
	}
	return &probe{who: who, client: client, book: b, watch: newWatch(partitions)}, nil
}

// run reads until ctx ends.
func (p *probe) run(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := p.client.PollFetches(ctx)
		now := time.Now()
		if ctx.Err() != nil {
			return
		}
		if err := p.take(fetches, now); err != nil {
			p.mu.Lock()
			p.err = err
			p.mu.Unlock()
			return
		}
	}
}

func (p *probe) take(fetches kgo.Fetches, now time.Time) (err error) {
	if err := fetches.Err(); err != nil {
		return fmt.Errorf("reading outcomes: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	fetches.EachRecord(func(r *kgo.Record) {
		rerr := p.who.read(r, func(order int, sku []byte) {
			for order/64 >= len(p.seen) {
				p.seen = append(p.seen, make([]uint64, 1<<16)...)
			}
			if bit := uint64(1) << (order % 64); p.seen[order/64]&bit != 0 {
				err = fmt.Errorf("order %d was decided twice", order)
			} else {
				p.seen[order/64] |= bit
				p.count++
			}
			p.watch.saw(int(slots.Partition(sku)), now, p.book.of(order))
		})
		if rerr != nil && err == nil {
			err = fmt.Errorf("reading outcomes, partition %d, offset %d: %w", r.Partition, r.Offset, rerr)
		}
	})
	return err
}

// look calls fn with what was seen until now.
func (p *probe) look(fn func(w *watch, decided int)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn(p.watch, p.count)
	return p.err
}
