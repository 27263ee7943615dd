package processor

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"holdfast/processor/placement"
	"holdfast/topology/record"
)

// GroupMember is a member of a group, and what it was assigned.
type GroupMember struct {
	ID    string // its static id, which is its transactional id
	Owned []TopicPartition
}

// standingBy returns the partitions of an input for whose owner a node stands by,
// at most n nodes for each. Every node finds the same from the same members, so
// nobody has to be asked and nothing is agreed on.
//
// Each partition has an order of all nodes of its own (rendezvous hashing); its
// standbys are the first n that aren't its owner:
//
//	partition 3   c b a d    owner b, n 2:  c and a stand by
//	partition 4   a d c b    owner b, n 2:  a and d
//
// A node that comes or goes moves only what it stands by itself. An owner that
// goes leaves to its standby what it had, and a new one follows.
func standingBy(node, group, topic string, partitions int, members []GroupMember, n int) []record.Partition {
	var nodes []string
	owners := map[record.Partition]string{}
	for _, m := range members {
		name, ok := NodeOf(group, m.ID)
		if !ok {
			continue
		}
		nodes = append(nodes, name)
		for _, tp := range m.Owned {
			if tp.Topic == topic {
				owners[tp.Partition] = name
			}
		}
	}
	slices.Sort(nodes)
	nodes = slices.Compact(nodes)
	var mine []record.Partition
	for p := range record.Partition(partitions) {
		others := slices.DeleteFunc(slices.Clone(nodes), func(name string) bool { return name == owners[p] })
		slices.SortFunc(others, func(a, b string) int {
			return cmp.Or(cmp.Compare(rank(topic, p, b), rank(topic, p, a)), strings.Compare(a, b))
		})
		if i := slices.Index(others, node); i >= 0 && i < n {
			mine = append(mine, p)
		}
	}
	return mine
}

// rank is a node's place in a partition's order.
func rank(topic string, p record.Partition, node string) uint64 {
	return xxhash.Sum64String(topic + "/" + strconv.Itoa(int(p)) + "/" + node)
}

// NodeOf returns the instance that a worker belongs to.
func NodeOf(group, id string) (node string, ok bool) {
	rest, ok := strings.CutPrefix(id, group+".")
	dot := strings.LastIndexByte(rest, '.')
	if !ok || dot <= 0 {
		return "", false
	}
	return rest[:dot], true
}

// warmingUp returns the partitions of which this node should have a store beside
// those that it stands by for: they would be its own if its group were balanced,
// and are given to it when it has them.
func warmingUp(node, group, topic string, partitions int, members []GroupMember, n int) []record.Partition {
	standing := map[string]map[int32]placement.Lag{}
	var placed []placement.Member
	for _, m := range members {
		name, ok := NodeOf(group, m.ID)
		if !ok {
			continue
		}
		if standing[name] == nil {
			standing[name] = map[int32]placement.Lag{}
			for _, p := range standingBy(name, group, topic, partitions, members, n) {
				standing[name][int32(p)] = placement.Even
			}
		}
		pm := placement.Member{ID: m.ID, Node: name, Topics: []string{topic}, Claim: placement.Claim{Stores: standing[name]}}
		for _, tp := range m.Owned {
			if tp.Topic == topic {
				standing[name][int32(tp.Partition)] = placement.Even
				pm.Owned = append(pm.Owned, placement.Partition{Topic: topic, Number: int32(tp.Partition)})
			}
		}
		placed = append(placed, pm)
	}
	slices.SortFunc(placed, func(a, b placement.Member) int { return strings.Compare(a.ID, b.ID) })
	all := make([]placement.Partition, partitions)
	for p := range all {
		all[p] = placement.Partition{Topic: topic, Number: int32(p)} // #nosec G115 -- counted up to an int32
	}
	var out []record.Partition
	for _, p := range placement.WarmUp(node, placed, all) {
		out = append(out, record.Partition(p)) // #nosec G115 -- as above
	}
	return out
}
