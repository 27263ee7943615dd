package audit

import (
	"cmp"
	"fmt"
	"slices"

	"holdfast/topology/record"
)

// claimRow is an open claim of the model.
type claimRow struct {
	order uint32
	skuWarehouse
	claim
}

// judgeOrders holds order.events against log.orders, and against the claims that
// the model has at the end.
func (a *Audit) judgeOrders() {
	claims := a.claimRows()
	waits := map[uint32][]orderSKU{}
	for k, w := range a.waits {
		if w.open() > 0 {
			waits[k.order] = append(waits[k.order], k)
		}
	}
	complete := !a.trimmed(roleOrders)
	for n := 1; n < len(a.orders); n++ {
		own := 0
		for own < len(claims) && claims[own].order == uint32(n) {
			own++
		}
		o := &a.orders[n]
		if !complete && len(o.created) == 0 {
			o.unknown = true
		}
		if !o.inFlight {
			a.judgeStory(uint32(n), o, complete)
			a.judgeClaims(uint32(n), o, claims[:own])
			a.judgeWaits(o, waits[uint32(n)])
			a.judgeLines(uint32(n), o)
		}
		claims = claims[own:]
	}
}

// claimRows returns all open claims, sorted by order, SKU and warehouse.
func (a *Audit) claimRows() []claimRow {
	rows := make([]claimRow, 0, len(a.claims))
	for k, c := range a.claims {
		rows = append(rows, claimRow{k.order, a.chains[k.chain].skuWarehouse, c})
	}
	slices.SortFunc(rows, func(x, y claimRow) int {
		return cmp.Or(cmp.Compare(x.order, y.order), compareStock(x.skuWarehouse, y.skuWarehouse))
	})
	return rows
}

func compareStock(x, y skuWarehouse) int {
	return cmp.Or(cmp.Compare(x.sku, y.sku), cmp.Compare(x.warehouse, y.warehouse))
}

func (a *Audit) judgeStory(n uint32, o *order, complete bool) {
	key := a.orderKeys.text(n)
	if o.seq > 0 && !o.heard && complete {
		a.found.add(RuleOrderWithoutStory, key, "order.events tells of it, and log.orders has no event of it", o.last)
	}
	if o.seq > 0 {
		return
	}
	for _, c := range o.created {
		if !c.origin.dead() {
			a.found.add(RuleOrderWithoutStory, key, "consumed and decided; order.events has nothing of it", c.at)
			return
		}
	}
}

// judgeClaims compares what an order claims of the stock with what its last
// event says.
func (a *Audit) judgeClaims(n uint32, o *order, claims []claimRow) {
	slices.SortFunc(o.live, func(x, y liveLine) int { return compareStock(x.skuWarehouse, y.skuWarehouse) })
	told := o.live
	for _, c := range claims {
		for len(told) > 0 && compareStock(told[0].skuWarehouse, c.skuWarehouse) < 0 {
			a.judgeClaim(n, o, told[0].skuWarehouse, claim{}, claim{told[0].held, told[0].allocated})
			told = told[1:]
		}
		var says claim
		for len(told) > 0 && told[0].skuWarehouse == c.skuWarehouse {
			says.held += told[0].held
			says.allocated += told[0].allocated
			told = told[1:]
		}
		a.judgeClaim(n, o, c.skuWarehouse, c.claim, says)
	}
	for _, t := range told {
		a.judgeClaim(n, o, t.skuWarehouse, claim{}, claim{t.held, t.allocated})
	}
}

func (a *Audit) judgeClaim(n uint32, o *order, stock skuWarehouse, has, says claim) {
	if has == says || o.unknown {
		return
	}
	// Units that the order claims and doesn't know of: nobody will release them.
	if extra := has.held + has.allocated - says.held - says.allocated; extra > 0 {
		a.leaked += extra
	}
	a.found.add(RuleLeaked, a.orderKeys.text(n), fmt.Sprintf("%s: claims %d held and %d allocated, order.events says %d and %d",
		stockKey(a.skus.text(stock.sku), a.warehouses.text(stock.warehouse)), has.held, has.allocated, says.held, says.allocated), o.last)
}

// judgeWaits finds units that wait in inventory for an order that doesn't miss
// them any more.
func (a *Audit) judgeWaits(o *order, waits []orderSKU) {
	if o.unknown {
		return
	}
	for _, k := range waits {
		short := record.Quantity(0)
		for i := range o.live {
			if o.live[i].sku == k.sku {
				short += o.live[i].short
			}
		}
		if waiting := a.waits[k].open(); waiting > short {
			a.found.add(RuleLeaked, a.orderKeys.text(k.order), fmt.Sprintf("%s: %d units wait for stock, order.events says %d are short", a.skus.text(k.sku), waiting, short), o.last)
		}
	}
}

// judgeLines holds the parts of lines that each event showed against those of
// the first, and these against what was ordered.
func (a *Audit) judgeLines(n uint32, o *order) {
	for i, s := range o.shown {
		switch {
		case i > 0:
			a.found.add(RuleLinesDontAddUp, a.orderKeys.text(n), "the parts of its lines aren't those of its first event", o.shown[0].at, s.at)
		case len(o.asked) == 0 || s.combo && a.trim: // what was ordered, or what the combo was made of, may be trimmed
		case !slices.Contains(o.asked, s.hash):
			a.found.add(RuleLinesDontAddUp, a.orderKeys.text(n), "the parts of its lines aren't what was ordered", s.at)
		}
	}
}
