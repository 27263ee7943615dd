package channels

import (
	"fmt"

	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// item is what is known of a SKU and what was published of it. Warehouses and
// shops are numbers of the task's names.
//
// Invariant: places and shops are sorted by their number, each occurs once.
type item struct {
	fed    bool          // the stock feed has named the SKU, or a component of it
	due    record.Millis // when its window is over; 0: none is open
	places []place
	shops  []told
	policy policy
	combo  combo
}

// place is a warehouse's stock of the SKU.
type place struct {
	warehouse int
	safety    record.Quantity // units there that no channel sees
	now       record.Counters
	published record.Counters
	version   int64 // 0: never published
}

// told is what a shop was last told.
type told struct {
	shop     int
	sellable record.Quantity
	version  int64
}

func (it *item) reset() {
	it.fed, it.due, it.places, it.shops = false, 0, it.places[:0], it.shops[:0]
	it.policy = policy{rules: it.policy.rules[:0], quotas: it.policy.quotas[:0]}
	it.combo = combo{}
}

// forget lets go of what the slices beyond their ends still hold: views of
// records and of state.
func (it *item) forget() {
	it.reset()
	clear(it.policy.rules[:cap(it.policy.rules)])
	clear(it.policy.quotas[:cap(it.policy.quotas)])
}

// hasPolicy tells whether there is more to know than counters.
func (it *item) hasPolicy() bool {
	for i := range it.places {
		if it.places[i].safety != 0 {
			return true
		}
	}
	return !it.policy.isNone()
}

// find returns the index of a warehouse's entry, or -1.
func (it *item) find(warehouse int) int {
	for i := range it.places {
		if it.places[i].warehouse == warehouse {
			return i
		}
	}
	return -1
}

// place returns the entry of a warehouse, made if need be.
func (it *item) place(warehouse int) *place {
	i := len(it.places)
	for i > 0 && it.places[i-1].warehouse >= warehouse {
		i--
	}
	if i == len(it.places) || it.places[i].warehouse != warehouse {
		it.places = append(it.places, place{})
		copy(it.places[i+1:], it.places[i:])
		it.places[i] = place{warehouse: warehouse}
	}
	return &it.places[i]
}

// tell notes what a shop is told now.
func (it *item) tell(t told) {
	i := len(it.shops)
	for i > 0 && it.shops[i-1].shop >= t.shop {
		i--
	}
	if i == len(it.shops) || it.shops[i].shop != t.shop {
		it.shops = append(it.shops, told{})
		copy(it.shops[i+1:], it.shops[i:])
	}
	it.shops[i] = t
}

const itemVersion = 2

// append appends the item's form in state:
//
//	[version, fed, due, base, [place…], [shop, sellable, base − version, …]]    a SKU with counters alone
//	[…, policy]                                                               see policy.go
//	[…, policy or nil, combo]                                                 see combo.go
//	place = [warehouse, counters ×4]                                never published
//	      | [warehouse, counters ×4, base − version]                published as it is
//	      | [warehouse, counters ×4, base − version, published ×4]  has changed since
//
// base is the item's newest version: most others are near it, and a small
// number takes one byte instead of nine.
func (it *item) append(b []byte) []byte {
	base := it.base()
	hasPolicy, fields := it.hasPolicy(), 6
	switch {
	case it.combo.known:
		fields = 8
	case hasPolicy:
		fields = 7
	}
	b = pack.AppendArray(b, fields)
	b = pack.AppendUint(b, itemVersion)
	b = pack.AppendBool(b, it.fed)
	b = pack.AppendInt(b, int64(it.due))
	b = pack.AppendInt(b, base)
	b = pack.AppendArray(b, len(it.places))
	for i := range it.places {
		p := &it.places[i]
		n := 10
		switch {
		case p.version == 0:
			n = 5
		case p.now == p.published:
			n = 6
		}
		b = pack.AppendUint(pack.AppendArray(b, n), uint64(p.warehouse))
		b = appendCounters(b, p.now)
		if n > 5 {
			b = pack.AppendInt(b, base-p.version)
		}
		if n > 6 {
			b = appendCounters(b, p.published)
		}
	}
	b = pack.AppendArray(b, 3*len(it.shops))
	for _, t := range it.shops {
		b = pack.AppendUint(b, uint64(t.shop))
		b = pack.AppendInt(b, int64(t.sellable))
		b = pack.AppendInt(b, base-t.version)
	}
	switch {
	case hasPolicy:
		b = it.appendPolicy(b)
	case fields == 8:
		b = pack.AppendNil(b)
	}
	if fields == 8 {
		b = it.combo.append(b)
	}
	return b
}

func (it *item) base() int64 {
	base := int64(0)
	for i := range it.places {
		base = max(base, it.places[i].version)
	}
	for i := range it.shops {
		base = max(base, it.shops[i].version)
	}
	return base
}

// decode reads what append wrote into it, whose slices are used again.
func (it *item) decode(value []byte) error {
	it.reset()
	r := pack.NewReader(value)
	fields := r.Form("item", itemVersion, 6, 8)
	it.fed = r.Bool()
	it.due = record.Millis(r.Int())
	base := r.Int()
	for n := r.Array(); n > 0 && r.Err() == nil; n-- {
		it.places = append(it.places, readPlace(&r, base))
	}
	for n := tuples(&r, 3); n > 0 && r.Err() == nil; n-- {
		it.shops = append(it.shops, told{shop: readNumber(&r), sellable: record.Quantity(r.Int()), version: base - r.Int()})
	}
	if fields == 7 || fields == 8 && !r.Nil() {
		it.readPolicy(&r)
	}
	if fields == 8 {
		it.combo.read(&r)
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("item: %w", err)
	}
	return it.check()
}

func readPlace(r *pack.Reader, base int64) place {
	n := r.Array()
	if n != 5 && n != 6 && n != 10 {
		r.Fail(pack.ErrForm)
	}
	p := place{warehouse: readNumber(r), now: readCounters(r)}
	if n > 5 {
		p.version, p.published = base-r.Int(), p.now
	}
	if n > 6 {
		p.published = readCounters(r)
	}
	return p
}

// check refuses what append never writes.
func (it *item) check() error {
	for i := range it.places {
		if i > 0 && it.places[i].warehouse <= it.places[i-1].warehouse {
			return fmt.Errorf("item: warehouses aren't in order: %w", pack.ErrForm)
		}
	}
	for i := range it.shops {
		if i > 0 && it.shops[i].shop <= it.shops[i-1].shop {
			return fmt.Errorf("item: shops aren't in order: %w", pack.ErrForm)
		}
	}
	return nil
}

// readNumber reads the number of a name; names are few.
func readNumber(r *pack.Reader) int {
	v := r.Uint()
	if v > namesMax {
		r.Fail(pack.ErrForm)
		return 0
	}
	return int(v)
}

func appendCounters(b []byte, c record.Counters) []byte {
	b = pack.AppendInt(b, int64(c.OnHand))
	b = pack.AppendInt(b, int64(c.Unavailable))
	b = pack.AppendInt(b, int64(c.Held))
	return pack.AppendInt(b, int64(c.Allocated))
}

func readCounters(r *pack.Reader) record.Counters {
	return record.Counters{
		OnHand: record.Quantity(r.Int()), Unavailable: record.Quantity(r.Int()),
		Held: record.Quantity(r.Int()), Allocated: record.Quantity(r.Int()),
	}
}
