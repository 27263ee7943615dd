package kafka

import "strings"

// openTransaction is a transaction of one transactional id, as its coordinator
// describes it.
type openTransaction struct {
	id       string
	state    string
	producer int64
	epoch    int16
}

// ofTheGone picks the transactions that nobody will end: open, of a group's member
// that the group no longer has. asker is one of our own members in that group,
// members are the static ids that the group has. Everything that isn't picked is
// left to the brokers' timeout.
//
// The transactions must have been described before the group was. What can happen
// around it, and why it does no harm:
//
//	a member came back, seen whole:
//	    its new life asks for a producer id, which ends what was open and begins
//	    another epoch; only then it joins. Described before that: the fence names
//	    the old epoch, and is refused. Described after: it has nothing open, or it
//	    has joined, and the group was described later still, so it is in there.
//	    (The other way round, the group could have been described before it came
//	    and the transaction after: its new one would be ended.)
//	a member is alive, the group rebalances:
//	    who hasn't joined again yet is in the group until the rebalance ends
//	    without it, or its session times out.
//	a static member is down, or starts again, within its session timeout:
//	    it is in the group. It may want its transaction back within the second.
//	a member is alive and was put out (it stood still for longer than its session):
//	    the group refuses the offsets of its transaction, so all it could do is
//	    abort it. It meets an epoch that isn't its own, and joins with a new one.
//	a group without members, or one that its coordinator doesn't know:
//	    a coordinator that has just moved may say so of any group. One that lacks
//	    the asker, who was let in a moment ago, says nothing about the others.
//	a member was put out and joined again as the same life, in between:
//	    see fencer.end.
func ofTheGone(group, asker string, open []openTransaction, members []string) []openTransaction {
	is := make(map[string]bool, len(members))
	for _, m := range members {
		is[m] = true
	}
	if !is[asker] {
		return nil
	}
	var gone []openTransaction
	for _, t := range open {
		if t.state == stateOngoing && isMemberOf(group, t.id) && !is[t.id] {
			gone = append(gone, t)
		}
	}
	return gone
}

// stateOngoing is the only state in which a transaction waits for its producer;
// what is being committed or aborted, the coordinator ends by itself.
const stateOngoing = "Ongoing"

// isMemberOf tells whether a transactional id is one of a group's workers:
// group, instance and slot, parted by dots. None of the last two holds a dot.
func isMemberOf(group, id string) bool {
	rest, ok := strings.CutPrefix(id, group+".")
	instance, slot, dotted := strings.Cut(rest, ".")
	return ok && dotted && instance != "" && slot != "" && !strings.Contains(slot, ".")
}
