package inventory

import (
	"fmt"
	"math"
	"slices"

	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// ChannelWaiting are the units that orders of a channel wait for.
type ChannelWaiting struct {
	Channel           string
	Facts, Backorders record.Quantity
}

// findWant returns the position of the warehouse in Wanted, or where it would
// stand.
func (it *Item) findWant(w record.WarehouseID) (at int, ok bool) {
	for at < len(it.Wanted) && it.Wanted[at].Warehouse < w {
		at++
	}
	return at, at < len(it.Wanted) && it.Wanted[at].Warehouse == w
}

// wants tells that somebody in line may be served from the warehouse.
func (it *Item) wants(w record.WarehouseID) bool {
	_, ok := it.findWant(w)
	return ok
}

// firstOpen returns where in line the first may stand that could be served, now
// that the rows have units: nobody before wants any of them.
func (it *Item) firstOpen(rows []int) place {
	first := place{class: classBackorder, seq: math.MaxInt64}
	for _, row := range rows {
		if at, ok := it.findWant(it.Rows[row].Warehouse); ok && it.Wanted[at].From.before(first) {
			first = it.Wanted[at].From
		}
	}
	return first
}

// advance notes that who is to be served now stands at p: of the rows that still
// have units, all before who wanted some were served.
func (it *Item) advance(rows []int, p place) {
	if len(it.Policies.Quotas) > 0 {
		return // or they were passed over, because units are fenced off
	}
	for _, row := range rows {
		if it.Rows[row].Available() <= 0 {
			continue
		}
		if at, ok := it.findWant(it.Rows[row].Warehouse); ok && it.Wanted[at].From.before(p) {
			it.Wanted[at].From = p
		}
	}
}

// joinLine puts the hold at the end of its class in the line, to wait for qty
// units.
func (it *Item) joinLine(h *Hold, order record.OrderKey, ranked []record.Ranked, qty record.Quantity, fact bool) {
	h.Waiting, h.Place = qty, place{class: classBackorder, seq: it.NextSeq}
	if fact {
		h.Place.class = classFact
	}
	it.wait(order, h, qty)
	it.NextSeq++
	for i := range ranked {
		if named(ranked[:i], ranked[i].Warehouse) {
			continue
		}
		at, ok := it.findWant(ranked[i].Warehouse)
		if !ok {
			it.Wanted = slices.Insert(it.Wanted, at, Want{Warehouse: ranked[i].Warehouse, From: h.Place})
		}
		w := &it.Wanted[at]
		w.Orders++
		if h.Place.before(w.From) {
			w.From = h.Place
		}
	}
}

// wait counts units that begin to wait, or no longer do.
func (it *Item) wait(order record.OrderKey, h *Hold, units record.Quantity) {
	it.Waiting += units
	channel := channelOf(order)
	at := 0
	for at < len(it.WaitingBy) && it.WaitingBy[at].Channel < channel {
		at++
	}
	if at == len(it.WaitingBy) || it.WaitingBy[at].Channel != channel {
		it.WaitingBy = slices.Insert(it.WaitingBy, at, ChannelWaiting{Channel: channel})
	}
	w := &it.WaitingBy[at]
	if h.Place.class == classFact {
		w.Facts += units
	} else {
		w.Backorders += units
	}
	if w.Facts < 0 || w.Backorders < 0 {
		panic(fmt.Sprintf("BUG: %d and %d units of %s wait for %s", w.Facts, w.Backorders, it.SKU, channel))
	}
	if w.Facts+w.Backorders == 0 {
		it.WaitingBy = slices.Delete(it.WaitingBy, at, at+1)
	}
}

// channelOf returns the channel that the order came from.
func channelOf(order record.OrderKey) string {
	channel, _, _, _ := order.Cut()
	return channel
}

// readWaiting reads the units that wait. Channels are views.
func readWaiting(r *pack.Reader, it *Item) {
	it.WaitingBy, it.Waiting = it.WaitingBy[:0], 0
	n := r.Array()
	if n%3 != 0 {
		r.Fail(pack.ErrForm)
	}
	for ; n > 0 && r.Err() == nil; n -= 3 {
		w := ChannelWaiting{Channel: r.View(), Facts: record.Quantity(r.Int()), Backorders: record.Quantity(r.Int())}
		it.WaitingBy = append(it.WaitingBy, w)
		it.Waiting += w.Facts + w.Backorders
	}
}

// leaveLine takes the hold out of the line; Waiting is without its units
// already. An empty line is numbered from 0 again: what state holds must not
// tell whether an item without anything else was dropped in between, which
// depends on where transactions were cut.
func (it *Item) leaveLine(h *Hold, ranked []record.Ranked) {
	h.Place = place{}
	if it.Waiting == 0 {
		it.NextSeq = 0
	}
	for i := range ranked {
		if named(ranked[:i], ranked[i].Warehouse) {
			continue
		}
		at, ok := it.findWant(ranked[i].Warehouse)
		if !ok {
			panic(fmt.Sprintf("BUG: somebody in line for %s wants %q, and nobody is counted there", it.SKU, ranked[i].Warehouse))
		}
		if it.Wanted[at].Orders--; it.Wanted[at].Orders == 0 {
			it.Wanted = slices.Delete(it.Wanted, at, at+1)
		}
	}
}

// named tells that a list names the warehouse.
func named(ranked []record.Ranked, w record.WarehouseID) bool {
	for i := range ranked {
		if ranked[i].Warehouse == w {
			return true
		}
	}
	return false
}
