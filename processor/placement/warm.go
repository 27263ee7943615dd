package placement

// WarmUp returns the partitions, as indexes, that would be a node's if balance were
// all that counted, and that another node owns now: what it has to have stores of
// before the group can be balanced without anybody waiting for a restore. None
// where the group is balanced. Claim.Stores of the members should have what they
// own and what they stand by for anyway, as warm: then the least is warmed up
// beside it.
func WarmUp(node string, members []Member, partitions []Partition) []int {
	balanced := make([]Member, len(members))
	for i, m := range members {
		m.Claim.Standbys = false
		balanced[i] = m
	}
	now := owners(members, partitions)
	var out []int
	for p, to := range Of(balanced, partitions) {
		if to != NoOne && now[p] != NoOne && members[to].Node == node && members[now[p]].Node != node {
			out = append(out, p)
		}
	}
	return out
}
