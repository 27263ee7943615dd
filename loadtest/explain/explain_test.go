package explain

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/audit"
	"holdfast/topology/record"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

const start = record.Millis(1_762_794_000_000)

func envelope(kind record.Kind, key string, from record.Origin, body []byte) []byte {
	var e record.EnvelopeBuilder
	e.Add(record.KindTick, nil, record.Origin{}, nil)
	e.Add(kind, []byte(key), from, body)
	return e.Close()
}

func entry(topic string, offset record.Offset, at record.Millis, kind record.Kind, key string, from record.Offset, body []byte) audit.Record {
	return audit.Record{Topic: topic, Partition: 3, Offset: offset, At: start + at,
		Value: envelope(kind, key, record.Origin{Topic: "holdfast.channel.web.orders", Partition: 1, Offset: from}, body)}
}

func update(t *testing.T, offset record.Offset, u record.OrderUpdate) audit.Record {
	u.Holdfast = 1
	value, err := json.Marshal(u)
	require.NoError(t, err)
	return audit.Record{Topic: "order.events", Offset: offset, At: u.At, Key: []byte(u.OrderKey), Value: value}
}

// sale is an order that is held, paid twice (the second time with other content)
// and confirmed, beside an order of somebody else.
func sale(t *testing.T) []audit.Record {
	const key = "web/main/W-1001"
	held := record.Counters{OnHand: 5, Held: 2}
	reserve := record.Decision{Verb: record.VerbReserve, Outcome: record.OutcomePartial, OrderKey: key, SKU: "TEE-RED-M", Attempt: 1, Cause: "e-1",
		Requested: 3, Missing: 1, Reason: record.ReasonOutOfStock, Rule: "one_warehouse",
		Moves: []record.Movement{{Warehouse: "HCM-1", Number: 8, Qty: 2, Before: record.Counters{OnHand: 5, Allocated: 3}, After: record.Counters{OnHand: 5, Held: 2, Allocated: 3}}}}
	refused := record.Decision{Verb: record.VerbReserve, Outcome: record.OutcomeRefused, OrderKey: key, SKU: "CAP", Attempt: 1, Cause: "e-1",
		Requested: 1, Missing: 1, Reason: record.ReasonUnknownSKU}
	confirm := record.Decision{Verb: record.VerbConfirm, Outcome: record.OutcomeDone, OrderKey: key, SKU: "TEE-RED-M", Attempt: 1, Cause: "e-2", Requested: 2,
		Moves: []record.Movement{{Warehouse: "HCM-1", Number: 9, Qty: 2, Before: held, After: record.Counters{OnHand: 5, Allocated: 2}}}}
	other := confirm
	other.OrderKey = "web/main/W-1001x"
	created := record.OrderEvent{EventID: "e-1", Type: record.OrderCreated, OrderKey: key, OccurredAt: start - 90_000, Order: &record.OrderBody{
		Payment: record.PaymentUnpaid, Lines: []record.OrderLine{{Line: "1", SKU: "TEE-RED-M", Qty: 3}, {Line: "2", SKU: "CAP", Qty: 1}}}}
	paid := record.OrderEvent{EventID: "e-2", Type: record.OrderPaid, OrderKey: key}
	lines := []record.OrderUpdateLine{{Line: "1", SKU: "TEE-RED-M", Qty: 2, State: "held", Warehouse: "HCM-1"},
		{Line: "1", SKU: "TEE-RED-M", Qty: 1, State: "short"}, {Line: "2", SKU: "CAP", Qty: 1, State: "short"}}
	confirmed := append([]record.OrderUpdateLine{{Line: "1", SKU: "TEE-RED-M", Qty: 2, State: "allocated", Warehouse: "HCM-1"}}, lines[1:]...)
	return ordersFirst([]audit.Record{
		update(t, 7, record.OrderUpdate{OrderKey: key, Seq: 2, Type: record.UpdateConfirmed, Status: "partly_short", At: start + 900, Cause: "e-2", Lines: confirmed}),
		update(t, 8, record.OrderUpdate{OrderKey: "web/main/W-1001x", Seq: 1, Type: record.UpdateAccepted, Status: "held", At: start}),
		entry("log.availability", 41, 900, record.KindDecision, "TEE-RED-M", 12, record.AppendDecision(nil, &confirm)),
		entry("log.availability", 42, 901, record.KindDecision, "TEE-RED-M", 12, record.AppendDecision(nil, &other)),
		entry("log.orders", 20, 0, record.KindOrderEvent, key, 10, record.AppendOrderEvent(nil, &created)),
		entry("log.orders", 21, 15, record.KindDecision, key, 10, record.AppendDecision(nil, &reserve)),
		entry("log.orders", 22, 16, record.KindDecision, key, 10, record.AppendDecision(nil, &refused)),
		entry("log.orders", 25, 880, record.KindOrderEvent, key, 12, record.AppendOrderEvent(nil, &paid)),
		entry("log.orders", 26, 990, record.KindOrderEvent, key, 13, record.AppendOrderEvent(nil, &paid)),
		{Topic: "dlq", Key: []byte("web/main/W-1001x"), Headers: []audit.Header{{Key: record.HeaderErrorTopic, Value: []byte("holdfast.channel.web.orders")},
			{Key: record.HeaderErrorPartition, Value: []byte("1")}, {Key: record.HeaderErrorOffset, Value: []byte("99")}}},
		{Topic: "dlq", Headers: []audit.Header{{Key: record.HeaderErrorTopic, Value: []byte("holdfast.channel.web.orders")},
			{Key: record.HeaderErrorPartition, Value: []byte("1")}, {Key: record.HeaderErrorOffset, Value: []byte("13")},
			{Key: record.HeaderErrorException, Value: []byte("event_id_conflict")}}},
		update(t, 5, record.OrderUpdate{OrderKey: key, Seq: 1, Type: record.UpdateAccepted, Status: "partly_short", At: start + 15, Cause: "e-1", Lines: lines, Reason: "out_of_stock"}),
		{Topic: "changelog.orders", Value: []byte("never read")},
	})
}

// ordersFirst gives log.orders before the rest, as Explain asks for.
func ordersFirst(records []audit.Record) []audit.Record {
	slices.SortStableFunc(records, func(x, y audit.Record) int {
		first := map[bool]int{true: 0, false: 1}
		return first[x.Topic == "log.orders"] - first[y.Topic == "log.orders"]
	})
	return records
}

func TestStory(t *testing.T) {
	e := New("web/main/W-1001", "")
	for _, r := range sale(t) {
		require.NoError(t, e.Add(r))
	}
	s, ok := e.Story()
	require.True(t, ok)
	require.Equal(t, "partly_short", s.Status)
	require.Len(t, s.Inputs, 3)
	require.Len(t, s.Decisions, 3)
	require.Len(t, s.Events, 2)
	require.Equal(t, "event_id_conflict", s.Inputs[2].Refused)

	var text bytes.Buffer
	require.NoError(t, s.WriteText(&text, time.FixedZone("", 7*3600)))
	golden(t, "story.txt", text.Bytes())
	js, err := json.MarshalIndent(s, "", " ")
	require.NoError(t, err)
	golden(t, "story.json", append(js, '\n'))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestUnknownOrder(t *testing.T) {
	e := New("web/main/nobody", "")
	for _, r := range sale(t) {
		require.NoError(t, e.Add(r))
	}
	s, ok := e.Story()
	require.False(t, ok)
	js, err := json.Marshal(s)
	require.NoError(t, err)
	require.JSONEq(t, `{"order_key":"web/main/nobody","status":"undecided","inputs":[],"decisions":[],"events":[]}`, string(js))
}

func TestUnreadable(t *testing.T) {
	e := New("web/main/W-1", "")
	require.ErrorContains(t, e.Add(audit.Record{Topic: "log.orders", Offset: 4, Value: []byte("web/main/W-1")}), "reading log.orders/0@4: envelope")
}
