package run

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/sale"
	"holdfast/topology"
)

// clock is time since the first intended sending.
type clock interface {
	now() time.Duration
	// sleep returns early with the context's error.
	sleep(ctx context.Context, d time.Duration) error
}

// pause is how long the sender sleeps at least: at high rates some records are
// due at each waking, which costs less than a timer for each. Being late by so
// much is measured like all else.
const pause = time.Millisecond

// send hands out what next gives at its time, never before it and, however long
// put takes, without leaving any out. It ends with the last one or with the
// context.
func send(ctx context.Context, c clock, next func() (sale.Message, bool), put func(m *sale.Message, now time.Duration)) (behind, error) {
	var b behind
	for n := 0; ; n++ {
		m, ok := next()
		if !ok {
			return b, nil
		}
		now := c.now()
		for now < m.AtOffset {
			if err := c.sleep(ctx, max(pause, m.AtOffset-now)); err != nil {
				return b, err
			}
			now = c.now()
		}
		if n%256 == 0 && ctx.Err() != nil { // one that is behind doesn't sleep
			return b, ctx.Err()
		}
		put(&m, now)
		b.note(m.AtOffset, now)
	}
}

// wallClock is the machine's.
type wallClock struct{ begun time.Time }

func (c wallClock) now() time.Duration { return time.Since(c.begun) }

func (wallClock) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// producer is the channels' side: one like any other, without transactions.
type producer struct {
	client   *kgo.Client
	topology *topology.Topology
	ctx      context.Context //nolint:containedctx // of the records: it outlives the one that ends the load

	mu     sync.Mutex
	failed int64
	err    error // the first
}

// newProducer returns a producer whose records are given up when ctx ends.
func newProducer(ctx context.Context, options []kgo.Opt, t *topology.Topology) (*producer, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ProducerLinger(2 * time.Millisecond),
		kgo.ProducerBatchMaxBytes(8 << 20),
		kgo.MaxBufferedRecords(200_000),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("making a producer: %w", err)
	}
	return &producer{client: client, topology: t, ctx: ctx}, nil
}

func (p *producer) send(m *sale.Message) {
	r := &kgo.Record{Topic: p.topology.Name(m.Topic), Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	p.client.Produce(p.ctx, r, func(r *kgo.Record, err error) {
		if err == nil {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.failed++; p.err == nil {
			p.err = fmt.Errorf("sending to %s: %w", r.Topic, err)
		}
	})
}

func (p *producer) flush(ctx context.Context) error {
	if err := p.client.Flush(ctx); err != nil {
		return fmt.Errorf("sending the last records: %w", err)
	}
	_, err := p.failures()
	return err
}

// failures returns how many records couldn't be sent, and why the first.
func (p *producer) failures() (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed, p.err
}
