package audit

import (
	"fmt"
	"slices"

	"holdfast/topology/record"
)

// liveLine is a part of an order that has a claim, or is short and may wait.
type liveLine struct {
	skuWarehouse
	held, allocated, short record.Quantity
}

func (a *Audit) orderNumber(key string) uint32 {
	n := a.orderKeys.number(key)
	if int(n) == len(a.orders) {
		a.orders = append(a.orders, order{})
	}
	return n
}

// orderEvent folds an event of log.orders.
func (a *Audit) orderEvent(at place, appended record.Millis, e record.Entry) error {
	if at.p.role != roleOrders {
		return fmt.Errorf("an order event on %s", at.p.Topic)
	}
	event, err := record.DecodeOrderEvent(e.Body)
	if err != nil {
		return err
	}
	o := &a.orders[a.orderNumber(string(event.OrderKey))]
	o.heard = true
	n := a.orderKeys.number(string(event.OrderKey))
	p := a.opened(n)
	if !at.consumed() {
		a.notConsumed(pending{place: at, order: n})
	}
	now := at.p.pass(appended)
	var origin place
	if in := a.inputOf(e.Origin.Topic, e.Origin.Partition); in != nil {
		origin = place{in, e.Origin.Offset}
	}
	a.hears(p, now, origin, event)
	if event.Order == nil {
		return nil
	}
	p.order(at.p.combos.explodedHash(event.Order.Lines))
	if event.Type == record.OrderCreated || event.Type == record.OrderSnapshot && event.State != record.StateRecorded {
		o.created = true
		p.created = append(p.created, creation{
			at: at, origin: origin, due: a.due(now, event), paid: event.Order.Payment != record.PaymentUnpaid || isPayment(event),
		})
	}
	return nil
}

// order notes a version of what was ordered.
func (p *open) order(hash uint64) {
	if !slices.Contains(p.asked, hash) {
		p.asked = append(p.asked, hash)
	}
}

func (a *Audit) orderUpdate(at place, written record.Millis, value []byte) error {
	u, err := a.public.update(value)
	if err != nil {
		return err
	}
	n := a.orderNumber(u.OrderKey)
	o, p := &a.orders[n], a.opened(n)
	if o.seq == 0 && at.p.trimmed {
		o.unknown = true
		o.seq = int32(u.Seq - 1)
	}
	if u.Seq != int64(o.seq)+1 {
		a.found.add(RuleSeqGap, u.OrderKey, fmt.Sprintf("seq %d after %d", u.Seq, o.seq), p.last, at)
	}
	o.seq, p.last = int32(u.Seq), at
	if written-u.At > a.cfg.LateMax && len(p.created) > 0 && p.created[0].at.p != nil {
		p.created[0].at.p.stoodStill(u.At, written)
	}
	if u.Type == record.UpdateExpired {
		a.expired(u.OrderKey, o, expiry{at: at, decided: u.At, lag: written - u.At})
	}
	hash, combo := a.seeLines(p, &u)
	if len(u.Lines) == 0 && u.Type == record.UpdateRefused {
		return nil
	}
	if !o.told {
		o.told, o.lines, p.shownAt, p.combo = true, hash, at, combo
	} else if hash != o.lines {
		a.found.add(RuleLinesDontAddUp, u.OrderKey, "the parts of its lines aren't those of its first event", p.shownAt, at)
	}
	a.close(n)
	return nil
}

// seeLines notes which units an event says are claimed or missing, and returns
// explodedHash of all.
func (a *Audit) seeLines(p *open, u *updateSeen) (hash uint64, combo bool) {
	p.live = p.live[:0]
	for i := range u.Lines {
		l := &u.Lines[i]
		hash += entryHash(l.Line, l.SKU, l.Combo) * uint64(l.Qty)
		combo = combo || l.Combo != ""
		var part liveLine
		switch l.State {
		case record.LineHeld:
			part.held = l.Qty
		case record.LineAllocated:
			part.allocated = l.Qty
		case record.LineShort, record.LineBackordered:
			part.short = l.Qty
		default:
			continue
		}
		part.skuWarehouse = skuWarehouse{a.skus.number(l.SKU), a.warehouses.number(l.Warehouse)}
		p.live = append(p.live, part)
	}
	return hash, combo
}

// statusUpdate folds a record of channel.<name>.status: it tells a part of the
// order's events, in their order.
func (a *Audit) statusUpdate(at place, value []byte) error {
	u, err := a.public.status(value)
	if err != nil {
		return err
	}
	o := &a.orders[a.orderNumber(u.OrderKey)]
	if u.Seq <= int64(o.statusSeq) {
		a.found.add(RuleSeqGap, u.OrderKey, fmt.Sprintf("status of seq %d after that of seq %d", u.Seq, o.statusSeq), at)
	}
	o.statusSeq = int32(u.Seq)
	return nil
}

// lineHash is FNV-1a over both names.
func lineHash(line, sku string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(line) {
		h = (h ^ uint64(line[i])) * 1099511628211
	}
	h *= 1099511628211
	for i := range len(sku) {
		h = (h ^ uint64(sku[i])) * 1099511628211
	}
	return h
}
