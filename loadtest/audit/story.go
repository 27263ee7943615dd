package audit

import (
	"cmp"
	"fmt"
	"slices"

	"holdfast/topology/record"
)

// judgeOrders holds order.events against log.orders, and against the claims that
// the model has at the end.
func (a *Audit) judgeOrders() {
	complete := !a.trimmed(roleOrders)
	for n := 1; n < len(a.orders); n++ {
		o := &a.orders[n]
		p := o.open
		if !complete && !o.created {
			o.unknown = true
		}
		if p == nil || p.inFlight {
			continue
		}
		a.judgeStory(uint32(n), o, complete)
		a.judgeClaims(uint32(n), o)
		a.judgeWaits(uint32(n), o)
		if !o.linesJudged {
			a.judgeLines(uint32(n), o)
		}
	}
}

func compareStock(x, y skuWarehouse) int {
	return cmp.Or(cmp.Compare(x.sku, y.sku), cmp.Compare(x.warehouse, y.warehouse))
}

func (a *Audit) judgeStory(n uint32, o *order, complete bool) {
	key := a.orderKeys.text(n)
	if o.seq > 0 && !o.heard && complete {
		a.found.add(RuleOrderWithoutStory, key, "order.events tells of it, and log.orders has no event of it", o.open.last)
	}
	if o.seq > 0 {
		return
	}
	if c := o.open.creation(); c != nil {
		a.found.add(RuleOrderWithoutStory, key, "consumed and decided; order.events has nothing of it", c.at)
	}
}

// judgeClaims compares what an order claims of the stock with what its last
// event says.
func (a *Audit) judgeClaims(n uint32, o *order) {
	if o.unknown {
		return
	}
	type both struct {
		skuWarehouse
		has, says claim
	}
	var all []both
	at := func(k skuWarehouse) *both {
		i := slices.IndexFunc(all, func(b both) bool { return b.skuWarehouse == k })
		if i < 0 {
			i = len(all)
			all = append(all, both{skuWarehouse: k})
		}
		return &all[i]
	}
	for _, c := range o.open.claims {
		at(a.chains[c.chain].skuWarehouse).has = c.claim
	}
	for _, l := range o.open.live {
		if l.held+l.allocated > 0 {
			says := &at(l.skuWarehouse).says
			says.held += l.held
			says.allocated += l.allocated
		}
	}
	slices.SortFunc(all, func(x, y both) int { return compareStock(x.skuWarehouse, y.skuWarehouse) })
	for _, b := range all {
		if b.has != b.says {
			a.judgeClaim(n, o, b.skuWarehouse, b.has, b.says)
		}
	}
}

func (a *Audit) judgeClaim(n uint32, o *order, stock skuWarehouse, has, says claim) {
	// Units that the order claims and doesn't know of: nobody will release them.
	if extra := has.held + has.allocated - says.held - says.allocated; extra > 0 {
		a.leaked += extra
	}
	a.found.add(RuleLeaked, a.orderKeys.text(n), fmt.Sprintf("%s: claims %d held and %d allocated, order.events says %d and %d",
		stockKey(a.skus.text(stock.sku), a.warehouses.text(stock.warehouse)), has.held, has.allocated, says.held, says.allocated), o.open.last)
}

// judgeWaits finds units that wait in inventory for an order that doesn't miss
// them any more.
func (a *Audit) judgeWaits(n uint32, o *order) {
	if o.unknown {
		return
	}
	for _, w := range o.open.waits {
		if a.trim && w.at < a.vouches+trimSlack {
			continue // what reduced it since may be trimmed: log.availability has that, and may begin later
		}
		short := record.Quantity(0)
		for _, l := range o.open.live {
			if l.sku == w.sku {
				short += l.short
			}
		}
		if waiting := w.open(); waiting > short {
			a.found.add(RuleLeaked, a.orderKeys.text(n), fmt.Sprintf("%s: %d units wait for stock, order.events says %d are short", a.skus.text(w.sku), waiting, short), o.open.last)
		}
	}
}

// judgeLines holds the parts of lines that the first event showed against what
// was ordered; the others have been held against the first.
func (a *Audit) judgeLines(n uint32, o *order) {
	p := o.open
	if !o.told || len(p.asked) == 0 || p.combo && a.trim {
		return // what was ordered, or what the combo was made of, may be trimmed
	}
	if !slices.Contains(p.asked, o.lines) {
		a.found.add(RuleLinesDontAddUp, a.orderKeys.text(n), "the parts of its lines aren't what was ordered", p.shownAt)
	}
}
