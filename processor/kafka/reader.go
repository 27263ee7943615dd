package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/topology/record"
)

// reader reads one partition with a plain client of its own.
type reader struct {
	client  *kgo.Client
	records []processor.ChangelogRecord
	end     record.Offset
	heard   *fetched
}

// fetched notes when a broker last answered a fetch.
type fetched struct{ at atomic.Int64 } // wall clock, nanoseconds

var _ kgo.HookBrokerRead = (*fetched)(nil)

// OnBrokerRead is part of kgo.HookBrokerRead.
func (f *fetched) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if kmsg.Key(key) == kmsg.Fetch && err == nil {
		f.at.Store(time.Now().UnixNano())
	}
}

// Read opens a reader. Control records are kept: the marker of a transaction may
// be the last thing before the end, and a reader that never sees it would wait
// for ever.
func (c *Cluster) Read(_ context.Context, tp processor.TopicPartition, from record.Offset) (processor.ChangelogReader, error) {
	return c.read("restore", tp, from)
}

// Tail is part of processor.Follower.
func (c *Cluster) Tail(_ context.Context, tp processor.TopicPartition, from record.Offset) (processor.Tail, error) {
	return c.read("standby", tp, from)
}

func (c *Cluster) read(what string, tp processor.TopicPartition, from record.Offset) (*reader, error) {
	heard := &fetched{}
	client, err := kgo.NewClient(append(c.cfg.base(what),
		kgo.WithHooks(heard),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{tp.Topic: {int32(tp.Partition): kgo.NewOffset().At(int64(from))}}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxWait(100*time.Millisecond),
		// One fetch is in hand while the next one comes, many partitions are restored at once, and deltas are several times
		// as large when they are unpacked. Twice as much was no faster.
		kgo.FetchMaxBytes(2<<20),
		kgo.FetchMaxPartitionBytes(2<<20),
		kgo.MaxConcurrentFetches(1),
	)...)
	if err != nil {
		return nil, fmt.Errorf("making a reader: %w", err)
	}
	return &reader{client: client, end: -1, heard: heard}, nil
}

func (r *reader) Read(ctx context.Context) ([]processor.ChangelogRecord, error) {
	r.records = r.records[:0]
	for len(r.records) == 0 {
		if err := r.take(r.client.PollFetches(ctx)); err != nil {
			return nil, err
		}
	}
	return r.records, nil
}

// Take is part of processor.Tail.
func (r *reader) Take(context.Context) ([]processor.ChangelogRecord, error) {
	r.records = r.records[:0]
	err := r.take(r.client.PollFetches(nil)) //nolint:staticcheck // nil means: what is there, at once
	return r.records, err
}

// take adds what was fetched. An error comes only with nothing else: one that
// stays is met again.
func (r *reader) take(fetches kgo.Fetches) error {
	fetches.EachPartition(func(p kgo.FetchTopicPartition) { r.end = max(r.end, record.Offset(p.HighWatermark)) })
	fetches.EachRecord(func(rec *kgo.Record) {
		r.records = append(r.records, processor.ChangelogRecord{Offset: record.Offset(rec.Offset), Value: rec.Value, Control: rec.Attrs.IsControl()})
	})
	if len(r.records) > 0 {
		return nil
	}
	for _, e := range fetches.Errors() {
		if errors.Is(e.Err, kerr.OffsetOutOfRange) {
			return processor.ErrTruncated
		}
		if !kerr.IsRetriable(e.Err) || errors.Is(e.Err, kerr.UnknownTopicID) {
			return answered(e.Err)
		}
	}
	return nil
}

// Heard is part of processor.Tail.
func (r *reader) Heard() (record.Offset, time.Time) { return r.end, time.Unix(0, r.heard.at.Load()) }

func (r *reader) Close() { r.client.Close() }
