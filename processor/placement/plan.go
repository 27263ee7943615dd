package placement

import (
	"cmp"
	"slices"
	"strings"
)

// Partition is one of a group's inputs.
type Partition struct {
	Topic  string
	Number int32
}

// Compare orders by topic and number.
func (p Partition) Compare(q Partition) int {
	return cmp.Or(strings.Compare(p.Topic, q.Topic), cmp.Compare(p.Number, q.Number))
}

// Member is a worker as it joins its group.
type Member struct {
	ID     string
	Node   string // members of one node share their stores
	Topics []string
	// Owned are the partitions that it thinks are its own, as of Generation.
	Owned      []Partition
	Generation int32
	Claim      Claim
}

// NoOne is the owner of a partition that no member wants.
const NoOne = -1

// Of returns the owner of each partition, as an index into members, which must be
// sorted. The same arguments give the same plan everywhere; a plan that its
// members have carried out is its own next plan, where no store has become worse.
func Of(members []Member, partitions []Partition) []int {
	f := newFlow(members, partitions)
	for p := range partitions {
		f.insert(p)
	}
	return f.owner
}

// costs of a plan; each is as much as all that the ones before it can add up to.
type costs struct {
	worker int64 // moving between workers of a node
	node   int64 // moving between nodes
	load   int64 // the k-th partition of a member costs k times this
	lag    int64 // a store that isn't warm, times its lag
}

func priced(members, partitions int, warming bool) costs {
	// A better plan may be a chain of moves, at most one for each member.
	chain := int64(members) + 1
	c := costs{worker: 1, node: chain}
	if warming {
		c.load = c.node * chain
		c.lag = c.load * (int64(partitions) + 2) * chain
	} else {
		c.lag = c.node * chain
		c.load = c.lag * int64(None+1) * chain
	}
	return c
}

// warming tells whether every node can warm a store up.
func warming(members []Member) bool {
	return !slices.ContainsFunc(members, func(m Member) bool { return !m.Claim.Standbys })
}

// owners returns who owns each partition now. Of several claims, the one of the
// latest generation counts: the others missed that it was taken from them.
func owners(members []Member, partitions []Partition) []int {
	place := make(map[Partition]int, len(partitions))
	for i, p := range partitions {
		place[p] = i
	}
	owner := make([]int, len(partitions))
	for i := range owner {
		owner[i] = NoOne
	}
	for m := range members {
		for _, p := range members[m].Owned {
			i, ok := place[p]
			if ok && (owner[i] == NoOne || members[m].Generation > members[owner[i]].Generation) {
				owner[i] = m
			}
		}
	}
	return owner
}

// prices returns what it costs to give each partition to each member, the load
// aside; impossible where the member doesn't want it.
func prices(members []Member, partitions []Partition, c costs) [][]int64 {
	stores := map[string]map[int32]Lag{} // by node: its best
	for _, m := range members {
		of := stores[m.Node]
		if of == nil {
			of = map[int32]Lag{}
			stores[m.Node] = of
		}
		for p, lag := range m.Claim.Stores {
			if had, ok := of[p]; !ok || lag < had {
				of[p] = lag
			}
		}
	}
	owner := owners(members, partitions)
	out := make([][]int64, len(partitions))
	for i, p := range partitions {
		out[i] = make([]int64, len(members))
		for m := range members {
			to := &members[m]
			if !slices.Contains(to.Topics, p.Topic) {
				out[i][m] = impossible
				continue
			}
			lag, ok := stores[to.Node][p.Number]
			if !ok {
				lag = None
			}
			if owner[i] == m {
				lag = min(lag, OnDisk) // it is about to open one, if it hasn't yet
			}
			if lag = min(lag, None); lag > Warm {
				out[i][m] += c.lag * int64(lag)
			}
			switch from := owner[i]; {
			case from == m || from == NoOne:
			case members[from].Node == to.Node:
				out[i][m] += c.worker
			default:
				out[i][m] += c.node
			}
		}
	}
	return out
}
