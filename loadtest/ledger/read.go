package ledger

import (
	"cmp"
	"context"
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

// Read gives every committed record of the cut to fn, which mustn't keep it, one
// after the other. options say how to reach the brokers. progress is told how
// far it is; it may be nil.
//
// What is written at about the same time comes at about the same time: effects
// and causes meet, and fn has little to remember. Kafka's fetches go the other
// way about, they bring the same number of bytes of each partition, and logs
// have different sizes. So each large log has a stream with a client of its own,
// and the next records are taken from the stream that is furthest behind.
//
//	log.orders ───────> stream ─┐
//	log.inventory ────> stream ─┤
//	log.availability ─> stream ─┼─> the earliest ─> fn
//	order.events ─────> stream ─┤
//	all others ───────> stream ─┘   (each fetches ahead and decompresses by itself)
func Read(ctx context.Context, options []kgo.Opt, t *topology.Topology, cut audit.Cut, want func(short string) bool, fn func(audit.Record) error, progress func(done, total int64)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := reader{t: t, fn: fn}
	streams := map[string]*stream{}
	total := int64(0)
	for tp, end := range cut.Ends {
		start := cut.First(tp)
		if !want(tp.Topic) || start >= end {
			continue
		}
		name := streamOf(tp.Topic)
		if streams[name] == nil {
			streams[name] = &stream{left: map[audit.TopicPartition]*position{}, from: map[string]map[int32]kgo.Offset{}}
		}
		streams[name].add(t, tp, start, end)
		total += int64(end - start)
	}
	open := make([]*stream, 0, len(streams))
	for _, s := range streams {
		if err := s.begin(ctx, options); err != nil {
			return err
		}
		defer s.close(cancel)
		open = append(open, s)
	}
	for len(open) > 0 {
		s := slices.MinFunc(open, func(x, y *stream) int { return cmp.Compare(x.reached(), y.reached()) })
		if err := r.next(ctx, s); err != nil {
			return err
		}
		if progress != nil {
			progress(r.done, total)
		}
		open = slices.DeleteFunc(open, func(s *stream) bool { return len(s.left) == 0 })
	}
	return nil
}

// streamOf groups topics.
func streamOf(short string) string {
	switch short {
	case topology.LogOrders, topology.LogInventory, topology.LogAvailability, topology.OrderEvents:
		return short
	}
	return ""
}

// stream reads some topics with a client of its own.
type stream struct {
	client   *kgo.Client
	from     map[string]map[int32]kgo.Offset
	left     map[audit.TopicPartition]*position
	fetched  chan kgo.Fetches
	finished map[string][]int32
}

// position is where a stream is in a partition.
type position struct {
	end     record.Offset
	reached record.Millis // time of its last record
}

func (s *stream) add(t *topology.Topology, tp audit.TopicPartition, start, end record.Offset) {
	s.left[tp] = &position{end: end}
	name := t.Name(tp.Topic)
	if s.from[name] == nil {
		s.from[name] = map[int32]kgo.Offset{}
	}
	s.from[name][int32(tp.Partition)] = kgo.NewOffset().At(int64(start))
}

// begin starts to fetch ahead.
func (s *stream) begin(ctx context.Context, options []kgo.Opt) error {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumePartitions(s.from),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxWait(100 * time.Millisecond),
		// Compressed bytes; of each stream some of these are in memory.
		kgo.FetchMaxBytes(2 << 20), kgo.FetchMaxPartitionBytes(512 << 10), kgo.MaxConcurrentFetches(1),
		kgo.DisableClientMetrics(),
	}, options...)...)
	if err != nil {
		return fmt.Errorf("making a reader: %w", err)
	}
	s.client, s.fetched, s.finished = client, make(chan kgo.Fetches, 1), map[string][]int32{}
	go func() {
		defer close(s.fetched)
		for ctx.Err() == nil {
			select {
			case s.fetched <- client.PollFetches(ctx):
			case <-ctx.Done():
			}
		}
	}()
	return nil
}

// close ends the stream, which reads until the context is cancelled.
func (s *stream) close(cancel func()) {
	cancel()
	for range s.fetched {
	}
	s.client.Close()
}

// reached is the time up to which all of the stream's partitions were read.
func (s *stream) reached() record.Millis {
	earliest := record.Millis(1 << 62)
	for _, p := range s.left {
		earliest = min(earliest, p.reached)
	}
	return earliest
}

type reader struct {
	t       *topology.Topology
	fn      func(audit.Record) error
	done    int64
	headers []audit.Header
}

// next takes what a stream has fetched.
func (r *reader) next(ctx context.Context, s *stream) error {
	silence := time.NewTimer(silenceMax)
	defer silence.Stop()
	var fetches kgo.Fetches
	select {
	case fetches = <-s.fetched:
	case <-ctx.Done():
	case <-silence.C:
		return fmt.Errorf("nothing new for %v below the ends of %s: a transaction hangs, or one was aborted just there; try again", silenceMax, s.unread())
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, e := range fetches.Errors() {
		return fmt.Errorf("reading %s/%d: %w", e.Topic, e.Partition, e.Err)
	}
	var err error
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if err == nil {
			err = r.partition(s, p)
		}
	})
	if len(s.finished) > 0 {
		s.client.PauseFetchPartitions(s.finished)
		clear(s.finished)
	}
	return err
}

func (r *reader) partition(s *stream, p kgo.FetchTopicPartition) error {
	short, _ := r.t.Short(p.Topic)
	tp := audit.TopicPartition{Topic: short, Partition: record.Partition(p.Partition)}
	at, ok := s.left[tp]
	if !ok {
		return nil
	}
	for _, rec := range p.Records {
		if rec.Offset < int64(at.end) && !rec.Attrs.IsControl() {
			r.headers = r.headers[:0]
			for _, h := range rec.Headers {
				r.headers = append(r.headers, audit.Header{Key: h.Key, Value: h.Value})
			}
			at.reached = max(at.reached, record.Millis(rec.Timestamp.UnixMilli()))
			err := r.fn(audit.Record{Topic: short, Partition: tp.Partition, Offset: record.Offset(rec.Offset),
				At: record.Millis(rec.Timestamp.UnixMilli()), Key: rec.Key, Value: rec.Value, Headers: r.headers})
			if err != nil {
				return err
			}
		}
		if r.done++; rec.Offset >= int64(at.end)-1 {
			delete(s.left, tp)
			s.finished[p.Topic] = append(s.finished[p.Topic], p.Partition)
			return nil
		}
	}
	return nil
}

// unread lists what hasn't been read to its end.
func (s *stream) unread() string {
	names := make([]string, 0, len(s.left))
	for tp := range s.left {
		names = append(names, tp.String())
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
