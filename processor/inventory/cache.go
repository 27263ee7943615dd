package inventory

import (
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// cached is an item in the open transaction.
type cached struct {
	Item
	stored bool          // the state has a value for it
	dirty  bool          // to be written
	moved  bool          // counters or policies changed: to be told
	mover  record.Origin // of the last entry that changed them
	// histories are those of warehouses where something moved or was counted.
	histories []rowHistory
}

// cache holds the items of the open transaction. Its memory is used again from
// one transaction to the next.
type cache struct {
	bySKU map[record.SKU]*cached
	// items[:used] are those of this transaction, in the order they were first
	// touched: the order of all that Finish writes.
	items []*cached
	used  int
	// most is the largest number of items since bySKU was made, which is what
	// clearing it costs.
	most int
	// lately is the largest number in the last few transactions.
	lately       int
	transactions int
}

// cacheTransactions are enough to have met what is usual: about a second under
// load. What the largest transaction took, as when all stock is counted before
// a sale, isn't kept all night long.
const cacheTransactions = 16

// load returns the item, from state at its first touch in the transaction.
func (s *Stage) load(tx stage.Tx, sku record.SKU) *cached {
	if c := s.cache.bySKU[sku]; c != nil {
		return c
	}
	c := s.cache.next()
	s.key = appendItemKey(s.key[:0], sku)
	if value, ok := tx.Get(s.key); ok {
		if err := c.decode(value); err != nil {
			panic(fmt.Sprintf("BUG: state of %q: %v", sku, err))
		}
		c.stored = true
	}
	c.SKU = sku
	if c.Waiting > 0 {
		s.key = appendBehindKey(s.key[:0], sku)
		_, c.Behind = tx.Get(s.key)
	}
	s.cache.bySKU[sku] = c
	return c
}

func (c *cache) next() *cached {
	if c.used == len(c.items) {
		c.items = append(c.items, &cached{})
	}
	c.used++
	return c.items[c.used-1]
}

// reset forgets all items. A map keeps the size it once had, and clearing it
// costs that size; after a small transaction the few keys are deleted instead.
func (c *cache) reset() {
	c.most = max(c.most, c.used)
	if c.used < c.most/8 {
		for _, it := range c.items[:c.used] {
			delete(c.bySKU, it.SKU)
		}
	} else {
		clear(c.bySKU)
	}
	for _, it := range c.items[:c.used] {
		it.Item.reset()
		it.histories = it.histories[:0]
		it.stored, it.dirty, it.moved, it.mover = false, false, false, record.Origin{}
	}
	c.lately = max(c.lately, c.used)
	c.used = 0
	if c.transactions++; c.transactions == cacheTransactions {
		if c.lately < len(c.items)/2 {
			c.items, c.bySKU, c.most = append([]*cached(nil), c.items[:c.lately]...), map[record.SKU]*cached{}, 0
		}
		c.lately, c.transactions = 0, 0
	}
}

// changed notes that the decision changed the item.
func (c *cached) changed(d *record.Decision, origin record.Origin) {
	c.dirty = true
	if len(d.Moves) > 0 {
		c.moved, c.mover = true, origin
	}
}

// write puts the item into state and tells where it stands now.
func (s *Stage) write(tx stage.Tx, c *cached) {
	if c.dirty {
		s.key = appendItemKey(s.key[:0], c.SKU)
		if !c.empty() {
			s.value = appendItem(s.value[:0], &c.Item)
			tx.Put(s.key, s.value)
		} else if c.stored {
			tx.Delete(s.key)
		}
	}
	s.writeHistories(tx, c)
	if c.moved {
		a := &s.availability
		c.tell(a)
		s.value = record.AppendAvailability(s.value[:0], a)
		s.key = append(s.key[:0], c.SKU...)
		tx.Send(stage.LogAvailability, record.KindAvailability, s.key, c.mover, s.value)
		for _, combo := range s.catalog.combos(tx, c.SKU) {
			s.key = append(s.key[:0], combo...)
			tx.Send(stage.LogAvailability, record.KindAvailability, s.key, c.mover, s.value)
		}
	}
}

// tell fills in where the item stands.
func (it *Item) tell(a *record.Availability) {
	ps := &it.Policies
	a.SKU, a.Fed, a.Buffer, a.Rows = it.SKU, it.Fed, ps.Buffer, a.Rows[:0]
	for i := range it.Rows {
		r := &it.Rows[i]
		a.Rows = append(a.Rows, record.AvailabilityRow{Warehouse: r.Warehouse, Number: r.Number, Safety: r.Safety, Counters: r.Counters})
	}
	a.Policies = append(a.Policies[:0], ps.Channels...)
	a.Quotas = a.Quotas[:0]
	for i := range ps.Quotas {
		a.Quotas = append(a.Quotas, record.QuotaLeft{Channel: ps.Quotas[i].Channel, Left: ps.Quotas[i].Left})
	}
}
