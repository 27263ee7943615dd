package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/topology/record"
)

// Lag measures how far the partitions of a node are behind, by asking the broker
// beside the workers: one that restores, has halted or hangs would never say.
//
// Offsets alone can't tell. Every transaction that wrote to a partition has left
// a marker there, and one that was aborted its records too, so the end is nearly
// always beyond what there is to decide. So where the end is a little beyond a
// task's place, what lies between is fetched and looked at:
//
//	         place                    last stable offset
//	           ▼                               ▼
//	… record | marker | record (aborted) | marker |        lag 0
//	… record | marker | record | record | marker |         lag 2, as old as the first of them
//
// Where much lies between, the difference of the offsets is good enough, and the
// append time of the last record decided says how old it is.
type Lag struct {
	node   Node
	client *kgo.Client
	admin  *kadm.Client
	ids    map[string][16]byte // of topics, by full name
	log    *slog.Logger
	now    func() time.Time

	mu       sync.Mutex
	measured map[Place]Behind
	at       time.Time
}

// Place is one partition of one stage.
type Place struct {
	Stage string
	processor.TopicPartition
}

// Behind is how far a partition is behind.
type Behind struct {
	Records int64   // committed and not decided yet
	Seconds float64 // age of the oldest of them; 0 when there is none
}

const (
	// LagEvery is how often the lag is measured: a request or two per broker, so
	// that people who look see what is, not only Prometheus every 15 s.
	LagEvery = 2 * time.Second
	lagLimit = 10 * time.Second
	// lookOffsets and lookBytes bound what is fetched to be looked at. Of the
	// first partition in a request a broker gives a whole batch, whatever its
	// size; of another whose batch is larger, nothing.
	lookOffsets = 1000
	lookBytes   = 64 << 10
	lookMax     = 4 << 20
)

// NewLag measures nothing yet. client may be any, used for anything else too; ids
// are those of the topics, by full name.
func NewLag(node Node, client *kgo.Client, ids map[string][16]byte, log *slog.Logger, now func() time.Time) *Lag {
	return &Lag{node: node, client: client, admin: kadm.NewClient(client), ids: ids, log: log, now: now, measured: map[Place]Behind{}}
}

// Run measures until ctx ends.
func (l *Lag) Run(ctx context.Context) {
	every := time.NewTicker(LagEvery)
	defer every.Stop()
	for failed := false; ; {
		err := l.Measure(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			l.log.Warn("the lag can't be measured", "err", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// Measured returns what was measured last, and how long ago that was; below 0:
// never. The map isn't changed any longer.
func (l *Lag) Measured() (map[Place]Behind, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at.IsZero() {
		return l.measured, -1
	}
	return l.measured, l.now().Sub(l.at)
}

// place is a partition whose end was asked for.
type place struct {
	Place
	next, end record.Offset
	at        record.Millis // append time of the last record decided
}

// Measure asks once. What it can't find out of single partitions is left out.
func (l *Lag) Measure(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lagLimit)
	defer cancel()
	ends, err := l.ends(ctx)
	if err != nil {
		return err
	}
	// The places after the ends: a worker that goes on meanwhile is further, and
	// never seems to be behind something that it has decided.
	measured := map[Place]Behind{}
	var look []place
	for _, s := range l.node.Status() {
		p := place{Place: Place{s.Stage, processor.TopicPartition{Topic: s.Topic, Partition: s.Partition}}, next: s.Next, at: s.At}
		end, ok := ends.Lookup(s.Topic, int32(s.Partition))
		if !ok || end.Err != nil || p.next < 0 {
			continue
		}
		p.end = record.Offset(end.Offset)
		switch gap := p.end - p.next; {
		case gap <= 0:
			measured[p.Place] = Behind{}
		case gap > lookOffsets:
			measured[p.Place] = Behind{Records: int64(gap), Seconds: l.age(p.at)}
		default:
			look = append(look, p)
		}
	}
	err = l.look(ctx, look, measured)
	l.mu.Lock()
	l.measured, l.at = measured, l.now()
	l.mu.Unlock()
	return err
}

// ends asks for the last stable offsets: what lies beyond isn't committed.
func (l *Lag) ends(ctx context.Context) (kadm.ListedOffsets, error) {
	var topics []string
	for _, s := range l.node.Status() {
		if !slices.Contains(topics, s.Topic) {
			topics = append(topics, s.Topic)
		}
	}
	if len(topics) == 0 {
		return nil, nil
	}
	ends, err := l.admin.ListCommittedOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("listing offsets: %w", err)
	}
	return ends, nil
}

// age is in seconds; what was never decided has none.
func (l *Lag) age(at record.Millis) float64 {
	if at <= 0 {
		return 0
	}
	return max(0, l.now().Sub(at.Time()).Seconds())
}

// look fetches what lies between places and ends, with one request to each broker.
func (l *Lag) look(ctx context.Context, places []place, measured map[Place]Behind) error {
	if len(places) == 0 {
		return nil
	}
	var topics []string
	for i := range places {
		if !slices.Contains(topics, places[i].Topic) {
			topics = append(topics, places[i].Topic)
		}
	}
	m, err := l.admin.Metadata(ctx, topics...)
	if err != nil {
		return fmt.Errorf("asking who leads: %w", err)
	}
	led := map[int32][]place{}
	for _, p := range places {
		if leader := m.Topics[p.Topic].Partitions[int32(p.Partition)].Leader; leader >= 0 {
			led[leader] = append(led[leader], p)
		}
	}
	var errs []error
	for leader, places := range led {
		errs = append(errs, l.lookAt(ctx, leader, places, measured))
	}
	return errors.Join(errs...)
}

func (l *Lag) lookAt(ctx context.Context, leader int32, places []place, measured map[Place]Behind) error {
	resp, err := l.fetchRequest(places).RequestWith(ctx, l.client.Broker(int(leader)))
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("fetching from broker %d: %w", leader, err)
	}
	for _, p := range places {
		b := Behind{Records: int64(p.end - p.next), Seconds: l.age(p.at)}
		for i := range resp.Topics {
			t := &resp.Topics[i]
			if t.Topic != p.Topic && t.TopicID != l.ids[p.Topic] {
				continue
			}
			for j := range t.Partitions {
				if t.Partitions[j].Partition == int32(p.Partition) {
					l.count(&p, &t.Partitions[j], &b)
				}
			}
		}
		measured[p.Place] = b
	}
	return nil
}

// fetchRequest asks for what is there, at once.
func (l *Lag) fetchRequest(places []place) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.MaxWaitMillis, req.MinBytes, req.MaxBytes = -1, 0, 0, lookMax
	req.IsolationLevel, req.SessionEpoch = 1, -1
	for _, p := range places {
		i := slices.IndexFunc(req.Topics, func(t kmsg.FetchRequestTopic) bool { return t.Topic == p.Topic })
		if i < 0 {
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = p.Topic, l.ids[p.Topic]
			i, req.Topics = len(req.Topics), append(req.Topics, t)
		}
		part := kmsg.NewFetchRequestTopicPartition()
		part.Partition, part.FetchOffset, part.PartitionMaxBytes = int32(p.Partition), int64(p.next), lookBytes
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, part)
	}
	return req
}

// count replaces what the offsets say by what was fetched.
func (l *Lag) count(p *place, rp *kmsg.FetchResponseTopicPartition, b *Behind) {
	fetched, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset: int64(p.next), IsolationLevel: kgo.ReadCommitted(), Topic: p.Topic, Partition: int32(p.Partition),
	}, rp, kgo.DefaultDecompressor(), nil)
	if fetched.Err != nil {
		return
	}
	records := int64(0)
	for i, r := range fetched.Records {
		if r.Offset >= int64(p.end) {
			break
		}
		if i == 0 {
			b.Seconds = max(0, l.now().Sub(r.Timestamp).Seconds())
		}
		records++
	}
	if rest := int64(p.end) - next; rest > 0 {
		b.Records = records + rest // what wasn't fetched may be markers, or not
		return
	}
	if b.Records = records; records == 0 {
		b.Seconds = 0
	}
}
