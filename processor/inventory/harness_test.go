package inventory

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strings"

	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// task runs a Stage as the run time does, and holds it to the contract: views
// that it was lent are spoilt at Reset, or at the end of a scan's step, and
// writing during a scan is an error.
type task struct {
	stagetest.Task
	stage    *Stage
	scanning bool
	scans    int
	lent     [][]byte
	offset   record.Offset
	// index, when it isn't nil, holds the keys of who waits and of what is behind
	// in order, those that were deleted too, as a store has them for a while:
	// stepped counts how many of these a scan stepped over.
	index   []string
	stepped int
}

func newTask(cfg Config) *task {
	return &task{Task: *stagetest.NewTask(nil), stage: New(cfg)}
}

// envelope is a record of the log.
type envelope struct {
	at      record.Millis
	entries []record.Entry
}

// run decides the entries in one transaction, all in one envelope.
func (t *task) run(entries ...record.Entry) { t.transaction(envelope{t.Clock, entries}) }

// transaction decides some envelopes in one transaction.
func (t *task) transaction(envelopes ...envelope) {
	for _, e := range envelopes {
		var b record.EnvelopeBuilder
		for _, x := range e.entries {
			b.Add(x.Kind, x.Key, x.Origin, x.Body)
		}
		t.Clock = max(t.Clock, e.at)
		t.stage.Decide(t, &stage.Record{Topic: "log.inventory", Offset: t.offset, At: e.at, Value: t.lend(b.Close())})
		t.offset++
	}
	t.stage.Finish(t)
	t.stage.Reset()
	for _, b := range t.lent {
		spoil(b)
	}
	t.lent = t.lent[:0]
}

func (t *task) lend(b []byte) []byte {
	c := bytes.Clone(b)
	t.lent = append(t.lent, c)
	return c
}

func spoil(b []byte) {
	for i := range b {
		b[i] = 0xa5
	}
}

func (t *task) Get(key []byte) ([]byte, bool) {
	v, ok := t.Task.Get(key)
	return t.lend(v), ok
}

func (t *task) Scan(from, to []byte, fn func(key, value []byte) bool) {
	t.scanning = true
	t.scans++
	scan := t.Task.Scan
	if t.index != nil && (from[0] == prefixWaiter || from[0] == prefixBehind) {
		scan = t.scanIndex
	}
	scan(from, to, func(key, value []byte) bool {
		value = bytes.Clone(value)
		more := fn(key, value)
		spoil(key)
		spoil(value)
		return more
	})
	t.scanning = false
}

func (t *task) scanIndex(from, to []byte, fn func(key, value []byte) bool) {
	at, _ := slices.BinarySearch(t.index, string(from))
	for ; at < len(t.index) && t.index[at] < string(to); at++ {
		v, ok := t.State[t.index[at]]
		if !ok {
			t.stepped++
		} else if !fn([]byte(t.index[at]), v) {
			return
		}
	}
}

func (t *task) Put(key, value []byte) {
	t.mayWrite()
	if t.index != nil && (key[0] == prefixWaiter || key[0] == prefixBehind) {
		if at, ok := slices.BinarySearch(t.index, string(key)); !ok {
			t.index = slices.Insert(t.index, at, string(key))
		}
	}
	t.Task.Put(key, value)
}

func (t *task) Delete(key []byte) {
	t.mayWrite()
	t.Task.Delete(key)
}

func (t *task) Send(log stage.Log, kind record.Kind, key []byte, origin record.Origin, body []byte) {
	t.mayWrite()
	origin.Topic = strings.Clone(origin.Topic)
	t.Task.Send(log, kind, key, origin, body)
}

func (t *task) DeadLetter(d stage.DeadLetter) {
	t.mayWrite()
	d.Origin.Topic = strings.Clone(d.Origin.Topic)
	t.Task.DeadLetter(d)
}

func (t *task) mayWrite() {
	if t.scanning {
		panic("written during a scan")
	}
}

// decisions takes the decisions out of what was sent; availability stays out.
func decisions(sent []stagetest.Sent) []record.Decision {
	var out []record.Decision
	for _, s := range sent {
		if s.Entry.Kind != record.KindDecision {
			continue
		}
		var d record.Decision
		if err := d.Decode(s.Entry.Body); err != nil {
			panic(err)
		}
		wantLog, wantKey := stage.LogAvailability, string(d.SKU)
		if d.Verb == record.VerbReserve || d.Verb == record.VerbFill {
			wantLog, wantKey = stage.LogOrders, string(d.OrderKey)
		}
		if s.Log != wantLog || string(s.Entry.Key) != wantKey || s.All {
			panic(fmt.Sprintf("decision %+v was sent to log %d with key %q", d, s.Log, s.Entry.Key))
		}
		out = append(out, d)
	}
	return out
}

// item returns the item in state; an unknown one is empty.
func (t *task) item(sku record.SKU) Item {
	it := Item{}
	if v, ok := t.State[string(appendItemKey(nil, sku))]; ok {
		if err := it.decode(v); err != nil {
			panic(err)
		}
	}
	it.SKU = sku
	_, it.Behind = t.State[string(appendBehindKey(nil, sku))]
	return it
}

func (t *task) counters(sku record.SKU, w record.WarehouseID) record.Counters {
	it := t.item(sku)
	if at, ok := it.find(w); ok {
		return it.Rows[at].Counters
	}
	return record.Counters{}
}

// hold returns the hold in state.
func (t *task) hold(sku record.SKU, order record.OrderKey) (h Hold, ok bool) {
	v, ok := t.State[string(appendHoldKey(nil, sku, order))]
	if ok {
		if err := h.decode(v); err != nil {
			panic(err)
		}
	}
	return h, ok
}

// holds returns all holds in state, by "order sku".
func (t *task) holds() map[string]Hold {
	out := map[string]Hold{}
	for k, v := range t.State {
		if k[0] != prefixHold {
			continue
		}
		sku, order, _ := strings.Cut(k[1:], "\x00")
		var h Hold
		if err := h.decode(v); err != nil {
			panic(err)
		}
		out[order+" "+sku] = h
	}
	return out
}

// soundness compares the counters of every item with the sums of its holds, and
// the line with the holds that wait. It returns what is wrong.
func (t *task) soundness() error {
	type place struct {
		sku record.SKU
		w   record.WarehouseID
	}
	held, allocated := map[place]record.Quantity{}, map[place]record.Quantity{}
	waiting, holds := map[record.SKU]record.Quantity{}, map[record.SKU]uint64{}
	lines := 0
	wanted := map[record.SKU]map[record.WarehouseID]uint64{}
	for k, h := range t.holds() {
		order, s, _ := strings.Cut(k, " ")
		sku := record.SKU(s)
		for _, p := range h.Parts {
			if h.Allocated {
				allocated[place{sku, p.Warehouse}] += p.Qty
			} else {
				held[place{sku, p.Warehouse}] += p.Qty
			}
		}
		holds[sku]++
		if h.Waiting == 0 {
			continue
		}
		waiting[sku] += h.Waiting
		lines++
		var w waiter
		if err := w.decode(t.State[string(appendWaiterKey(nil, sku, h.Place))]); err != nil || string(w.OrderKey) != order {
			return fmt.Errorf("%s waits at %+v, where %q stands: %w", k, h.Place, w.OrderKey, err)
		}
		if wanted[sku] == nil {
			wanted[sku] = map[record.WarehouseID]uint64{}
		}
		for i, r := range w.Ranked {
			if !named(w.Ranked[:i], r.Warehouse) {
				wanted[sku][r.Warehouse]++
			}
		}
		it := t.item(sku)
		for _, r := range w.Ranked {
			if at, ok := it.findWant(r.Warehouse); !ok || h.Place.before(it.Wanted[at].From) {
				return fmt.Errorf("%s waits for %s at %+v, before all who want it: %+v", k, r.Warehouse, h.Place, it.Wanted)
			}
		}
		if canServe(&it, w.OrderKey, h.Place, w.Ranked) && !it.Behind {
			return fmt.Errorf("%s waits, though there is stock: %+v", k, it.Rows)
		}
	}
	for k := range t.State {
		switch k[0] {
		case prefixWaiter:
			lines--
		case prefixItem:
			it := t.item(record.SKU(k[1:]))
			if it.Holds != holds[it.SKU] || it.Waiting != waiting[it.SKU] {
				return fmt.Errorf("%s: %d holds, %d wait; counted %d and %d", it.SKU, it.Holds, it.Waiting, holds[it.SKU], waiting[it.SKU])
			}
			delete(holds, it.SKU)
			if err := t.soundQuotas(&it); err != nil {
				return err
			}
			for _, w := range it.Wanted {
				if n := wanted[it.SKU][w.Warehouse]; n != w.Orders {
					return fmt.Errorf("%s: %d in line want %s, counted %d", it.SKU, w.Orders, w.Warehouse, n)
				}
			}
			if len(it.Wanted) != len(wanted[it.SKU]) {
				return fmt.Errorf("%s: wanted %v, counted %v", it.SKU, it.Wanted, wanted[it.SKU])
			}
			for _, r := range it.Rows {
				p := place{it.SKU, r.Warehouse}
				if r.Held != held[p] || r.Allocated != allocated[p] {
					return fmt.Errorf("%s: %+v; the holds' sums are %d held, %d allocated", it.SKU, r, held[p], allocated[p])
				}
				delete(held, p)
				delete(allocated, p)
			}
		}
	}
	if len(held)+len(allocated)+len(holds)+lines != 0 {
		return fmt.Errorf("claims without counters: %v %v, holds without item: %v, %d in line too many", held, allocated, holds, -lines)
	}
	return nil
}

// command makes an entry of log.inventory.
func command(c record.Command) record.Entry {
	return record.Entry{Kind: record.KindCommand, Key: []byte(c.SKU), Origin: origin(string(c.OrderKey)), Body: record.AppendCommand(nil, &c)}
}

// stockEvent makes an entry of log.inventory. The content hash is that of the
// content.
func stockEvent(c record.StockCommand) record.Entry {
	if c.ContentHash == 0 {
		for _, b := range fmt.Appendf(nil, "%v", c) {
			c.ContentHash = c.ContentHash*131 + uint64(b)
		}
	}
	return record.Entry{Kind: record.KindStock, Key: []byte(c.SKU), Origin: origin(c.EventID), Body: record.AppendStockCommand(nil, &c)}
}

// origin makes an origin that differs from one cause to another.
func origin(of string) record.Origin {
	n := 0
	for _, b := range []byte(of) {
		n = n*31%100_003 + int(b)
	}
	return record.Origin{Topic: fmt.Sprintf("holdfast.topic%d", n%3), Partition: record.Partition(n % 4), Offset: record.Offset(n)}
}

// tell writes a decision as one line.
func tell(d *record.Decision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", d.Verb, d.SKU)
	if d.OrderKey != "" {
		fmt.Fprintf(&b, " for %s#%d", d.OrderKey, d.Attempt)
	}
	fmt.Fprintf(&b, ": %s, asked %d", d.Outcome, d.Requested)
	for _, q := range []struct {
		name string
		n    record.Quantity
	}{{"missing", d.Missing}, {"waiting", d.Waiting}} {
		if q.n != 0 {
			fmt.Fprintf(&b, ", %s %d", q.name, q.n)
		}
	}
	if d.Allocated {
		b.WriteString(", allocated")
	}
	if d.Quota != 0 {
		fmt.Fprintf(&b, ", %d of quota", d.Quota)
	}
	for _, q := range []struct{ name, s string }{{"reason", d.Reason}, {"rule", d.Rule}, {"cause", d.Cause}} {
		if q.s != "" {
			fmt.Fprintf(&b, ", %s %s", q.name, q.s)
		}
	}
	for _, m := range d.Moves {
		fmt.Fprintf(&b, "\n    %s#%d %+d: %s > %s", m.Warehouse, m.Number, m.Qty, tellCounters(m.Before), tellCounters(m.After))
	}
	return b.String()
}

// tellCounters writes on hand/unavailable/held/allocated = available.
func tellCounters(c record.Counters) string {
	return fmt.Sprintf("%d/%d/%d/%d=%d", c.OnHand, c.Unavailable, c.Held, c.Allocated, c.Available())
}

// tellState writes the whole state, one key a line.
func (t *task) tellState() string {
	keys := make([]string, 0, len(t.State))
	for k := range t.State {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s: %s\n", strings.NewReplacer("\x00", " ").Replace(tellKey(k)), tellValue(k[0], t.State[k]))
	}
	return b.String()
}

func tellKey(k string) string {
	switch k[0] {
	case prefixWaiter:
		at := cutWaiterKey([]byte(k))
		return fmt.Sprintf("waiter %s%d %d", k[1:len(k)-9], at.class, at.seq)
	case prefixHistory:
		return "moved " + k[1:]
	case prefixCombo:
		return "combo " + k[1:]
	case prefixQuota:
		until, _ := cutQuotaKey([]byte(k))
		return fmt.Sprintf("quota end %dm %s", until/60_000, k[9:])
	case prefixBehind:
		return "behind " + k[1:]
	case prefixForget:
		end, tail := cutForgetKey([]byte(k))
		return fmt.Sprintf("forget %dh %s", end/hourMillis, tail)
	}
	return map[byte]string{prefixItem: "item ", prefixHold: "hold ", prefixEvent: "event ", prefixPurge: "purge", prefixEnds: "quotas end", prefixCatalog: "catalog"}[k[0]] + k[1:]
}

func tellValue(prefix byte, v []byte) string {
	var err error
	var b strings.Builder
	switch prefix {
	case prefixItem:
		var it Item
		err = it.decode(v)
		fmt.Fprintf(&b, "fed=%t holds=%d waiting=%d next=%d", it.Fed, it.Holds, it.Waiting, it.NextSeq)
		for _, r := range it.Rows {
			fmt.Fprintf(&b, " %s#%d %s", r.Warehouse, r.Number, tellCounters(r.Counters))
			if r.CountedAt != 0 {
				fmt.Fprintf(&b, " counted@%d", r.CountedAt)
			}
			if r.Safety != 0 {
				fmt.Fprintf(&b, " safety=%d", r.Safety)
			}
		}
		if len(it.Wanted) > 0 {
			b.WriteString(" wanted=[")
			for i, w := range it.Wanted {
				fmt.Fprintf(&b, "%s{%s %d}", map[bool]string{true: " "}[i > 0], w.Warehouse, w.Orders)
			}
			b.WriteString("]")
		}
		b.WriteString(tellPolicies(&it.Policies))
	case prefixHold:
		var h Hold
		err = h.decode(v)
		fmt.Fprintf(&b, "#%d allocated=%t requested=%d missing=%d waiting=%d parts=%v shipments=%d", h.Attempt, h.Allocated, h.Requested, h.Missing, h.Waiting, h.Parts, len(h.Shipments))
		if h.Quota > 0 {
			fmt.Fprintf(&b, " quota#%d=%d", h.QuotaNumber, h.Quota)
		}
	case prefixWaiter:
		var w waiter
		err = w.decode(v)
		fmt.Fprintf(&b, "%s %v", w.OrderKey, w.Ranked)
	case prefixBehind:
		from, e := decodeBehind(v)
		if e != nil { // the number of them
			return fmt.Sprintf("%x", v)
		}
		fmt.Fprintf(&b, "from %d %d, %s", from.from.class, from.from.seq, from.cause)
	case prefixHistory:
		var h history
		err = h.decode(v)
		for i, k := range h.buckets {
			fmt.Fprintf(&b, "%s%dm %+d", map[bool]string{true: ", "}[i > 0], k.begin, k.qty)
		}
		if h.forgotten != 0 {
			fmt.Fprintf(&b, "; forgotten up to %dm", h.forgotten)
		}
	case prefixCombo:
		var c comboRow
		c, err = decodeCombo(v)
		fmt.Fprintf(&b, "%v, version %d", c.components, c.version)
	case prefixEvent:
		var hash uint64
		var end record.Millis
		hash, end, err = decodeEvent(v)
		fmt.Fprintf(&b, "%t until %dh", hash != 0, end/hourMillis)
	default:
		fmt.Fprintf(&b, "%x", v)
	}
	if err != nil {
		panic(err)
	}
	return b.String()
}
