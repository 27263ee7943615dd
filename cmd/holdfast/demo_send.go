package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/sale"
	"holdfast/topology"
)

// sender is the channels' side: a producer like any other, without transactions.
type sender struct {
	client   *kgo.Client
	topology *topology.Topology

	mu  sync.Mutex
	err error
}

func newSender(options []kgo.Opt, t *topology.Topology) (*sender, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ProducerLinger(2 * time.Millisecond),
		kgo.ProducerBatchMaxBytes(8 << 20),
		kgo.MaxBufferedRecords(100_000),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("making a producer: %w", err)
	}
	return &sender{client: client, topology: t}, nil
}

func (s *sender) send(m sale.Message) {
	r := &kgo.Record{Topic: s.topology.Name(m.Topic), Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	s.client.Produce(context.Background(), r, func(r *kgo.Record, err error) {
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.err == nil {
				s.err = fmt.Errorf("sending to %s: %w", r.Topic, err)
			}
		}
	})
}

func (s *sender) flush(ctx context.Context) error {
	if err := s.client.Flush(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *sender) close() { s.client.Close() }
