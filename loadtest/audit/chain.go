package audit

import (
	"fmt"

	"holdfast/topology/record"
)

// movement is a record.Movement with what the model needs of its decision.
type movement struct {
	number        uint64
	qty           record.Quantity
	before, after record.Counters
	order         uint32 // 0 for the stock feed
	verb          record.Verb
	allocated     bool
	found         bool   // booked in because a shipment took more than was known of
	ordinal       uint16 // of the decision among those of command
	command       commandKey
	at            place
	appended      record.Millis
}

type skuWarehouse struct{ sku, warehouse uint32 }

// chainNumber names a movement, chainOrder what an order claims in a chain.
type chainNumber struct {
	chain  uint32
	number uint64
}

type chainOrder struct{ chain, order uint32 }

// claim is what an order has of a chain's units.
type claim struct{ held, allocated record.Quantity }

// chain is the model of one SKU at one warehouse.
type chain struct {
	skuWarehouse
	next   uint64          // number of the movement that it waits for
	opened uint64          // number of the first that counts, of a chain that was opened in its middle
	model  record.Counters // recomputed here, never taken from the log
	drift  record.Counters // log minus model, as far as it is reported already
	logged record.Counters // the log's own After of the last movement
	last   record.Millis   // append time of the last movement
	// pool is what was claimed before a chain that was opened in its middle
	// began: by whom isn't known.
	pool              claim
	in                record.Quantity // received ± adjusted ± corrected, and found when opened
	shipped, returned record.Quantity
	found             bool // the last movement was found by a shipment, which comes next
	early             int  // movements in Audit.early
}

func (a *Audit) chainNumber(sku, warehouse uint32) uint32 {
	k := skuWarehouse{sku, warehouse}
	if n, ok := a.chainIDs[k]; ok {
		return n
	}
	n := uint32(len(a.chains))
	a.chains = append(a.chains, chain{skuWarehouse: k, next: 1})
	a.chainIDs[k] = n
	return n
}

func (a *Audit) chainKey(c *chain) string {
	return stockKey(a.skus.text(c.sku), a.warehouses.text(c.warehouse))
}

// move folds m when its turn has come, and all that waited for it.
func (a *Audit) move(n uint32, m movement) {
	c := &a.chains[n]
	if m.number < c.opened {
		a.orders[m.order].unknown = true // its claim may be in the pool
		return
	}
	if m.number < c.next {
		a.found.add(RuleNotConserved, a.chainKey(c), fmt.Sprintf("movement %d comes twice", m.number), m.at)
		return
	}
	if m.number > c.next || a.trim && c.next == 1 {
		k := chainNumber{n, m.number}
		if other, ok := a.early[k]; ok {
			a.found.add(RuleNotConserved, a.chainKey(c), fmt.Sprintf("movement %d comes twice", m.number), other.at, m.at)
			return
		}
		a.early[k] = m
		c.early++
		a.opened(m.order).early++
		return
	}
	a.apply(n, &m)
	a.applyEarly(n)
}

// applyEarly folds the movements that follow the chain's last one without a gap.
func (a *Audit) applyEarly(n uint32) {
	c := &a.chains[n]
	for c.early > 0 {
		k := chainNumber{n, c.next}
		m, ok := a.early[k]
		if !ok {
			return
		}
		delete(a.early, k)
		c.early--
		a.opened(m.order).early--
		a.apply(n, &m)
		a.close(m.order)
	}
}

// apply moves the model and holds the log's counters against it.
func (a *Audit) apply(n uint32, m *movement) {
	c := &a.chains[n]
	c.next = m.number + 1
	a.compare(c, m, "before", m.before)
	found := c.found
	c.found = m.found
	switch {
	case m.found:
		c.model.OnHand += m.qty
		c.in += m.qty
	default:
		a.moveBy(n, m)
	}
	if found && (!ships(m.verb) || c.model.OnHand != 0) {
		a.found.add(RuleNotConserved, a.chainKey(c), fmt.Sprintf("movement %d booked in units found by a shipment that didn't need them", m.number-1), m.at)
	}
	a.compare(c, m, "after", m.after)
	c.logged, c.last = m.after, m.appended
	if c.model.Unavailable < 0 {
		a.found.add(RuleNotConserved, a.chainKey(c), fmt.Sprintf("movement %d, %s %d: %d units would be unavailable", m.number, m.verb, m.qty, c.model.Unavailable), m.at)
	}
	if c.model.OnHand < 0 || m.after.OnHand < 0 {
		a.found.add(RuleNegativeOnHand, a.chainKey(c), fmt.Sprintf("movement %d, %s %d: on hand %d, the log says %d", m.number, m.verb, m.qty, c.model.OnHand, m.after.OnHand), m.at)
	}
}

// moveBy moves the model by what the verb does.
func (a *Audit) moveBy(n uint32, m *movement) {
	switch c := &a.chains[n]; m.verb {
	case record.VerbReserve, record.VerbFill:
		a.grant(n, m)
	case record.VerbConfirm:
		a.confirm(n, m)
	case record.VerbRelease, record.VerbReduce:
		a.release(n, m)
	case record.VerbShip:
		a.ship(n, m)
	case record.VerbShipUnclaimed:
		c.model.OnHand -= m.qty
		c.shipped += m.qty
	case record.VerbReturn:
		c.model.OnHand += m.qty
		c.returned += m.qty
		if m.after.Unavailable != m.before.Unavailable {
			c.model.Unavailable += m.qty // the order says which; a return of a part is no return
		}
	case record.VerbDamage:
		c.model.Unavailable += m.qty
	case record.VerbReceive, record.VerbAdjust, record.VerbCount:
		c.model.OnHand += m.qty
		c.in += m.qty
	default:
		a.found.add(RuleNotConserved, a.chainKey(c), fmt.Sprintf("movement %d by the unknown verb %d", m.number, m.verb), m.at)
	}
}

// compare reports a difference between log and model once, where it arises.
func (a *Audit) compare(c *chain, m *movement, when string, logged record.Counters) {
	drift := record.Counters{
		OnHand: logged.OnHand - c.model.OnHand, Unavailable: logged.Unavailable - c.model.Unavailable,
		Held: logged.Held - c.model.Held, Allocated: logged.Allocated - c.model.Allocated,
	}
	if drift != c.drift {
		c.drift = drift
		a.found.add(RuleNotConserved, a.chainKey(c), fmt.Sprintf("movement %d, %s %d: %s it the log has %s, the model %s",
			m.number, m.verb, m.qty, when, counters(logged), counters(c.model)), m.at)
	}
}

func counters(c record.Counters) string {
	return fmt.Sprintf("on hand %d, held %d, allocated %d, unavailable %d", c.OnHand, c.Held, c.Allocated, c.Unavailable)
}

// grant is a reserve or a fill: units that were free a moment ago get an owner.
func (a *Audit) grant(n uint32, m *movement) {
	c := &a.chains[n]
	if free := max(0, c.model.Available()); m.qty > free {
		a.oversold += m.qty - free
		a.found.add(RuleOversold, a.chainKey(c), fmt.Sprintf("movement %d, %s: %s gets %d, %d were free", m.number, m.verb, a.orderKeys.text(m.order), m.qty, free), m.at)
	}
	k := chainOrder{n, m.order}
	had := a.claim(k)
	if m.allocated {
		c.model.Allocated += m.qty
		had.allocated += m.qty
	} else {
		c.model.Held += m.qty
		had.held += m.qty
	}
	a.setClaim(k, had)
}

func (a *Audit) confirm(n uint32, m *movement) {
	c := &a.chains[n]
	k := chainOrder{n, m.order}
	had := a.claim(k)
	own := min(m.qty, had.held)
	if rest := m.qty - own; rest > 0 && !c.fromPool(&c.pool.held, rest) {
		a.notClaimed(RuleNotConserved, c, m, had)
	}
	c.model.Held -= m.qty
	c.model.Allocated += m.qty
	a.setClaim(k, claim{held: had.held - own, allocated: had.allocated + m.qty})
}

// release gives back what the order claims, or a part of it. A part takes what is
// held before what is allocated.
func (a *Audit) release(n uint32, m *movement) {
	c := &a.chains[n]
	k := chainOrder{n, m.order}
	had := a.claim(k)
	held := min(m.qty, had.held)
	allocated := min(m.qty-held, had.allocated)
	a.setClaim(k, claim{held: had.held - held, allocated: had.allocated - allocated})
	if rest := m.qty - held - allocated; rest > 0 {
		fromHeld := m.heldPool(c, rest)
		switch {
		case c.fromPool(&c.pool.held, fromHeld) && c.fromPool(&c.pool.allocated, rest-fromHeld):
			held, allocated = held+fromHeld, allocated+rest-fromHeld
		default:
			a.notClaimed(RuleReleasedTwice, c, m, had)
			held += rest
		}
	}
	c.model.Held -= held
	c.model.Allocated -= allocated
}

// ship takes units that leave off what the order claims: allocated ones, and
// held ones of an order that nobody paid.
func (a *Audit) ship(n uint32, m *movement) {
	c := &a.chains[n]
	k := chainOrder{n, m.order}
	had := a.claim(k)
	allocated := min(m.qty, had.allocated)
	held := min(m.qty-allocated, had.held)
	a.setClaim(k, claim{held: had.held - held, allocated: had.allocated - allocated})
	if rest := m.qty - allocated - held; rest > 0 {
		fromHeld := m.heldPool(c, rest)
		if !c.fromPool(&c.pool.allocated, rest-fromHeld) {
			a.notClaimed(RuleNotConserved, c, m, had)
		}
		c.fromPool(&c.pool.held, fromHeld)
		held, allocated = held+fromHeld, allocated+rest-fromHeld
	}
	c.model.Held -= held
	c.model.Allocated -= allocated
	c.model.OnHand -= m.qty
	c.shipped += m.qty
}

// ships tells the verbs by which units leave the building.
func ships(v record.Verb) bool { return v == record.VerbShip || v == record.VerbShipUnclaimed }

func (a *Audit) notClaimed(rule Rule, c *chain, m *movement, had claim) {
	a.found.add(rule, a.chainKey(c), fmt.Sprintf("movement %d, %s %d: %s claims only %d held and %d allocated",
		m.number, m.verb, m.qty, a.orderKeys.text(m.order), had.held, had.allocated), m.at)
}

// heldPool returns how many of the units that the pool must give were held: who
// claimed them isn't known, so the log is believed as to what they were.
func (m *movement) heldPool(c *chain, rest record.Quantity) record.Quantity {
	return min(rest, c.pool.held, max(0, m.before.Held-m.after.Held))
}

// fromPool takes units that somebody claimed before the chain was opened.
func (c *chain) fromPool(pool *record.Quantity, qty record.Quantity) bool {
	if qty > *pool {
		return false
	}
	*pool -= qty
	return true
}
