package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/topology/record"
)

// tails share one client for all partitions that a process stands by for, of all
// stages: a client each would be a connection to every broker, some goroutines and
// a fetch in hand each. Whoever takes has the client poll, and finds others'
// records on the way, which wait for them.
//
//	                       ┌─> tail x/0: waiting ──Take──> its standby
//	client ──poll── deal ──┼─> tail x/1: waiting
//	                       └─> tail y/7: waiting, full: its partition is paused
//
// Memory is bounded by one fetch in hand and one that comes, and by what each tail
// lets wait.
type tails struct {
	cfg *Config

	mu     sync.Mutex // guards all, of the tails too; a poll doesn't wait
	client *kgo.Client
	closed bool
	heard  fetched
	open   map[processor.TopicPartition]*tail
}

// tail is part of tails.
type tail struct {
	of      *tails
	tp      processor.TopicPartition
	waiting []processor.ChangelogRecord
	taken   []processor.ChangelogRecord // what the last Take returned, for the next to use
	bytes   int
	paused  bool
	end     record.Offset
	err     error
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

const (
	// tailsFetchBytes is as much as the brokers send at once, compressed;
	// tailsPartitionBytes as much of one partition, so that one that lags far
	// doesn't hold up the others.
	tailsFetchBytes     = 4 << 20
	tailsPartitionBytes = 1 << 20
	// tailWaitingBytes is how much may wait for one tail before its partition is
	// paused. Rarely anything does: standbys take in turns.
	tailWaitingBytes = 1 << 20
	// tailsMetadataMinAge is for partitions that are added: the client looks up
	// their leaders first, and by default not so soon again.
	tailsMetadataMinAge = 250 * time.Millisecond
)

var errTailsClosed = fmt.Errorf("%w: the cluster's clients are closed", processor.ErrSessionLost)

// Tail is part of processor.Follower.
func (c *Cluster) Tail(_ context.Context, tp processor.TopicPartition, from record.Offset) (processor.Tail, error) {
	return c.tails.add(tp, from)
}

func (s *tails) add(tp processor.TopicPartition, from record.Offset) (*tail, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errTailsClosed
	}
	if s.open[tp] != nil {
		return nil, fmt.Errorf("BUG: %s/%d has a tail already", tp.Topic, tp.Partition)
	}
	if s.client == nil {
		client, err := kgo.NewClient(append(s.cfg.base("standby"),
			kgo.WithHooks(&s.heard),
			kgo.ConsumeResetOffset(kgo.NoResetOffset()),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.KeepControlRecords(),
			kgo.MetadataMinAge(tailsMetadataMinAge),
			kgo.FetchMaxWait(100*time.Millisecond),
			kgo.FetchMaxBytes(tailsFetchBytes),
			kgo.FetchMaxPartitionBytes(tailsPartitionBytes),
			kgo.MaxConcurrentFetches(1),
		)...)
		if err != nil {
			return nil, fmt.Errorf("making a client for standbys: %w", err)
		}
		s.client, s.open = client, map[processor.TopicPartition]*tail{}
	}
	t := &tail{of: s, tp: tp, end: -1}
	s.open[tp] = t
	s.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{tp.Topic: {int32(tp.Partition): kgo.NewOffset().At(int64(from))}})
	return t, nil
}

// deal hands what the client has to whom it belongs. mu is held from the poll to
// the end, so that nothing of a tail that was closed comes to one that was opened
// for the same partition since: closing drops what the client has fetched.
func (s *tails) deal() {
	fetches := s.client.PollFetches(nil) //nolint:staticcheck // nil means: what is there, at once
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		t := s.open[processor.TopicPartition{Topic: p.Topic, Partition: record.Partition(p.Partition)}]
		if t == nil {
			return
		}
		t.end = max(t.end, record.Offset(p.HighWatermark))
		for _, r := range p.Records {
			t.waiting = append(t.waiting, processor.ChangelogRecord{Offset: record.Offset(r.Offset), Value: r.Value, Control: r.Attrs.IsControl()})
			t.bytes += len(r.Value)
		}
		t.note(p.Err)
	})
	for _, e := range fetches.Errors() {
		if e.Partition < 0 { // of the client as a whole
			for _, t := range s.open {
				t.note(e.Err)
			}
		}
	}
}

// note keeps an error that doesn't go away by itself.
func (t *tail) note(err error) {
	switch {
	case err == nil:
	case errors.Is(err, kerr.OffsetOutOfRange):
		t.err = processor.ErrTruncated
	case !kerr.IsRetriable(err) || errors.Is(err, kerr.UnknownTopicID):
		t.err = answered(err)
	}
}

// Take is part of processor.Tail. An error comes after what was read before it.
func (t *tail) Take(context.Context) ([]processor.ChangelogRecord, error) {
	s := t.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errTailsClosed
	}
	if len(t.waiting) == 0 {
		s.deal()
	}
	for _, o := range s.open {
		if o != t && !o.paused && o.bytes > tailWaitingBytes {
			o.pause(true)
		}
	}
	if len(t.waiting) == 0 {
		return nil, t.err
	}
	clear(t.taken) // the values are the store's by now
	t.waiting, t.taken, t.bytes = t.taken[:0], t.waiting, 0
	if t.paused {
		t.pause(false)
	}
	return t.taken, nil
}

func (t *tail) pause(yes bool) {
	t.paused = yes
	set := map[string][]int32{t.tp.Topic: {int32(t.tp.Partition)}}
	if yes {
		t.of.client.PauseFetchPartitions(set)
	} else {
		t.of.client.ResumeFetchPartitions(set)
	}
}

// Heard is part of processor.Tail.
func (t *tail) Heard() (record.Offset, time.Time) {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	return t.end, time.Unix(0, t.of.heard.at.Load())
}

// Close is part of processor.Tail.
func (t *tail) Close() {
	s := t.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.open[t.tp] != t {
		return
	}
	delete(s.open, t.tp)
	s.client.RemoveConsumePartitions(map[string][]int32{t.tp.Topic: {int32(t.tp.Partition)}})
	if t.paused {
		t.pause(false)
	}
}

func (s *tails) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.client != nil {
		s.client.Close()
	}
}
