package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor"
	"holdfast/topology/record"
)

// reader reads one partition with a plain client of its own.
type reader struct {
	client  *kgo.Client
	records []processor.ChangelogRecord
}

// Read opens a reader. Control records are kept: the marker of a transaction may
// be the last thing before the end, and a reader that never sees it would wait
// for ever.
func (c *Cluster) Read(_ context.Context, tp processor.TopicPartition, from record.Offset) (processor.ChangelogReader, error) {
	client, err := kgo.NewClient(append(c.cfg.base("restore"),
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
	return &reader{client: client}, nil
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

// take adds what was fetched. An error comes only with nothing else: one that
// stays is met again.
func (r *reader) take(fetches kgo.Fetches) error {
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

func (r *reader) Close() { r.client.Close() }
