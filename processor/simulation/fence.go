package simulation

import (
	"slices"
	"strings"

	"holdfast/topology/record"
)

// fence is what a client does whenever a group has let its member in, as
// processor/kafka does: it looks for transactions of members that are gone for
// good and ends them. What it has seen may be of the past when the request that
// ends it arrives:
//
//	i1 is let in ─> i0 is out, and its transaction 7 is open ───────(late)───────> end 7
//	i0:                                  starts again: 7 is aborted, 9 is begun ──────^ must not be 9
func (s *session) fence() {
	b, g := s.c.b, s.group
	for _, t := range slices.Clone(b.open) {
		if id := t.producer.id; !strings.HasPrefix(id, g.name+".") || g.member(id) != nil {
			continue
		}
		b.trace("%s: transaction %d is of %s, which group %s no longer has", s.member.TransactionalID, t.id, t.producer.id, g.name)
		late := b.faults.fence()
		if late == 0 {
			b.endOfTheGone(t)
			continue
		}
		// It comes when it does most harm, if that is to be.
		newer := func() bool { return t.producer.open != nil && t.producer.open != t }
		b.delayed = append(b.delayed, delayed{at: b.clock() + late, now: newer, do: func() { b.endOfTheGone(t) }})
	}
}

// endOfTheGone aborts a transaction that somebody else has seen open: an EndTxn
// with the epoch that was described. Each transaction has an epoch of its own
// (KIP-890, part 2), so it is refused for any other. Of InitProducerID with the
// producer's id and epoch a broker compares the epoch only while nothing is open:
// what a newer life has open by then, it aborts (see the mutants).
func (b *Broker) endOfTheGone(t *transaction) {
	if t.state == transactionOpen {
		b.endFor(t, t)
	}
}

// endFor aborts a transaction, and takes its epoch away, for somebody who has
// seen one open.
func (b *Broker) endFor(seen, t *transaction) {
	if t != seen {
		b.violation(RuleFenced, "transaction %d of %s is ended in place of transaction %d, which was seen open", t.id, t.producer.id, seen.id)
	}
	b.fenced++
	t.producer.epoch++
	b.end(t, false)
}

// fence is how late a request to end somebody else's transaction comes.
func (f *Faults) fence() record.Millis {
	if f.Fence == nil {
		return 0
	}
	return f.Fence()
}
