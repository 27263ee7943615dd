package placement

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// A script has the group as it is, a member a line, and shows who gets what:
//
//	partitions 4
//	a/0 owns=0,1 stores=0:even,1:even standbys
//	b/0 gen=3 owns=2,3
//
// plan shows one plan; follow carries plans out until nothing changes, with all
// that a node gets being even on it from then on; warmup shows what each node
// would warm up.
func TestPlan(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if filepath.Ext(path) == ".hex" {
			return // bytes of a format, and no script
		}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			members, partitions := parseGroup(t, d)
			switch d.Cmd {
			case "plan":
				return show(members, partitions, Of(members, partitions))
			case "follow":
				var out strings.Builder
				for range 10 {
					plan := Of(members, partitions)
					if slices.Equal(plan, owners(members, partitions)) {
						return out.String()
					}
					out.WriteString(show(members, partitions, plan) + "\n")
					carryOut(members, partitions, plan)
				}
				t.Fatalf("%s: never comes to rest", d.Pos)
			case "warmup":
				var out strings.Builder
				var last string
				for _, m := range members {
					if m.Node == last {
						continue
					}
					last = m.Node
					fmt.Fprintf(&out, "%s %v\n", m.Node, WarmUp(m.Node, members, partitions))
				}
				return out.String()
			}
			t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
			return ""
		})
	})
}

func carryOut(members []Member, partitions []Partition, plan []int) {
	for m := range members {
		members[m].Owned = nil
	}
	for p, m := range plan {
		if m != NoOne {
			members[m].Owned = append(members[m].Owned, partitions[p])
			members[m].Claim.Stores[partitions[p].Number] = Even
		}
	}
}

func show(members []Member, partitions []Partition, plan []int) string {
	now := owners(members, partitions)
	var out strings.Builder
	for m := range members {
		fmt.Fprintf(&out, "%s:", members[m].ID)
		for p, to := range plan {
			if to != m {
				continue
			}
			fmt.Fprintf(&out, " %d", partitions[p].Number)
			switch {
			case now[p] == NoOne:
				out.WriteString("+")
			case now[p] != m:
				out.WriteString("<" + members[now[p]].ID)
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}

func parseGroup(t *testing.T, d *datadriven.TestData) (members []Member, partitions []Partition) {
	t.Helper()
	for _, line := range strings.Split(d.Input, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if fields[0] == "partitions" {
			for p := range number(t, d, fields[1]) {
				partitions = append(partitions, Partition{"log", p})
			}
			continue
		}
		node, _, _ := strings.Cut(fields[0], "/")
		m := Member{ID: fields[0], Node: node, Topics: []string{"log"}, Generation: 1, Claim: Claim{Stores: map[int32]Lag{}}}
		for _, f := range fields[1:] {
			key, value, _ := strings.Cut(f, "=")
			for _, v := range strings.Split(value, ",") {
				switch key {
				case "gen":
					m.Generation = number(t, d, v)
				case "owns":
					m.Owned = append(m.Owned, Partition{"log", number(t, d, v)})
					m.Claim.Stores[number(t, d, v)] = Even
				case "stores":
					p, lag, _ := strings.Cut(v, ":")
					m.Claim.Stores[number(t, d, p)] = parseLag(t, d, lag)
				case "standbys":
					m.Claim.Standbys = true
				case "topics":
					m.Topics = []string{v}
				default:
					t.Fatalf("%s: unknown %q", d.Pos, f)
				}
			}
		}
		members = append(members, m)
	}
	return members, partitions
}

func parseLag(t *testing.T, d *datadriven.TestData, s string) Lag {
	t.Helper()
	switch s {
	case "even":
		return Even
	case "disk":
		return OnDisk
	}
	return LagOf(int64(number(t, d, s)))
}

func number(t *testing.T, d *datadriven.TestData, s string) int32 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		t.Fatalf("%s: %v", d.Pos, err)
	}
	return int32(n)
}
