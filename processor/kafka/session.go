package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

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

	admin  *kgo.Client // of the process: for what is left to do after client is closed
	group  *membership
	stop   context.CancelFunc // breaks off whatever client does
	beside sync.WaitGroup     // what runs until stop

	live   *sessions // of the process
	joined bool      // for good

	// assigned is as of the last poll that looked.
	assigned []processor.TopicPartition
	// seeks wait until the client takes them; the partitions in resumes are
	// resumed only then.
	seeks   map[processor.TopicPartition]record.Offset
	resumes map[processor.TopicPartition]bool

	mu       sync.Mutex // guards firstErr: promises run in the client's goroutines
	firstErr error

	shorts  map[string]string
	records [][]stage.Record // reused memory of Fetches, by position
}

var _ processor.Session = (*session)(nil)

// Join makes the client and asks for its producer id, which ends what an earlier
// life of it left open. Only then does it tell the client what to consume, which
// joins the group: a member that can't write yet would be given partitions, and
// keep them from others for as long as it waits.
func (c *Cluster) Join(ctx context.Context, m processor.Member) (processor.Session, error) {
	life, stop := context.WithCancel(context.Background())
	s := &session{cfg: &c.cfg, member: m, admin: c.client, stop: stop, live: &c.live, seeks: map[processor.TopicPartition]record.Offset{}, resumes: map[processor.TopicPartition]bool{}, shorts: map[string]string{}}
	s.group = &membership{
		letIn: func(first bool) {
			c.fencer.changed(m.Group, m.TransactionalID)
			if first && c.cfg.Static {
				s.beside.Go(func() { s.unread(life, c) })
			}
		},
		stable: func(ctx context.Context, given map[string][]int32) { c.awaitStable(ctx, m.Group, given) },
	}
	for _, t := range m.Topics {
		s.shorts[t], _ = c.cfg.Topology.Short(t)
	}
	opts := append(c.cfg.base(m.TransactionalID),
		kgo.WithContext(life),
		kgo.WithHooks(s.group),
		kgo.ConsumerGroup(m.Group),
		kgo.TransactionalID(m.TransactionalID),
		kgo.TransactionTimeout(c.cfg.TransactionTimeout),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.Balancers(&balancer{group: m.Group, claim: m.Claim, log: c.cfg.Logger}, kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(c.cfg.SessionTimeout),
		kgo.HeartbeatInterval(min(heartbeatMax, c.cfg.SessionTimeout/3)),
		kgo.RebalanceTimeout(c.cfg.RebalanceTimeout),
		kgo.BlockRebalanceOnPoll(),
		kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.AdjustFetchOffsetsFn(explicitOffsets),
		kgo.OnPartitionsAssigned(s.group.onAssigned),
		kgo.OnPartitionsRevoked(s.group.onRevoked),
		kgo.OnPartitionsLost(s.group.onLost),
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
		stop()
		return nil, fmt.Errorf("making a session: %w", err)
	}
	s.gts, s.client = gts, gts.Client()
	if err := s.begin(ctx); err != nil {
		s.Close(false)
		return nil, fmt.Errorf("asking for a producer id: %w", s.denied(err, ""))
	}
	s.client.AddConsumeTopics(m.Topics...)
	c.live.add(s)
	return s, nil
}

// begin asks for the producer id until a broker answers.
func (s *session) begin(ctx context.Context) error {
	for told := (time.Time{}); ; {
		_, _, err := s.client.ProducerID(ctx)
		if ke := (*kerr.Error)(nil); err == nil || ctx.Err() != nil || (errors.As(err, &ke) && !ke.Retriable) {
			return err
		}
		if time.Since(told) >= tellEvery {
			told = time.Now()
			s.cfg.Logger.Warn("no producer id yet, asking again", "transactional_id", s.member.TransactionalID, "err", err)
		}
		if err := pause(ctx, askAgainAfter); err != nil {
			return err
		}
	}
}

const (
	// heartbeatMax: a member learns by a heartbeat that its group wants to
	// rebalance, and all others wait for it. Who commits beats the heart with
	// every commit; this is for a member that has nothing to do.
	heartbeatMax = 500 * time.Millisecond

	askAgainAfter = 100 * time.Millisecond
	tellEvery     = 10 * time.Second

	// endPatience: a commit takes some milliseconds. When the group's manager
	// has failed (the session timed out, say), the client waits at the end of a
	// transaction for a heartbeat which nobody makes, until somebody tells it
	// that the partitions are lost, which waits for AllowRebalance. So
	// rebalances are let go on after a while: at worst, the transaction is
	// aborted.
	endPatience = time.Second
	// closePatience: closing waits for requests to the group that are under
	// way, and a join takes as long as the slowest member's.
	closePatience = 3 * time.Second
)

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

func (s *session) Poll(ctx context.Context, f *processor.Fetches, max int, wait time.Duration) error {
	f.Rebalanced, f.Parts, f.Failed = false, f.Parts[:0], f.Failed[:0]
	if joined, err := s.group.await(ctx, wait); !joined {
		return s.denied(err, "")
	}
	// Takes nothing, and holds rebalances off from here on: one that was waiting
	// goes first, and then the member is joining.
	s.client.PollRecords(over, max)
	if s.group.isJoining() {
		return nil
	}
	s.applySeeks()
	fetches := s.client.PollRecords(nil, max) //nolint:staticcheck // nil means: what is there, at once
	if fetches.NumRecords() == 0 && len(fetches.Errors()) == 0 {
		wctx, cancel := context.WithTimeout(ctx, wait)
		fetches = s.client.PollRecords(wctx, max)
		cancel()
	}
	f.Rebalanced = s.group.changed(s.owns)
	s.assignment()
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
		return nil // membership knows
	case e.Partition < 0:
		return e.Err
	}
	err := e.Err
	if errors.Is(err, kerr.UnknownTopicID) {
		err = fmt.Errorf("the topic was deleted, or made anew since: %w", err)
	} else if kerr.IsRetriable(err) {
		return nil
	}
	f.Failed = append(f.Failed, processor.FailedPartition{
		TopicPartition: processor.TopicPartition{Topic: e.Topic, Partition: record.Partition(e.Partition)}, Err: err})
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

// Joined is false, too, while the offsets of what was given are still asked for.
func (s *session) Joined() bool {
	if !s.joined {
		given, joined := s.group.gave()
		s.joined = joined && (given == 0 || len(s.assigned) > 0)
	}
	return s.joined
}

func (s *session) owns(tp processor.TopicPartition) bool { return slices.Contains(s.assigned, tp) }

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

// over is a context that has ended.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// errJoining is for the moment between a poll and the start of a join.
var errJoining = errors.New("the group is rebalancing")

func (s *session) Begin() error {
	if s.group.isJoining() {
		return errJoining
	}
	s.mu.Lock()
	s.firstErr = nil
	s.mu.Unlock()
	return s.fenced(s.gts.Begin())
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
				s.firstErr = &processor.RefusedError{Out: out, Err: s.denied(err, r.Topic)}
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
	err := s.firstErr
	s.mu.Unlock()
	return s.fenced(err)
}

func (s *session) End(ctx context.Context, commit bool) (bool, error) {
	committed, err := s.end(ctx, commit)
	return committed, s.fenced(err)
}

func (s *session) end(ctx context.Context, commit bool) (bool, error) {
	s.group.ending()
	patience := time.AfterFunc(endPatience, s.gts.AllowRebalance)
	defer patience.Stop()
	return s.gts.End(ctx, kgo.TransactionEndTry(commit))
}

// Settle ends with an abort until the client says that nothing is undecided.
// After an unconfirmed end that is a new producer id, for which the coordinator
// first completes or aborts what it has.
func (s *session) Settle(ctx context.Context) error {
	var err error
	for range 5 {
		if _, err = s.end(ctx, false); err == nil || errors.Is(err, kerr.ProducerFenced) || ctx.Err() != nil {
			break
		}
	}
	if err == nil {
		_, _, err = s.client.ProducerID(ctx)
	}
	if err = s.fenced(err); err != nil {
		return fmt.Errorf("%w: %w", processor.ErrSessionLost, err)
	}
	return nil
}

// fenced finds out what it means that the producer is fenced. Whoever else runs
// as this instance has, or soon will have, this member's place in the group too.
// But a broker also fences the producer of a transaction that took longer than
// its timeout, because the brokers themselves were slow; then the place is still
// ours, and all that is lost is the session.
//
// Should both be about to happen, the two lives may fence each other's producers
// once more; as soon as both have joined, the group refuses the first.
func (s *session) fenced(err error) error {
	if !errors.Is(err, kerr.ProducerFenced) || !s.cfg.Static {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.InstanceID = s.member.Group, &s.member.TransactionalID
	req.MemberID, req.Generation = s.client.GroupMetadata()
	resp, herr := req.RequestWith(ctx, s.client)
	if herr == nil {
		herr = kerr.ErrorForCode(resp.ErrorCode)
	}
	switch {
	case herr == nil, errors.Is(herr, kerr.RebalanceInProgress), errors.Is(herr, kerr.IllegalGeneration), errors.Is(herr, kerr.UnknownMemberID):
		// The cause isn't wrapped: nobody may take it for what it isn't.
		return fmt.Errorf("%w: the transaction took longer than its timeout of %v: %s", processor.ErrSessionLost, s.cfg.TransactionTimeout, err.Error())
	}
	return fmt.Errorf("%w (%w)", err, herr)
}

func (s *session) AllowRebalance() { s.gts.AllowRebalance() }

func (s *session) Close(leave bool) {
	s.live.remove(s)
	patience := time.AfterFunc(closePatience, s.stop)
	s.gts.CloseAllowingRebalance()
	patience.Stop()
	s.stop()
	s.beside.Wait()
	if leave && s.cfg.Static {
		// Last, else the client might join again before it is closed.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.leaveStatic(ctx)
	}
}
