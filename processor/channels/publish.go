package channels

import (
	"fmt"
	"strings"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// change is what a shop has to be told.
type change struct {
	shop     int
	channel  int
	sellable record.Quantity
	last     record.Quantity
	version  int64 // of what it was told last; 0: nothing yet
	urgent   bool
}

func outcomeOf(c *change) int {
	if c.urgent {
		return outcomeUrgent
	}
	return outcomeNormal
}

// compare fills s.changes with what the shops have to be told of the SKU, and
// tells whether there is anything to publish and whether it can't wait.
func (s *Stage) compare(it *item) (changed, urgent bool) {
	s.changes = s.changes[:0]
	if !it.fed {
		return false, false
	}
	s.sellableSums(it, s.sums)
	k := 0
	for i := range s.tables.active {
		shop := &s.tables.active[i]
		for k < len(it.shops) && it.shops[k].shop < shop.number {
			s.compareDropped(it.shops[k])
			k++
		}
		if k < len(it.shops) && it.shops[k].shop == shop.number {
			s.compareShop(shop, it.shops[k], &it.policy)
			k++
		} else if shop.isActive {
			s.compareShop(shop, told{}, &it.policy)
		}
	}
	for ; k < len(it.shops); k++ {
		s.compareDropped(it.shops[k])
	}
	for i := range s.changes {
		urgent = urgent || s.changes[i].urgent
	}
	changed = len(s.changes) > 0
	for i := range it.places {
		changed = changed || it.differs(i)
	}
	return changed, urgent
}

// differs tells whether a warehouse's counters have to be published. A combo has
// no stock of its own: what came under its name is kept for when it is a plain
// SKU again.
func (it *item) differs(i int) bool {
	p := &it.places[i]
	return (p.version == 0 || p.now != p.published) && !it.combo.isCombo()
}

func (s *Stage) compareShop(shop *shop, last told, p *policy) {
	v := shop.sellable(s.sums[shop.channel], p)
	if last.version > 0 && v == last.sellable {
		return
	}
	fell := last.version > 0 && v < last.sellable
	s.changes = append(s.changes, change{
		shop: shop.number, channel: shop.channel, sellable: v, last: last.sellable, version: last.version,
		urgent: fell && v <= shop.low,
	})
}

// compareDropped: a shop that isn't in the tables any longer sells nothing, if
// its channel is still there to be told.
func (s *Stage) compareDropped(last told) {
	if last.sellable == 0 {
		return
	}
	channel, _, _ := strings.Cut(s.tables.shops.list[last.shop], "/")
	if c, ok := s.channel[channel]; ok {
		s.changes = append(s.changes, change{shop: last.shop, channel: c, last: last.sellable, version: last.version, urgent: true})
	}
}

// settle decides what becomes of the SKU in s.item: published now, or waiting
// for the end of its window.
func (s *Stage) settle(tx stage.Tx, sku record.SKU) {
	it := &s.item
	changed, urgent := s.compare(it)
	switch {
	case urgent || it.due != 0 && it.due <= tx.Now():
		it.due = 0
		s.publish(tx, sku, it)
	case changed && it.due == 0:
		it.due = s.windowEnd(tx)
		s.opened = append(s.opened, sku)
	}
}

// publish publishes s.changes and what changed at the warehouses.
func (s *Stage) publish(tx stage.Tx, sku record.SKU, it *item) {
	now := int64(tx.Now())
	s.skuKey = append(s.skuKey[:0], sku...)
	for i := range s.changes {
		c := &s.changes[i]
		tx.Count(outcomeOf(c))
		version := max(c.version+1, now)
		if version <= c.version || c.sellable < 0 {
			panic(fmt.Sprintf("BUG: shop %q is told %d of %q under version %d, after %d", s.tables.shops.list[c.shop], c.sellable, sku, version, c.version))
		}
		it.tell(told{shop: c.shop, sellable: c.sellable, version: version})
		_, name, _ := strings.Cut(s.tables.shops.list[c.shop], "/")
		u := record.ChannelStock{
			Channel: s.config.Channels[c.channel], Shop: name, SKU: sku,
			Sellable: c.sellable, Version: version, Urgent: c.urgent,
		}
		if c.sellable == 0 || c.version > 0 && c.sellable < c.last {
			s.value = appendChannelStock(s.value[:0], &u, s.at)
			tx.Publish(s.topics[c.channel], s.skuKey, s.value)
		} else {
			s.later.add(c.channel, s.skuKey, &u, s.at)
		}
	}
	for i := range it.places {
		p := &it.places[i]
		if !it.differs(i) {
			continue
		}
		version := max(p.version+1, now)
		if version <= p.version || p.now.OnHand|p.now.Unavailable|p.now.Held|p.now.Allocated < 0 {
			panic(fmt.Sprintf("BUG: %+v of %q at %q under version %d, after %d", p.now, sku, s.tables.warehouses.list[p.warehouse], version, p.version))
		}
		p.published, p.version = p.now, version
		s.value = appendStockUpdate(s.value[:0], &record.StockUpdate{
			SKU: sku, Warehouse: record.WarehouseID(s.tables.warehouses.list[p.warehouse]),
			OnHand: p.now.OnHand, Unavailable: p.now.Unavailable, Held: p.now.Held, Allocated: p.now.Allocated,
			Available: p.now.Available(), Version: p.version,
		}, s.at)
		tx.Publish(topicStockEvents, s.skuKey, s.value)
	}
}

// increases are updates that wait for the transaction's decreases.
type increases struct {
	bytes []byte
	list  []increase
}

// increasesKeepBytesMax is how much memory is kept for the next transaction.
const increasesKeepBytesMax = 4 << 20

type increase struct{ channel, key, value, end int }

func (l *increases) add(channel int, key []byte, u *record.ChannelStock, at []byte) {
	in := increase{channel: channel, key: len(l.bytes)}
	l.bytes = append(l.bytes, key...)
	in.value = len(l.bytes)
	l.bytes = appendChannelStock(l.bytes, u, at)
	in.end = len(l.bytes)
	l.list = append(l.list, in)
}

func (l *increases) publish(tx stage.Tx, topics []string) {
	for _, in := range l.list {
		tx.Publish(topics[in.channel], l.bytes[in.key:in.value], l.bytes[in.value:in.end])
	}
	l.reset()
}

func (l *increases) reset() {
	if cap(l.bytes) > increasesKeepBytesMax {
		l.bytes = nil
	}
	l.bytes, l.list = l.bytes[:0], l.list[:0]
}
