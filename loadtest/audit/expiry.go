package audit

import (
	"fmt"
	"slices"
	"sort"

	"holdfast/topology/record"
)

// An unpaid order's hold ends at a due time: log time of its create in
// log.orders plus what it may be held. The orders stage decides what is due with
// the first record that it reads at or after that, a tick where nothing else
// comes. So from the logs alone an expiry is
//
//	early   when it was decided at a log time before due;
//	wrong   when the order was paid for at a log time before due;
//	late    when log.orders has a record at T >= due, and the expiry was decided
//	        more than LateMax after T, by a stage that wasn't behind (the event
//	        was written soon after its own log time) and wasn't busy with many
//	        other expiries since T (it works off a chunk of them at a time), and
//	        hadn't stood still just before (behind.go).
//
// An order that is held long after its due, and never expired, is late too, if
// the stage has read its log to the end.

// creation is an order.created or a marketplace's snapshot.
type creation struct {
	at     place
	origin place
	due    record.Millis // of its hold
	paid   bool          // nothing is held for a payment
}

// dead tells that the record ended with the dead letters.
func (at place) dead() bool {
	return at.p != nil && (at.p.dead.has(at.offset-at.p.start) || at.p.deadSince[at.offset])
}

// payment is the first record that says that an order is paid.
type payment struct {
	at     record.Millis // log time; 0: there is none
	origin place
	said   record.Millis // of a marketplace's word: its own time
}

// expiry is the order.expired of an order.
type expiry struct {
	at      place
	decided record.Millis // log time
	lag     record.Millis // of the event's own record behind that
}

// moment is a stretch of log time in which records follow closely.
type moment struct{ first, last record.Millis }

// momentMax is how long a moment is at most: lateness is told apart that far.
const momentMax = record.Millis(100)

// pass notes that a partition of log.orders has a record at a time, and returns
// the log's time: the largest so far.
func (p *partition) pass(at record.Millis) record.Millis {
	n := len(p.moments)
	if n == 0 || at > p.moments[n-1].last {
		if n > 0 && at-p.moments[n-1].first < momentMax {
			p.moments[n-1].last = at
		} else {
			p.moments = append(p.moments, moment{at, at})
		}
	}
	return p.moments[len(p.moments)-1].last
}

// firstFrom returns the first time at or after due at which the partition is
// known to have a record; 0 when there is none.
func (p *partition) firstFrom(due record.Millis) record.Millis {
	i := sort.Search(len(p.moments), func(i int) bool { return p.moments[i].last >= due })
	switch {
	case i == len(p.moments):
		return 0
	case p.moments[i].first >= due:
		return p.moments[i].first
	}
	return p.moments[i].last
}

// hears notes what an event of log.orders says of paying.
func (a *Audit) hears(o *open, now record.Millis, origin place, e *record.OrderEvent) {
	if e.Type == record.OrderSnapshot || e.Type == record.OrderStatus {
		o.wordAt = max(o.wordAt, e.OccurredAt)
	}
	if !isPayment(e) || o.paid.at != 0 {
		return
	}
	o.paid = payment{at: now, origin: origin}
	if e.Type != record.OrderPaid {
		o.paid.said = e.OccurredAt
	}
}

// isPayment tells events after which nobody waits for money.
func isPayment(e *record.OrderEvent) bool {
	switch e.Type {
	case record.OrderPaid:
		return true
	case record.OrderSnapshot:
		return e.State != record.StateCancelled && e.State >= record.StatePaid && !allCancelled(e.Order)
	case record.OrderStatus:
		return e.State != record.StateCancelled && e.State >= record.StatePaid
	}
	return false
}

func allCancelled(b *record.OrderBody) bool {
	return b != nil && len(b.Lines) > 0 &&
		!slices.ContainsFunc(b.Lines, func(l record.OrderLine) bool { return l.Cancelled < l.Qty })
}

// due returns when the hold of a create ends.
func (a *Audit) due(now record.Millis, e *record.OrderEvent) record.Millis {
	channel, _, _, _ := e.OrderKey.Cut()
	if e.Fact && record.IsMarketplace(channel) {
		return now + a.cfg.MarketplaceHold
	}
	seconds := e.Order.HoldSeconds
	if seconds <= 0 {
		seconds = record.HoldSecondsUsed
	}
	return now + record.Millis(seconds*1000)
}

// expired notes an order.expired.
func (a *Audit) expired(key string, o *order, x expiry) {
	if o.ended {
		a.found.add(RuleDecidedTwice, key, "it expired twice", x.at)
		return
	}
	o.ended, o.open.expired = true, x
}

// judgeExpiries holds every expiry, and every hold that should have ended,
// against the time at which it was due.
func (a *Audit) judgeExpiries() {
	for n := range a.orders {
		if p := a.orders[n].open; p != nil && p.expired.decided != 0 {
			a.ended = append(a.ended, endedOrder{uint32(n), p.making})
		}
	}
	decided := map[*partition][]record.Millis{}
	for i := range a.ended {
		if e := &a.ended[i]; len(e.created) > 0 {
			p := e.created[0].at.p
			decided[p] = append(decided[p], e.expired.decided)
			if x := &e.expired; x.lag > a.cfg.LateMax { // its creation may have been read later than this
				p.stoodStill(x.decided, x.decided+x.lag)
			}
		}
	}
	for _, list := range decided {
		slices.Sort(list)
	}
	for i := range a.ended {
		e := &a.ended[i]
		if c := e.creation(); c != nil && !a.orders[e.order].unknown {
			a.judgeExpiry(a.orderKeys.text(e.order), &e.making, c, decided[c.at.p])
		}
	}
	for n := range a.orders {
		p := a.orders[n].open
		if p == nil || p.inFlight || p.expired.decided != 0 || a.orders[n].unknown || !p.holds() {
			continue
		}
		if c := p.creation(); c != nil {
			a.judgeHold(a.orderKeys.text(uint32(n)), p, c, decided[c.at.p])
		}
	}
}

// creation returns the create that counted: the first that isn't with the dead letters.
func (m *making) creation() *creation {
	for i := range m.created {
		if !m.created[i].origin.dead() {
			return &m.created[i]
		}
	}
	return nil
}

func (p *open) holds() bool {
	return slices.ContainsFunc(p.live, func(l liveLine) bool { return l.held > 0 })
}

func (a *Audit) judgeExpiry(key string, o *making, c *creation, decided []record.Millis) {
	x, p := &o.expired, c.at.p
	paid := o.paid.at != 0 && o.paid.at < c.due && !o.paid.origin.dead() && (o.paid.said == 0 || o.paid.said/1000 >= o.wordAt/1000)
	switch at := p.firstFrom(c.due); {
	case c.paid:
		a.found.add(RulePaidInTimeButExpired, key, "it was paid from the start, and expired all the same", c.at, x.at)
	case paid:
		a.found.add(RulePaidInTimeButExpired, key, fmt.Sprintf("paid %s, due %s", o.paid.at, c.due), o.paid.origin, x.at)
	case x.decided < c.due:
		a.found.add(RuleExpiredEarly, key, fmt.Sprintf("expired %s, due %s", x.decided, c.due), c.at, x.at)
	case at != 0 && x.decided-at > a.cfg.LateMax && x.lag <= a.cfg.LateMax && !a.busy(decided, at, x.decided) && !p.behind(at, x.decided, a.cfg.LateMax):
		a.found.add(RuleExpiredLate, key, fmt.Sprintf("expired %s, due %s; the log went on at %s", x.decided, c.due, at), c.at, x.at)
	}
}

func (a *Audit) judgeHold(key string, o *open, c *creation, decided []record.Millis) {
	p := c.at.p
	if c.paid || o.paid.at != 0 || !p.bounded || p.committed < p.end {
		return
	}
	at, now := p.firstFrom(c.due), record.Millis(0)
	if n := len(p.moments); n > 0 {
		now = p.moments[n-1].last
	}
	if at != 0 && now-at > a.cfg.LateMax && !a.busy(decided, at, now) && !p.behind(at, now, a.cfg.LateMax) {
		a.found.add(RuleExpiredLate, key, fmt.Sprintf("still held, due %s; the log went on to %s", c.due, now), c.at, o.last)
	}
}

// busy tells that so many expiries were decided in a stretch of time that others
// may have had to wait: a chunk holds other things that are due too.
func (a *Audit) busy(decided []record.Millis, from, to record.Millis) bool {
	first := sort.Search(len(decided), func(i int) bool { return decided[i] >= from })
	last := sort.Search(len(decided), func(i int) bool { return decided[i] > to })
	return last-first > max(1, a.cfg.DueChunk/4)
}
