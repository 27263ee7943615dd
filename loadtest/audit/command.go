package audit

import (
	"fmt"

	"holdfast/topology/record"
)

// commandKey is what a command and its decision have in common.
type commandKey struct {
	order, sku uint32
	attempt    uint32
	verb       record.Verb
}

// feedKey is the same for a record of the stock feed. The warehouse isn't in it:
// a decision that moves nothing doesn't tell it.
type feedKey struct {
	sku, event uint32
	verb       record.Verb
}

// appliedKey is a stock event that moved something: once at most.
type appliedKey struct {
	sku, warehouse, event uint32
}

// tally counts the commands and the decisions of one key. Both are in order: all
// commands of a SKU are in one partition, and all decisions of one kind, order
// and SKU are in one partition, so the n-th decision answers the n-th command.
type tally struct {
	sent     uint16        // commands
	consumed uint16        // of them below inventory's committed offset
	decided  uint16        // decisions
	deciding uint16        // of them those that weren't repetitions
	at       record.Millis // append time of the first command that is known
}

// note counts a command. The first one's time counts: where logs were trimmed its
// decision may be gone, be the last one of today.
func (t *tally) note(appended record.Millis) {
	if t.sent++; t.sent == 1 {
		t.at = appended
	}
}

// remembered is how long an event id is known at least.
const remembered = record.Millis(24 * 60 * 60 * 1000)

func (a *Audit) command(at place, appended record.Millis, e record.Entry) error {
	c := &a.scratch.command
	if err := c.Decode(e.Body); err != nil {
		return err
	}
	k := commandKey{a.orderNumber(string(c.OrderKey)), a.skus.number(string(c.SKU)), c.Attempt, c.Verb}
	p := a.opened(k.order)
	p.ask(k, func(t *tally) {
		t.note(appended)
		if at.consumed() {
			t.consumed++
		}
	})
	if !at.consumed() {
		a.notConsumed(pending{place: at, order: k.order, command: k})
	}
	return nil
}

func (a *Audit) stockCommand(at place, appended record.Millis, e record.Entry) error {
	c := &a.scratch.stock
	if err := c.Decode(e.Body); err != nil {
		return err
	}
	k := feedKey{a.skus.number(string(c.SKU)), a.events.number(c.EventID), c.Verb}
	t := a.feed[k]
	t.note(appended)
	if at.consumed() {
		t.consumed++
	} else {
		a.notConsumed(pending{place: at, feed: k})
	}
	a.feed[k] = t
	return nil
}

// countDecision sets a decision against its command. ordinal is its number among
// the decisions of its key, from 1; 0 for a fill, which nobody commanded.
func (a *Audit) countDecision(at place, appended record.Millis, orderNo, sku uint32, d *record.Decision) (k commandKey, ordinal uint16) {
	switch d.Verb {
	case record.VerbReserve, record.VerbConfirm, record.VerbRelease, record.VerbShip,
		record.VerbReduce, record.VerbReturn, record.VerbShipUnclaimed:
		k = commandKey{orderNo, sku, d.Attempt, d.Verb}
		t := a.opened(orderNo).ask(k, func(t *tally) {
			t.decided++
			if decides(d.Outcome) {
				t.deciding++
			}
		})
		if t.deciding > 1 && d.Verb == record.VerbReserve && decides(d.Outcome) {
			a.found.add(RuleDecidedTwice, string(d.OrderKey), fmt.Sprintf("%s: reserve of attempt %d decided %d times", d.SKU, d.Attempt, t.deciding), at)
		}
		return k, t.decided
	case record.VerbCount, record.VerbReceive, record.VerbAdjust, record.VerbDamage, record.VerbPolicy:
		a.countFeedDecision(at, appended, sku, d)
	}
	return k, 0
}

func (a *Audit) countFeedDecision(at place, appended record.Millis, sku uint32, d *record.Decision) {
	event := a.events.number(d.Cause)
	k := feedKey{sku, event, d.Verb}
	t := a.feed[k]
	t.decided++
	a.feed[k] = t
	if d.Outcome != record.OutcomeDone || len(d.Moves) == 0 {
		return
	}
	once := appliedKey{sku, a.warehouses.number(string(d.Moves[0].Warehouse)), event}
	before, again := a.applied[once]
	if again && appended-before < remembered {
		a.found.add(RuleDecidedTwice, stockKey(string(d.SKU), string(d.Moves[0].Warehouse)), fmt.Sprintf("stock event %s applied twice", d.Cause), at)
	}
	a.applied[once] = appended
}

// decides tells the outcomes that settle a command from those that repeat or
// refuse to look.
func decides(o record.Outcome) bool {
	return o == record.OutcomeGranted || o == record.OutcomePartial || o == record.OutcomeRefused
}

// judgeCommands holds commands against decisions.
func (a *Audit) judgeCommands() {
	complete := !a.trimmed(roleInventory)
	for n := range a.orders {
		if p := a.orders[n].open; p != nil {
			a.judgeAsks(uint32(n), p, complete)
		}
	}
	for k, t := range a.feed {
		if t.sent != t.decided {
			a.judgeTally(t, complete, a.skus.text(k.sku), fmt.Sprintf("%s by event %s", k.verb, a.events.text(k.event)))
		}
	}
}

func (a *Audit) judgeAsks(n uint32, p *open, complete bool) {
	for i := range p.asks {
		s := &p.asks[i]
		t := s.tally
		if t.sent > t.decided {
			p.inFlight = true
		}
		if s.verb == record.VerbRelease && t.decided > t.sent && p.reservedAgain(s) {
			t.decided-- // the new reserve ended the old attempt by itself
		}
		if t.sent != t.decided {
			a.judgeTally(t, complete, a.orderKeys.text(n), fmt.Sprintf("%s of %s, attempt %d", s.verb, a.skus.text(s.sku), s.attempt))
		}
	}
}

// reservedAgain tells whether a later attempt reserved the SKU for the order.
func (p *open) reservedAgain(released *ask) bool {
	for i := range p.asks {
		if s := &p.asks[i]; s.sku == released.sku && s.verb == record.VerbReserve && s.attempt > released.attempt && s.sent > 0 {
			return true
		}
	}
	return false
}

func (a *Audit) judgeTally(t tally, complete bool, key, what string) {
	switch {
	case a.trim && t.at < a.vouches+trimSlack: // its decision may be trimmed
	case t.consumed > t.decided:
		a.found.add(RuleInputLost, key, fmt.Sprintf("%s: %d consumed, %d decided", what, t.consumed, t.decided))
	case t.decided > t.sent && complete && t.sent == 0:
		a.found.add(RuleNotConserved, key, what+": decided, and nobody asked for it")
	case t.decided > t.sent && complete:
		a.found.add(RuleDecidedTwice, key, fmt.Sprintf("%s: asked %d times, decided %d times", what, t.sent, t.decided))
	}
}

// trimmed tells whether a partition of the log begins above 0.
func (a *Audit) trimmed(r role) bool {
	for _, p := range a.partitions {
		if p.trimmed && p.role == r {
			return true
		}
	}
	return false
}

func stockKey(sku, warehouse string) string { return sku + "@" + warehouse }
