package order

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"holdfast/topology/record"
)

// What happens to single units: they are cancelled, picked, packed, shipped,
// delivered, returned, one after the other.

// modelName is a line, a level and the warehouse that an event named, or "".
type modelName struct{ line, level, at string }

func (u *modelUnit) is(states ...string) bool { return slices.Contains(states, u.state) }

// arrange puts the units of a line that are in the same state and place next to
// each other, where the first of them is.
func (o *modelOrder) arrange() {
	first := map[modelUnit]int{}
	lines := map[string]int{}
	for i, u := range o.units {
		if _, ok := first[*u]; !ok {
			first[*u] = i
		}
		if _, ok := lines[u.line]; !ok {
			lines[u.line] = i
		}
	}
	sort.SliceStable(o.units, func(i, j int) bool {
		a, b := o.units[i], o.units[j]
		return lines[a.line] < lines[b.line] || a.line == b.line && first[*a] < first[*b]
	})
}

// arrangeStream does so with what was decided: what was granted stands by
// warehouse, in the order in which they came.
func arrangeStream(stream []modelUnit) {
	first := map[modelUnit]int{}
	for i, u := range stream {
		if _, ok := first[u]; !ok {
			first[u] = i
		}
	}
	sort.SliceStable(stream, func(i, j int) bool { return first[stream[i]] < first[stream[j]] })
}

// ofLine returns the units of a line that are chosen.
func (o *modelOrder) ofLine(line string, chosen func(*modelUnit) bool) (out []*modelUnit) {
	for _, u := range o.units {
		if u.line == line && chosen(u) {
			out = append(out, u)
		}
	}
	return out
}

func (o *modelOrder) countLine(line, at string, states ...string) int {
	return len(o.ofLine(line, func(u *modelUnit) bool { return (at == "" || u.at == at) && u.is(states...) }))
}

var undone = []string{"", "held", "allocated", "picked", "packed", "waiting", "short", "released"}

// named returns what an event names, by line, in the order in which it names them.
func named(e *record.OrderEvent) (lines []string, qty map[string]int) {
	qty = map[string]int{}
	for _, l := range e.Lines {
		if !slices.Contains(lines, l.Line) {
			lines = append(lines, l.Line)
		}
		qty[l.Line] += int(l.Qty)
	}
	return lines, qty
}

func (o *modelOrder) has(line string) bool { return slices.Contains(o.lines(), line) }

func (o *modelOrder) covers(e *record.OrderEvent) bool {
	_, qty := named(e)
	for _, line := range o.lines() {
		if o.countLine(line, "", undone...) > qty[line] && e.Type == record.OrderCancelled && len(e.Lines) > 0 {
			return false
		}
	}
	return true
}

func (o *modelOrder) patience(cfg Config) record.Millis {
	half := record.Millis(cfg.DecideWithinMillis) / 2
	for i := 1; o.retry && i < o.attempt && i <= 7; i++ {
		half *= 2
	}
	return half
}

func (m *model) cancel(o *modelOrder, ev modelEvent) {
	switch {
	case o.phase == "cancelled":
	case o.count(undone...) == 0:
		m.tell(o, "order.refused", "already_shipped", false, ev.by(), ev.topic)
	case o.covers(ev.OrderEvent):
		m.releaseAll(o, ev.by())
		m.cancelAll(o, ev.by(), ev.topic)
	default:
		m.cancelSome(o, ev)
	}
}

func (m *model) cancelAll(o *modelOrder, cause, topic string) {
	o.acts = nil
	for _, u := range o.units {
		if u.is(undone...) {
			u.state = "cancelled"
			o.acts = append(o.acts, u.line+" cancel ")
		}
	}
	o.arrange()
	o.expires, o.retry = 0, false
	o.phase = "live"
	if o.count("shipped", "delivered", "returned") == 0 {
		o.phase = "cancelled"
	}
	m.tell(o, "order.cancelled", "", false, cause, topic)
}

func (m *model) cancelSome(o *modelOrder, ev modelEvent) {
	o.acts = nil
	lines, qty := named(ev.OrderEvent)
	moves, reason := map[string]*modelMoves{}, ""
	for _, line := range lines {
		if !o.has(line) {
			reason = "line_unknown"
			continue
		}
		for range qty[line] {
			u := o.nextToCancel(line)
			if u == nil {
				if reason == "" && o.countLine(line, "", "shipped", "delivered", "returned") > 0 {
					reason = "already_shipped"
				}
				break
			}
			moves[u.sku] = moves[u.sku].giveUp(u)
			u.state = "cancelled"
			o.arrange()
			o.acts = append(o.acts, line+" cancel ")
		}
	}
	m.sendMoves(o, moves, ev.by())
	switch {
	case len(o.acts) > 0:
		m.tell(o, "order.cancelled", reason, false, ev.by(), ev.topic)
	case reason != "":
		m.tell(o, "order.refused", reason, false, ev.by(), ev.topic)
	}
}

func (o *modelOrder) nextToCancel(line string) *modelUnit {
	for _, state := range []string{"short", "released", "waiting", "held", "allocated", "picked", "packed"} {
		units := o.ofLine(line, func(u *modelUnit) bool { return u.state == state })
		for i, u := range units {
			if u.at == units[len(units)-1].at { // the first of the last place
				return units[i]
			}
		}
	}
	return nil
}

// modelMoves is what an event does to one SKU.
type modelMoves struct {
	waiting                 int
	reduce, ship, unclaimed map[string]int
}

func (mv *modelMoves) ready() *modelMoves {
	if mv == nil {
		mv = &modelMoves{reduce: map[string]int{}, ship: map[string]int{}, unclaimed: map[string]int{}}
	}
	return mv
}

func (mv *modelMoves) giveUp(u *modelUnit) *modelMoves {
	mv = mv.ready()
	switch {
	case u.state == "waiting":
		mv.waiting++
	case u.is("held", "allocated", "picked", "packed"):
		mv.reduce[u.at]++
	}
	return mv
}

func (m *model) sendMoves(o *modelOrder, moves map[string]*modelMoves, cause string) {
	for _, sku := range o.skus {
		mv := moves[sku]
		if mv == nil {
			continue
		}
		if mv.waiting > 0 || len(mv.reduce) > 0 {
			m.command(o, "reduce", sku, cause, fmt.Sprint(" waiting ", mv.waiting, " ", mv.reduce))
		}
		if len(mv.ship) > 0 {
			m.command(o, "ship", sku, cause, fmt.Sprint(" ", mv.ship))
		}
		if len(mv.unclaimed) > 0 {
			m.command(o, "ship_unclaimed", sku, cause, fmt.Sprint(" ", mv.unclaimed))
		}
	}
}

// modelShipment is a shipment being decided.
type modelShipment struct {
	at              string
	dead, unclaimed bool
	moves           map[string]*modelMoves
}

// leave ships one unit.
func (m *model) leave(o *modelOrder, s *modelShipment, u *modelUnit) bool {
	at := s.at
	if at == "" {
		at = u.at
	}
	for _, other := range o.units {
		if at == "" {
			at = other.at
		}
	}
	if at == "" && m.best[o.key] != "" {
		at = m.best[o.key]
		m.chosen = append(m.chosen, at)
	}
	if at == "" {
		return false
	}
	s.dead = s.dead || u.is("released", "cancelled")
	s.unclaimed = s.unclaimed || !u.is("allocated", "picked", "packed") || u.at != at
	if u.is("held", "allocated", "picked", "packed") && u.at == at {
		mv := s.moves[u.sku].ready()
		mv.ship[at]++
		s.moves[u.sku] = mv
	} else {
		mv := s.moves[u.sku].giveUp(u)
		mv.unclaimed[at]++
		s.moves[u.sku] = mv
	}
	u.state, u.at = "shipped", at
	o.acts = append(o.acts, u.line+" ship "+at)
	return true
}

// leaveLine ships at most n units of a line.
func (m *model) leaveLine(o *modelOrder, s *modelShipment, line string, n int) (left int) {
	claim := []string{"held", "allocated", "picked", "packed"}
	rank := func(u *modelUnit) int {
		if s.at != "" && u.at != s.at && u.is(claim...) {
			return 6
		}
		return slices.Index([]string{"packed", "picked", "allocated", "held", "waiting", "short", "elsewhere", "released", "cancelled"}, u.state)
	}
	for range n {
		units := o.ofLine(line, func(u *modelUnit) bool { return rank(u) >= 0 })
		sort.SliceStable(units, func(i, j int) bool { return rank(units[i]) < rank(units[j]) })
		if len(units) == 0 || !m.leave(o, s, units[0]) {
			break
		}
		left++
		o.arrange()
	}
	return left
}

// due returns how many of the units that are named aren't that far.
func (o *modelOrder) due(line, level, at string, n int, reached ...string) int {
	all, here := n, n
	for k, q := range o.named {
		if k.line == line && k.level == level {
			all += q
			if k.at == at {
				here += q
			}
		}
	}
	due := all - o.countLine(line, "", reached...)
	if at != "" {
		due = max(due, here-o.countLine(line, at, reached...))
	}
	return max(0, min(n, due))
}

func (m *model) ship(o *modelOrder, ev modelEvent, whole bool) {
	gone := []string{"shipped", "delivered", "returned"}
	s := &modelShipment{at: string(ev.Warehouse), moves: map[string]*modelMoves{}}
	o.acts = nil
	reason := ""
	if len(ev.Lines) == 0 {
		if !m.shipAll(o, s, whole) {
			reason = "not_allocated"
		}
	} else {
		lines, qty := named(ev.OrderEvent)
		lacking, unknown := false, false
		for _, line := range lines {
			if !o.has(line) {
				unknown = true
				continue
			}
			before := o.countLine(line, s.at, gone...)
			left := m.leaveLine(o, s, line, o.due(line, "shipped", s.at, qty[line], gone...))
			o.named[modelName{line, "shipped", s.at}] += min(qty[line], left+before)
			lacking = lacking || qty[line] > left+before
		}
		if lacking {
			reason = "not_allocated"
		}
		if unknown {
			reason = "line_unknown"
		}
	}
	m.tellShipment(o, s, ev, reason)
}

func (m *model) tellShipment(o *modelOrder, s *modelShipment, ev modelEvent, reason string) {
	if s.unclaimed {
		reason = "shipped_unallocated"
	}
	if s.dead {
		reason = "shipped_after_cancel"
	}
	if len(o.acts) == 0 {
		if reason != "" {
			m.tell(o, "order.refused", reason, false, ev.by(), ev.topic)
		}
		return
	}
	o.arrange()
	m.sendMoves(o, s.moves, ev.by())
	if o.phase == "cancelled" || o.phase == "rejected" || o.phase == "expired" && o.count("released") == 0 {
		o.phase = "live"
	}
	m.tell(o, "order.shipped", reason, false, ev.by(), ev.topic)
}

func (m *model) shipAll(o *modelOrder, s *modelShipment, whole bool) bool {
	live := []string{"held", "allocated", "picked", "packed", "waiting", "short"}
	dead := []string{"released", "cancelled"}
	here := func(u *modelUnit) bool { return u.at != "" && (s.at == "" || s.at == u.at) }
	for round := range 4 {
		for _, u := range slices.Clone(o.units) {
			want := u.is(live...)
			if round%2 == 1 {
				want = u.is(dead...)
			}
			switch {
			case round < 2 && whole:
			case round < 2:
				want = want && here(u)
			default:
				want = want && u.at == ""
			}
			if want {
				m.leave(o, s, u)
			}
		}
		if len(o.acts) > 0 {
			return true
		}
		for _, u := range o.units {
			if u.is("shipped", "delivered", "returned") && (s.at == "" || s.at == u.at) {
				return true
			}
		}
	}
	return false
}

func (m *model) advance(o *modelOrder, ev modelEvent, to, typ string, from []string, reached ...string) {
	o.acts = nil
	at := string(ev.Warehouse)
	lines, qty := named(ev.OrderEvent)
	all := len(ev.Lines) == 0
	if all {
		lines = o.lines()
	}
	moved, before, lacking, unknown := 0, 0, false, false
	for _, line := range lines {
		if !o.has(line) {
			unknown = true
			continue
		}
		n, b, k := 1_000_000, o.countLine(line, at, reached...), 0
		if !all {
			n = o.due(line, to, at, qty[line], reached...)
		}
		for _, state := range from {
			for _, u := range o.ofLine(line, func(u *modelUnit) bool { return u.state == state && (at == "" || u.at == at) }) {
				if k < n {
					u.state = to
					k++
				}
			}
			o.arrange()
		}
		if !all {
			o.named[modelName{line, to, at}] += min(qty[line], k+b)
		}
		moved, before = moved+k, before+b
		lacking = lacking || !all && qty[line] > k+b
	}
	lacking = lacking || all && moved+before == 0
	reason := ""
	if lacking {
		reason = "not_allocated"
	}
	if unknown {
		reason = "line_unknown"
	}
	switch {
	case moved > 0:
		m.tell(o, typ, reason, false, ev.by(), ev.topic)
	case reason != "":
		m.tell(o, "order.refused", reason, false, ev.by(), ev.topic)
	}
}

func (m *model) deliver(o *modelOrder, ev modelEvent) {
	s := &modelShipment{at: string(ev.Warehouse), moves: map[string]*modelMoves{}}
	o.acts = nil
	if len(ev.Lines) == 0 {
		if !slices.ContainsFunc(o.units, func(u *modelUnit) bool {
			return u.is("shipped", "delivered", "returned") && (s.at == "" || u.at == s.at)
		}) {
			m.shipAll(o, s, false)
		}
	} else {
		lines, qty := named(ev.OrderEvent)
		for _, line := range lines {
			m.leaveLine(o, s, line, o.due(line, "delivered", s.at, qty[line], "delivered", "returned")-o.countLine(line, "", "shipped"))
		}
	}
	if len(o.acts) > 0 {
		m.tellShipment(o, s, ev, "")
	}
	m.advance(o, ev, "delivered", "order.delivered", []string{"shipped"}, "delivered", "returned")
}

func (m *model) returned(o *modelOrder, ev modelEvent) {
	type back struct {
		sku     string
		restock record.Restock
	}
	parts := map[back]map[string]int{}
	lacking, unknown, moved := false, false, false
	lines := ev.Lines
	if len(lines) == 0 {
		for _, line := range o.lines() {
			lines = append(lines, record.LineQty{Line: line, Qty: record.Quantity(o.countLine(line, "", "shipped", "delivered"))})
		}
		lacking = o.count("shipped", "delivered", "returned") == 0
	}
	for _, l := range lines {
		unknown = unknown || !o.has(l.Line)
		for range l.Qty {
			units := o.ofLine(l.Line, func(u *modelUnit) bool { return u.is("delivered", "shipped") })
			if len(units) == 0 {
				lacking = lacking || o.has(l.Line)
				break
			}
			sort.SliceStable(units, func(i, j int) bool { return units[i].state == "delivered" && units[j].state != "delivered" })
			u := units[0]
			if u.state = "returned"; ev.Warehouse != "" {
				u.at = string(ev.Warehouse)
			}
			o.arrange()
			k := back{u.sku, l.Restock}
			if parts[k] == nil {
				parts[k] = map[string]int{}
			}
			parts[k][u.at]++
			moved = true
		}
	}
	for _, restock := range []record.Restock{record.RestockSellable, record.RestockUnavailable} {
		for _, sku := range o.skus {
			if p := parts[back{sku, restock}]; p != nil {
				m.command(o, "return", sku, ev.by(), fmt.Sprint(" ", p, " unavailable=", restock == record.RestockUnavailable))
			}
		}
	}
	reason := ""
	if lacking {
		reason = "not_shipped"
	}
	if unknown {
		reason = "line_unknown"
	}
	switch {
	case moved:
		m.tell(o, "order.returned", reason, false, ev.by(), ev.topic)
	case reason != "":
		m.tell(o, "order.refused", reason, false, ev.by(), ev.topic)
	}
}

// public is what others see of a unit.
func (o *modelOrder) public(u *modelUnit) string {
	state, at := u.state, u.at
	switch state {
	case "waiting":
		if state = "backordered"; o.fact {
			state = "short"
		}
	case "picked", "packed":
		state = "allocated"
	}
	if u.is("waiting", "short", "released", "cancelled") {
		at = ""
	}
	return strings.TrimSpace(u.line + " " + u.sku + " " + state + " " + at)
}
