package audit

import (
	"slices"

	"holdfast/topology/record"
)

// order is what stays of every order. All else is in open, which it has while
// something of its story is to come.
type order struct {
	seq, statusSeq int32  // of the last order.events, and of the last channel.<name>.status
	lines          uint64 // explodedHash of what its first event showed
	settled        uint32 // attempts below it wait for nothing: it was closed after them
	open           *open
	heard          bool // log.orders has an event of it
	created        bool // log.orders has an order.created of it, or a snapshot
	unknown        bool // a part of its story is before the log's start
	told           bool // lines is set
	linesJudged    bool // lines have been held against what was ordered
	ended          bool // it has expired once
}

// open is what is known of an order whose story isn't complete: what it asked,
// what it claims, and what its last event said. It is given back when every
// question has its answer, nothing is claimed or waited for, and the last event
// says so too. Anything that comes later opens the order again, with nothing,
// which is then the truth: so memory doesn't grow with what is over.
type open struct {
	last     place // of the last order.events
	shownAt  place // of the first
	inFlight bool  // something of it crosses the cut
	combo    bool  // its first event showed parts of a combo
	early    int   // movements in Audit.early
	uneven   int   // asks whose command or decision is still to come
	asks     []ask
	claims   []claimRow
	waits    []wait
	asked    []uint64   // what was ordered, as explodedHash, one for each version
	live     []liveLine // of the last order.events
	making
}

// making is how an order began and whether it was paid, and expired.
type making struct {
	created []creation
	paid    payment
	wordAt  record.Millis // the marketplace's latest word, by its own time
	expired expiry
}

// ask is a question to inventory: a command's key in an order, and what came of it.
type ask struct {
	sku, attempt uint32
	verb         record.Verb
	tally
}

func (t *tally) even() bool { return t.sent == t.decided && t.consumed == t.sent }

// claimRow is a claim of a chain's units.
type claimRow struct {
	chain uint32
	claim
}

// endedOrder is an order that expired and is over.
type endedOrder struct {
	order uint32
	making
}

// opened returns what is open of an order, for something new of it.
func (a *Audit) opened(n uint32) *open {
	o := &a.orders[n]
	if o.open == nil {
		if last := len(a.free) - 1; last >= 0 {
			o.open, a.free = a.free[last], a.free[:last]
		} else {
			o.open = &open{}
		}
	}
	return o.open
}

// freeMax is how many are kept to be used again.
const freeMax = 10_000

// close gives back what is open of an order whose story is complete.
func (a *Audit) close(n uint32) {
	o := &a.orders[n]
	p := o.open
	if p == nil || o.seq == 0 || !o.created || p.uneven > 0 || p.early > 0 || len(p.claims) > 0 || p.inFlight || p.claimsOrWaits() {
		return
	}
	if !o.linesJudged {
		a.judgeLines(n, o)
		o.linesJudged = true
	}
	if p.expired.decided != 0 {
		a.ended = append(a.ended, endedOrder{n, p.making})
		p.making = making{}
	}
	for i := range p.waits {
		o.settled = max(o.settled, p.waits[i].attempt+1, p.waits[i].released)
	}
	o.open = nil
	if len(a.free) < freeMax {
		*p = open{asks: p.asks[:0], claims: p.claims[:0], waits: p.waits[:0], asked: p.asked[:0], live: p.live[:0], making: making{created: p.created[:0]}}
		a.free = append(a.free, p)
	}
}

// claimsOrWaits tells that the last event, or a wait, says that more may come.
// Short units count too: whether they wait is told by a decision that may be
// read later, and is then held against them.
func (p *open) claimsOrWaits() bool {
	return len(p.live) > 0 ||
		slices.ContainsFunc(p.waits, func(w wait) bool { return w.open() > 0 })
}

// ask returns the tally of a key; change says what to do with it.
func (p *open) ask(k commandKey, change func(t *tally)) *tally {
	i := len(p.asks) - 1
	for i >= 0 && (p.asks[i].sku != k.sku || p.asks[i].verb != k.verb || p.asks[i].attempt != k.attempt) {
		i--
	}
	if i < 0 {
		i = len(p.asks)
		p.asks = append(p.asks, ask{sku: k.sku, attempt: k.attempt, verb: k.verb})
	}
	t := &p.asks[i].tally
	if !t.even() {
		p.uneven--
	}
	change(t)
	if !t.even() {
		p.uneven++
	}
	return t
}

// asked returns the tally of a command's key, if it is known.
func (a *Audit) asked(k commandKey) tally {
	if p := a.orders[k.order].open; p != nil {
		for i := range p.asks {
			if s := &p.asks[i]; s.sku == k.sku && s.verb == k.verb && s.attempt == k.attempt {
				return s.tally
			}
		}
	}
	return tally{}
}

// claim returns what an order claims of a chain.
func (a *Audit) claim(k chainOrder) claim {
	if p := a.orders[k.order].open; p != nil {
		for i := range p.claims {
			if p.claims[i].chain == k.chain {
				return p.claims[i].claim
			}
		}
	}
	return claim{}
}

func (a *Audit) setClaim(k chainOrder, to claim) {
	p := a.opened(k.order)
	i := slices.IndexFunc(p.claims, func(c claimRow) bool { return c.chain == k.chain })
	switch {
	case i < 0 && to != claim{}:
		p.claims = append(p.claims, claimRow{k.chain, to})
	case i >= 0 && to != claim{}:
		p.claims[i].claim = to
	case i >= 0:
		last := len(p.claims) - 1
		p.claims[i] = p.claims[last]
		p.claims = p.claims[:last]
	}
}

// wait returns an order's wait for a SKU, which is new when there was none.
func (p *open) wait(sku uint32) *wait {
	for i := range p.waits {
		if p.waits[i].sku == sku {
			return &p.waits[i]
		}
	}
	p.waits = append(p.waits, wait{sku: sku})
	return &p.waits[len(p.waits)-1]
}
