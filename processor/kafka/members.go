package kafka

import (
	"context"
	"fmt"
	"time"

	"holdfast/processor"
	"holdfast/topology/record"
)

var _ processor.Follower = (*Cluster)(nil)

// Members is part of processor.Follower. Members without a static id aren't ours.
func (c *Cluster) Members(ctx context.Context, group string) (members []processor.GroupMember, settled bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	described, err := c.admin.DescribeGroups(ctx, group)
	if err == nil {
		err = described.Error()
	}
	if err != nil {
		return nil, false, fmt.Errorf("describing group %s: %w", group, answered(err))
	}
	g := described[group]
	for _, m := range g.Members {
		if m.InstanceID == nil {
			continue
		}
		member := processor.GroupMember{ID: *m.InstanceID}
		if assigned, ok := m.Assigned.AsConsumer(); ok {
			for _, t := range assigned.Topics {
				for _, p := range t.Partitions {
					member.Owned = append(member.Owned, processor.TopicPartition{Topic: t.Topic, Partition: record.Partition(p)})
				}
			}
		}
		members = append(members, member)
	}
	return members, g.State == "Stable", nil
}
