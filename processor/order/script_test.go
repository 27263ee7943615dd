package order

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// base is the log time at which every test begins: 2026-11-11 00:00 UTC.
const base record.Millis = 1_794_355_200_000

// bench is an order stage with nobody behind it: what it sends is printed, and
// decisions are written by hand.
type bench struct {
	t    require.TestingT
	task *stagetest.Task
	now  record.Millis
	row  record.Offset
	at   record.Offset
}

func newBench(t require.TestingT, change ...func(*Config)) *bench {
	cfg := DefaultConfig()
	for _, f := range change {
		f(&cfg)
	}
	return &bench{t: t, task: stagetest.NewTask(New(cfg)), now: base}
}

func (b *bench) entry(kind record.Kind, key string, topic string, body []byte) {
	b.at++
	b.task.Entries(b.now, record.Entry{Kind: kind, Key: []byte(key), Origin: record.Origin{Topic: topic, Offset: b.at}, Body: body})
	b.check()
}

func (b *bench) event(e *record.OrderEvent, topic string) {
	if topic == "" {
		channel, _, _ := strings.Cut(string(e.OrderKey), "/")
		topic = "holdfast.channel." + channel + ".orders"
	}
	if e.ContentHash == 0 {
		e.ContentHash = contentHash(e)
	}
	b.entry(record.KindOrderEvent, string(e.OrderKey), topic, record.AppendOrderEvent(nil, e))
}

// contentHash is of the event without its id, as intake makes it.
func contentHash(e *record.OrderEvent) uint64 {
	c := *e
	c.EventID, c.ContentHash = "", 0
	h := fnv.New64a()
	h.Write(record.AppendOrderEvent(nil, &c))
	return h.Sum64()
}

func (b *bench) decision(d *record.Decision) {
	b.entry(record.KindDecision, string(d.OrderKey), "holdfast.channel.web.orders", record.AppendDecision(nil, d))
}

func (b *bench) warehouse(row string) {
	var w record.Warehouse
	require.NoError(b.t, json.Unmarshal([]byte(row), &w))
	b.row++
	t := record.TableRow{Key: string(w.ID), Version: b.row, JSON: []byte(row)}
	b.entry(record.KindWarehouse, string(w.ID), "holdfast.warehouses", record.AppendTableRow(nil, &t))
}

func (b *bench) tick(to record.Millis) {
	b.now = max(b.now, to)
	for {
		b.task.Tick(b.now)
		b.check()
		due, ok := b.task.Stage.Due(b.task)
		b.task.Stage.Reset()
		if !ok || due > b.now {
			return
		}
	}
}

func (b *bench) check() { require.NoError(b.t, checkState(b.task)) }

func decodeOrder(t require.TestingT, value []byte) *Order {
	o := &Order{}
	require.NoError(t, o.Decode(value))
	return o
}

// output prints what was sent, published and given up since the last call.
func (b *bench) output() string {
	var s strings.Builder
	for _, x := range b.task.Take() {
		fmt.Fprintln(&s, formatCommand(b.t, x))
	}
	for _, p := range b.task.Published {
		fmt.Fprintln(&s, formatPublished(b.t, p))
	}
	for _, d := range b.task.Dead {
		fmt.Fprintf(&s, "dead %s: %s (%s) %s\n", d.Reason, d.Message, d.Origin, d.Value)
	}
	b.task.Published, b.task.Dead = nil, nil
	if s.Len() == 0 {
		return "nothing\n"
	}
	return s.String()
}

func formatCommand(t require.TestingT, x stagetest.Sent) string {
	if x.Log == stage.LogOrders {
		require.Equal(t, record.KindTick, x.Entry.Kind)
		return fmt.Sprintf("> reminder #%d to ourselves", x.Entry.Body[0])
	}
	require.Equal(t, stage.LogInventory, x.Log)
	require.Equal(t, record.KindCommand, x.Entry.Kind)
	var c record.Command
	require.NoError(t, c.Decode(x.Entry.Body))
	require.Equal(t, string(x.Entry.Key), string(c.SKU))
	s := fmt.Sprintf("> %s %s #%d", c.Verb, c.SKU, c.Attempt)
	if c.Verb == record.VerbReserve {
		s += fmt.Sprintf(" x%d", c.Qty)
		for _, f := range []struct {
			on  bool
			say string
		}{{c.Allocate, "allocate"}, {!c.Allocate, "hold"}, {c.Whole, "whole"}, {c.Wait, "wait"}, {c.Fact, "fact"}} {
			if f.on {
				s += " " + f.say
			}
		}
		for _, r := range c.Ranked {
			s += fmt.Sprintf(" %s:%d", r.Warehouse, r.Rank)
		}
	}
	if c.Verb == record.VerbReduce && c.Qty > 0 {
		s += fmt.Sprintf(" x%d", c.Qty)
	}
	for _, p := range c.Parts {
		s += fmt.Sprintf(" %s x%d", p.Warehouse, p.Qty)
	}
	if c.Unavailable {
		s += " unavailable"
	}
	return s + " by " + c.Cause
}

func formatPublished(t require.TestingT, p stagetest.Published) string {
	if p.Topic != "order.events" {
		var u record.StatusUpdate
		require.NoError(t, json.Unmarshal(p.Value, &u))
		s := fmt.Sprintf("< %s %d %s", p.Topic, u.Seq, u.Status)
		if u.Reason != "" {
			s += " (" + u.Reason + ")"
		}
		for _, l := range u.Lines {
			s += fmt.Sprintf(" | %s %s %d", l.Line, l.Action, l.Qty)
			for _, x := range []string{string(l.Warehouse), l.Carrier, l.Tracking} {
				if x != "" {
					s += " " + x
				}
			}
		}
		return s
	}
	var u record.OrderUpdate
	require.NoError(t, json.Unmarshal(p.Value, &u))
	require.Equal(t, p.Key, string(u.OrderKey))
	s := fmt.Sprintf("= %d %s %s", u.Seq, u.Type, u.Status)
	if u.Reason != "" {
		s += " (" + u.Reason + ")"
	}
	if u.Refund {
		s += " refund"
	}
	s += " by " + u.Cause
	for _, l := range u.Lines {
		s += fmt.Sprintf(" | %s %s %d %s", l.Line, l.SKU, l.Qty, l.State)
		if l.Warehouse != "" {
			s += " " + string(l.Warehouse)
		}
	}
	return s
}

// TestScripts runs testdata: every command is a transaction, and prints what it
// sent (>) and published (= order.events, < status).
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		b := newBench(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			b.t = t
			return b.run(d)
		})
	})
}

func (b *bench) run(d *datadriven.TestData) string {
	if at := arg(d, "at"); at != "" {
		b.now = base + record.Millis(number(b.t, strings.TrimSuffix(at, "s"))*1000)
	}
	key := record.OrderKey(arg(d, "order"))
	switch d.Cmd {
	case "config":
		cfg := DefaultConfig()
		if v := arg(d, "keep"); v != "" {
			cfg.KeepClosedMillis = number(b.t, v) * 1000
		}
		if v := arg(d, "chunk"); v != "" {
			cfg.DueChunk = int(number(b.t, v))
		}
		if v := arg(d, "inbox"); v != "" {
			cfg.InboxEventsMax = int(number(b.t, v))
		}
		if v := arg(d, "age"); v != "" {
			cfg.AcceptAgeMillis = number(b.t, v) * 1000
		}
		b.task.Stage = New(cfg)
		return ""
	case "warehouses":
		for _, row := range strings.Split(strings.TrimSpace(d.Input), "\n") {
			b.warehouse(row)
		}
		return ""
	case "tick":
		b.tick(b.now)
	case "show":
		return b.show(key)
	case "remind":
		b.entry(record.KindTick, string(key), "", []byte{byte(number(b.t, arg(d, "attempt")))})
	case "decide":
		b.decision(b.readDecision(d, key))
	default:
		b.event(b.readEvent(d, key), arg(d, "from"))
	}
	return b.output()
}

var eventTypes = map[string]record.OrderEventType{"create": record.OrderCreated, "paid": record.OrderPaid, "cancel": record.OrderCancelled,
	"pick": record.OrderPicked, "pack": record.OrderPacked, "deliver": record.OrderDelivered, "return": record.OrderReturned,
	"ship": record.OrderShipped, "snapshot": record.OrderSnapshot, "status": record.OrderStatus, "unsupported": record.OrderNotSupported}

var restocks = map[string]record.Restock{"sellable": record.RestockSellable, "unavailable": record.RestockUnavailable, "none": record.RestockNone}

var states = map[string]record.ChannelState{"": 0, "recorded": record.StateRecorded, "unpaid": record.StateUnpaid, "paid": record.StatePaid,
	"cancelled": record.StateCancelled, "shipped": record.StateShipped, "completed": record.StateCompleted}

func (b *bench) readEvent(d *datadriven.TestData, key record.OrderKey) *record.OrderEvent {
	typ, ok := eventTypes[d.Cmd]
	require.True(b.t, ok, d.Cmd)
	e := &record.OrderEvent{EventID: arg(d, "id"), Type: typ, OrderKey: key, State: states[arg(d, "state")], OccurredAt: base,
		Warehouse: record.WarehouseID(arg(d, "warehouse")), Carrier: arg(d, "carrier"), Tracking: arg(d, "tracking"), Text: arg(d, "text")}
	channel, _, _ := strings.Cut(string(key), "/")
	e.Fact = record.OrdersAreFacts(channel)
	if at := arg(d, "time"); at != "" {
		e.OccurredAt = base + record.Millis(number(b.t, strings.TrimSuffix(at, "s"))*1000)
	}
	lines := strings.Split(strings.TrimSpace(d.Input), "\n")
	if typ != record.OrderCreated && typ != record.OrderSnapshot {
		for _, l := range lines {
			f := strings.Fields(l)
			if len(f) < 2 {
				continue
			}
			n := record.LineQty{Line: f[0], Qty: record.Quantity(number(b.t, f[1]))}
			if len(f) > 2 {
				n.Restock = restocks[f[2]]
			}
			e.Lines = append(e.Lines, n)
		}
		return e
	}
	o := &record.OrderBody{Payment: record.PaymentPrepaid, Allow: record.AllowAll, PickupAt: record.WarehouseID(arg(d, "pickup"))}
	switch arg(d, "pay") {
	case "unpaid":
		o.Payment = record.PaymentUnpaid
	case "cod":
		o.Payment = record.PaymentCOD
	}
	switch arg(d, "allow") {
	case "partial":
		o.Allow = record.AllowPartial
	case "backorder":
		o.Allow = record.AllowBackorder
	}
	if v := arg(d, "hold"); v != "" {
		o.HoldSeconds = number(b.t, v)
	}
	if v := arg(d, "place"); v != "" {
		lat, lng, _ := strings.Cut(v, ";")
		o.HasPlace, o.LatE6, o.LngE6 = true, degrees(b.t, lat), degrees(b.t, lng)
	}
	for _, l := range lines {
		f := strings.Fields(l)
		line := record.OrderLine{Line: f[0], SKU: record.SKU(f[1]), Qty: record.Quantity(number(b.t, f[2]))}
		if len(f) > 3 {
			line.Cancelled = record.Quantity(number(b.t, f[3]))
		}
		o.Lines = append(o.Lines, line)
	}
	e.Order = o
	return e
}

// readDecision reads "decide order=… sku=A #1 x3 HCM:2 wait=1 fill reason=…".
func (b *bench) readDecision(d *datadriven.TestData, key record.OrderKey) *record.Decision {
	dec := &record.Decision{Verb: record.VerbReserve, OrderKey: key, SKU: record.SKU(arg(d, "sku")), Attempt: 1, Cause: arg(d, "cause"), Reason: arg(d, "reason")}
	if d.HasArg("fill") {
		dec.Verb = record.VerbFill
	}
	if d.HasArg("exists") {
		dec.Outcome = record.OutcomeExists
	}
	if v := arg(d, "attempt"); v != "" {
		dec.Attempt = uint32(number(b.t, v))
	}
	if v := arg(d, "wait"); v != "" {
		dec.Waiting = record.Quantity(number(b.t, v))
	}
	for _, a := range d.CmdArgs {
		if a.Key == "got" {
			for _, v := range a.Vals {
				at, n, _ := strings.Cut(v, ":")
				dec.Moves = append(dec.Moves, record.Movement{Warehouse: record.WarehouseID(at), Qty: record.Quantity(number(b.t, n))})
			}
		}
	}
	return dec
}

// show prints the state of an order and the number of timers.
func (b *bench) show(key record.OrderKey) string {
	var s strings.Builder
	v, ok := b.task.State[string(keyOrder)+string(key)]
	box, waits := b.task.State[string(keyInbox)+string(key)]
	if ok && isInbox(v) {
		box, waits = v, true
	} else if ok {
		o := decodeOrder(b.t, v)
		fmt.Fprintf(&s, "phase %d seq %d attempt %d seen %d\n", o.Phase, o.Seq, o.Attempt, len(o.Seen)/seenBytes)
	}
	if waits {
		in := inbox{}
		require.NoError(b.t, in.decode(box))
		fmt.Fprintf(&s, "%d events wait\n", len(in.Events))
	}
	keys := []string{}
	for k := range b.task.State {
		if k[0] == keyTimer && strings.HasSuffix(k, string(key)) {
			due, _ := cutTimerKey([]byte(k))
			keys = append(keys, fmt.Sprintf("due %ds: %s", (due-base)/1000, [...]string{"", "expiry", "deadline", "drop", "inbox"}[k[9]]))
		}
	}
	slices.Sort(keys)
	s.WriteString(strings.Join(keys, "\n"))
	if s.Len() == 0 {
		return "nothing"
	}
	return s.String()
}

func arg(d *datadriven.TestData, name string) string {
	for _, a := range d.CmdArgs {
		if a.Key == name && len(a.Vals) > 0 {
			return a.Vals[0]
		}
	}
	return ""
}

func number(t require.TestingT, s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	require.NoError(t, err)
	return n
}

func degrees(t require.TestingT, s string) int64 {
	f, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return int64(f * 1e6)
}
