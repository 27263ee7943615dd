package kafka

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestOffsetsAreAwaited: the client must not be let ask for offsets that a dead
// member's transaction still holds, or it waits for a second.
func TestOffsetsAreAwaited(t *testing.T) {
	p := newParty(t)
	c := &Cluster{client: p.client}
	given := map[string][]int32{p.log(): {0}}
	asked := 0
	answer := func(unstable int) {
		asked = 0
		p.broker.ControlKey(kmsg.OffsetFetch.Int16(), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
			p.broker.KeepControl()
			asked++
			req := kreq.(*kmsg.OffsetFetchRequest)
			if asked > unstable {
				return nil, nil, false
			}
			require.Len(t, req.Groups, 1)
			require.True(t, req.RequireStable)
			resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
			for _, topic := range req.Groups[0].Topics {
				partition := kmsg.NewOffsetFetchResponseGroupTopicPartition()
				partition.Partition, partition.ErrorCode = topic.Partitions[0], kerr.UnstableOffsetCommit.Code
				answered := kmsg.NewOffsetFetchResponseGroupTopic()
				answered.Topic, answered.TopicID, answered.Partitions = topic.Topic, topic.TopicID, append(answered.Partitions, partition)
				group := kmsg.NewOffsetFetchResponseGroup()
				group.Group, group.Topics = req.Groups[0].Group, append(group.Topics, answered)
				resp.Groups = append(resp.Groups, group)
			}
			return resp, nil, true
		})
	}
	answer(3)
	c.awaitStable(p.ctx, p.group(), given)
	require.Equal(t, 4, asked)

	c.awaitStable(p.ctx, p.group(), nil)
	require.Equal(t, 4, asked, "nothing was given")

	ended, cancel := context.WithCancel(p.ctx)
	cancel()
	c.awaitStable(ended, p.group(), given)

	m := &membership{stable: func(_ context.Context, got map[string][]int32) {
		require.Equal(t, given, got)
		asked = -1
	}}
	client, err := kgo.NewClient()
	require.NoError(t, err)
	defer client.Close()
	m.onAssigned(p.ctx, client, given)
	require.Equal(t, -1, asked, "the client goes on when this comes back")
	_, joined := m.gave()
	require.True(t, joined)
}
