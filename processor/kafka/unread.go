package kafka

import (
	"context"
	"time"

	"holdfast/processor"
	"holdfast/topology/record"
)

// unread makes the group place its partitions anew when there are some that no
// member was given. A static member that starts again gets what it had, and nobody
// balances: not even when it wants topics now that it didn't before, or when a
// topic has grown meanwhile. The client notices that only of protocols that it
// knows. Looked at once in a session's life, when it has been let in; later the
// client sees to it.
func (s *session) unread(ctx context.Context, c *Cluster) {
	for wait := lookAgainFirst; ; wait = min(2*wait, lookAgainMax) {
		missing, settled, err := c.unowned(ctx, s.member)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && settled && len(missing) > 0:
			s.cfg.Logger.Info("asking for a rebalance: nobody reads some partitions", "group", s.member.Group, "partitions", missing)
			s.client.ForceRebalance()
			return
		case err == nil && settled:
			return
		}
		if pause(ctx, wait) != nil {
			return
		}
	}
}

// unowned returns the partitions that a member would read and nobody was given;
// settled is false while that is being decided.
func (c *Cluster) unowned(ctx context.Context, m processor.Member) (missing []processor.TopicPartition, settled bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	topics, err := c.admin.ListTopics(ctx, m.Topics...)
	if err != nil {
		return nil, false, answered(err)
	}
	members, settled, err := c.Members(ctx, m.Group)
	if err != nil || !settled {
		return nil, false, err
	}
	owned := map[processor.TopicPartition]bool{}
	for _, o := range members {
		for _, tp := range o.Owned {
			owned[tp] = true
		}
	}
	for _, t := range topics.Sorted() {
		for _, p := range t.Partitions.Sorted() {
			if tp := (processor.TopicPartition{Topic: t.Topic, Partition: record.Partition(p.Partition)}); !owned[tp] {
				missing = append(missing, tp)
			}
		}
	}
	return missing, true, nil
}
