package order

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"holdfast/topology/record"
)

type modelUnit struct {
	line, sku string
	state, at string
}

type modelOrder struct {
	key                             record.OrderKey
	hash                            uint64
	fact, whole, waits              bool
	retry                           bool // undecided, told as short, asked for again
	named                           map[modelName]int
	phase                           string // pending live rejected expired cancelled
	paid, hard, revived, done, last bool
	attempt, seq                    int
	expires, decideBy, closed       record.Millis
	word                            record.ChannelState
	wordAt                          record.Millis
	cause                           string
	units                           []*modelUnit
	skus                            []string
	decided                         map[string]*modelDecision
	seen                            map[string]map[uint64]bool
	waiting                         []modelEvent // for the decision
	acts                            []string     // of the last shipment or cancel
}

type modelDecision struct {
	stream []modelUnit // state and place of each unit asked for, in order
	reason string
	had    bool
}

// releaseAll gives back what may be claimed.
func (m *model) releaseAll(o *modelOrder, cause string) {
	for _, sku := range o.skus {
		claims := o.countSKU(sku, "held", "allocated", "picked", "packed", "waiting") > 0
		if o.phase == "pending" {
			claims = o.countSKU(sku, "") > 0 && (o.decided[sku] == nil || o.decided[sku].had)
		}
		if claims {
			m.command(o, "release", sku, cause, "")
		}
	}
	o.attempt++
}

// afterwards applies what waited for the decision, and closes what is over.
func (m *model) afterwards(o *modelOrder) {
	if m.orders[o.key] != o {
		return
	}
	for o.phase != "pending" && len(o.waiting) > 0 {
		o.sortWaiting()
		ev := o.waiting[0]
		o.waiting = o.waiting[1:]
		m.apply(o, ev)
	}
	if o.phase != "pending" {
		o.decideBy = 0
	}
	if o.phase != "pending" && o.count("held", "allocated", "picked", "packed", "waiting") == 0 {
		o.expires = 0
		if o.closed == 0 {
			o.closed = m.now + record.Millis(m.cfg.KeepClosedMillis)
		}
	} else {
		o.closed = 0
	}
}

func (m *model) command(o *modelOrder, verb, sku, cause, more string) {
	m.commands = append(m.commands, fmt.Sprintf("%s %s %s #%d by %s%s", verb, o.key, sku, o.attempt, cause, more))
}

// tell writes down the event that is expected, and the status record.
func (m *model) tell(o *modelOrder, typ, reason string, refund bool, cause, topic string) {
	o.seq++
	o.closed = 0
	lines := map[string]int{}
	for _, u := range o.units {
		lines[o.public(u)]++
	}
	m.told = append(m.told, fmt.Sprintf("%s %d %s %s (%s) refund=%v by %s %v", o.key, o.seq, typ, o.status(), reason, refund, cause, lines))
	short := o.count("short", "waiting") > 0
	acts := map[string]int{}
	switch typ {
	case "order.accepted":
		if !short {
			return
		}
	case "order.rejected", "order.expired", "order.revived", "order.filled":
	default:
		if topic == "holdfast.channel."+o.channel()+".orders" {
			return
		}
	}
	switch typ {
	case "order.shipped", "order.cancelled":
		for _, a := range o.acts {
			acts[a]++
		}
	case "order.refused", "order.completed", "order.picking", "order.packed", "order.delivered", "order.returned":
	default:
		for _, u := range o.units {
			switch u.state {
			case "short", "waiting":
				acts[u.line+" short "]++
			case "released":
				acts[u.line+" cancel "]++
			}
		}
	}
	m.told = append(m.told, fmt.Sprintf("%s %d status %s (%s) %v", o.key, o.seq, o.status(), reason, acts))
}

func (o *modelOrder) status() string {
	n := func(states ...string) bool { return o.count(states...) > 0 }
	live := o.count("held", "allocated", "picked", "packed", "waiting", "short", "shipped", "delivered")
	lacks := []string{"short"}
	if o.fact {
		lacks = append(lacks, "waiting")
	}
	switch {
	case o.phase == "rejected":
		return "rejected"
	case live == 0 && n("returned"):
		return "returned"
	case live == 0:
		return "cancelled"
	case live == o.count(lacks...):
		return "short"
	case live == o.count("waiting"):
		return "backordered"
	case n("short", "waiting"):
		return "partly_short"
	case n("held"):
		return "held"
	case n("allocated", "picked", "packed"):
		switch {
		case !n("picked", "packed"):
			return "allocated"
		case !n("picked", "allocated"):
			return "packed"
		}
		return "picking"
	case o.done:
		return "completed"
	case n("shipped"):
		return "shipped"
	}
	return "delivered"
}

func (o *modelOrder) count(states ...string) int {
	n := 0
	for _, u := range o.units {
		if slices.Contains(states, u.state) {
			n++
		}
	}
	return n
}

func (o *modelOrder) countSKU(sku string, states ...string) int {
	n := 0
	for _, u := range o.units {
		if u.sku == sku && slices.Contains(states, u.state) {
			n++
		}
	}
	return n
}

func (o *modelOrder) lines() []string {
	var ids []string
	for _, u := range o.units {
		if !slices.Contains(ids, u.line) {
			ids = append(ids, u.line)
		}
	}
	return ids
}

func (o *modelOrder) channel() string {
	channel, _, _ := strings.Cut(string(o.key), "/")
	return channel
}

func (o *modelOrder) note(e *record.OrderEvent) {
	if o.seen[e.EventID] == nil {
		o.seen[e.EventID] = map[uint64]bool{}
	}
	o.seen[e.EventID][e.ContentHash] = true
}

func (o *modelOrder) hear(e *record.OrderEvent) {
	if e.Type == record.OrderStatus {
		o.word, o.wordAt = max(o.word, e.State), max(o.wordAt, e.OccurredAt)
	}
}

func (o *modelOrder) newer(e *record.OrderEvent) bool {
	a, b := e.OccurredAt/1000, o.wordAt/1000
	return a > b || a == b && e.State > o.word
}

func (o *modelOrder) anyWaits(is func(*record.OrderEvent) bool) bool {
	return slices.ContainsFunc(o.waiting, func(e modelEvent) bool { return is(e.OrderEvent) })
}

func (o *modelOrder) paymentWaits() bool { return o.phase == "pending" && o.anyWaits(isPayment) }

func (o *modelOrder) sortWaiting() {
	sort.SliceStable(o.waiting, func(i, j int) bool {
		a, b := o.waiting[i], o.waiting[j]
		ra, rb := rankOf(a.OrderEvent), rankOf(b.OrderEvent)
		return ra < rb || ra == rb && a.OccurredAt < b.OccurredAt
	})
}
