package audit

import (
	"encoding/json"
	"fmt"

	"holdfast/topology/record"
)

// order is what the audit knows of one order.
type order struct {
	seq       int64 // of the last order.events
	statusSeq int64 // of the last channel.<name>.status
	last      place // of the last order.events
	heard     bool  // log.orders has an event of it
	inFlight  bool  // something of it crosses the cut
	unknown   bool  // a part of its story is before the log's start
	created   []creation
	asked     []uint64     // what was ordered, as explodedHash, one for each version
	shown     []shownLines // what order.events showed, each once
	live      []liveLine   // of the last order.events
	paid      payment
	wordAt    record.Millis // the marketplace's latest word, by its own time
	expired   expiry
}

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
	if !at.consumed() {
		a.inFlight++
		o.inFlight = true
	}
	now := at.p.pass(appended)
	var origin place
	if p := a.inputOf(e.Origin.Topic, e.Origin.Partition); p != nil {
		origin = place{p, e.Origin.Offset}
	}
	a.hears(o, now, origin, event)
	if event.Order == nil {
		return nil
	}
	o.ask(at.p.combos.explodedHash(event.Order.Lines))
	if event.Type == record.OrderCreated || event.Type == record.OrderSnapshot && event.State != record.StateRecorded {
		o.created = append(o.created, creation{
			at: at, origin: origin, due: a.due(now, event), paid: event.Order.Payment != record.PaymentUnpaid || isPayment(event),
		})
	}
	return nil
}

func (o *order) ask(hash uint64) {
	for _, h := range o.asked {
		if h == hash {
			return
		}
	}
	o.asked = append(o.asked, hash)
}

// shownLines is explodedHash of an event of order.events, with the first that had it.
type shownLines struct {
	hash  uint64
	at    place
	combo bool // some of it are parts of a combo
}

// orderUpdateSeen is what the audit reads of a record.OrderUpdate.
type orderUpdateSeen struct {
	OrderKey string        `json:"order_key"`
	Seq      int64         `json:"seq"`
	Type     string        `json:"type"`
	At       record.Millis `json:"at"`
	Lines    []struct {
		Line      string          `json:"line"`
		SKU       string          `json:"sku"`
		Combo     string          `json:"combo"`
		Qty       record.Quantity `json:"qty"`
		State     string          `json:"state"`
		Warehouse string          `json:"warehouse"`
	} `json:"lines"`
}

func (a *Audit) orderUpdate(at place, written record.Millis, value []byte) error {
	var u orderUpdateSeen
	if err := json.Unmarshal(value, &u); err != nil {
		return err
	}
	o := &a.orders[a.orderNumber(u.OrderKey)]
	if o.seq == 0 && at.p.start > 0 {
		o.unknown = true
		o.seq = u.Seq - 1
	}
	if u.Seq != o.seq+1 {
		a.found.add(RuleSeqGap, u.OrderKey, fmt.Sprintf("seq %d after %d", u.Seq, o.seq), o.last, at)
	}
	o.seq, o.last = u.Seq, at
	if u.Type == record.UpdateExpired {
		a.expired(u.OrderKey, o, expiry{at: at, decided: u.At, lag: written - u.At})
	}
	o.live = o.live[:0]
	shown, combo := uint64(0), false
	for i := range u.Lines {
		l := &u.Lines[i]
		shown += entryHash(l.Line, l.SKU, l.Combo) * uint64(l.Qty)
		combo = combo || l.Combo != ""
		part := liveLine{skuWarehouse: skuWarehouse{a.skus.number(l.SKU), a.warehouses.number(l.Warehouse)}}
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
		o.live = append(o.live, part)
	}
	if len(u.Lines) > 0 || u.Type != record.UpdateRefused {
		o.show(shownLines{hash: shown, at: at, combo: combo})
	}
	return nil
}

func (o *order) show(lines shownLines) {
	for i := range o.shown {
		if o.shown[i].hash == lines.hash {
			return
		}
	}
	o.shown = append(o.shown, lines)
}

// statusUpdate folds a record of channel.<name>.status: it tells a part of the
// order's events, in their order.
func (a *Audit) statusUpdate(at place, value []byte) error {
	var u struct {
		OrderKey string `json:"order_key"`
		Seq      int64  `json:"seq"`
	}
	if err := json.Unmarshal(value, &u); err != nil {
		return err
	}
	o := &a.orders[a.orderNumber(u.OrderKey)]
	if u.Seq <= o.statusSeq {
		a.found.add(RuleSeqGap, u.OrderKey, fmt.Sprintf("status of seq %d after that of seq %d", u.Seq, o.statusSeq), at)
	}
	o.statusSeq = u.Seq
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
