package processor

import (
	"context"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology"
	"holdfast/topology/record"
)

// runaway is a changelog whose owner trims it faster than it can be read.
type runaway struct {
	Cluster
	now    time.Time
	start  record.Offset
	opened []time.Time
	caught bool // it has stopped running away
	owner  string
}

func (c *runaway) Bounds(context.Context, TopicPartition) (start, end record.Offset, err error) {
	return c.start, c.start, nil
}

func (c *runaway) Members(_ context.Context, group string) ([]GroupMember, bool, error) {
	members := []GroupMember{{ID: group + ".me.0"}, {ID: group + ".other.0"}}
	for i := range members {
		if node, _ := NodeOf(group, members[i].ID); node == c.owner {
			members[i].Owned = []TopicPartition{{"holdfast.log.orders", 0}}
		}
	}
	return members, true, nil
}

func (c *runaway) Rebalance(string) {}

func (c *runaway) Tail(_ context.Context, _ TopicPartition, from record.Offset) (Tail, error) {
	c.opened = append(c.opened, c.now)
	return c, nil
}

func (c *runaway) Take(context.Context) ([]ChangelogRecord, error) {
	if c.caught {
		return nil, nil
	}
	c.start += 1000
	return nil, ErrTruncated
}

func (c *runaway) Heard() (record.Offset, time.Time) { return c.start, c.now }

func (c *runaway) Close() {}

func (c *runaway) node(t *testing.T) *Node {
	t.Helper()
	tc := topology.Default()
	tc.Channels, tc.LogPartitions = []string{"web"}, 1
	top, err := topology.New(tc)
	require.NoError(t, err)
	cfg := Default()
	cfg.Topology, cfg.Cluster, cfg.InstanceID, cfg.DataDir, cfg.ClusterID, cfg.Standbys = top, c, "me", "data", "cluster", 1
	cfg.TopicIDs = map[string][16]byte{top.Name(topology.Changelog(topology.StageOrders)): {1}}
	cfg.Env.Now = func() time.Time { return c.now }
	cfg.Store = state.Config{FS: vfs.NewMem()}
	cfg.Stages = []StageConfig{{Name: topology.StageOrders, Workers: 1, New: func(TopicPartition) stage.Stage { return nil }}}
	node, err := NewNode(cfg)
	require.NoError(t, err)
	return node
}

// The group gives the partition to this very node. Its store stays open for the
// worker, which may need a while until it comes for it.
func TestAStandbyWaitsForItsOwnWorker(t *testing.T) {
	log := &runaway{now: time.Unix(10_000, 0), start: 5, caught: true, owner: "other"}
	node := log.node(t)
	standby := node.NewStandby(topology.StageOrders)
	t.Cleanup(standby.Stop)
	steps := func() {
		for range 10 {
			standby.Step(t.Context())
			log.now = log.now.Add(time.Second)
		}
	}
	steps()
	log.owner = "me"
	steps()
	tp := TopicPartition{node.cfg.Topology.Name(topology.Changelog(topology.StageOrders)), 0}
	w := &worker{}
	store, ok := node.stores.take(tp, w)
	require.True(t, ok)
	require.NotNil(t, store)
	steps()
	require.Empty(t, node.Standbys())
	require.NoError(t, store.Close())
	node.stores.give(tp, w)
	steps()
	require.Empty(t, node.Standbys(), "it is the node's own: no standby for it")
}

// A standby that can't keep up begins anew, cleanly and ever less often.
func TestAStandbyIsOutrun(t *testing.T) {
	log := &runaway{now: time.Unix(10_000, 0), start: 5, owner: "other"}
	node := log.node(t)
	standby := node.NewStandby(topology.StageOrders)
	t.Cleanup(standby.Stop)
	steps := func(n int) {
		for range n {
			standby.Step(t.Context())
			log.now = log.now.Add(time.Second)
		}
	}
	steps(600)
	require.Greater(t, len(log.opened), 5, "it goes on trying")
	require.Less(t, len(log.opened), 25, "and not every second")
	require.Len(t, node.Standbys(), 1)

	log.caught = true
	steps(70)
	opened := len(log.opened)
	steps(100)
	require.Len(t, log.opened, opened)
	s := node.Standbys()[0]
	require.Equal(t, log.start, s.Next)
	require.LessOrEqual(t, s.Behind, time.Second)

	// Outrun again much later, it begins anew at once.
	log.caught = false
	standby.Step(t.Context())
	log.now, log.caught = log.now.Add(time.Second), true
	standby.Step(t.Context())
	require.Len(t, log.opened, opened+1)
}
