package order

import (
	"fmt"

	"holdfast/topology/record"
)

// A combo is sold as one SKU and taken out of stock as several. The line
// explodes when the order is created, into one Line for each component, and
// never again: what the catalog says later is for later orders. From then on
// the lines of one combo are a set of lines (same ID, same Combo, side by side)
// of which only whole sets are of use to anybody:
//
//	sold     1 × COMBO, 3 sets            what is to be had       kept          given back
//	lines    1 COMBO A  6 units (2 a set)      5 of A          2 sets: 4 of A     1 of A
//	         1 COMBO B  3 units (1 a set)      3 of B                  2 of B     1 of B
//
// What is given back goes by VerbReduce, in the turn of the decision. Sets that
// are short don't wait: a component that comes would have to wait for the
// others, out of everybody's reach.

// linesMax bounds the lines of an exploded order: each event shows all of them,
// and must fit into a record. A thousand lines may be sold; who sells combos by
// the hundred in one order has to split it.
const linesMax = 2000

// linesSearched is how many lines' items are searched one by one; with more a
// map is made.
const linesSearched = 16

// explosion is an order in the making: lines are added, and the items they need.
type explosion struct {
	o     *Order
	items map[record.SKU]int // nil: few enough to be searched
}

// item returns the index of a SKU's item, which is made if need be.
func (x *explosion) item(sku record.SKU) int {
	at := -1
	if x.items == nil {
		at = x.o.item(sku)
	} else if known, ok := x.items[sku]; ok {
		at = known
	}
	if at < 0 {
		at = len(x.o.Items)
		x.o.growItems().SKU = sku
		if x.items != nil {
			x.items[sku] = at
		}
	}
	return at
}

// add appends one sold line; components is empty where it is no combo.
func (x *explosion) add(in *record.OrderLine, components []record.Component) {
	cancelled := min(in.Cancelled, in.Qty)
	if len(components) == 0 {
		x.line(in.Line, x.item(in.SKU), in.Qty, "", 1).add(Part{State: UnitCancelled, Qty: cancelled})
		return
	}
	for i := range components {
		c := &components[i]
		l := x.line(in.Line, x.item(c.SKU), in.Qty*c.Qty, in.SKU, c.Qty)
		l.add(Part{State: UnitCancelled, Qty: cancelled * c.Qty})
	}
}

func (x *explosion) line(id string, item int, qty record.Quantity, combo record.SKU, perSet record.Quantity) *Line {
	l := x.o.growLines()
	l.ID, l.Item, l.Qty, l.Combo, l.PerSet = id, item, qty, combo, perSet
	return l
}

// explodedLines is how many lines what was ordered explodes into.
func explodedLines(b *record.OrderBody, combos *catalog) int {
	if b == nil {
		return 0
	}
	n := 0
	for i := range b.Lines {
		n += max(1, len(combos.of(b.Lines[i].SKU)))
	}
	return n
}

// plan is how the units that an order was granted are shared out to lines of
// which some want whole sets.
type plan struct {
	kept []record.Quantity // by line: granted units that it gets
	free []record.Quantity // by item: granted units that no line gets
	wait []record.Quantity // by item: waiting units that no line gets
}

// planSets shares out in the order of the lines: a line takes what is left of
// what was granted, a combo as many whole sets as that makes. What a combo
// can't use is there for the lines after it. It tells whether any line gets
// units, or waits for some.
func (t *turn) planSets() (any bool) {
	o, p := t.o, &t.plan
	p.kept, p.free, p.wait = p.kept[:0], p.free[:0], p.wait[:0]
	for i := range o.Items {
		p.free = append(p.free, o.Items[i].granted())
		p.wait = append(p.wait, o.Items[i].Waiting)
	}
	for from := 0; from < len(o.Lines); {
		to := o.sold(from)
		sets := o.Lines[from].rest() / o.Lines[from].PerSet
		for i := from; i < to; i++ {
			l := &o.Lines[i]
			sets = min(sets, p.free[l.Item]/l.PerSet, l.rest()/l.PerSet)
		}
		for i := from; i < to; i++ {
			l := &o.Lines[i]
			n := sets * l.PerSet
			p.kept = append(p.kept, n)
			p.free[l.Item] -= n
			if l.Combo == "" {
				waits := min(l.rest()-n, p.wait[l.Item])
				p.wait[l.Item] -= waits
				n += waits
			}
			any = any || n > 0
		}
		from = to
	}
	return any
}

// keepSets gives the lines what was planned, and the rest back.
func (t *turn) keepSets(granted UnitState) {
	o, p := t.o, &t.plan
	for item := range o.Items {
		it := &o.Items[item]
		waiting := it.Waiting - p.wait[item]
		for i := range o.Lines {
			l := &o.Lines[i]
			if l.Item != item {
				continue
			}
			for n := p.kept[i]; n > 0; {
				w := it.first()
				take := min(n, w.Qty)
				l.add(Part{State: granted, Qty: take, Warehouse: w.Warehouse})
				w.Qty -= take
				n -= take
			}
			if l.Combo == "" {
				n := min(l.rest(), waiting)
				l.add(Part{State: UnitWaiting, Qty: n})
				waiting -= n
			}
			l.add(Part{State: UnitShort, Qty: l.rest()})
		}
		t.giveBack(item, p.wait[item])
	}
}

// first returns the first warehouse of which units are left to be shared out.
func (it *Item) first() *record.WarehouseQty {
	for i := range it.Granted {
		if it.Granted[i].Qty > 0 {
			return &it.Granted[i]
		}
	}
	panic(fmt.Sprintf("BUG: more units of %q shared out than were granted", it.SKU))
}

// giveBack reduces the claim by what is left of what was granted, and by units
// that wait.
func (t *turn) giveBack(item int, waiting record.Quantity) {
	var parts []record.WarehouseQty
	for _, w := range t.o.Items[item].Granted {
		if w.Qty > 0 {
			parts = append(parts, w)
		}
	}
	if len(parts) > 0 || waiting > 0 {
		t.command(item, record.Command{Verb: record.VerbReduce, Qty: waiting, Parts: parts})
	}
}
