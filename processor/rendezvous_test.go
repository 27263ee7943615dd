package processor

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

const rendezvousGroup, rendezvousLog = "app.orders", "app.log.orders"

// membersOf makes nodes of one worker each, which own the partitions in turn.
func membersOf(partitions int, nodes ...string) []GroupMember {
	var out []GroupMember
	for _, n := range nodes {
		out = append(out, GroupMember{ID: rendezvousGroup + "." + n + ".0"})
	}
	for p := range partitions {
		m := &out[p%len(out)]
		m.Owned = append(m.Owned, TopicPartition{rendezvousLog, record.Partition(p)})
	}
	return out
}

func standbys(members []GroupMember, partitions, n int, nodes ...string) map[record.Partition][]string {
	out := map[record.Partition][]string{}
	for _, node := range nodes {
		for _, p := range standingBy(node, rendezvousGroup, rendezvousLog, partitions, members, n) {
			out[p] = append(out[p], node)
		}
	}
	return out
}

func TestStandingBy(t *testing.T) {
	nodes := []string{"a", "b", "c", "d"}
	const partitions = 32
	members := membersOf(partitions, nodes...)
	for n := range 6 {
		got := standbys(members, partitions, n, nodes...)
		for p := range record.Partition(partitions) {
			require.Len(t, got[p], min(n, 3), "as many as there are others")
			require.NotContains(t, got[p], nodes[int(p)%4], "the owner has it already")
		}
	}
	load := map[string]int{}
	for _, names := range standbys(members, partitions, 1, nodes...) {
		load[names[0]]++
	}
	for _, n := range nodes {
		require.Positive(t, load[n], "%v", load)
	}
}

// A node that goes changes nothing for the partitions that it didn't stand by, and
// its standbys are there for what it owned.
func TestStandingByAfterANodeIsGone(t *testing.T) {
	const partitions = 32
	before := standbys(membersOf(partitions, "a", "b", "c", "d"), partitions, 2, "a", "b", "c", "d")
	left := membersOf(partitions, "a", "b", "c", "d")[:3]
	after := standbys(left, partitions, 2, "a", "b", "c")
	for p := range record.Partition(partitions) {
		require.Len(t, after[p], 2)
		for _, name := range before[p] {
			if name != "d" {
				require.Contains(t, after[p], name, "partition %d", p)
			}
		}
	}
}

func TestStandingByAlone(t *testing.T) {
	require.Empty(t, standingBy("a", rendezvousGroup, rendezvousLog, 8, membersOf(8, "a"), 1))
	require.Empty(t, standingBy("a", rendezvousGroup, rendezvousLog, 8, nil, 1))
	require.Empty(t, standingBy("z", rendezvousGroup, rendezvousLog, 8, membersOf(8, "a", "b"), 1), "not a member")
}

func TestStandingByKnowsWorkersOfOneNode(t *testing.T) {
	members := []GroupMember{{ID: rendezvousGroup + ".a.0"}, {ID: rendezvousGroup + ".a.1", Owned: []TopicPartition{{rendezvousLog, 0}}}, {ID: rendezvousGroup + ".b.0"}, {ID: "other"}}
	require.Empty(t, standingBy("a", rendezvousGroup, rendezvousLog, 1, members, 1))
	require.Equal(t, []record.Partition{0}, standingBy("b", rendezvousGroup, rendezvousLog, 1, members, 1))
	for id, want := range map[string]string{".a.0": "a", ".a": "", "": "", ".0": "", ".x-1.12": "x-1"} {
		got, ok := NodeOf(rendezvousGroup, rendezvousGroup+id)
		require.Equal(t, want, got, fmt.Sprintf("%q", id))
		require.Equal(t, want != "", ok)
	}
}

// A node that has come warms up what would be its share. Whoever else warms
// something up stands by for it anyway, and makes room for it.
func TestWarmingUp(t *testing.T) {
	const partitions = 12
	members := append(membersOf(partitions, "a", "b"), GroupMember{ID: rendezvousGroup + ".c.0"}, GroupMember{ID: "somebody.else"})
	coming := map[record.Partition]string{}
	warming := func(node string) []record.Partition {
		out := warmingUp(node, rendezvousGroup, rendezvousLog, partitions, members, 1)
		for _, p := range out {
			coming[p] = node
		}
		return out
	}
	require.Len(t, warming("c"), partitions/3)
	for _, node := range []string{"a", "b"} {
		require.Subset(t, standingBy(node, rendezvousGroup, rendezvousLog, partitions, members, 1), warming(node))
	}

	// They have what they warmed up.
	for i := range members {
		m := &members[i]
		m.Owned = slices.DeleteFunc(m.Owned, func(tp TopicPartition) bool { return coming[tp.Partition] != "" })
		for p, node := range coming {
			if m.ID == rendezvousGroup+"."+node+".0" {
				m.Owned = append(m.Owned, TopicPartition{rendezvousLog, p})
			}
		}
	}
	for _, node := range []string{"a", "b", "c"} {
		require.Empty(t, warming(node))
	}
}
