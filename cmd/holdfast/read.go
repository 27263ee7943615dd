package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
)

const (
	readBytesMax     = 16 << 20
	readWaitMax      = 250 * time.Millisecond
	readPartitionMax = 4 << 20
)

// readCommitted calls fn with every committed record of the topics: from the
// log's start to its end as it is now, or with follow without an end, until ctx
// is done. cl is any client without a group; another one is made like it.
//
// The end is the high watermark. Its last records may belong to a transaction
// that is still open, or be a marker, which a reader of committed records is
// never given: so markers are asked for too, and a partition is done at its
// first offset at or behind the last one.
func readCommitted(ctx context.Context, cl *kgo.Client, follow bool, topics []string, fn func(*kgo.Record) error) error {
	starts, err := kadm.NewClient(cl).ListStartOffsets(ctx, topics...)
	if err = listed(topics, starts, err); err != nil {
		return fmt.Errorf("looking up where the log starts: %w", err)
	}
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topics...)
	if err = listed(topics, ends, err); err != nil {
		return fmt.Errorf("looking up where the log ends: %w", err)
	}
	return readBetween(ctx, cl, follow, starts, ends, fn)
}

// readBetween is readCommitted from places to places; with follow the ends don't
// count. Partitions without an end aren't read.
func readBetween(ctx context.Context, cl *kgo.Client, follow bool, starts, ends kadm.ListedOffsets, fn func(*kgo.Record) error) error {
	r := &reading{follow: follow, fn: fn, left: map[string]map[int32]int64{}}
	from := map[string]map[int32]kgo.Offset{}
	starts.Each(func(o kadm.ListedOffset) {
		end, ok := ends.Lookup(o.Topic, o.Partition)
		if !follow && (!ok || end.Offset <= o.Offset) {
			return
		}
		if from[o.Topic] == nil {
			from[o.Topic], r.left[o.Topic] = map[int32]kgo.Offset{}, map[int32]int64{}
		}
		from[o.Topic][o.Partition] = kgo.NewOffset().At(o.Offset)
		r.left[o.Topic][o.Partition] = end.Offset
		r.partitions++
	})
	if r.partitions == 0 {
		return nil
	}
	reader, err := kgo.NewClient(append(append([]kgo.Opt(nil), cl.Opts()...),
		kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxWait(readWaitMax), kgo.FetchMaxBytes(readBytesMax), kgo.FetchMaxPartitionBytes(readPartitionMax))...)
	if err != nil {
		return fmt.Errorf("making a reader: %w", err)
	}
	defer reader.Close()
	return r.run(ctx, reader)
}

type reading struct {
	follow     bool
	fn         func(*kgo.Record) error
	left       map[string]map[int32]int64 // topic, partition -> where it ends
	partitions int                        // in left
}

func (r *reading) run(ctx context.Context, reader *kgo.Client) error {
	for r.follow || r.partitions > 0 {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var failed error
		fetches.EachError(func(topic string, partition int32, err error) {
			err = denied(err, topology.OperationRead, topology.ResourceTopic, topic)
			failed = errors.Join(failed, fmt.Errorf("reading %s/%d: %w", topic, partition, err))
		})
		if failed != nil {
			return failed
		}
		for it := fetches.RecordIter(); !it.Done(); {
			if err := r.record(it.Next()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reading) record(rec *kgo.Record) error {
	end, open := r.left[rec.Topic][rec.Partition]
	if !r.follow && !open {
		return nil // it came after what was asked for
	}
	if !r.follow && rec.Offset >= end-1 {
		delete(r.left[rec.Topic], rec.Partition)
		r.partitions--
	}
	if rec.Attrs.IsControl() || !r.follow && rec.Offset >= end {
		return nil
	}
	return r.fn(rec)
}
