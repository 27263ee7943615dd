package order

import (
	"fmt"
	"slices"
	"sort"

	"holdfast/topology/record"
)

// model is a second way to decide orders, as plain as can be: every unit is an
// element of a list with its state in words, what is due is found by looking at
// all orders, and nothing is stored. It knows no snapshots; words of marketplaces
// it knows as statuses.
type model struct {
	cfg    Config
	now    record.Millis
	orders map[record.OrderKey]*modelOrder
	// best are the warehouses of orders that have never been anywhere, as the stage
	// chose them; chosen are those that the model followed.
	best   map[record.OrderKey]string
	chosen []string
	boxes  map[record.OrderKey]*modelBox
	// What is expected of the stage since the last step.
	commands, told, dead []string
}

type modelBox struct {
	due    record.Millis
	events []modelEvent
}

type modelEvent struct {
	*record.OrderEvent
	topic string
	again int // a word whose id has come before: the seq of what it causes
}

func (e modelEvent) by() string {
	if e.again > 0 {
		return fmt.Sprintf("%s#%d", e.EventID, e.again)
	}
	return e.EventID
}

func newModel(cfg Config) *model {
	return &model{cfg: cfg, orders: map[record.OrderKey]*modelOrder{}, boxes: map[record.OrderKey]*modelBox{}}
}

// due does what is due, in order.
func (m *model) due(now record.Millis) {
	m.now = now
	for {
		type timer struct {
			at   record.Millis
			kind int
			key  record.OrderKey
		}
		var all []timer
		for k, o := range m.orders {
			if o.expires != 0 && !o.paymentWaits() {
				all = append(all, timer{o.expires, 1, k})
			}
			if o.decideBy != 0 {
				all = append(all, timer{o.decideBy, 2, k})
			}
			if o.closed != 0 {
				all = append(all, timer{o.closed, 3, k})
			}
		}
		for k, b := range m.boxes {
			all = append(all, timer{b.due, 4, k})
		}
		sort.Slice(all, func(i, j int) bool {
			a, b := all[i], all[j]
			return a.at < b.at || a.at == b.at && (a.kind < b.kind || a.kind == b.kind && a.key < b.key)
		})
		if len(all) == 0 || all[0].at > now {
			return
		}
		o := m.orders[all[0].key]
		switch all[0].kind {
		case 1:
			m.expire(o)
		case 2:
			m.deadline(o)
		case 3:
			delete(m.orders, all[0].key)
		case 4:
			for _, e := range m.boxes[all[0].key].events {
				if !isCancel(e.OrderEvent) {
					m.dead = append(m.dead, "order_unknown "+e.EventID)
				}
			}
			delete(m.boxes, all[0].key)
		}
		if o != nil {
			m.afterwards(o)
		}
	}
}

func (m *model) event(e *record.OrderEvent, topic string) {
	ev := modelEvent{OrderEvent: e, topic: topic}
	o, box := m.orders[e.OrderKey], m.boxes[e.OrderKey]
	switch {
	case o != nil:
		m.apply(o, ev)
		m.afterwards(o)
	case e.Type == record.OrderCreated:
		m.create(ev, box)
	case box == nil:
		m.boxes[e.OrderKey] = &modelBox{due: m.now + record.Millis(m.cfg.InboxMillis), events: []modelEvent{ev}}
	default:
		box.events = m.keep(box.events, ev)
	}
}

func (m *model) keep(box []modelEvent, ev modelEvent) []modelEvent {
	for _, x := range box {
		if x.EventID == ev.EventID && x.ContentHash == ev.ContentHash && x.Type == ev.Type {
			return box
		}
	}
	if len(box) >= m.cfg.InboxEventsMax {
		m.dead = append(m.dead, "inbox_full "+ev.EventID)
		return box
	}
	return append(box, ev)
}

func (m *model) create(ev modelEvent, box *modelBox) {
	e := ev.OrderEvent
	if m.cfg.AcceptAgeMillis > 0 && int64(m.now-e.OccurredAt) > m.cfg.AcceptAgeMillis {
		m.dead = append(m.dead, "too_old "+e.EventID)
		return
	}
	o := &modelOrder{attempt: 1, key: e.OrderKey, hash: e.ContentHash, fact: e.Fact, whole: e.Order.Allow == record.AllowAll && !e.Fact,
		paid: e.Order.Payment != record.PaymentUnpaid, wordAt: e.OccurredAt, seen: map[string]map[uint64]bool{}, cause: e.EventID,
		waits: e.Fact || e.Order.Allow == record.AllowBackorder, named: map[modelName]int{}}
	for _, l := range e.Order.Lines {
		for range l.Qty {
			o.units = append(o.units, &modelUnit{line: l.Line, sku: string(l.SKU)})
		}
		if !slices.Contains(o.skus, string(l.SKU)) {
			o.skus = append(o.skus, string(l.SKU))
		}
	}
	o.note(e)
	m.orders[e.OrderKey] = o
	if box != nil {
		o.waiting = box.events
		delete(m.boxes, e.OrderKey)
	}
	all := func(x modelEvent) bool { return isCancel(x.OrderEvent) && o.covers(x.OrderEvent) }
	if !o.anyWaits(isShipment) && slices.ContainsFunc(o.waiting, all) {
		o.sortWaiting()
		at := slices.IndexFunc(o.waiting, all)
		cancel := o.waiting[at]
		rest := []modelEvent{}
		for i, x := range o.waiting {
			if i == at || isPayment(x.OrderEvent) {
				o.note(x.OrderEvent)
				o.hear(x.OrderEvent)
				o.paid = o.paid || isPayment(x.OrderEvent)
			} else {
				rest = append(rest, x)
			}
		}
		o.waiting = rest
		m.cancelAll(o, cancel.EventID, cancel.topic)
		m.afterwards(o)
		return
	}
	if !o.paid {
		hold := record.Millis(e.Order.HoldSeconds * 1000)
		if e.Fact && record.IsMarketplace(o.channel()) {
			hold = record.Millis(m.cfg.MarketplaceHoldMillis)
		}
		o.expires = m.now + hold
	}
	m.reserve(o, e.EventID)
}

func (m *model) reserve(o *modelOrder, cause string) {
	o.phase, o.cause, o.decided = "pending", cause, map[string]*modelDecision{}
	o.decideBy, o.last = m.now+o.patience(m.cfg), false
	several := 0
	for _, sku := range o.skus {
		if o.countSKU(sku, "") > 0 {
			several++
		}
	}
	o.hard = o.paid && !(o.whole && several > 1)
	for _, sku := range o.skus {
		if n := o.countSKU(sku, ""); n > 0 {
			m.command(o, "reserve", sku, cause, fmt.Sprintf(" x%d allocate=%v whole=%v wait=%v fact=%v", n, o.hard, o.whole, o.waits, o.fact))
		}
	}
}

func (m *model) apply(o *modelOrder, ev modelEvent) {
	e := ev.OrderEvent
	if e.Type == record.OrderCreated && e.ContentHash == o.hash || o.seen[e.EventID][e.ContentHash] {
		return
	}
	conflict := len(o.seen[e.EventID]) > 0 && e.Type != record.OrderStatus
	if o.phase == "pending" {
		if !conflict && e.Type == record.OrderStatus && !o.newer(e) && e.State <= o.word {
			return
		}
		if !conflict && isCancel(e) && o.covers(e) && !o.anyWaits(isShipment) {
			o.note(e)
			o.hear(e)
			m.releaseAll(o, e.EventID)
			m.cancelAll(o, e.EventID, ev.topic)
			return
		}
		o.waiting = m.keep(o.waiting, ev)
		return
	}
	o.note(e)
	o.closed = 0
	if conflict {
		m.dead = append(m.dead, "event_id_conflict "+e.EventID)
		m.tell(o, "order.refused", "event_id_conflict", false, e.EventID, ev.topic)
		return
	}
	ev.again = 0
	if len(o.seen[e.EventID]) > 1 {
		ev.again = o.seq + 1
	}
	switch e.Type {
	case record.OrderCreated:
		m.tell(o, "order.refused", "order_exists", false, ev.by(), ev.topic)
	case record.OrderPaid:
		m.pay(o, ev)
	case record.OrderCancelled:
		m.cancel(o, ev)
	case record.OrderPicked:
		m.advance(o, ev, "picked", "order.picking", []string{"allocated"}, "picked", "packed", "shipped", "delivered", "returned")
	case record.OrderPacked:
		m.advance(o, ev, "packed", "order.packed", []string{"picked", "allocated"}, "packed", "shipped", "delivered", "returned")
	case record.OrderDelivered:
		m.deliver(o, ev)
	case record.OrderReturned:
		m.returned(o, ev)
	case record.OrderShipped:
		m.ship(o, ev, false)
	case record.OrderStatus:
		m.status(o, ev)
	default:
		m.tell(o, "order.refused", "not_supported", false, ev.by(), ev.topic)
	}
}

func (m *model) status(o *modelOrder, ev modelEvent) {
	further, newer := ev.State > o.word, o.newer(ev.OrderEvent)
	ships := further && ev.State > record.StateCancelled
	switch {
	case !further && !newer:
	case ev.State == record.StateCancelled && o.word != ev.State:
		o.hear(ev.OrderEvent)
		m.cancel(o, ev)
	case !further:
		o.hear(ev.OrderEvent)
	default:
		if ev.State == record.StatePaid || ships && (o.phase == "live" || o.phase == "expired") {
			m.pay(o, ev)
		}
		if ships && o.phase == "pending" {
			delete(o.seen[ev.EventID], ev.ContentHash)
			o.waiting = append(o.waiting, ev)
			return
		}
		o.hear(ev.OrderEvent)
		if ships {
			m.ship(o, ev, true)
		}
		if ev.State == record.StateCompleted && !o.done && o.phase == "live" && o.count("shipped", "delivered") > 0 {
			o.done = true
			m.tell(o, "order.completed", "", false, ev.by(), ev.topic)
		}
	}
}

func (m *model) pay(o *modelOrder, ev modelEvent) {
	if o.paid {
		return
	}
	switch o.phase {
	case "cancelled":
		m.tell(o, "order.refused", "order_cancelled", true, ev.by(), ev.topic)
	case "rejected":
		m.tell(o, "order.refused", "order_rejected", true, ev.by(), ev.topic)
	case "expired":
		o.paid, o.revived = true, true
		for _, u := range o.units {
			if u.state == "released" {
				u.state, u.at = "", ""
			}
		}
		m.reserve(o, ev.by())
	case "live":
		o.paid, o.expires = true, 0
		m.confirm(o, ev.by())
		m.tell(o, "order.confirmed", "", o.count("allocated", "picked", "packed", "waiting", "shipped", "delivered") == 0, ev.by(), ev.topic)
	}
}

func (m *model) confirm(o *modelOrder, cause string) {
	for _, sku := range o.skus {
		if o.countSKU(sku, "held", "waiting") > 0 {
			m.command(o, "confirm", sku, cause, "")
		}
	}
	for _, u := range o.units {
		if u.state == "held" {
			u.state = "allocated"
		}
	}
	o.arrange()
	o.hard = true
}

func (m *model) expire(o *modelOrder) {
	m.releaseAll(o, "expiry")
	for _, u := range o.units {
		if o.phase == "pending" && u.state == "" || u.is("held", "allocated", "picked", "packed", "waiting", "short") {
			u.state = "released"
		}
	}
	o.arrange()
	o.phase, o.expires, o.hard, o.retry = "expired", 0, false, false
	m.tell(o, "order.expired", "expired", false, "expiry", "")
}

func (m *model) deadline(o *modelOrder) {
	if !o.last {
		o.decideBy = 0
		m.commands = append(m.commands, fmt.Sprintf("reminder %s #%d", o.key, o.attempt))
		return
	}
	o.decideBy = 0
	m.releaseAll(o, "deadline")
	o.hard = false
	asked := []*modelUnit{}
	for _, u := range o.units {
		if u.state == "" {
			u.state = "short"
			asked = append(asked, u)
		}
	}
	revived := o.revived
	o.revived = false
	switch {
	case o.retry:
	case revived:
		o.phase = "live"
		m.tell(o, "order.revived", "expired_before_payment", true, "deadline", "")
	case o.fact:
		o.phase = "live"
		m.tell(o, "order.accepted", "undecided", false, "deadline", "")
	default:
		m.giveBack(o, asked)
		o.phase, o.expires = "rejected", 0
		m.tell(o, "order.rejected", "undecided", false, "deadline", "")
	}
	if o.fact {
		for _, u := range asked {
			u.state = ""
		}
		o.retry = true
		m.reserve(o, o.cause)
	}
}

func (m *model) remind(key record.OrderKey, attempt int) {
	if o := m.orders[key]; o != nil && o.phase == "pending" && o.attempt == attempt && o.decideBy == 0 {
		o.last, o.decideBy = true, m.now+o.patience(m.cfg)
	}
}

// giveBack shows what was granted to an order that is rejected as released.
func (m *model) giveBack(o *modelOrder, asked []*modelUnit) {
	m.share(o, asked)
	for _, u := range asked {
		if u.is("held", "allocated") {
			u.state = "released"
		} else {
			u.state, u.at = "short", ""
		}
	}
	o.arrange()
}

// share hands what was decided to the units that ask, in their order.
func (m *model) share(o *modelOrder, asked []*modelUnit) {
	at := map[string]int{}
	for _, u := range asked {
		d := o.decided[u.sku]
		if d == nil {
			continue
		}
		u.state, u.at = d.stream[at[u.sku]].state, d.stream[at[u.sku]].at
		at[u.sku]++
	}
	o.arrange()
}

// decision takes the outcome for one SKU.
func (m *model) decision(d *record.Decision) {
	o := m.orders[d.OrderKey]
	switch {
	case o == nil && d.Verb == record.VerbFill:
		m.commands = append(m.commands, fmt.Sprintf("release %s %s #%d by %s", d.OrderKey, d.SKU, d.Attempt, d.Cause))
		return
	case d.Verb == record.VerbFill && (int(d.Attempt) != o.attempt || o.phase != "pending" && o.phase != "live"):
		late := map[string]int{}
		for _, mv := range d.Moves {
			late[string(mv.Warehouse)] += int(mv.Qty)
		}
		m.commands = append(m.commands, fmt.Sprintf("reduce %s %s #%d by %s waiting 0 %v", d.OrderKey, d.SKU, d.Attempt, d.Cause, late))
		return
	case o == nil || int(d.Attempt) != o.attempt:
		return
	case d.Verb == record.VerbFill:
		m.fill(o, d)
		return
	case o.phase != "pending" || o.decided[string(d.SKU)] != nil:
		return
	}
	state := "held"
	if o.hard {
		state = "allocated"
	}
	md := &modelDecision{reason: d.Reason}
	for _, mv := range d.Moves {
		for range mv.Qty {
			md.stream = append(md.stream, modelUnit{state: state, at: string(mv.Warehouse)})
		}
	}
	for range d.Waiting {
		md.stream = append(md.stream, modelUnit{state: "waiting"})
	}
	md.had = len(md.stream) > 0
	for n := len(md.stream); n < int(d.Requested); n++ {
		md.stream = append(md.stream, modelUnit{state: "short"})
	}
	o.decided[string(d.SKU)] = md
	asked := map[string]bool{}
	for _, u := range o.units {
		if u.state == "" {
			asked[u.sku] = true
		}
	}
	if len(o.decided) == len(asked) {
		m.settle(o)
		m.afterwards(o)
	}
}

func (m *model) settle(o *modelOrder) {
	missing, had, reason := false, false, ""
	for _, sku := range o.skus {
		d := o.decided[sku]
		if d == nil {
			continue
		}
		had = had || d.had
		for _, u := range d.stream {
			missing = missing || u.state == "short"
			if reason == "" && (u.state == "short" || u.state == "waiting") {
				reason = d.reason
			}
		}
	}
	var asked []*modelUnit
	for _, u := range o.units {
		if u.state == "" {
			asked = append(asked, u)
		}
	}
	if missing && (o.whole || !had && !o.fact) {
		m.releaseAll(o, o.cause)
		if o.revived {
			for _, u := range asked {
				u.state, u.at = "short", ""
			}
			o.phase, o.hard, o.revived = "live", false, false
			m.tell(o, "order.revived", "expired_before_payment", true, o.cause, "")
			return
		}
		m.giveBack(o, asked)
		o.phase, o.expires = "rejected", 0
		m.tell(o, "order.rejected", reason, false, o.cause, "")
		return
	}
	m.share(o, asked)
	o.phase = "live"
	if o.paid && !o.hard {
		m.confirm(o, o.cause)
	}
	if o.retry {
		o.retry = false
		if o.count("held", "allocated") > 0 {
			m.tell(o, "order.filled", "", false, o.cause, "")
		}
		return
	}
	if o.revived {
		o.revived = false
		if reason != "" {
			m.tell(o, "order.revived", "expired_before_payment", true, o.cause, "")
		} else {
			m.tell(o, "order.revived", "", false, o.cause, "")
		}
		return
	}
	m.tell(o, "order.accepted", reason, false, o.cause, "")
}

func (m *model) fill(o *modelOrder, d *record.Decision) {
	if o.phase != "pending" && o.phase != "live" {
		return
	}
	state := "held"
	if o.hard {
		state = "allocated"
	}
	units := []*modelUnit{}
	if o.phase == "pending" {
		stream := o.decided[string(d.SKU)].stream
		for i := range stream {
			units = append(units, &stream[i])
		}
	} else {
		for _, u := range o.units {
			if u.sku == string(d.SKU) {
				units = append(units, u)
			}
		}
	}
	took, excess := false, map[string]int{}
	for _, mv := range d.Moves {
		for range mv.Qty {
			at := slices.IndexFunc(units, func(u *modelUnit) bool { return u.state == "waiting" })
			if at < 0 {
				excess[string(mv.Warehouse)]++
				continue
			}
			units[at].state, units[at].at, took = state, string(mv.Warehouse), true
			o.arrange()
		}
	}
	if o.phase == "pending" {
		arrangeStream(o.decided[string(d.SKU)].stream)
	}
	if len(excess) > 0 {
		o.closed = 0
		m.command(o, "reduce", string(d.SKU), d.Cause, fmt.Sprint(" waiting 0 ", excess))
	}
	if o.phase == "live" && took {
		m.tell(o, "order.filled", "", false, d.Cause, "")
	}
	m.afterwards(o)
}
