package explain

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/audit"
	"holdfast/topology/record"
)

// life is an order of a Shopify shop with all that can happen to one: a combo,
// units that wait and are filled, a part cancelled, picked, packed, shipped from
// two warehouses, delivered, a part returned, and what was refused.
func life(t *testing.T) []audit.Record {
	const key = "shopify/hanoi/5001"
	var out []audit.Record
	offset := record.Offset(0)
	in := func(at record.Millis, e record.OrderEvent) {
		e.OrderKey = key
		offset++
		out = append(out, entry("log.orders", offset, at, record.KindOrderEvent, key, offset, record.AppendOrderEvent(nil, &e)))
	}
	decide := func(topic string, at record.Millis, verb record.Verb, sku record.SKU, w record.WarehouseID, qty record.Quantity, before, after record.Counters, more func(*record.Decision)) {
		d := record.Decision{Verb: verb, Outcome: record.OutcomeDone, OrderKey: key, SKU: sku, Attempt: 1, Requested: qty}
		if w != "" {
			d.Moves = []record.Movement{{Warehouse: w, Number: uint64(offset) + 1, Qty: qty, Before: before, After: after}}
		}
		if more != nil {
			more(&d)
		}
		offset++
		at2 := key
		if topic == "log.availability" {
			at2 = string(sku)
		}
		out = append(out, entry(topic, offset, at, record.KindDecision, at2, 1, record.AppendDecision(nil, &d)))
	}
	seq := int64(0)
	tell := func(at record.Millis, kind, status, cause, reason string, refund bool, lines ...record.OrderUpdateLine) {
		seq++
		out = append(out, update(t, record.Offset(seq), record.OrderUpdate{OrderKey: key, Seq: seq, Type: kind, Status: status, At: start + at, Cause: cause, Reason: reason, Refund: refund, Lines: lines}))
	}
	line := func(id string, sku record.SKU, qty record.Quantity, state string, w record.WarehouseID) record.OrderUpdateLine {
		l := record.OrderUpdateLine{Line: id, SKU: sku, Qty: qty, State: state, Warehouse: w}
		if id == "2" {
			l.Combo = "SET"
		}
		return l
	}
	c := func(onHand, allocated record.Quantity) record.Counters {
		return record.Counters{OnHand: onHand, Allocated: allocated}
	}
	const minute = 60_000
	in(0, record.OrderEvent{EventID: "w-1", Type: record.OrderSnapshot, State: record.StatePaid, Order: &record.OrderBody{Payment: record.PaymentCOD, Lines: []record.OrderLine{
		{Line: "1", SKU: "TEE", Qty: 3}, {Line: "2", SKU: "SET", Qty: 1}}}})
	decide("log.orders", 10, record.VerbReserve, "TEE", "HN-1", 1, c(1, 0), c(1, 1), func(d *record.Decision) {
		d.Outcome, d.Requested, d.Waiting, d.Allocated, d.Reason, d.Quota = record.OutcomePartial, 3, 2, true, record.ReasonQuota, 1
	})
	decide("log.orders", 11, record.VerbReserve, "CAP", "HCM-1", 2, c(9, 0), c(9, 2), func(d *record.Decision) {
		d.Outcome, d.Allocated, d.Rule = record.OutcomeGranted, true, "one_warehouse"
	})
	tell(12, record.UpdateAccepted, "partly_short", "w-1", record.ReasonQuota, false,
		line("1", "TEE", 1, "allocated", "HN-1"), line("1", "TEE", 2, "short", ""), line("2", "CAP", 2, "allocated", "HCM-1"))
	decide("log.orders", 5*minute, record.VerbFill, "TEE", "HN-1", 1, c(2, 1), c(2, 2), func(d *record.Decision) { d.Requested, d.Waiting, d.Cause = 2, 1, "stock:s-7" })
	tell(5*minute+5, record.UpdateFilled, "partly_short", "stock:s-7", "", false,
		line("1", "TEE", 2, "allocated", "HN-1"), line("1", "TEE", 1, "short", ""), line("2", "CAP", 2, "allocated", "HCM-1"))
	in(9*minute, record.OrderEvent{EventID: "c-1", Type: record.OrderCancelled, By: "buyer", Text: "too slow", Lines: []record.LineQty{{Line: "1", Qty: 1}}})
	decide("log.availability", 9*minute+4, record.VerbReduce, "TEE", "", 1, c(0, 0), c(0, 0), func(d *record.Decision) { d.Requested = 1 })
	tell(9*minute+9, record.UpdateCancelled, "allocated", "c-1", "", false,
		line("1", "TEE", 2, "allocated", "HN-1"), line("1", "TEE", 1, "cancelled", ""), line("2", "CAP", 2, "allocated", "HCM-1"))
	for i, step := range []struct {
		kind         record.OrderEventType
		told, status string
	}{{record.OrderPicked, record.UpdatePicking, "picking"}, {record.OrderPacked, record.UpdatePacked, "packed"}} {
		at, id := record.Millis(20+i)*minute, "p-"+step.status
		in(at, record.OrderEvent{EventID: id, Type: step.kind})
		tell(at+3, step.told, step.status, id, "", false, line("1", "TEE", 2, "allocated", "HN-1"), line("1", "TEE", 1, "cancelled", ""), line("2", "CAP", 2, "allocated", "HCM-1"))
	}
	in(60*minute, record.OrderEvent{EventID: "f-1", Type: record.OrderShipped, Carrier: "ghn", Tracking: "G123"})
	decide("log.availability", 60*minute+4, record.VerbShip, "TEE", "HN-1", 2, c(2, 2), c(0, 0), nil)
	decide("log.availability", 60*minute+4, record.VerbShip, "CAP", "HCM-1", 2, c(9, 2), c(7, 0), nil)
	tell(60*minute+5, record.UpdateShipped, "shipped", "f-1", "", false, line("1", "TEE", 2, "shipped", "HN-1"), line("1", "TEE", 1, "cancelled", ""), line("2", "CAP", 2, "shipped", "HCM-1"))
	in(61*minute, record.OrderEvent{EventID: "c-2", Type: record.OrderCancelled, By: "seller"})
	tell(61*minute+5, record.UpdateRefused, "shipped", "c-2", "already_shipped", false, line("1", "TEE", 2, "shipped", "HN-1"), line("1", "TEE", 1, "cancelled", ""), line("2", "CAP", 2, "shipped", "HCM-1"))
	in(62*minute, record.OrderEvent{EventID: "a-1", Type: record.OrderNotSupported, Text: "order.amended"})
	tell(62*minute+5, record.UpdateRefused, "shipped", "a-1", "not_supported", false, line("1", "TEE", 2, "shipped", "HN-1"), line("1", "TEE", 1, "cancelled", ""), line("2", "CAP", 2, "shipped", "HCM-1"))
	in(3000*minute, record.OrderEvent{EventID: "f-2", Type: record.OrderDelivered, Lines: []record.LineQty{{Line: "1", Qty: 2}, {Line: "2", Qty: 1}}})
	tell(3000*minute+5, record.UpdateDelivered, "delivered", "f-2", "", false, line("1", "TEE", 2, "delivered", ""), line("1", "TEE", 1, "cancelled", ""), line("2", "CAP", 2, "delivered", ""))
	in(9000*minute, record.OrderEvent{EventID: "r-1", Type: record.OrderReturned, Lines: []record.LineQty{{Line: "1", Qty: 1, Restock: record.RestockSellable}}})
	decide("log.availability", 9000*minute+4, record.VerbReturn, "TEE", "HN-1", 1, c(0, 0), c(1, 0), nil)
	tell(9000*minute+5, record.UpdateReturned, "delivered", "r-1", "", false, line("1", "TEE", 1, "delivered", ""), line("1", "TEE", 1, "returned", ""), line("1", "TEE", 1, "cancelled", ""), line("2", "CAP", 2, "delivered", ""))
	out = append(out, audit.Record{Topic: "dlq", Partition: 2, Offset: 5, At: start + 9001*minute, Key: []byte(key), Headers: []audit.Header{
		{Key: record.HeaderErrorTopic, Value: []byte("holdfast.channel.shopify.orders")}, {Key: record.HeaderErrorPartition, Value: []byte("3")}, {Key: record.HeaderErrorOffset, Value: []byte("77")},
		{Key: record.HeaderErrorException, Value: []byte("malformed")}, {Key: record.HeaderErrorMessage, Value: []byte("unexpected end of JSON")}}})
	return ordersFirst(out)
}

func storyOf(t *testing.T, key record.OrderKey, records []audit.Record) Story {
	t.Helper()
	e := New(key, "")
	for _, r := range records {
		require.NoError(t, e.Add(r))
	}
	require.False(t, e.HasGap())
	s, ok := e.Story()
	require.True(t, ok)
	return s
}

func TestLife(t *testing.T) {
	s := storyOf(t, "shopify/hanoi/5001", life(t))
	s.Names = map[record.WarehouseID]string{"HN-1": "Hanoi Old Quarter"}
	var text bytes.Buffer
	require.NoError(t, s.WriteText(&text, time.FixedZone("", 7*3600)))
	golden(t, "life.txt", text.Bytes())
	js, err := json.MarshalIndent(s, "", " ")
	require.NoError(t, err)
	golden(t, "life.json", append(js, '\n'))
	read, _, ok := strings.Cut(text.String(), "\nDetails\n")
	require.True(t, ok)
	for _, jargon := range []string{"marketplace", "log.", "@", "allocat", "seq", "_", "null"} {
		require.NotContains(t, read, jargon, "what is read out to a buyer")
	}
}

// TestEventWords: what each event says where nothing but it is known.
func TestEventWords(t *testing.T) {
	for _, c := range []struct {
		channel, kind, status, state, reason string
		want                                 string
	}{
		{"web", record.UpdateAccepted, "held", "held", "", "The order came in from the website. We set aside 2 x TEE at HN-1 until the payment comes."},
		{"callcentre", record.UpdateAccepted, "backordered", "backordered", "", "The order came in from the call centre. 2 x TEE will be reserved as soon as new stock comes."},
		{"shopee", record.UpdateAccepted, "short", "short", "out_of_stock", "The order came in from Shopee. 2 x TEE are not to be had, because there is no stock left."},
		{"web", record.UpdateRejected, "rejected", "short", "unknown_sku", "We couldn't take it, because of 2 x TEE: there is no article of that number. Nothing is reserved."},
		{"web", record.UpdateConfirmed, "allocated", "allocated", "", "The payment came in time. We reserved 2 x TEE at HN-1."},
		{"web", record.UpdateExpired, "cancelled", "released", "expired", "The payment didn't come in time, so the order was cancelled and the goods went back on sale."},
		{"web", record.UpdateRevived, "short", "short", "expired_before_payment", "The payment came after the time for it was over, so we looked again for what was ordered. 2 x TEE are not to be had, because the payment came too late, and it was sold meanwhile."},
		{"lazada", record.UpdateCancelled, "cancelled", "cancelled", "", "The order was cancelled."},
		{"tiktok", record.UpdateCompleted, "completed", "shipped", "", "TikTok Shop has closed the order: it is complete."},
		{"pos", record.UpdateShipped, "shipped", "shipped", "shipped_unallocated", "2 x TEE from HN-1 left. To be looked at: it was sent although it wasn't reserved."},
		{"facebook", record.UpdateFilled, "allocated", "allocated", "", "New stock came: 2 x TEE at HN-1 are now reserved for this order."},
		{"mobile", record.UpdateReturned, "returned", "returned", "", "2 x TEE came back."},
		{"kiosk", record.UpdateRefused, "allocated", "allocated", "no_such_word", "Something was asked for. It changed nothing, because no such word."},
	} {
		s := Story{OrderKey: record.MakeOrderKey(c.channel, "main", "1")}
		line := record.OrderUpdateLine{Line: "1", SKU: "TEE", Qty: 2, State: c.state}
		if c.state == "held" || c.state == "allocated" || c.state == "shipped" {
			line.Warehouse = "HN-1"
		}
		e := Event{OrderUpdate: record.OrderUpdate{Type: c.kind, Status: c.status, Reason: c.reason, Lines: []record.OrderUpdateLine{line}}}
		require.Contains(t, s.eventWords(&e, nil), c.want, "%s on %s", c.kind, c.channel)
	}
}

// TestStoryWithoutItsOrder: what came in before the order itself.
func TestStoryWithoutItsOrder(t *testing.T) {
	e := record.OrderEvent{EventID: "c-1", Type: record.OrderCancelled, OrderKey: "web/main/9", By: "buyer"}
	s := storyOf(t, "web/main/9", []audit.Record{entry("log.orders", 1, 0, record.KindOrderEvent, "web/main/9", 4, record.AppendOrderEvent(nil, &e))})
	var text bytes.Buffer
	require.NoError(t, s.WriteText(&text, time.UTC))
	require.Contains(t, text.String(), "Order 9 from the website hasn't come in yet; what came in about it is kept for a day.\n")
	require.Contains(t, text.String(), "The buyer cancelled.\n")
}

// TestGap: an event that is missing is noticed, whichever it is.
func TestGap(t *testing.T) {
	with := func(seqs ...int64) bool {
		e := New("web/main/9", "")
		for _, seq := range seqs {
			require.NoError(t, e.Add(update(t, record.Offset(seq), record.OrderUpdate{OrderKey: "web/main/9", Seq: seq})))
		}
		return e.HasGap()
	}
	require.False(t, with())
	require.False(t, with(1, 2, 3))
	require.True(t, with(2))
	require.True(t, with(1, 3))
	require.False(t, with(2, 1))
}

// TestNow: where units are is told while it matters.
func TestNow(t *testing.T) {
	line := func(sku record.SKU, state string, w record.WarehouseID) record.OrderUpdateLine {
		return record.OrderUpdateLine{Line: string(sku), SKU: sku, Qty: 1, State: state, Warehouse: w}
	}
	now := func(lines ...record.OrderUpdateLine) string {
		s := Story{Events: []Event{{OrderUpdate: record.OrderUpdate{Lines: lines}}}}
		return s.now()
	}
	require.Equal(t, "1 x A and 1 x B sent", now(line("A", "shipped", "HN-1"), line("B", "shipped", "HCM-1")))
	require.Equal(t, "1 x A reserved at HN-1; 1 x B reserved at HCM-1", now(line("A", "allocated", "HN-1"), line("B", "allocated", "HCM-1")))
	require.Equal(t, "1 x A set aside at HN-1 until it is paid; 1 x B not to be had now", now(line("A", "held", "HN-1"), line("B", "short", "")))
	require.Equal(t, "1 x A waiting for new stock; 1 x B back on sale", now(line("A", "backordered", ""), line("B", "released", "")))
}
