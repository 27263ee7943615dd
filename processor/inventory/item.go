package inventory

import (
	"fmt"

	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// Item is all that is known of a SKU beside the claims themselves.
type Item struct {
	SKU record.SKU // part of the key, not of the value
	// Fed says that the stock feed has named the SKU. Without it there are rows
	// only of warehouses that units left or came back to.
	Fed bool
	// Holds counts the holds of the SKU: with none there is nothing to look up.
	Holds uint64
	// Waiting is the sum of Hold.Waiting.
	Waiting record.Quantity
	// WaitingBy is the same by channel, and sorted by it. It tells whether
	// anybody can use units of which quotas leave some only to certain channels.
	WaitingBy []ChannelWaiting
	// NextSeq numbers the next order that waits: the log's order. 0 while nobody
	// waits.
	NextSeq uint64
	Rows    []Row // by warehouse id
	// Wanted counts, by warehouse id, the orders in line that may be served from
	// there, with or without a row. A warehouse that gains units which nobody in
	// line could use must not make the whole line be read, or a hot SKU with
	// thousands in line would read them all at every release elsewhere.
	Wanted []Want
	// Behind tells that units are there which haven't been handed out yet to who
	// waits: too many wait for one transaction. It is known by a key of its own.
	Behind bool
	// Policies are who may sell how much. They exist only when Fed.
	Policies Policies
}

// Want is a number of orders, never zero.
type Want struct {
	Warehouse record.WarehouseID
	Orders    uint64
	// From is a place in line before which nobody wants the warehouse. Serving
	// begins there: what stood before is gone, and a store that has to step over
	// what was deleted takes as long as if it were still there.
	From place
}

// Row is what stands at one warehouse. Held and Allocated are the sums of the
// holds' parts there.
type Row struct {
	Warehouse record.WarehouseID
	Number    uint64 // of the last movement
	// CountedAt is when the last count took place; 0: never.
	CountedAt record.Millis
	Safety    record.Quantity // units that no channel sees
	record.Counters
}

// find returns the position of the warehouse's row, or where it would stand.
func (it *Item) find(w record.WarehouseID) (at int, ok bool) {
	lo, hi := 0, len(it.Rows)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if it.Rows[mid].Warehouse < w {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(it.Rows) && it.Rows[lo].Warehouse == w
}

// mustFind returns the row of a warehouse that a claim points to.
func (it *Item) mustFind(w record.WarehouseID) int {
	at, ok := it.find(w)
	if !ok {
		panic(fmt.Sprintf("BUG: %s has a claim at %s, where it has no counters", it.SKU, w))
	}
	return at
}

// feed returns the warehouse's row for the stock feed.
func (it *Item) feed(w record.WarehouseID) *Row {
	it.Fed = true
	return it.place(w)
}

// place returns the warehouse's row, and makes it where there is none.
func (it *Item) place(w record.WarehouseID) *Row {
	at, ok := it.find(w)
	if !ok {
		it.Rows = append(it.Rows, Row{})
		copy(it.Rows[at+1:], it.Rows[at:])
		it.Rows[at] = Row{Warehouse: w}
	}
	return &it.Rows[at]
}

// onHand returns the units at the warehouse, also where there is no row yet.
func (it *Item) onHand(w record.WarehouseID) record.Quantity {
	if at, ok := it.find(w); ok {
		return it.Rows[at].OnHand
	}
	return 0
}

// standing says how many units there are, for who reads of an event that can't
// be applied.
func (it *Item) standing(w record.WarehouseID) string {
	at, ok := it.find(w)
	if !ok || it.Rows[at].Unavailable == 0 {
		return fmt.Sprintf("%d are on hand", it.onHand(w))
	}
	return fmt.Sprintf("%d are on hand, %d of them unavailable", it.Rows[at].OnHand, it.Rows[at].Unavailable)
}

// move adds delta to the row's counters, as a movement of qty units.
func (r *Row) move(d *record.Decision, qty record.Quantity, delta record.Counters) {
	before := r.Counters
	r.OnHand += delta.OnHand
	r.Unavailable += delta.Unavailable
	r.Held += delta.Held
	r.Allocated += delta.Allocated
	r.Number++
	d.Moves = append(d.Moves, record.Movement{Warehouse: r.Warehouse, Number: r.Number, Qty: qty, Before: before, After: r.Counters})
}

// empty tells that nothing would be lost if the item weren't kept: an order
// asked for a SKU never heard of, waited, and left. It is as one that never was.
func (it *Item) empty() bool { return !it.Fed && it.Holds == 0 && len(it.Rows) == 0 }

// reset makes an item that knows nothing, letting go of all views.
func (it *Item) reset() {
	clear(it.Rows)
	clear(it.Wanted)
	clear(it.WaitingBy)
	it.Policies.reset()
	*it = Item{Rows: it.Rows[:0], Wanted: it.Wanted[:0], WaitingBy: it.WaitingBy[:0], Policies: it.Policies}
}

const itemVersion = 4

// appendItem appends the state value:
//
//	[version, fed, holds, [channel, facts waiting, backorders waiting, …], next seq,
//	 [warehouse, number, counted at, on hand, unavailable, held, allocated, …], [warehouse, orders, from, …], policies]
func appendItem(b []byte, it *Item) []byte {
	b = pack.AppendArray(b, 8)
	b = pack.AppendUint(b, itemVersion)
	b = pack.AppendBool(b, it.Fed)
	b = pack.AppendUint(b, it.Holds)
	b = pack.AppendArray(b, len(it.WaitingBy)*3)
	for i := range it.WaitingBy {
		w := &it.WaitingBy[i]
		b = pack.AppendInt(pack.AppendInt(pack.AppendString(b, w.Channel), int64(w.Facts)), int64(w.Backorders))
	}
	b = pack.AppendUint(b, it.NextSeq)
	b = pack.AppendArray(b, len(it.Rows)*rowFields)
	for i := range it.Rows {
		r := &it.Rows[i]
		b = pack.AppendString(b, r.Warehouse)
		b = pack.AppendUint(b, r.Number)
		b = pack.AppendInt(b, int64(r.CountedAt))
		b = pack.AppendInt(b, int64(r.OnHand))
		b = pack.AppendInt(b, int64(r.Unavailable))
		b = pack.AppendInt(b, int64(r.Held))
		b = pack.AppendInt(b, int64(r.Allocated))
	}
	b = pack.AppendArray(b, len(it.Wanted)*3)
	for i := range it.Wanted {
		w := &it.Wanted[i]
		b = pack.AppendUint(pack.AppendUint(pack.AppendString(b, w.Warehouse), w.Orders), w.From.pack())
	}
	return appendPolicies(b, it)
}

const rowFields = 7

// decode reads what appendItem wrote into it, whose slice is used again.
// Warehouse ids are views of value.
func (it *Item) decode(value []byte) error {
	r := pack.NewReader(value)
	r.Form("item", itemVersion, 8, 8)
	it.Fed = r.Bool()
	it.Holds = r.Uint()
	readWaiting(&r, it)
	it.NextSeq = r.Uint()
	it.Rows = it.Rows[:0]
	n := r.Array()
	if n%rowFields != 0 {
		r.Fail(pack.ErrForm)
	}
	for ; n > 0 && r.Err() == nil; n -= rowFields {
		it.Rows = append(it.Rows, Row{
			Warehouse: record.WarehouseID(r.View()),
			Number:    r.Uint(),
			CountedAt: record.Millis(r.Int()),
			Counters: record.Counters{
				OnHand: record.Quantity(r.Int()), Unavailable: record.Quantity(r.Int()),
				Held: record.Quantity(r.Int()), Allocated: record.Quantity(r.Int()),
			},
		})
	}
	it.Wanted = it.Wanted[:0]
	if n = r.Array(); n%3 != 0 {
		r.Fail(pack.ErrForm)
	}
	for ; n > 0 && r.Err() == nil; n -= 3 {
		it.Wanted = append(it.Wanted, Want{Warehouse: record.WarehouseID(r.View()), Orders: r.Uint(), From: unpackPlace(r.Uint())})
	}
	it.Policies.reset()
	readPolicies(&r, it)
	if err := r.Close(); err != nil {
		return fmt.Errorf("item: %w", err)
	}
	return it.wellFormed()
}

// wellFormed tells what a value must hold that was written by appendItem.
func (it *Item) wellFormed() error {
	for i := range it.WaitingBy {
		w := &it.WaitingBy[i]
		if i > 0 && it.WaitingBy[i-1].Channel >= w.Channel || w.Facts < 0 || w.Backorders < 0 || w.Facts+w.Backorders <= 0 {
			return fmt.Errorf("item: %d and %d units wait for %q", w.Facts, w.Backorders, w.Channel)
		}
	}
	for i := range it.Rows {
		r := &it.Rows[i]
		if i > 0 && it.Rows[i-1].Warehouse >= r.Warehouse {
			return fmt.Errorf("item: warehouse %q isn't in order", r.Warehouse)
		}
		if negative(r.Counters) {
			return fmt.Errorf("item: counters %+v at %q", r.Counters, r.Warehouse)
		}
	}
	for i := range it.Wanted {
		w := &it.Wanted[i]
		if i > 0 && it.Wanted[i-1].Warehouse >= w.Warehouse || w.Orders == 0 {
			return fmt.Errorf("item: %d orders want %q", w.Orders, w.Warehouse)
		}
	}
	return it.Policies.wellFormed()
}

// readPairs reads the header of an array of pairs and returns their number.
func readPairs(r *pack.Reader) int {
	n := r.Array()
	if n%2 != 0 {
		r.Fail(pack.ErrForm)
	}
	return n / 2
}
