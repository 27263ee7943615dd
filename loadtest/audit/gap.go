package audit

import (
	"fmt"
	"sort"

	"holdfast/topology/record"
)

// trimSlack is how far the append times of two logs may be apart for records of
// one transaction.
const trimSlack = record.Millis(60_000)

// judgeGaps folds what still waits for its turn. A gap before a movement whose
// command is below the cut is a hole in the ledger: the missing movement was
// committed before it. A gap after the last such movement lies in the cut, for
// the ends of two logs are never captured at the same moment.
func (a *Audit) judgeGaps() {
	if len(a.early) == 0 {
		return
	}
	byChain := map[uint32][]movement{}
	for k, m := range a.early {
		byChain[k.chain] = append(byChain[k.chain], m)
	}
	for n, moves := range byChain {
		sort.Slice(moves, func(i, j int) bool { return moves[i].number < moves[j].number })
		if a.trim && a.chains[n].next == 1 {
			moves = a.open(n, moves)
		}
		a.foldAcrossGaps(n, moves)
	}
}

func (a *Audit) foldAcrossGaps(n uint32, moves []movement) {
	c := &a.chains[n]
	judged := len(moves)
	for !a.cfg.Settled && judged > 0 && !a.belowCut(&moves[judged-1]) {
		judged--
	}
	for i := range moves {
		m := &moves[i]
		if m.number > c.next {
			if i >= judged {
				a.leaveInFlight(moves[i:])
				return
			}
			a.found.add(RuleNotConserved, a.chainKey(c), fmt.Sprintf("movements %d to %d are missing", c.next, m.number-1), m.at)
			a.adopt(n, m)
		}
		a.takeEarly(n, m.number)
		a.apply(n, m)
	}
}

// belowCut tells whether the command of m's decision was consumed below the cut.
// Of a fill it isn't known.
func (a *Audit) belowCut(m *movement) bool {
	return m.ordinal > 0 && m.ordinal <= a.asked(m.command).consumed
}

func (a *Audit) leaveInFlight(moves []movement) {
	for i := range moves {
		a.inFlight++
		a.opened(moves[i].order).inFlight = true
	}
}

// takeEarly removes a movement from those that wait for their turn.
func (a *Audit) takeEarly(n uint32, number uint64) {
	k := chainNumber{n, number}
	if m, ok := a.early[k]; ok {
		delete(a.early, k)
		a.chains[n].early--
		a.opened(m.order).early--
	}
}

// adopt takes the log's word for the counters before m, where the movements that
// led there aren't known.
func (a *Audit) adopt(n uint32, m *movement) {
	c := &a.chains[n]
	found := m.before.OnHand - c.model.OnHand
	c.in += found
	c.pool.held += max(0, m.before.Held-c.model.Held)
	c.pool.allocated += max(0, m.before.Allocated-c.model.Allocated)
	c.model, c.drift = m.before, record.Counters{}
}

// open begins a chain of a trimmed log with the counters that it finds. Logs are
// trimmed at different places, so before the time from which all of them are
// there the chain has holes: it begins after the last of these. The movement that
// is missing may be as old as the one before the hole.
func (a *Audit) open(n uint32, moves []movement) []movement {
	first := 0
	for i := 1; i < len(moves) && moves[i-1].appended < a.vouches+trimSlack; i++ {
		if moves[i].number != moves[i-1].number+1 {
			first = i
		}
	}
	for i := range moves[:first] {
		a.takeEarly(n, moves[i].number)
		a.orders[moves[i].order].unknown = true
	}
	moves = moves[first:]
	if moves[0].number > 1 {
		a.adopt(n, &moves[0])
		a.chains[n].next, a.chains[n].opened = moves[0].number, moves[0].number
	}
	return moves
}
