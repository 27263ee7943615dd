package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
	"holdfast/topology/record"
)

const (
	// statusCountMax is how many offsets of a partition are read to count the
	// records among them. Beyond, the markers don't matter any more, and reading
	// would take longer than anybody wants to wait.
	statusCountMax = 2000
	// statusSilenceMax ends the reading where nothing comes any more: the last
	// offsets below the end may hold nothing at all (aborted, or compacted away).
	statusSilenceMax = time.Second
)

// lagReader reads from the committed offsets on, only to see whether there is
// anything. An offset isn't a record: a transaction's marker takes one that
// nobody will ever commit, so a partition that is done has a distance of 1 for
// ever.
type lagReader struct {
	t    *topology.Topology
	open map[string]map[int32]*statusPartition // still to be looked at
	left int                                   // partitions in it
	now  time.Time
}

// measureLag fills in the lags of all partitions.
func (r *statusReport) measureLag(ctx context.Context, options []kgo.Opt, t *topology.Topology) error {
	l := &lagReader{t: t, open: map[string]map[int32]*statusPartition{}, now: time.Now()}
	from := map[string]map[int32]kgo.Offset{}
	for i := range r.Stages {
		for j := range r.Stages[i].Partitions {
			p := &r.Stages[i].Partitions[j]
			if p.Committed >= p.End {
				continue
			}
			name := t.Name(p.Topic)
			if from[name] == nil {
				from[name], l.open[name] = map[int32]kgo.Offset{}, map[int32]*statusPartition{}
			}
			from[name][int32(p.Partition)] = kgo.NewOffset().At(int64(p.Committed))
			l.open[name][int32(p.Partition)] = p
			l.left++
		}
	}
	if err := l.read(ctx, options, from); err != nil {
		return fmt.Errorf("reading what isn't consumed yet: %w", err)
	}
	for i := range r.Stages {
		s := &r.Stages[i]
		for j := range s.Partitions {
			s.LagRecords += s.Partitions[j].LagRecords
			s.LagSeconds = max(s.LagSeconds, s.Partitions[j].LagSeconds)
		}
		r.LagRecords += s.LagRecords
		r.LagSeconds = max(r.LagSeconds, s.LagSeconds)
	}
	return nil
}

func (l *lagReader) read(ctx context.Context, options []kgo.Opt, from map[string]map[int32]kgo.Offset) error {
	if l.left == 0 {
		return nil
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumePartitions(from), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxWait(100 * time.Millisecond), kgo.FetchMaxPartitionBytes(256 << 10), kgo.DisableClientMetrics(),
	}, options...)...)
	if err != nil {
		return fmt.Errorf("making a reader: %w", err)
	}
	defer client.Close()
	heard := time.Now()
	for l.left > 0 && time.Since(heard) < statusSilenceMax {
		poll, cancel := context.WithTimeout(ctx, statusSilenceMax)
		fetches := client.PollFetches(poll)
		late := poll.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fetches.Err(); err != nil && !late {
			return err
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if len(p.Records) > 0 {
				heard = time.Now()
			}
			if l.partition(p) {
				client.PauseFetchPartitions(map[string][]int32{p.Topic: {p.Partition}})
			}
		})
	}
	return nil
}

// partition takes what came of a partition; done tells that nothing more of it
// is wanted.
func (l *lagReader) partition(fetched kgo.FetchTopicPartition) (done bool) {
	p := l.open[fetched.Topic][fetched.Partition]
	if p == nil {
		return true
	}
	for _, rec := range fetched.Records {
		at := record.Offset(rec.Offset)
		if !rec.Attrs.IsControl() && at < p.End {
			if p.LagRecords == 0 {
				p.LagSeconds = max(0, l.now.Sub(rec.Timestamp).Seconds())
			}
			if p.LagRecords++; p.End-p.Committed > statusCountMax {
				p.LagRecords = int64(p.End - at)
				done = true
			}
		}
		if done || at >= p.End-1 {
			delete(l.open[fetched.Topic], fetched.Partition)
			l.left--
			return true
		}
	}
	return false
}
