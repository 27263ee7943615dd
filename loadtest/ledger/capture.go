package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/audit"
	"holdfast/topology"
	"holdfast/topology/record"
)

// Capture takes the cut: first what every stage's group has committed for good,
// then the ends of all topics, those of effects before those of their causes, so
// that no effect is seen without its cause.
func Capture(ctx context.Context, client *kgo.Client, t *topology.Topology) (audit.Cut, error) {
	admin := kadm.NewClient(client)
	cut := audit.Cut{
		Committed: map[audit.TopicPartition]record.Offset{},
		Ends:      map[audit.TopicPartition]record.Offset{},
		Starts:    map[audit.TopicPartition]record.Offset{},
	}
	for _, s := range t.Stages {
		committed, err := stable(ctx, admin, s.Group)
		if err != nil {
			return cut, fmt.Errorf("reading the committed offsets of group %s: %w", s.Group, err)
		}
		for tp, o := range committed {
			if short, ok := t.Short(tp.Topic); ok {
				cut.Committed[audit.TopicPartition{Topic: short, Partition: tp.Partition}] = o
			}
		}
	}
	var shorts []string
	for _, topic := range t.Topics {
		shorts = append(shorts, topic.Short)
	}
	for _, group := range audit.CaptureOrder(shorts) {
		names := make([]string, len(group))
		for i, short := range group {
			names[i] = t.Name(short)
		}
		// The ends of everything, open transactions included: by the last stable
		// offset, an older open transaction would hide the effects of a younger
		// one whose consumed offsets are committed already.
		ends, err := admin.ListEndOffsets(ctx, names...)
		if err == nil {
			err = ends.Error()
		}
		if err != nil {
			return cut, fmt.Errorf("reading the ends of %v: %w", names, err)
		}
		fill(t, cut.Ends, ends)
	}
	var names []string
	for tp := range cut.Ends {
		if tp.Partition == 0 {
			names = append(names, t.Name(tp.Topic))
		}
	}
	starts, err := admin.ListStartOffsets(ctx, names...)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return cut, fmt.Errorf("reading the starts of the logs: %w", err)
	}
	fill(t, cut.Starts, starts)
	return cut, nil
}

func fill(t *topology.Topology, to map[audit.TopicPartition]record.Offset, from kadm.ListedOffsets) {
	from.Each(func(o kadm.ListedOffset) {
		if short, ok := t.Short(o.Topic); ok {
			to[audit.TopicPartition{Topic: short, Partition: record.Partition(o.Partition)}] = record.Offset(o.Offset)
		}
	})
}

// stable waits while an open transaction could still move an offset.
func stable(ctx context.Context, admin *kadm.Client, group string) (map[audit.TopicPartition]record.Offset, error) {
	for {
		var offsets kadm.OffsetResponses
		err := AskCoordinator(ctx, func(ctx context.Context) (err error) {
			if offsets, err = admin.FetchOffsets(kadm.RequireStable(ctx), group); err == nil {
				err = offsets.Error()
			}
			return err
		})
		if errors.Is(err, kerr.UnstableOffsetCommit) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(20 * time.Millisecond):
				continue
			}
		}
		if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // nobody has joined yet: nothing is committed
			return nil, err
		}
		out := map[audit.TopicPartition]record.Offset{}
		offsets.Each(func(o kadm.OffsetResponse) {
			out[audit.TopicPartition{Topic: o.Topic, Partition: record.Partition(o.Partition)}] = record.Offset(o.At)
		})
		return out, nil
	}
}
