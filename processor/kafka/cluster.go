package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/topology/record"
)

// Cluster is processor.Cluster over Kafka.
type Cluster struct {
	cfg    Config
	client *kgo.Client // admin requests and ticks
	admin  *kadm.Client
	fencer *fencer
	live   sessions
	tails  tails
}

var _ processor.Cluster = (*Cluster)(nil)

// NewCluster makes the clients; nothing is sent yet.
func NewCluster(cfg Config) (*Cluster, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configuration of the Kafka client: %w", err)
	}
	client, err := kgo.NewClient(append(cfg.base("admin"),
		kgo.ProducerLinger(0),
		// A tick that is late is of no use: its sender sends another.
		kgo.RecordDeliveryTimeout(2*time.Second),
	)...)
	if err != nil {
		return nil, fmt.Errorf("making a Kafka client: %w", err)
	}
	c := &Cluster{cfg: cfg, client: client, admin: kadm.NewClient(client)}
	c.fencer = newFencer(&c.cfg, client)
	c.tails.cfg = &c.cfg
	return c, nil
}

// Client returns the client for requests beside the run time's.
func (c *Cluster) Client() *kgo.Client { return c.client }

// Close ends the clients; sessions and readers have their own.
func (c *Cluster) Close() {
	c.fencer.close()
	c.tails.close()
	c.client.Close()
}

// Committed asks for the stable offset: while a transaction that could still
// move it is undecided, the broker says so and is asked again.
func (c *Cluster) Committed(ctx context.Context, group string, tp processor.TopicPartition) (record.Offset, bool, error) {
	for {
		offset, err := c.committed(ctx, group, tp)
		if !errors.Is(err, kerr.UnstableOffsetCommit) {
			return offset, offset >= 0, err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return 0, false, err
		}
	}
}

func (c *Cluster) committed(ctx context.Context, group string, tp processor.TopicPartition) (record.Offset, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	topic := kmsg.NewOffsetFetchRequestTopic()
	topic.Topic, topic.Partitions = tp.Topic, []int32{int32(tp.Partition)}
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable, req.Topics = group, true, []kmsg.OffsetFetchRequestTopic{topic}
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return -1, answered(err)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return -1, err
	}
	for _, g := range resp.Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			return -1, err
		}
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				if t.Topic == tp.Topic && p.Partition == int32(tp.Partition) {
					return record.Offset(p.Offset), kerr.ErrorForCode(p.ErrorCode)
				}
			}
		}
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if t.Topic == tp.Topic && p.Partition == int32(tp.Partition) {
				return record.Offset(p.Offset), kerr.ErrorForCode(p.ErrorCode)
			}
		}
	}
	return -1, nil
}

// Bounds returns log start and high watermark.
func (c *Cluster) Bounds(ctx context.Context, tp processor.TopicPartition) (start, end record.Offset, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for at, to := range map[int64]*record.Offset{-2: &start, -1: &end} {
		if *to, err = c.listOffset(ctx, tp, at); err != nil {
			return 0, 0, err
		}
	}
	return start, end, nil
}

func (c *Cluster) listOffset(ctx context.Context, tp processor.TopicPartition, at int64) (record.Offset, error) {
	part := kmsg.NewListOffsetsRequestTopicPartition()
	part.Partition, part.Timestamp = int32(tp.Partition), at
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic, topic.Partitions = tp.Topic, append(topic.Partitions, part)
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID, req.Topics = -1, append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return 0, answered(err)
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("listing offsets of %s/%d: the broker answered for %d topics", tp.Topic, tp.Partition, len(resp.Topics))
	}
	p := resp.Topics[0].Partitions[0]
	return record.Offset(p.Offset), kerr.ErrorForCode(p.ErrorCode)
}

// Trim moves the log start up.
func (c *Cluster) Trim(ctx context.Context, tp processor.TopicPartition, before record.Offset) error {
	var offsets kadm.Offsets
	offsets.AddOffset(tp.Topic, int32(tp.Partition), int64(before), -1)
	resp, err := c.admin.DeleteRecords(ctx, offsets)
	if err != nil {
		return answered(err)
	}
	return resp.Error()
}

// Tick appends without a transaction.
func (c *Cluster) Tick(tp processor.TopicPartition, value []byte) {
	c.client.TryProduce(context.Background(), &kgo.Record{Topic: tp.Topic, Partition: int32(tp.Partition), Value: value}, nil)
}

// answered tells errors by which no broker answered from those that one answered
// with, and from the end of a context.
func answered(err error) error {
	var ke *kerr.Error
	if errors.As(err, &ke) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, processor.ErrSessionLost) {
		return err
	}
	return fmt.Errorf("%w: %w", processor.ErrUnreachable, err)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
