package placement

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	formats "holdfast/internal/golden"
)

// dice makes a group with any history.
func dice(rng *rand.Rand, membersMax, partitionsMax int) (members []Member, partitions []Partition) {
	for p := range 1 + rng.IntN(partitionsMax) {
		partitions = append(partitions, Partition{"log", int32(p)})
	}
	standbys, workers := rng.IntN(2) == 0, 1+rng.IntN(2)
	for n := range 1 + rng.IntN(membersMax) {
		node := fmt.Sprint(n / workers)
		members = append(members, Member{ID: fmt.Sprintf("%s/%d", node, n), Node: node, Topics: []string{"log"}, Generation: int32(rng.IntN(3)),
			Claim: Claim{Standbys: standbys || rng.IntN(8) == 0, Stores: map[int32]Lag{}}})
	}
	slices.SortFunc(members, func(a, b Member) int { return compare(a.ID, b.ID) })
	for _, p := range partitions {
		for m := range members {
			if rng.IntN(len(members)) == 0 {
				members[m].Owned = append(members[m].Owned, p)
			}
			if rng.IntN(2) == 0 {
				members[m].Claim.Stores[p.Number] = []Lag{Even, Warm, 17, 23, OnDisk, None, 255}[rng.IntN(7)]
			}
		}
	}
	return members, partitions
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func price(members []Member, partitions []Partition, plan []int) int64 {
	c := priced(len(members), len(partitions), warming(members))
	each := prices(members, partitions, c)
	total, load := int64(0), make([]int64, len(members))
	for p, m := range plan {
		load[m]++
		total += each[p][m] + c.load*load[m]
	}
	return total
}

// cheapest tries every plan.
func cheapest(members []Member, partitions []Partition) int64 {
	plan, least := make([]int, len(partitions)), int64(impossible)
	var try func(p int)
	try = func(p int) {
		if p == len(plan) {
			least = min(least, price(members, partitions, plan))
			return
		}
		for m := range members {
			plan[p] = m
			try(p + 1)
		}
	}
	try(0)
	return least
}

func TestNoPlanIsCheaper(t *testing.T) {
	for seed := range uint64(400) {
		members, partitions := dice(rand.New(rand.NewPCG(seed, 1)), 4, 5)
		require.Equal(t, cheapest(members, partitions), price(members, partitions, Of(members, partitions)), "seed %d", seed)
	}
}

func loads(members []Member, plan []int) (least, most int) {
	load := make([]int, len(members))
	for _, m := range plan {
		load[m]++
	}
	return slices.Min(load), slices.Max(load)
}

// A plan is carried out as the protocol does it: what moves is given up first, and
// given out in the next round, where the one who had it has its store closed.
func TestPlansComeToRest(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 2))
		members, partitions := dice(rng, 9, 40)
		moves := 0
		for round := 0; ; round++ {
			require.Less(t, round, 6, "seed %d", seed)
			plan, now := Of(members, partitions), owners(members, partitions)
			require.NotContains(t, plan, NoOne)
			for m := range members {
				members[m].Owned, members[m].Generation = nil, int32(10+round)
			}
			rest := true
			for p, to := range plan {
				switch from := now[p]; {
				case from == to || from == NoOne:
					members[to].Owned = append(members[to].Owned, partitions[p])
					rest = rest && from == to
				default:
					rest = false
					moves++
					if members[from].Node != members[to].Node {
						members[from].Claim.Stores[partitions[p].Number] = OnDisk
					}
				}
			}
			if rest {
				break
			}
		}
		require.LessOrEqual(t, moves, len(partitions), "seed %d: each moves once at most", seed)

		// At rest, and everything even where it is: nothing moves but for balance,
		// and for balance no more than has to.
		now := owners(members, partitions)
		for p, m := range now {
			members[m].Claim.Stores[partitions[p].Number] = Even
		}
		load := make([]int, len(members))
		for _, m := range now {
			load[m]++
		}
		for i := range members {
			members[i].Claim.Standbys = false
			for _, p := range partitions { // and everybody has a store that is as good
				members[i].Claim.Stores[p.Number] = Even
			}
		}
		plan := Of(members, partitions)
		least, most := loads(members, plan)
		require.LessOrEqual(t, most-least, 1, "seed %d", seed)
		moved, give, take := 0, 0, 0
		for p := range plan {
			if plan[p] != now[p] {
				moved++
			}
		}
		floor, extra := len(partitions)/len(members), len(partitions)%len(members)
		above := 0
		for _, n := range load {
			give += max(0, n-floor-1)
			take += max(0, floor-n)
			if n > floor {
				above++
			}
		}
		need := max(give+max(0, above-extra), take)
		require.GreaterOrEqual(t, moved, need, "seed %d", seed)
		if alone(members) { // else workers of a node swap to spare a move between nodes
			require.Equal(t, need, moved, "seed %d: as few as balance asks for", seed)
		}
		require.True(t, moved > 0 || slices.Equal(plan, now), "seed %d", seed)
	}
}

func alone(members []Member) bool {
	nodes := map[string]bool{}
	for _, m := range members {
		nodes[m.Node] = true
	}
	return len(nodes) == len(members)
}

// Nobody waits for a restore that another node could spare: of what is warm
// somewhere, all goes to where it is.
func TestWhatIsWarmIsUsed(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 3))
		members, partitions := dice(rng, 9, 40)
		for m := range members {
			members[m].Claim.Standbys = true
		}
		plan := Of(members, partitions)
		each := prices(members, partitions, costs{lag: 1})
		for p, m := range plan {
			require.Equal(t, slices.Min(each[p]), each[p][m], "seed %d, partition %d", seed, p)
		}
	}
}

// With the warm-up of every node done, a plan is balanced, and nobody has anything
// left to warm up once it is carried out.
func TestWarmUpMakesBalancePossible(t *testing.T) {
	for seed := range uint64(300) {
		members, partitions := dice(rand.New(rand.NewPCG(seed, 4)), 9, 40)
		for i := range members {
			m := &members[i]
			m.Claim = Claim{Standbys: true, Stores: map[int32]Lag{}}
			for _, p := range m.Owned {
				m.Claim.Stores[p.Number] = Even
			}
		}
		warm := map[string][]int{}
		for _, m := range members {
			warm[m.Node] = WarmUp(m.Node, members, partitions)
		}
		for i := range members {
			for _, p := range warm[members[i].Node] {
				members[i].Claim.Stores[partitions[p].Number] = LagOf(3)
			}
		}
		plan := Of(members, partitions)
		least, most := loads(members, plan)
		require.LessOrEqual(t, most-least, 1, "seed %d", seed)
		carryOut(members, partitions, plan)
		for _, m := range members {
			require.Empty(t, WarmUp(m.Node, members, partitions), "seed %d", seed)
		}
	}
}

func FuzzParseClaim(f *testing.F) {
	c := Claim{Standbys: true, Stores: map[int32]Lag{0: Even, 3: LagOf(1000), 300: OnDisk}}
	f.Add(c.Append(nil))
	f.Add([]byte{1, 0, 0})
	f.Add([]byte{2, 1, 1, 5, 9, 'm', 'o', 'r', 'e'})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseClaim(b)
		if err != nil {
			return
		}
		again, err := ParseClaim(c.Append(nil))
		require.NoError(t, err)
		require.Equal(t, c, again)
	})
}

// Members of different versions share a group: the bytes of this one stay.
func TestClaimBytes(t *testing.T) {
	c := Claim{Standbys: true, Stores: map[int32]Lag{300: OnDisk, 0: Even, 3: LagOf(1000)}}
	golden := []byte{1, 1, 3, 0, 0, 3, 10, 0xac, 2, 80}
	require.Equal(t, golden, c.Append(nil))
	formats.Check(t, "claim", claimVersion, c.Append(nil))
	formats.Each(t, "claim", func(_ int, b []byte) {
		_, err := ParseClaim(b)
		require.NoError(t, err)
	})
	got, err := ParseClaim(append(golden, 7, 7)) // of a later version
	require.NoError(t, err)
	require.Equal(t, c, got)
	for n := range golden {
		_, err := ParseClaim(golden[:n])
		require.Error(t, err, "%d bytes", n)
	}
	_, err = ParseClaim([]byte{1, 0, 0xff, 0xff, 0xff, 0x7f})
	require.ErrorContains(t, err, "stores")
}

func BenchmarkPlan(b *testing.B) {
	for _, size := range []struct{ members, partitions int }{{8, 64}, {32, 256}, {100, 1000}} {
		members, partitions := []Member{}, []Partition{}
		for p := range size.partitions {
			partitions = append(partitions, Partition{"log", int32(p)})
		}
		for m := range size.members {
			members = append(members, Member{ID: fmt.Sprintf("%03d", m), Node: fmt.Sprint(m / 2), Topics: []string{"log"}, Claim: Claim{Standbys: true, Stores: map[int32]Lag{}}})
		}
		// The first node is gone.
		for p := range partitions {
			if m := p % size.members; m > 1 {
				members[m].Owned = append(members[m].Owned, partitions[p])
				members[m].Claim.Stores[int32(p)] = Even
			}
			members[(p+7)%size.members].Claim.Stores[int32(p)] = Even
		}
		b.Run(fmt.Sprintf("members=%d/partitions=%d", size.members, size.partitions), func(b *testing.B) {
			for b.Loop() {
				Of(members[2:], partitions)
			}
		})
	}
}
