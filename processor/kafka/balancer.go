package kafka

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/processor/placement"
)

// balancer is the group's protocol by which partitions go to who has their stores.
// It is cooperative, like the client's own, and speaks the same language: what a
// member owned and in which generation, beside which it says what its process has
// stores of. Only the leader's decides anything, and only of a group whose members
// all speak it.
//
//	member   joins with  holdfast-stores: topics, owned, generation, claim
//	                     cooperative-sticky: topics, owned, generation
//	leader   placement.Of ── what changes hands is only taken away at first ──> answer
//	         … and given to its new owner when everybody has joined again without it
type balancer struct {
	group string
	claim func() placement.Claim // nil: nothing to say
	log   *slog.Logger
}

var _ kgo.GroupBalancer = (*balancer)(nil)

// protocolName is what the group's coordinator knows the protocol by. While a
// member of an older version is in the group, all balance by the client's own.
const protocolName = "holdfast-stores"

func (b *balancer) ProtocolName() string { return protocolName }

func (b *balancer) IsCooperative() bool { return true }

// metadataVersion has owned partitions and their generation.
const metadataVersion = 3

func (b *balancer) JoinGroupMetadata(topics []string, current map[string][]int32, generation int32) []byte {
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Version, meta.Topics, meta.Generation = metadataVersion, topics, generation
	for topic, partitions := range current {
		owned := kmsg.NewConsumerMemberMetadataOwnedPartition()
		owned.Topic, owned.Partitions = topic, partitions
		meta.OwnedPartitions = append(meta.OwnedPartitions, owned)
	}
	slices.SortFunc(meta.OwnedPartitions, func(x, y kmsg.ConsumerMemberMetadataOwnedPartition) int { return strings.Compare(x.Topic, y.Topic) })
	var c placement.Claim
	if b.claim != nil {
		c = b.claim()
	}
	meta.UserData = c.Append(nil)
	return meta.AppendTo(nil)
}

func (b *balancer) ParseSyncAssignment(assignment []byte) (map[string][]int32, error) {
	return kgo.ParseConsumerSyncAssignment(assignment)
}

func (b *balancer) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	c, err := kgo.NewConsumerBalancer(b, members)
	return c, c.MemberTopics(), err
}

// Balance plans as the leader.
func (b *balancer) Balance(c *kgo.ConsumerBalancer, topics map[string]int32) kgo.IntoSyncAssignment {
	members := make([]placement.Member, 0, len(c.Members()))
	c.EachMember(func(m *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		members = append(members, b.member(m, meta))
	})
	var partitions []placement.Partition
	for topic, n := range topics {
		for p := range n {
			partitions = append(partitions, placement.Partition{Topic: topic, Number: p})
		}
	}
	slices.SortFunc(partitions, placement.Partition.Compare)
	plan := c.NewPlan()
	for i, owner := range placement.Of(members, partitions) {
		if owner != placement.NoOne {
			m, _ := c.MemberAt(owner)
			plan.AddPartition(m, partitions[i].Topic, partitions[i].Number)
		}
	}
	plan.AdjustCooperative(c)
	return plan
}

func (b *balancer) member(m *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) placement.Member {
	out := placement.Member{ID: m.MemberID, Node: m.MemberID, Topics: meta.Topics, Generation: meta.Generation}
	if m.InstanceID != nil {
		out.ID = *m.InstanceID
		if node, ok := processor.NodeOf(b.group, out.ID); ok {
			out.Node = node
		}
	}
	for _, t := range meta.OwnedPartitions {
		for _, p := range t.Partitions {
			out.Owned = append(out.Owned, placement.Partition{Topic: t.Topic, Number: p})
		}
	}
	var err error
	if out.Claim, err = placement.ParseClaim(meta.UserData); err != nil {
		b.log.Warn("a member's claim can't be read, as if it had no stores", "member", out.ID, "err", fmt.Errorf("joining group %s: %w", b.group, err))
	}
	return out
}
