package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/audit"
	"holdfast/topology"
	"holdfast/topology/record"
)

// silenceMax is how long a reader waits for the next record below the ends. A
// transaction that was open when the ends were captured is decided within its
// timeout, 10 s unless configured otherwise, which the broker looks for every
// 10 s.
const silenceMax = 25 * time.Second

// Read gives every committed record of the cut to fn, which mustn't keep it.
// options say how to reach the brokers. progress is told how far it is; it may
// be nil.
func Read(ctx context.Context, options []kgo.Opt, t *topology.Topology, cut audit.Cut, want func(short string) bool, fn func(audit.Record) error, progress func(done, total int64)) error {
	left := map[audit.TopicPartition]record.Offset{} // end
	from := map[string]map[int32]kgo.Offset{}
	total := int64(0)
	for tp, end := range cut.Ends {
		start := cut.Starts[tp]
		if !want(tp.Topic) || start >= end {
			continue
		}
		left[tp] = end
		total += int64(end - start)
		name := t.Name(tp.Topic)
		if from[name] == nil {
			from[name] = map[int32]kgo.Offset{}
		}
		from[name][int32(tp.Partition)] = kgo.NewOffset().At(int64(start))
	}
	if len(left) == 0 {
		return nil
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumePartitions(from),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.FetchMaxBytes(32 << 20), kgo.FetchMaxPartitionBytes(4 << 20),
		kgo.DisableClientMetrics(),
	}, options...)...)
	if err != nil {
		return fmt.Errorf("making a reader: %w", err)
	}
	defer client.Close()
	r := reader{t: t, left: left, fn: fn, done: 0}
	for len(left) > 0 {
		quiet, cancel := context.WithTimeout(ctx, silenceMax)
		fetches := client.PollFetches(quiet)
		cancel()
		for _, e := range fetches.Errors() {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if errors.Is(e.Err, context.DeadlineExceeded) {
				return fmt.Errorf("nothing new for %v below the ends of %s: a transaction hangs, or one was aborted just there; try again", silenceMax, unread(left))
			}
			return fmt.Errorf("reading %s/%d: %w", e.Topic, e.Partition, e.Err)
		}
		before := len(left)
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if err == nil {
				err = r.partition(p)
			}
		})
		if err != nil {
			return err
		}
		if progress != nil {
			progress(r.done, total)
		}
		if len(left) < before {
			client.PauseFetchPartitions(r.finished)
			clear(r.finished)
		}
	}
	return nil
}

type reader struct {
	t        *topology.Topology
	left     map[audit.TopicPartition]record.Offset
	finished map[string][]int32
	fn       func(audit.Record) error
	done     int64
	headers  []audit.Header
}

func (r *reader) partition(p kgo.FetchTopicPartition) error {
	short, _ := r.t.Short(p.Topic)
	tp := audit.TopicPartition{Topic: short, Partition: record.Partition(p.Partition)}
	end, ok := r.left[tp]
	if !ok {
		return nil
	}
	for _, rec := range p.Records {
		if rec.Offset < int64(end) && !rec.Attrs.IsControl() {
			r.headers = r.headers[:0]
			for _, h := range rec.Headers {
				r.headers = append(r.headers, audit.Header{Key: h.Key, Value: h.Value})
			}
			err := r.fn(audit.Record{Topic: short, Partition: tp.Partition, Offset: record.Offset(rec.Offset),
				At: record.Millis(rec.Timestamp.UnixMilli()), Key: rec.Key, Value: rec.Value, Headers: r.headers})
			if err != nil {
				return err
			}
		}
		if r.done++; rec.Offset >= int64(end)-1 {
			delete(r.left, tp)
			if r.finished == nil {
				r.finished = map[string][]int32{}
			}
			r.finished[p.Topic] = append(r.finished[p.Topic], p.Partition)
			return nil
		}
	}
	return nil
}

// unread lists what hasn't been read to its end.
func unread(left map[audit.TopicPartition]record.Offset) string {
	names := make([]string, 0, len(left))
	for tp := range left {
		names = append(names, tp.String())
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
