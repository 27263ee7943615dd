package audit

import (
	"cmp"
	"maps"
	"slices"

	"holdfast/topology/record"
)

// pending is an entry that its stage hadn't consumed at the cut.
type pending struct {
	place
	order   uint32     // 0: of nobody
	command commandKey // of a command
	feed    feedKey    // of a record of the stock feed
}

// model walks over all that an audit knows, to write it down or to read it.
func (a *Audit) model(c *coder) {
	a.modelPartitions(c)
	for _, n := range []*names{&a.skus, &a.warehouses, &a.orderKeys, &a.events, &a.shops} {
		c.names(n)
	}
	c.flag(&a.trim)
	num(c, &a.vouches)
	for _, n := range []*int64{&a.records, &a.decisions, &a.movements} {
		num(c, n)
	}
	a.modelOrders(c)
	a.modelStock(c)
	a.modelChannels(c)
	list(c, &a.unconsumed, func(p *pending) {
		c.place(&p.place)
		num(c, &p.order)
		c.key(&p.command)
		num(c, &p.feed.sku)
		num(c, &p.feed.event)
		num(c, &p.feed.verb)
	})
}

func (a *Audit) modelPartitions(c *coder) {
	tps := slices.SortedFunc(maps.Keys(a.partitions), func(x, y TopicPartition) int {
		return cmp.Or(cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition))
	})
	if c.w == nil {
		tps = nil
	}
	list(c, &tps, func(tp *TopicPartition) {
		text(c, &tp.Topic)
		num(c, &tp.Partition)
		p := a.partition(tp.Topic, tp.Partition)
		c.parts = append(c.parts, p)
		next := max(p.end, p.next)
		num(c, &next)
		if c.w == nil {
			p.start, p.next, p.resumed = next, next, true
		}
		c.flag(&p.trimmed)
		num(c, &p.records)
		num(c, &p.unread)
		num(c, &p.unreadSince)
		last := p.moments[max(0, len(p.moments)-1):]
		if c.w == nil {
			last = nil
		}
		list(c, &last, func(m *moment) { num(c, &m.first); num(c, &m.last) })
		if c.w == nil {
			p.moments = last
		}
		rows(c, (*map[string]versioned[record.CatalogItem])(&p.combos))
		waiting := p.notTraced()
		if c.w == nil {
			waiting = nil
		}
		list(c, &waiting, func(o *record.Offset) { num(c, o) })
		if c.w == nil {
			p.waiting = map[record.Offset]bool{}
			for _, o := range waiting {
				p.waiting[o] = true
			}
		}
	})
}

// notTraced lists the records of an input that intake hadn't consumed.
func (p *partition) notTraced() []record.Offset {
	var out []record.Offset
	for o := range p.waiting {
		out = append(out, o)
	}
	if p.role == roleInput {
		for o := max(p.start, p.committed); o < p.next; o++ {
			if p.present.has(o-p.start) && !p.traced.has(o-p.start) {
				out = append(out, o)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (a *Audit) modelOrders(c *coder) {
	if c.w == nil {
		a.orders = nil
	}
	list(c, &a.orders, func(o *order) {
		num(c, &o.seq)
		num(c, &o.statusSeq)
		lines := int64(o.lines)
		num(c, &lines)
		o.lines = uint64(lines)
		num(c, &o.settled)
		for _, flag := range []*bool{&o.heard, &o.created, &o.unknown, &o.told, &o.linesJudged, &o.ended} {
			c.flag(flag)
		}
		is := o.open != nil
		c.flag(&is)
		if is {
			if o.open == nil {
				o.open = &open{}
			}
			o.open.model(c)
		}
	})
}

func (p *open) model(c *coder) {
	c.place(&p.last)
	c.place(&p.shownAt)
	c.flag(&p.combo)
	num(c, &p.early)
	num(c, &p.uneven)
	list(c, &p.asks, func(s *ask) {
		num(c, &s.sku)
		num(c, &s.attempt)
		num(c, &s.verb)
		c.tally(&s.tally)
	})
	list(c, &p.claims, func(r *claimRow) { num(c, &r.chain); c.claim(&r.claim) })
	list(c, &p.waits, func(w *wait) { num(c, &w.sku); num(c, &w.attempt); num(c, &w.released); num(c, &w.qty); num(c, &w.at) })
	list(c, &p.asked, func(h *uint64) {
		n := int64(*h)
		num(c, &n)
		*h = uint64(n)
	})
	list(c, &p.live, func(l *liveLine) {
		num(c, &l.sku)
		num(c, &l.warehouse)
		num(c, &l.held)
		num(c, &l.allocated)
		num(c, &l.short)
	})
	p.modelMaking(c)
}

// modelMaking leaves out what ended with the dead letters: which did isn't known
// later.
func (p *open) modelMaking(c *coder) {
	if c.w != nil {
		p.created = slices.DeleteFunc(p.created, func(x creation) bool { return x.origin.dead() })
		if p.paid.origin.dead() {
			p.paid = payment{}
		}
	}
	list(c, &p.created, func(x *creation) { c.place(&x.at); c.place(&x.origin); num(c, &x.due); c.flag(&x.paid) })
	num(c, &p.paid.at)
	c.place(&p.paid.origin)
	num(c, &p.paid.said)
	num(c, &p.wordAt)
}

func (a *Audit) modelStock(c *coder) {
	list(c, &a.chains, func(n *chain) {
		num(c, &n.sku)
		num(c, &n.warehouse)
		num(c, &n.next)
		num(c, &n.opened)
		c.counters(&n.model)
		c.counters(&n.logged)
		c.claim(&n.pool)
		num(c, &n.last)
		num(c, &n.in)
		num(c, &n.shipped)
		num(c, &n.returned)
		c.flag(&n.found)
		num(c, &n.early)
	})
	if c.w == nil {
		for i := range a.chains {
			a.chainIDs[a.chains[i].skuWarehouse] = uint32(i)
		}
	}
	byNumber := func(x, y chainNumber) int {
		return cmp.Or(cmp.Compare(x.chain, y.chain), cmp.Compare(x.number, y.number))
	}
	table(c, &a.early, byNumber, func(k *chainNumber, m *movement) {
		num(c, &k.chain)
		num(c, &k.number)
		m.model(c)
	})
	byFeed := func(x, y feedKey) int {
		return cmp.Or(cmp.Compare(x.sku, y.sku), cmp.Compare(x.event, y.event), cmp.Compare(x.verb, y.verb))
	}
	table(c, &a.feed, byFeed, func(k *feedKey, t *tally) {
		num(c, &k.sku)
		num(c, &k.event)
		num(c, &k.verb)
		c.tally(t)
	})
	byApplied := func(x, y appliedKey) int {
		return cmp.Or(cmp.Compare(x.sku, y.sku), cmp.Compare(x.warehouse, y.warehouse), cmp.Compare(x.event, y.event))
	}
	table(c, &a.applied, byApplied, func(k *appliedKey, at *record.Millis) {
		num(c, &k.sku)
		num(c, &k.warehouse)
		num(c, &k.event)
		num(c, at)
	})
}

func (m *movement) model(c *coder) {
	num(c, &m.number)
	num(c, &m.qty)
	c.counters(&m.before)
	c.counters(&m.after)
	num(c, &m.order)
	num(c, &m.verb)
	c.flag(&m.allocated)
	c.flag(&m.found)
	num(c, &m.ordinal)
	c.key(&m.command)
	c.place(&m.at)
	num(c, &m.appended)
}

func (a *Audit) modelChannels(c *coder) {
	rows(c, &a.warehouseRows)
	rows(c, &a.shopRows)
	rows(c, (*map[string]versioned[record.CatalogItem])(&a.combos))
	table(c, &a.supplies, cmp.Compare[uint32], func(k *uint32, s *supply) {
		num(c, k)
		c.flag(&s.fed)
		num(c, &s.buffer)
		table(c, &s.safety, cmp.Compare[uint32], func(w *uint32, q *record.Quantity) { num(c, w); num(c, q) })
		table(c, &s.policies, cmp.Compare[string], func(key *string, p *record.ChannelPolicy) {
			text(c, key)
			p.Channel = *key
			num(c, &p.Buffer)
			num(c, &p.Cap)
		})
		table(c, &s.quotas, cmp.Compare[string], func(channel *string, q *record.Quantity) { text(c, channel); num(c, q) })
	})
	byShop := func(x, y shopSKU) int { return cmp.Or(cmp.Compare(x.shop, y.shop), cmp.Compare(x.sku, y.sku)) }
	table(c, &a.shown, byShop, func(k *shopSKU, s *shown) {
		num(c, &k.shop)
		num(c, &k.sku)
		c.place(&s.at)
		num(c, &s.version)
		num(c, &s.sellable)
	})
	table(c, &a.counted, compareStock, func(k *skuWarehouse, s *countersShown) {
		num(c, &k.sku)
		num(c, &k.warehouse)
		c.place(&s.at)
		num(c, &s.version)
		c.counters(&s.counters)
		num(c, &s.available)
	})
}
