package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor"
	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// session is processor.Session over a GroupTransactSession.
type session struct {
	cfg    *Config
	member processor.Member
	gts    *kgo.GroupTransactSession
	client *kgo.Client

	// rebalanced is set by callbacks, which the client runs in a goroutine of
	// its own, between AllowRebalance and the end of the next poll.
	rebalanced atomic.Bool

	assigned []processor.TopicPartition
	// seeks wait until the client takes them; the partitions in resumes are
	// resumed only then.
	seeks   map[processor.TopicPartition]record.Offset
	resumes map[processor.TopicPartition]bool

	mu       sync.Mutex // guards produceErr: promises run in the client's goroutines
	firstErr error

	shorts  map[string]string
	records [][]stage.Record // reused memory of Fetches, by position
}

var _ processor.Session = (*session)(nil)

// Join makes the client, asks for its producer id (which ends what an earlier
// life of it left open) and so joins the group with the first poll.
func (c *Cluster) Join(ctx context.Context, m processor.Member) (processor.Session, error) {
	s := &session{cfg: &c.cfg, member: m, seeks: map[processor.TopicPartition]record.Offset{}, resumes: map[processor.TopicPartition]bool{}, shorts: map[string]string{}}
	for _, t := range m.Topics {
		s.shorts[t], _ = c.cfg.Topology.Short(t)
	}
	opts := append(c.cfg.base(m.TransactionalID),
		kgo.ConsumerGroup(m.Group),
		kgo.ConsumeTopics(m.Topics...),
		kgo.TransactionalID(m.TransactionalID),
		kgo.TransactionTimeout(c.cfg.TransactionTimeout),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(c.cfg.SessionTimeout),
		kgo.HeartbeatInterval(min(3*time.Second, c.cfg.SessionTimeout/3)),
		kgo.RebalanceTimeout(c.cfg.RebalanceTimeout),
		kgo.BlockRebalanceOnPoll(),
		kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.AdjustFetchOffsetsFn(explicitOffsets),
		kgo.OnPartitionsAssigned(s.onAssigned),
		kgo.OnPartitionsRevoked(s.onRevoked),
		kgo.OnPartitionsLost(s.onRevoked),
		kgo.FetchMaxWait(c.cfg.FetchMaxWait),
		kgo.FetchMaxBytes(c.cfg.FetchBytesMax),
		kgo.FetchMaxPartitionBytes(c.cfg.FetchPartitionBytesMax),
		kgo.ProducerBatchMaxBytesFn(c.cfg.recordBytesMax()),
		kgo.ProducerBatchCompression(c.cfg.Compression, kgo.NoCompression()),
		// Long enough never to fire: Flush ends all lingering.
		kgo.ProducerLinger(time.Second),
		kgo.MaxBufferedRecords(1<<20),
	)
	if c.cfg.Static {
		opts = append(opts, kgo.InstanceID(m.TransactionalID))
	}
	gts, err := kgo.NewGroupTransactSession(opts...)
	if err != nil {
		return nil, fmt.Errorf("making a session: %w", err)
	}
	s.gts, s.client = gts, gts.Client()
	for {
		_, _, err = s.client.ProducerID(ctx)
		if err == nil {
			return s, nil
		}
		if ke := (*kerr.Error)(nil); ctx.Err() != nil || (errors.As(err, &ke) && !ke.Retriable) {
			gts.Close()
			return nil, fmt.Errorf("asking for a producer id: %w", err)
		}
		if perr := pause(ctx, 100*time.Millisecond); perr != nil {
			gts.Close()
			return nil, perr
		}
	}
}

// explicitOffsets gives partitions without a committed offset a place, since the
// client must never choose one. It doesn't matter which: they are paused, and
// told where to read before they are resumed.
func explicitOffsets(_ context.Context, fetched map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	for _, partitions := range fetched {
		for p, o := range partitions {
			if o.EpochOffset().Offset < 0 {
				partitions[p] = kgo.NewOffset().At(0)
			} else {
				partitions[p] = o.WithEpoch(-1)
			}
		}
	}
	return fetched, nil
}

// onAssigned runs before anything of the partitions is fetched.
func (s *session) onAssigned(_ context.Context, cl *kgo.Client, assigned map[string][]int32) {
	cl.PauseFetchPartitions(assigned)
}

func (s *session) onRevoked(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
	if len(revoked) > 0 {
		s.rebalanced.Store(true)
	}
}

func (s *session) Poll(ctx context.Context, f *processor.Fetches, max int, wait time.Duration) error {
	f.Rebalanced, f.Parts, f.Failed = false, f.Parts[:0], f.Failed[:0]
	s.applySeeks()
	fetches := s.client.PollRecords(nil, max) //nolint:staticcheck // nil means: what is there, at once
	if fetches.NumRecords() == 0 && len(fetches.Errors()) == 0 {
		wctx, cancel := context.WithTimeout(ctx, wait)
		fetches = s.client.PollRecords(wctx, max)
		cancel()
	}
	s.assignment()
	f.Rebalanced = s.rebalanced.Load()
	for _, e := range fetches.Errors() {
		if err := s.fetchError(f, e); err != nil {
			return err
		}
	}
	i := 0
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) == 0 {
			return
		}
		if i == len(s.records) {
			s.records = append(s.records, nil)
		}
		s.records[i] = s.convert(s.records[i][:0], p.Records)
		f.Parts = append(f.Parts, processor.Fetch{
			TopicPartition: processor.TopicPartition{Topic: p.Topic, Partition: record.Partition(p.Partition)},
			Records:        s.records[i],
		})
		i++
	})
	return nil
}

func (s *session) fetchError(f *processor.Fetches, e kgo.FetchError) error {
	var group *kgo.ErrGroupSession
	switch {
	case errors.Is(e.Err, context.DeadlineExceeded), errors.Is(e.Err, context.Canceled):
		return nil
	case errors.Is(e.Err, kgo.ErrClientClosed):
		return fmt.Errorf("%w: %w", processor.ErrSessionLost, e.Err)
	case errors.As(e.Err, &group):
		if errors.Is(e.Err, kerr.FencedInstanceID) {
			return e.Err
		}
		return nil // the client joins again by itself
	case e.Partition < 0:
		return e.Err
	}
	if ke := (*kerr.Error)(nil); errors.As(e.Err, &ke) && ke.Retriable {
		return nil
	}
	f.Failed = append(f.Failed, processor.FailedPartition{
		TopicPartition: processor.TopicPartition{Topic: e.Topic, Partition: record.Partition(e.Partition)}, Err: e.Err})
	return nil
}

func (s *session) convert(out []stage.Record, records []*kgo.Record) []stage.Record {
	for _, r := range records {
		var headers []stage.Header
		if len(r.Headers) > 0 {
			headers = make([]stage.Header, len(r.Headers))
			for i, h := range r.Headers {
				headers[i] = stage.Header{Key: h.Key, Value: h.Value}
			}
		}
		out = append(out, stage.Record{
			Topic: r.Topic, Short: s.shorts[r.Topic], Partition: record.Partition(r.Partition), Offset: record.Offset(r.Offset),
			At: record.Millis(r.Timestamp.UnixMilli()), Key: r.Key, Value: r.Value, Headers: headers,
		})
	}
	return out
}

// assignment reads what is assigned off the consumer's book of offsets: a
// partition is in it from when its offsets were fetched until it is revoked.
func (s *session) assignment() {
	s.assigned = s.assigned[:0]
	for topic, partitions := range s.client.CommittedOffsets() {
		for p := range partitions {
			s.assigned = append(s.assigned, processor.TopicPartition{Topic: topic, Partition: record.Partition(p)})
		}
	}
	slices.SortFunc(s.assigned, func(a, b processor.TopicPartition) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition) - int(b.Partition)
	})
}

func (s *session) Assigned() []processor.TopicPartition { return s.assigned }

func (s *session) Pause(tp processor.TopicPartition) {
	delete(s.resumes, tp)
	s.client.PauseFetchPartitions(map[string][]int32{tp.Topic: {int32(tp.Partition)}})
}

// Resume takes effect with the next poll, after the seeks.
func (s *session) Resume(tp processor.TopicPartition) { s.resumes[tp] = true }

// Seek takes effect with the next poll: seeks of many partitions stop the
// consumer only once.
func (s *session) Seek(offsets map[processor.TopicPartition]record.Offset) {
	for tp, o := range offsets {
		s.seeks[tp] = o
	}
}

func (s *session) applySeeks() {
	if len(s.seeks) > 0 {
		set := map[string]map[int32]kgo.EpochOffset{}
		for tp, o := range s.seeks {
			if set[tp.Topic] == nil {
				set[tp.Topic] = map[int32]kgo.EpochOffset{}
			}
			set[tp.Topic][int32(tp.Partition)] = kgo.EpochOffset{Epoch: -1, Offset: int64(o)}
		}
		s.client.SetOffsets(set)
		book := s.client.CommittedOffsets()
		for tp, o := range s.seeks {
			if got, ok := book[tp.Topic][int32(tp.Partition)]; ok && got.Offset == int64(o) {
				delete(s.seeks, tp)
			}
		}
	}
	if len(s.resumes) == 0 {
		return
	}
	resume := map[string][]int32{}
	for tp := range s.resumes {
		if _, waits := s.seeks[tp]; !waits {
			resume[tp.Topic] = append(resume[tp.Topic], int32(tp.Partition))
			delete(s.resumes, tp)
		}
	}
	s.client.ResumeFetchPartitions(resume)
}

func (s *session) Begin() error {
	s.mu.Lock()
	s.firstErr = nil
	s.mu.Unlock()
	return s.gts.Begin()
}

func (s *session) Produce(out *processor.Out) {
	r := &kgo.Record{Topic: out.Topic, Partition: int32(out.Partition), Key: out.Key, Value: out.Value}
	if len(out.Headers) > 0 {
		r.Headers = make([]kgo.RecordHeader, len(out.Headers))
		for i, h := range out.Headers {
			r.Headers[i] = kgo.RecordHeader{Key: h.Key, Value: h.Value}
		}
	}
	s.gts.Produce(context.Background(), r, func(r *kgo.Record, err error) {
		if err != nil {
			s.mu.Lock()
			if s.firstErr == nil {
				s.firstErr = fmt.Errorf("%s/%d, %d bytes: %w", r.Topic, r.Partition, len(r.Key)+len(r.Value), err)
			}
			s.mu.Unlock()
			return
		}
		out.Offset = record.Offset(r.Offset)
	})
}

// Flush: an error of any record is the transaction's. Without it, a record that
// is refused (too large, say) would be missing from a transaction that commits.
func (s *session) Flush(ctx context.Context) error {
	if err := s.client.Flush(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.firstErr
}

func (s *session) End(ctx context.Context, commit bool) (bool, error) {
	committed, err := s.gts.End(ctx, kgo.TransactionEndTry(commit))
	s.rebalanced.Store(false)
	return committed, err
}

// Settle ends with an abort until the client says that nothing is undecided.
// After an unconfirmed end that is a new producer id, for which the coordinator
// first completes or aborts what it has.
func (s *session) Settle(ctx context.Context) error {
	var err error
	for range 5 {
		if _, err = s.gts.End(ctx, kgo.TryAbort); err == nil {
			break
		}
		if errors.Is(err, kerr.ProducerFenced) || ctx.Err() != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", processor.ErrSessionLost, err)
	}
	if _, _, err := s.client.ProducerID(ctx); err != nil {
		if errors.Is(err, kerr.ProducerFenced) {
			return err
		}
		return fmt.Errorf("%w: %w", processor.ErrSessionLost, err)
	}
	return nil
}

func (s *session) AllowRebalance() { s.gts.AllowRebalance() }

func (s *session) Close(leave bool) {
	s.gts.AllowRebalance()
	if leave && s.cfg.Static {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.leaveStatic(ctx)
	}
	s.gts.CloseAllowingRebalance()
}
