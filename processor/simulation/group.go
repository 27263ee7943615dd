package simulation

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"holdfast/processor"
	"holdfast/topology/record"
)

// group is one consumer group with its coordinator.
//
//	stable ──(member joins, leaves, expires)──> preparing ──(all have polled, or the slow are put out)──> stable
//	                                                                  generation + 1, new assignment
//
// A member takes part in a rebalance, and learns of a new assignment, when it
// polls while it allows that. Until then it goes on with what it had; its
// offsets are refused as soon as the generation has moved on without it.
//
// Harsher than Kafka's cooperative protocol: a partition goes to its new owner
// at once, not after the old owner has let go of it. So the generation in the
// offset commit, and waiting for pending offsets, is all that keeps the two
// apart; and nothing else may be relied on, as the old owner may be stopped.
type group struct {
	b          *Broker
	name       string
	topics     []string
	generation int
	preparing  bool
	members    []*member // sorted by id
	owners     map[processor.TopicPartition]*member
	offsets    map[processor.TopicPartition]record.Offset
}

// member is one static member: its id is its transactional id, and a new life
// takes the place of the last.
type member struct {
	id       string
	session  *session
	joined   bool // has polled since the rebalance began
	lastSeen record.Millis
	// lost are the partitions that were taken from the member since it polled
	// last, be it that it owns them again.
	lost map[processor.TopicPartition]bool
}

func (b *Broker) group(name string) *group {
	g := b.groups[name]
	if g == nil {
		g = &group{b: b, name: name, owners: map[processor.TopicPartition]*member{}, offsets: map[processor.TopicPartition]record.Offset{}}
		b.groups[name] = g
		b.groupList = append(b.groupList, g)
	}
	return g
}

// partitions returns all partitions that the group reads, in order.
func (g *group) partitions() []processor.TopicPartition {
	var out []processor.TopicPartition
	for _, topic := range g.topics {
		for _, l := range g.b.order {
			if l.tp.Topic == topic {
				out = append(out, l.tp)
			}
		}
	}
	return out
}

func (g *group) member(id string) *member {
	for _, m := range g.members {
		if m.id == id {
			return m
		}
	}
	return nil
}

// join takes a session in. A known static member keeps its partitions, and the
// session of its earlier life is fenced; a new one makes the group rebalance.
func (g *group) join(s *session) {
	if m := g.member(s.member.TransactionalID); m != nil {
		m.session, m.lastSeen, m.joined = s, g.b.clock(), false
		clear(m.lost)
		return
	}
	m := &member{id: s.member.TransactionalID, session: s, lastSeen: g.b.clock(), lost: map[processor.TopicPartition]bool{}}
	at, _ := slices.BinarySearchFunc(g.members, m, func(a, b *member) int { return strings.Compare(a.id, b.id) })
	g.members = slices.Insert(g.members, at, m)
	g.prepare()
}

func (g *group) prepare() {
	g.preparing = true
	for _, m := range g.members {
		m.joined = false
	}
}

// remove puts a member out. What is left of the group rebalances, or finishes
// the rebalance that waited for it.
func (g *group) remove(m *member) {
	g.drop(m)
	if !g.preparing {
		g.prepare()
	}
	g.completeIfJoined()
}

func (g *group) drop(m *member) {
	g.b.trace("group %s: %s is out", g.name, m.id)
	m.session.out = true
	g.members = slices.DeleteFunc(g.members, func(o *member) bool { return o == m })
	for tp, owner := range g.owners {
		if owner == m {
			delete(g.owners, tp)
		}
	}
}

// expire puts out members that haven't been heard of.
func (g *group) expire(now record.Millis) {
	for _, m := range slices.Clone(g.members) {
		if m.session.alive() {
			m.lastSeen = now // heartbeats come from beside the loop
		} else if now-m.lastSeen > sessionTimeoutMillis {
			g.remove(m)
		}
	}
}

// hurry ends a rebalance without those who haven't polled, as the rebalance
// timeout does.
func (g *group) hurry() {
	if !g.preparing {
		return
	}
	for _, m := range slices.Clone(g.members) {
		if !m.joined {
			g.drop(m)
		}
	}
	g.complete()
}

// poll is the member's part in a rebalance; its session then has the group's
// generation and its own partitions. It returns the partitions that were taken
// away since it polled last.
func (g *group) poll(s *session) (lost []processor.TopicPartition, err error) {
	m := g.member(s.member.TransactionalID)
	switch {
	case s.out: // a client joins again by itself, and fences who came meanwhile
		s.out = false
		g.join(s)
		m = g.member(s.member.TransactionalID)
		for _, tp := range s.assigned {
			m.lost[tp] = true
		}
	case m == nil || m.session != s:
		return nil, kerr.FencedInstanceID
	}
	if g.preparing {
		m.joined = true
		g.completeIfJoined()
	}
	for _, tp := range s.assigned {
		if m.lost[tp] || g.owners[tp] != m {
			lost = append(lost, tp)
		}
	}
	clear(m.lost)
	s.generation = g.generation
	s.assigned = s.assigned[:0]
	for _, tp := range g.partitions() {
		if g.owners[tp] == m {
			s.assigned = append(s.assigned, tp)
		}
	}
	return lost, nil
}

func (g *group) completeIfJoined() {
	for _, m := range g.members {
		if !m.joined {
			return
		}
	}
	g.complete()
}

// complete begins a new generation. Partitions stay where they are as far as
// their owners have no more than their share; an eager client's are taken and
// given anew.
func (g *group) complete() {
	g.preparing = false
	g.generation++
	if len(g.members) == 0 {
		return
	}
	all := g.partitions()
	share := (len(all) + len(g.members) - 1) / len(g.members)
	count := map[*member]int{}
	var free []processor.TopicPartition
	turn := g.b.faults.pick(len(all))
	for i := range all {
		tp := all[(i+turn)%len(all)]
		owner := g.owners[tp]
		if owner != nil && (g.b.faults.eager() || g.b.faults.swap()) {
			owner.lost[tp] = true
		}
		if owner == nil || count[owner] == share || owner.lost[tp] && g.b.faults.swap() {
			if owner != nil {
				owner.lost[tp] = true
			}
			free = append(free, tp)
			continue
		}
		count[owner]++
	}
	turn = g.b.faults.pick(len(g.members))
	for _, tp := range free {
		least := g.members[turn%len(g.members)]
		for i := range g.members {
			if m := g.members[(turn+i)%len(g.members)]; count[m] < count[least] {
				least = m
			}
		}
		g.owners[tp] = least
		count[least]++
	}
	g.b.trace("group %s: generation %d, %d members", g.name, g.generation, len(g.members))
}

// check tells why a member's offsets are refused.
func (g *group) check(s *session) error {
	m := g.member(s.member.TransactionalID)
	switch {
	case s.out:
		return kerr.UnknownMemberID
	case m == nil || m.session != s:
		return kerr.FencedInstanceID
	case s.generation != g.generation:
		return kerr.IllegalGeneration
	}
	return nil
}

// pending tells whether an open transaction may still move the offset.
func (g *group) pending(tp processor.TopicPartition) bool {
	for _, t := range g.b.open {
		if t.group != g {
			continue
		}
		for _, c := range t.offsets {
			if c.tp == tp {
				return true
			}
		}
	}
	return false
}
