package audit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"holdfast/topology/record"
)

// toy is the whole system in a page, one thing after the other: it writes the
// logs that the real one would write, for the audit to pass or a doctor to spoil.
type toy struct {
	*book
	items    map[[2]string]*toyItem // by SKU and warehouse
	orders   map[string]*toyOrder
	waiting  map[string][]*toyWait // by SKU
	events   int
	shops    []record.Shop
	changed  map[string]bool
	version  int64
	hold     int64 // seconds, of the next unpaid orders
	generous bool  // grants whatever is asked for
	begins   []int // where in facts each thing that happens begins
	combos   map[string][]record.Component
	rules    map[string]*toyRules // by SKU
}

type toyItem struct {
	record.Counters
	number uint64
}

type toyOrder struct {
	key     string
	attempt uint32
	paid    bool
	closed  bool // cancelled, expired or shipped: it can't expire any more
	due     record.Millis
	seq     int64
	status  string
	lines   []toyLine
	origin  record.Origin
}

type toyLine struct {
	line, sku string
	combo     string          // the sold SKU, of which sku is a component
	perSet    record.Quantity // of it
	qty       record.Quantity
	parts     []toyPart
	left      string // state of what isn't in parts
}

type toyPart struct {
	warehouse string
	qty       record.Quantity
	state     string
}

type toyWait struct {
	order *toyOrder
	line  int
	qty   record.Quantity
}

var toyWarehouses = []string{"HCM-1", "HN-1"}

func newToy() *toy {
	t := &toy{book: newBook(), items: map[[2]string]*toyItem{}, orders: map[string]*toyOrder{}, waiting: map[string][]*toyWait{}, changed: map[string]bool{},
		hold: 3600, combos: map[string][]record.Component{}, rules: map[string]*toyRules{}}
	for i, w := range toyWarehouses {
		t.row(record.KindWarehouse, w, record.Offset(i), record.Warehouse{ID: record.WarehouseID(w)})
	}
	limit := record.Quantity(40)
	t.shops = []record.Shop{{Channel: "web", Shop: "main"}, {Channel: "shopee", Shop: "main", Buffer: 2, Cap: &limit}}
	for i, s := range t.shops {
		t.row(record.KindShop, s.Channel+"/"+s.Shop, record.Offset(i), s)
	}
	return t
}

func (t *toy) row(kind record.Kind, key string, version record.Offset, row any) {
	text, err := json.Marshal(row)
	if err != nil {
		panic(err)
	}
	for p := range 2 {
		e := factEntry{kind: kind, key: key, body: &record.TableRow{Key: key, Version: version, JSON: text}}
		t.write("log.availability", p, "", nil, e)
		t.write("log.orders", p, "", nil, e)
	}
}

func (t *toy) begin() { t.begins = append(t.begins, len(t.facts)) }

func half(key string) int { return int(lineHash(key, "") % 2) }

func (t *toy) event() string {
	t.events++
	return fmt.Sprintf("e-%d", t.events)
}

// stock is a record of the stock feed, decided; what waits is served.
func (t *toy) stock(verb record.Verb, sku, warehouse string, qty record.Quantity) {
	t.begin()
	id := t.event()
	public := t.write("stock.feed", half(sku), sku, record.StockInput{Holdfast: 1, EventID: id, Type: "stock." + verb.String()})
	t.write("log.inventory", half(sku), "", nil, factEntry{record.KindStock, sku, public.origin(), &record.StockCommand{
		Verb: verb, EventID: id, SKU: record.SKU(sku), Warehouse: record.WarehouseID(warehouse), Qty: qty}})
	d := &record.Decision{Verb: verb, Outcome: record.OutcomeDone, SKU: record.SKU(sku), Cause: id, Requested: qty}
	if verb == record.VerbCount {
		qty -= t.item(sku, warehouse).OnHand
	}
	by := record.Counters{OnHand: qty}
	if verb == record.VerbDamage {
		by = record.Counters{Unavailable: qty}
	}
	t.rulesOf(sku).fed = true
	t.move(d, warehouse, qty, by)
	t.decide("log.availability", sku, public.origin(), d)
	t.serve(sku, id, public.origin())
}

func (t *toy) item(sku, warehouse string) *toyItem {
	k := [2]string{sku, warehouse}
	if t.items[k] == nil {
		t.items[k] = &toyItem{}
	}
	return t.items[k]
}

func (t *toy) move(d *record.Decision, warehouse string, qty record.Quantity, by record.Counters) {
	i := t.item(string(d.SKU), warehouse)
	m := record.Movement{Warehouse: record.WarehouseID(warehouse), Qty: qty, Before: i.Counters}
	i.OnHand += by.OnHand
	i.Unavailable += by.Unavailable
	i.Held += by.Held
	i.Allocated += by.Allocated
	i.number++
	m.Number, m.After = i.number, i.Counters
	d.Moves = append(d.Moves, m)
	t.changed[string(d.SKU)] = true
}

func (t *toy) decide(log, key string, origin record.Origin, d *record.Decision) {
	t.write(log, half(key), "", nil, factEntry{record.KindDecision, key, origin, d})
}

// take grants up to qty units from wherever they are.
func (t *toy) take(d *record.Decision, l *toyLine, qty record.Quantity) (granted record.Quantity) {
	state := record.LineHeld
	if d.Allocated {
		state = record.LineAllocated
	}
	for _, w := range toyWarehouses {
		n := min(qty-granted, max(0, t.item(l.sku, w).Available()))
		if t.generous {
			n = qty - granted
		}
		if n == 0 {
			continue
		}
		granted += n
		by := record.Counters{Held: n}
		if d.Allocated {
			by = record.Counters{Allocated: n}
		}
		t.move(d, w, n, by)
		l.parts = append(l.parts, toyPart{w, n, state})
	}
	return granted
}

func (t *toy) command(o *toyOrder, l *toyLine, verb record.Verb, cause string) *record.Decision {
	t.write("log.inventory", half(l.sku), "", nil, factEntry{record.KindCommand, l.sku, o.origin, &record.Command{
		Verb: verb, OrderKey: record.OrderKey(o.key), SKU: record.SKU(l.sku), Attempt: o.attempt, Cause: cause, Qty: l.qty}})
	return &record.Decision{Verb: verb, Outcome: record.OutcomeDone, OrderKey: record.OrderKey(o.key), SKU: record.SKU(l.sku), Attempt: o.attempt, Cause: cause}
}

// heard writes the public event and its entry of log.orders.
func (t *toy) heard(o *toyOrder, e *record.OrderEvent) {
	t.begin()
	channel, _, _, _ := record.OrderKey(o.key).Cut()
	e.EventID, e.OrderKey = t.event(), record.OrderKey(o.key)
	public := t.write("channel."+channel+".orders", 0, o.key, map[string]any{"holdfast": 1, "event_id": e.EventID})
	o.origin = public.origin()
	t.write("log.orders", half(o.key), "", nil, factEntry{record.KindOrderEvent, o.key, o.origin, e})
}

// create places an order of one line per SKU. What can't be had is short and
// waits.
func (t *toy) create(key string, paid bool, want map[string]record.Quantity) *toyOrder {
	o := &toyOrder{key: key, attempt: 1, paid: paid}
	t.orders[key] = o
	body := &record.OrderBody{Payment: record.PaymentPrepaid}
	if !paid {
		body.Payment, body.HoldSeconds = record.PaymentUnpaid, t.hold
	}
	for i, sku := range slices.Sorted(maps.Keys(want)) {
		if len(t.combos[sku]) == 0 {
			o.lines = append(o.lines, toyLine{line: fmt.Sprint(i + 1), sku: sku, qty: want[sku], left: record.LineShort})
		}
		for _, c := range t.combos[sku] {
			o.lines = append(o.lines, toyLine{line: fmt.Sprint(i + 1), sku: string(c.SKU), combo: sku, perSet: c.Qty, qty: c.Qty * want[sku], left: record.LineShort})
		}
		body.Lines = append(body.Lines, record.OrderLine{Line: fmt.Sprint(i + 1), SKU: record.SKU(sku), Qty: want[sku]})
	}
	t.heard(o, &record.OrderEvent{Type: record.OrderCreated, Order: body})
	o.due = t.clock + record.Millis(t.hold*1000)
	t.reserve(o)
	t.wholeSets(o)
	t.tell(o, record.UpdateAccepted)
	return o
}

func (t *toy) reserve(o *toyOrder) {
	for i := range o.lines {
		l := &o.lines[i]
		o.closed = false
		t.command(o, l, record.VerbReserve, "create")
		d := &record.Decision{Verb: record.VerbReserve, Outcome: record.OutcomeGranted, OrderKey: record.OrderKey(o.key), SKU: record.SKU(l.sku),
			Attempt: o.attempt, Requested: l.qty, Allocated: o.paid}
		if d.Waiting = l.qty - t.take(d, l, l.qty); d.Waiting > 0 {
			d.Outcome = record.OutcomePartial
			t.waiting[l.sku] = append(t.waiting[l.sku], &toyWait{o, i, d.Waiting})
		}
		if d.Waiting == l.qty {
			d.Outcome = record.OutcomeRefused
		}
		t.decide("log.orders", o.key, o.origin, d)
	}
}

func (t *toy) serve(sku, cause string, origin record.Origin) {
	t.waiting[sku] = slices.DeleteFunc(t.waiting[sku], func(w *toyWait) bool { return w.qty == 0 })
	for _, w := range t.waiting[sku] {
		l := &w.order.lines[w.line]
		d := &record.Decision{Verb: record.VerbFill, Outcome: record.OutcomeGranted, OrderKey: record.OrderKey(w.order.key), SKU: record.SKU(sku),
			Attempt: w.order.attempt, Cause: cause, Requested: w.qty, Allocated: w.order.paid}
		w.qty -= t.take(d, l, w.qty)
		if d.Waiting = w.qty; d.Waiting == d.Requested {
			return
		}
		if d.Waiting > 0 {
			d.Outcome = record.OutcomePartial
		}
		t.decide("log.orders", w.order.key, origin, d)
		t.tell(w.order, record.UpdateFilled)
	}
}

func (t *toy) pay(o *toyOrder) {
	o.paid = true
	t.heard(o, &record.OrderEvent{Type: record.OrderPaid})
	for i := range o.lines {
		l := &o.lines[i]
		t.command(o, l, record.VerbConfirm, "pay")
		d := &record.Decision{Verb: record.VerbConfirm, Outcome: record.OutcomeDone, OrderKey: record.OrderKey(o.key), SKU: record.SKU(l.sku), Attempt: o.attempt}
		for j := range l.parts {
			p := &l.parts[j]
			if p.state == record.LineHeld {
				t.move(d, p.warehouse, p.qty, record.Counters{Held: -p.qty, Allocated: p.qty})
				p.state = record.LineAllocated
			}
		}
		t.decide("log.availability", l.sku, o.origin, d)
	}
	t.tell(o, record.UpdateConfirmed)
}

// cancel gives everything back; state is what the lines become.
func (t *toy) cancel(o *toyOrder, state string) {
	t.heard(o, &record.OrderEvent{Type: record.OrderCancelled, By: "buyer"})
	t.release(o, state, "cancel")
	t.tell(o, record.UpdateCancelled)
}

func (t *toy) release(o *toyOrder, state, cause string) {
	o.closed = true
	for i := range o.lines {
		l := &o.lines[i]
		t.command(o, l, record.VerbRelease, cause)
		d := &record.Decision{Verb: record.VerbRelease, Outcome: record.OutcomeDone, OrderKey: record.OrderKey(o.key), SKU: record.SKU(l.sku), Attempt: o.attempt}
		for _, p := range l.parts {
			if p.claimed() {
				t.move(d, p.warehouse, p.qty, p.back())
			}
		}
		l.parts, l.left = nil, state
		for _, w := range t.waiting[l.sku] {
			if w.order == o {
				w.qty = 0
			}
		}
		t.decide("log.availability", l.sku, o.origin, d)
		t.serve(l.sku, cause, o.origin)
	}
}

// tell writes order.events and the channel's status.
func (t *toy) tell(o *toyOrder, what string) {
	o.seq++
	u := &record.OrderUpdate{Holdfast: 1, OrderKey: record.OrderKey(o.key), Seq: o.seq, Type: what, Status: o.status, At: t.clock}
	for _, l := range o.lines {
		left := l.qty
		for _, p := range l.parts {
			left -= p.qty
			u.Lines = append(u.Lines, record.OrderUpdateLine{Line: l.line, SKU: record.SKU(l.sku), Combo: record.SKU(l.combo), Qty: p.qty, State: p.state, Warehouse: record.WarehouseID(p.warehouse)})
		}
		if left > 0 {
			u.Lines = append(u.Lines, record.OrderUpdateLine{Line: l.line, SKU: record.SKU(l.sku), Combo: record.SKU(l.combo), Qty: left, State: l.left})
		}
	}
	t.write("order.events", half(o.key), o.key, u)
	channel, shop, id, _ := record.OrderKey(o.key).Cut()
	t.write("channel."+channel+".status", 0, o.key, &record.StatusUpdate{OrderKey: u.OrderKey, Channel: channel, Shop: shop, OrderID: id, Seq: o.seq})
}
