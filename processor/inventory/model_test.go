package inventory

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"

	"holdfast/topology/record"
)

// model is inventory told a second time, as simply as can be and without a line
// of the first telling: counters aren't kept but summed up from the claims, who
// waits is a list, and whatever happens the whole list is gone through.
type model struct {
	now      record.Millis
	remember record.Millis
	skus     map[record.SKU]*modelSKU
	events   map[string]modelEvent
	combos   map[record.SKU]*modelCombo
	news     []string // components that a row of this step is to be told of

	decisions []string
	dead      []string
}

type modelSKU struct {
	fed      bool
	places   map[record.WarehouseID]*modelPlace
	claims   map[record.OrderKey]*modelClaim
	line     []record.OrderKey
	past     map[record.WarehouseID][]modelMovement
	policies modelPolicies
	quotas   modelQuotas
}

type modelPlace struct {
	onHand, damaged, number int64
	counted                 record.Millis
}

// modelMovement is remembered for good.
type modelMovement struct{ at, qty int64 }

type modelClaim struct {
	attempt               uint32
	hard, fact            bool
	asked, missing, waits int64
	at                    map[record.WarehouseID]int64
	ranked                []record.Ranked
	shipped               map[string]bool
	out                   map[*modelQuota]int64 // units out of a quota that are still claimed
}

type modelEvent struct {
	content string
	until   record.Millis
}

func newModel(remember record.Millis) *model {
	return &model{remember: remember, skus: map[record.SKU]*modelSKU{}, events: map[string]modelEvent{}, combos: map[record.SKU]*modelCombo{}}
}

func (m *model) sku(id record.SKU) *modelSKU {
	if m.skus[id] == nil {
		m.skus[id] = &modelSKU{places: map[record.WarehouseID]*modelPlace{}, claims: map[record.OrderKey]*modelClaim{}, past: map[record.WarehouseID][]modelMovement{}}
	}
	return m.skus[id]
}

// counters sums the claims up.
func (k *modelSKU) counters(w record.WarehouseID) record.Counters {
	c := record.Counters{}
	if p := k.places[w]; p != nil {
		c.OnHand, c.Unavailable = record.Quantity(p.onHand), record.Quantity(p.damaged)
	}
	for _, h := range k.claims {
		if h.hard {
			c.Allocated += record.Quantity(h.at[w])
		} else {
			c.Held += record.Quantity(h.at[w])
		}
	}
	return c
}

func (k *modelSKU) free(w record.WarehouseID) int64 {
	if k.places[w] == nil {
		return 0
	}
	return int64(k.counters(w).Available())
}

// change does fn and notes what it did to the warehouse's counters.
func (k *modelSKU) change(d *record.Decision, w record.WarehouseID, qty int64, fn func()) {
	before := k.counters(w)
	fn()
	k.places[w].number++
	d.Moves = append(d.Moves, record.Movement{
		Warehouse: w, Number: uint64(k.places[w].number), Qty: record.Quantity(qty), Before: before, After: k.counters(w),
	})
}

func (m *model) step(s step) {
	m.now = max(m.now, s.at)
	m.decisions, m.dead, m.news = nil, nil, nil
	defer m.endAllQuotas()
	if s.row != nil {
		m.catalogRow(s.row)
		return
	}
	m.endQuotas(s.sku())
	if s.stock != nil {
		m.stock(s.stock)
		return
	}
	c, k := s.command, m.sku(s.command.SKU)
	d := &record.Decision{Verb: c.Verb, OrderKey: c.OrderKey, SKU: c.SKU, Attempt: c.Attempt, Cause: c.Cause}
	h := k.claims[c.OrderKey]
	switch c.Verb {
	case record.VerbReserve:
		if h != nil && h.attempt < c.Attempt {
			old := &record.Decision{Verb: record.VerbRelease, OrderKey: c.OrderKey, SKU: c.SKU, Attempt: h.attempt, Cause: c.Cause}
			m.release(k, h, old)
			h = nil
		}
		m.reserve(k, h, c, d)
	case record.VerbConfirm:
		m.confirm(k, h, c, d)
	case record.VerbRelease:
		switch {
		case h == nil:
			d.Outcome = record.OutcomeNoClaim
			m.told(d)
		case h.attempt > c.Attempt:
			d.Outcome, d.Allocated = record.OutcomeStale, h.hard
			m.told(d)
		default:
			m.release(k, h, d)
		}
	case record.VerbShip:
		m.ship(k, h, c, d)
	case record.VerbReduce:
		m.reduce(k, h, c, d)
	case record.VerbShipUnclaimed:
		d.Outcome = record.OutcomeDone
		for _, p := range c.Parts {
			d.Requested += p.Qty
			k.leave(d, p.Warehouse, int64(p.Qty), func() {})
			m.note(k, p.Warehouse, c.OccurredAt, -int64(p.Qty))
		}
		m.told(d)
	case record.VerbReturn:
		d.Outcome = record.OutcomeDone
		for _, p := range c.Parts {
			d.Requested += p.Qty
			n, place := int64(p.Qty), k.place(p.Warehouse)
			m.note(k, p.Warehouse, c.OccurredAt, n)
			k.change(d, p.Warehouse, n, func() {
				place.onHand += n
				if c.Unavailable {
					place.damaged += n
				}
			})
		}
		m.told(d)
		m.serve(k, c.SKU, "order:"+string(c.OrderKey))
	}
}

// allows tells that the orders stage may ask for this: it gives back at
// warehouses only what it has there.
func (m *model) allows(c *record.Command) bool {
	if c.Verb != record.VerbReduce {
		return true
	}
	if c.Qty == 0 && len(c.Parts) == 0 {
		return false
	}
	h := m.sku(c.SKU).claims[c.OrderKey]
	if h == nil || h.attempt != c.Attempt {
		return true
	}
	for _, p := range c.Parts { // never the same warehouse twice
		if h.at[p.Warehouse] < int64(p.Qty) {
			return false
		}
	}
	return true
}

func (m *model) reduce(k *modelSKU, h *modelClaim, c *record.Command, d *record.Decision) {
	d.Requested = c.Qty
	for _, p := range c.Parts {
		d.Requested += p.Qty
	}
	d.Missing = d.Requested
	if !isClaim(h, c, d) {
		m.told(d)
		return
	}
	d.Allocated, d.Outcome = h.hard, record.OutcomeDone
	back := min(int64(c.Qty), h.waits)
	h.waits -= back
	h.asked -= back
	for _, p := range c.Parts {
		n := int64(p.Qty)
		h.asked -= n
		back += n
		k.change(d, p.Warehouse, n, func() { h.at[p.Warehouse] -= n })
	}
	d.Missing, d.Waiting = d.Requested-record.Quantity(back), record.Quantity(h.waits)
	k.giveBack(h, d)
	k.drop(c.OrderKey)
	m.told(d)
	m.serve(k, c.SKU, "order:"+string(c.OrderKey))
}

// place returns the warehouse's place, which now is one.
func (k *modelSKU) place(w record.WarehouseID) *modelPlace {
	if k.places[w] == nil {
		k.places[w] = &modelPlace{}
	}
	return k.places[w]
}

// note remembers what moved physically.
func (m *model) note(k *modelSKU, w record.WarehouseID, at record.Millis, qty int64) {
	if at == 0 || at > m.now {
		at = m.now
	}
	if qty != 0 {
		k.past[w] = append(k.past[w], modelMovement{int64(at), qty})
	}
}

// since sums up what moved in stretches of time that begin after the count's:
// minutes for the last hour, quarters of an hour before that.
func (k *modelSKU) since(w record.WarehouseID, at, now record.Millis) (sum int64, known bool) {
	const minute, quarter = 60_000, 900_000
	begin := func(t int64) int64 {
		if t/quarter >= (int64(now)-60*minute)/quarter {
			return t / minute * minute
		}
		return t / quarter * quarter
	}
	known = true
	for _, m := range k.past[w] {
		if begin(m.at) <= begin(int64(at)) {
			continue
		}
		sum += m.qty
		known = known && m.at/quarter >= (int64(now)-24*60*minute)/quarter
	}
	return sum, known
}

// leave takes units out of the building, found or not.
func (k *modelSKU) leave(d *record.Decision, w record.WarehouseID, n int64, claim func()) {
	place := k.place(w)
	if lacks := n - place.onHand; lacks > 0 {
		d.Reason = "found_by_shipment"
		k.change(d, w, lacks, func() { place.onHand += lacks })
	}
	k.change(d, w, n, func() { place.onHand -= n; claim() })
}

func (m *model) reserve(k *modelSKU, h *modelClaim, c *record.Command, d *record.Decision) {
	d.Requested = c.Qty
	if h != nil && h.attempt == c.Attempt {
		d.Outcome, d.Requested, d.Missing = record.OutcomeExists, record.Quantity(h.asked), record.Quantity(h.missing)
		d.Waiting, d.Allocated = record.Quantity(h.waits), h.hard
		m.told(d)
		return
	}
	if h != nil {
		d.Outcome = record.OutcomeStale
		m.told(d)
		return
	}
	h = &modelClaim{attempt: c.Attempt, hard: c.Allocate, fact: c.Fact, asked: int64(c.Qty), at: map[record.WarehouseID]int64{}, ranked: c.Ranked, shipped: map[string]bool{}, out: map[*modelQuota]int64{}}
	k.claims[c.OrderKey] = h
	d.Allocated = c.Allocate
	got, fenced := k.giveFenced(h, int64(c.Qty), c.Whole, d)
	lacks := int64(c.Qty) - got
	d.Outcome = record.OutcomeGranted
	if lacks > 0 {
		d.Outcome, d.Reason = record.OutcomePartial, "out_of_stock"
		if got == 0 {
			d.Outcome = record.OutcomeRefused
		}
		if !k.fed {
			d.Reason = "unknown_sku"
		}
		if fenced {
			d.Reason = "quota"
		}
		if c.Wait && !c.Whole {
			h.waits, d.Waiting = lacks, record.Quantity(lacks)
			k.queue(c.OrderKey)
		} else {
			h.missing, d.Missing = lacks, record.Quantity(lacks)
		}
	}
	k.drop(c.OrderKey)
	m.told(d)
}

// queue puts an order in line: facts before all that aren't.
func (k *modelSKU) queue(order record.OrderKey) {
	at := len(k.line)
	for at > 0 && k.claims[order].fact && !k.claims[k.line[at-1]].fact {
		at--
	}
	k.line = slices.Insert(k.line, at, order)
}

// give grants up to want units along the claim's list.
func (k *modelSKU) give(h *modelClaim, want int64, whole bool, d *record.Decision) int64 {
	list := slices.Clone(h.ranked)
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.Rank != b.Rank {
			return a.Rank < b.Rank
		}
		if x, y := k.free(a.Warehouse), k.free(b.Warehouse); x != y {
			return x > y
		}
		return a.Warehouse < b.Warehouse
	})
	all := int64(0)
	seen := map[record.WarehouseID]bool{}
	for i, w := range list {
		if k.free(w.Warehouse) >= want {
			list = list[i : i+1] // this one alone
			all = want
			break
		}
		if !seen[w.Warehouse] {
			all += max(0, k.free(w.Warehouse))
			seen[w.Warehouse] = true
		}
	}
	if whole && all < want {
		return 0
	}
	got := int64(0)
	for _, w := range list {
		if n := min(want-got, k.free(w.Warehouse)); n > 0 {
			k.change(d, w.Warehouse, n, func() { h.at[w.Warehouse] += n })
			got += n
		}
	}
	if len(d.Moves) == 1 {
		d.Rule = "one_warehouse"
	} else if len(d.Moves) > 1 {
		d.Rule = "split"
	}
	return got
}

func (m *model) confirm(k *modelSKU, h *modelClaim, c *record.Command, d *record.Decision) {
	defer m.told(d)
	d.Allocated = true
	if !isClaim(h, c, d) {
		return
	}
	d.Outcome, d.Missing, d.Waiting = record.OutcomeExists, record.Quantity(h.missing), record.Quantity(h.waits)
	d.Requested = record.Quantity(h.asked-h.missing) - record.Quantity(h.gone())
	if h.hard {
		return
	}
	d.Outcome = record.OutcomeDone
	// One warehouse after the other, as movements do, by way of a second claim.
	hard := &modelClaim{hard: true, at: map[record.WarehouseID]int64{}}
	k.claims["being confirmed"] = hard
	for _, w := range h.warehouses() {
		n := h.at[w]
		k.change(d, w, n, func() { delete(h.at, w); hard.at[w] = n })
	}
	delete(k.claims, "being confirmed")
	h.hard, h.at = true, hard.at
}

func isClaim(h *modelClaim, c *record.Command, d *record.Decision) bool {
	if h == nil || h.attempt < c.Attempt {
		d.Outcome = record.OutcomeNoClaim
		return false
	}
	if h.attempt > c.Attempt {
		d.Outcome = record.OutcomeStale
		return false
	}
	return true
}

// gone returns what has been shipped of the claim.
func (h *modelClaim) gone() int64 {
	n := h.asked - h.missing - h.waits
	for _, q := range h.at {
		n -= q
	}
	return n
}

// warehouses returns where the claim has units, by id; see sorted.
func (h *modelClaim) warehouses() []record.WarehouseID { return slices.Sorted(maps.Keys(h.at)) }

func (m *model) release(k *modelSKU, h *modelClaim, d *record.Decision) {
	d.Outcome, d.Allocated, d.Requested = record.OutcomeDone, h.hard, record.Quantity(h.waits)
	for _, w := range h.warehouses() {
		n := h.at[w]
		d.Requested += record.Quantity(n)
		k.change(d, w, n, func() { delete(h.at, w) })
	}
	h.waits = 0
	k.giveBack(h, d)
	k.drop(d.OrderKey)
	m.told(d)
	m.serve(k, d.SKU, "order:"+string(d.OrderKey))
}

// drop takes who waits no longer out of the line, and removes a claim that
// claims nothing.
func (k *modelSKU) drop(order record.OrderKey) {
	h := k.claims[order]
	maps.DeleteFunc(h.at, func(_ record.WarehouseID, n int64) bool { return n == 0 })
	if h.waits > 0 {
		return
	}
	k.line = slices.DeleteFunc(k.line, func(o record.OrderKey) bool { return o == order })
	if len(h.at) == 0 {
		delete(k.claims, order)
	}
}

func (m *model) ship(k *modelSKU, h *modelClaim, c *record.Command, d *record.Decision) {
	defer m.told(d)
	for _, p := range c.Parts {
		d.Requested += p.Qty
	}
	d.Missing = d.Requested
	if !isClaim(h, c, d) {
		return
	}
	d.Waiting, d.Allocated = record.Quantity(h.waits), h.hard
	content := fmt.Sprint(c.Cause, c.Parts)
	if h.shipped[content] {
		d.Outcome, d.Missing = record.OutcomeExists, 0
		return
	}
	for _, p := range c.Parts {
		n := min(int64(p.Qty), h.at[p.Warehouse])
		if n == 0 {
			continue
		}
		k.leave(d, p.Warehouse, n, func() { h.at[p.Warehouse] -= n })
		m.note(k, p.Warehouse, c.OccurredAt, -n)
		d.Missing -= record.Quantity(n)
		k.use(h, c.OrderKey, n)
	}
	d.Outcome = record.OutcomePartial
	if d.Missing == 0 {
		d.Outcome = record.OutcomeDone
	} else if d.Missing == d.Requested {
		d.Outcome = record.OutcomeNoClaim
		return
	}
	h.shipped[content] = true
	k.drop(c.OrderKey)
}

func (m *model) stock(c *record.StockCommand) {
	k := m.sku(c.SKU)
	d := &record.Decision{Verb: c.Verb, SKU: c.SKU, Cause: c.EventID, Requested: c.Qty}
	id, content := fmt.Sprint(c.SKU, c.Warehouse, c.EventID), fmt.Sprint(*c)
	if e, ok := m.events[id]; ok && m.now < e.until {
		d.Outcome = record.OutcomeDuplicate
		if e.content != content {
			d.Outcome, d.Reason = record.OutcomeConflict, "event_id_conflict"
			m.dead = append(m.dead, d.Reason)
		}
		m.told(d)
		return
	}
	hours := math.Ceil(float64(m.now+m.remember) / float64(hourMillis))
	m.events[id] = modelEvent{content, record.Millis(hours) * hourMillis}

	if c.Verb == record.VerbPolicy {
		m.policy(k, c, d)
		return
	}
	place := k.places[c.Warehouse]
	if place == nil {
		place = &modelPlace{}
	}
	next, damaged, took := place.onHand+int64(c.Qty), place.damaged, min(c.OccurredAt, m.now)
	if took == 0 {
		took = m.now
	}
	d.Outcome = record.OutcomeDone
	if c.Verb == record.VerbCount {
		later, known := k.since(c.Warehouse, took, m.now)
		next = max(0, int64(c.Qty)+later)
		if place.counted != 0 && took < place.counted {
			d.Outcome, d.Reason = record.OutcomeRejected, "count_older"
		} else if place.counted != 0 && !known {
			d.Outcome, d.Reason = record.OutcomeRejected, "count_too_old"
		}
	}
	if c.Verb == record.VerbDamage {
		next, damaged = place.onHand, damaged+int64(c.Qty)
		if damaged < 0 || c.Qty > 0 && damaged > next {
			d.Outcome, d.Reason = record.OutcomeRejected, "below_zero"
		}
	} else if d.Outcome == record.OutcomeDone && next < 0 {
		d.Outcome, d.Reason = record.OutcomeRejected, "below_zero"
	}
	if d.Outcome == record.OutcomeDone && next > record.OnHandMax && c.Verb != record.VerbDamage {
		d.Outcome, d.Reason = record.OutcomeRejected, "above_max"
	}
	if d.Outcome == record.OutcomeRejected {
		if d.Reason != "count_older" {
			m.dead = append(m.dead, d.Reason)
		}
		m.told(d)
		return
	}
	k.fed, k.places[c.Warehouse] = true, place
	switch c.Verb {
	case record.VerbCount:
		place.counted = took
	case record.VerbReceive, record.VerbAdjust:
		m.note(k, c.Warehouse, c.OccurredAt, int64(c.Qty))
	}
	k.change(d, c.Warehouse, next-place.onHand+damaged-place.damaged, func() { place.onHand, place.damaged = next, damaged })
	m.told(d)
	m.serve(k, c.SKU, "stock:"+c.EventID)
}

// serve goes through the line.
func (m *model) serve(k *modelSKU, sku record.SKU, cause string) {
	for _, order := range slices.Clone(k.line) {
		h := k.claims[order]
		d := &record.Decision{
			Verb: record.VerbFill, OrderKey: order, SKU: sku, Attempt: h.attempt, Cause: cause, Requested: record.Quantity(h.waits), Allocated: h.hard,
		}
		got, fenced := k.giveFenced(h, h.waits, false, d)
		if got == 0 {
			continue
		}
		h.waits -= got
		d.Outcome, d.Waiting = record.OutcomeGranted, record.Quantity(h.waits)
		if h.waits > 0 {
			d.Outcome, d.Reason = record.OutcomePartial, "out_of_stock"
			if fenced {
				d.Reason = "quota"
			}
		}
		k.drop(order)
		m.told(d)
	}
}

func (m *model) told(d *record.Decision) { m.decisions = append(m.decisions, tell(sorted(d))) }

// sorted puts the movements of a claim that is confirmed or released in order of
// warehouse: there they come in the order they were granted, which is nobody's
// business.
func sorted(d *record.Decision) *record.Decision {
	if d.Verb == record.VerbConfirm || d.Verb == record.VerbRelease {
		slices.SortFunc(d.Moves, func(a, b record.Movement) int { return strings.Compare(string(a.Warehouse), string(b.Warehouse)) })
	}
	return d
}
