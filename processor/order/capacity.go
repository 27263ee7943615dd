package order

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

const hourMillis = 60 * 60 * 1000

// A warehouse may say how many parcels an hour it gets out of the door. An order
// is one parcel at every warehouse that it got units from, counted when it got
// them, by clock hours of log time, and not taken back when the order is
// cancelled later.
//
// A warehouse that has had its share of the hour goes to the end of all ranked
// lists: who can be served elsewhere is, and who can't still gets it, because a
// sale is worth more than a tidy hour. It is a budget and no promise: every
// partition of log.orders counts for itself, against its part of the capacity,
// and orders that were ranked before the last parcel was counted still come.

// parcels is the count of one hour. Only warehouses with a capacity are in it.
type parcels struct {
	read    bool // counts are those of the state, or newer
	changed bool // they are newer
	hour    int64
	counts  []parcelCount
	ordered []record.Ranked
}

type parcelCount struct {
	warehouse record.WarehouseID
	n         int64
}

// reset ends a transaction.
func (c *parcels) reset() {
	clear(c.counts)
	c.read, c.changed, c.counts = false, false, c.counts[:0]
}

// load makes the counts those of the state.
func (c *parcels) load(tx stage.Tx) {
	c.read, c.hour = true, 0
	if value, ok := tx.Get([]byte{keyParcels}); ok {
		if err := c.decode(value); err != nil {
			panic(fmt.Sprintf("BUG: state of parcels: %v", err))
		}
	}
}

// loadParcels makes the counts those of the hour, unless no warehouse has a
// capacity.
func (p *places) loadParcels(tx stage.Tx, now record.Millis) {
	c := &p.parcels
	if !p.limited {
		return
	}
	fresh := !c.read
	if fresh {
		c.load(tx)
	}
	if hour := int64(now) / hourMillis; hour != c.hour {
		c.hour, c.counts, fresh = hour, c.counts[:0], true
	}
	if fresh {
		p.markFull()
	}
}

// write puts counts that have changed into state.
func (c *parcels) write(tx stage.Tx) {
	switch {
	case !c.changed:
	case len(c.counts) == 0:
		tx.Delete([]byte{keyParcels})
	default:
		tx.Put([]byte{keyParcels}, c.append(nil))
	}
	c.changed = false
}

// forget drops the count of a warehouse that has no capacity any more.
func (c *parcels) forget(tx stage.Tx, id record.WarehouseID) {
	if !c.read {
		c.load(tx)
	}
	c.counts = slices.DeleteFunc(c.counts, func(x parcelCount) bool { return x.warehouse == id })
	c.changed = true
}

// countParcels counts the parcels of an order that has just been decided.
func (t *turn) countParcels() {
	if !t.places.limited {
		return
	}
	t.parcelsAt = t.parcelsAt[:0]
	for i := range t.o.Lines {
		for _, p := range t.o.Lines[i].Parts {
			if p.State.in(UnitHeld|UnitAllocated) && !slices.Contains(t.parcelsAt, p.Warehouse) {
				t.parcelsAt = append(t.parcelsAt, p.Warehouse)
				t.places.countParcel(p.Warehouse)
			}
		}
	}
}

// countFilled counts a parcel of an order that is about to get units from a
// warehouse, if it has none from there yet.
func (t *turn) countFilled(id record.WarehouseID) {
	if !t.places.limited {
		return
	}
	for i := range t.o.Lines {
		for _, p := range t.o.Lines[i].Parts {
			if p.Warehouse == id && p.State.in(unitsPlaced) {
				return
			}
		}
	}
	t.places.countParcel(id)
}

// countParcel counts that an order got units at a warehouse.
func (p *places) countParcel(id record.WarehouseID) {
	w := p.byID[id]
	if w == nil || w.share < 0 {
		return
	}
	c := &p.parcels
	if !c.read {
		panic("BUG: a parcel is counted before those of the hour are read")
	}
	at := slices.IndexFunc(c.counts, func(x parcelCount) bool { return x.warehouse == id })
	if at < 0 {
		at = len(c.counts)
		c.counts = append(c.counts, parcelCount{warehouse: w.id})
	}
	c.counts[at].n++
	c.changed = true
	if full := c.counts[at].n >= w.share; full && !w.full {
		w.full = true
		p.full++
	}
}

// markFull finds out which warehouses have had their share.
func (p *places) markFull() {
	p.full = 0
	for _, w := range p.all {
		w.full = w.share == 0
		for _, c := range p.parcels.counts {
			w.full = w.full || w.share >= 0 && c.warehouse == w.id && c.n >= w.share
		}
		if w.full {
			p.full++
		}
	}
}

// fullLast moves the full warehouses of a ranked list to its end.
func (p *places) fullLast(ranked []record.Ranked) []record.Ranked {
	if p.full == 0 || len(ranked) == 0 {
		return ranked
	}
	out := p.parcels.ordered[:0]
	for _, full := range [...]bool{false, true} {
		for i, r := range ranked {
			if p.byID[r.Warehouse].full != full {
				continue
			}
			// Those that shared a rank share one still, if they stay together.
			rank := uint16(0)
			if n := len(out); n > 0 {
				rank = out[n-1].Rank
				if last := out[n-1].Warehouse; p.byID[last].full != full || !sameRank(ranked[:i], last, r.Rank) {
					rank = uint16(min(int(rank)+1, math.MaxUint16))
				}
			}
			out = append(out, record.Ranked{Warehouse: r.Warehouse, Rank: rank})
		}
	}
	p.parcels.ordered = out
	return out
}

// sameRank tells that the warehouse has the rank in the list.
func sameRank(ranked []record.Ranked, id record.WarehouseID, rank uint16) bool {
	for i := len(ranked) - 1; i >= 0 && ranked[i].Rank == rank; i-- {
		if ranked[i].Warehouse == id {
			return true
		}
	}
	return false
}

// shareOf is a partition's part of a warehouse's capacity: at least one parcel,
// if it takes any. -1 means that there is no limit.
func shareOf(capacity *int64, partitions int) int64 {
	switch {
	case capacity == nil:
		return -1
	case *capacity <= 0:
		return 0
	}
	return max(1, *capacity/int64(partitions))
}

const parcelsVersion = 1

// append appends the state value:
//
//	[version, hour since 1970, [warehouse, parcels, …]]
func (c *parcels) append(b []byte) []byte {
	b = pack.AppendUint(pack.AppendArray(b, 3), parcelsVersion)
	b = pack.AppendInt(b, c.hour)
	slices.SortFunc(c.counts, func(a, b parcelCount) int { return strings.Compare(string(a.warehouse), string(b.warehouse)) })
	b = pack.AppendArray(b, len(c.counts)*2)
	for _, x := range c.counts {
		b = pack.AppendInt(pack.AppendString(b, x.warehouse), x.n)
	}
	return b
}

// decode reads what append wrote. Warehouses are views of value.
func (c *parcels) decode(value []byte) error {
	c.counts = c.counts[:0]
	r := pack.NewReader(value)
	r.Form("parcels", parcelsVersion, 3, 3)
	c.hour = r.Int()
	for n := readMultiple(&r, 2); n > 0 && r.Err() == nil; n-- {
		c.counts = append(c.counts, parcelCount{record.WarehouseID(r.View()), r.Int()})
	}
	return r.Close()
}
