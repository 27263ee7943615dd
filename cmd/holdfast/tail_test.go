package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology/record"
)

func TestTailOfAnInternalLog(t *testing.T) {
	h, b := withBroker(t)
	h.good("topics", "apply")
	cl := plainClient(t, b, kgo.TransactionalID("holdfast.test"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	origin := record.Origin{Topic: "holdfast.stock.feed", Partition: 2, Offset: 17}
	var e record.EnvelopeBuilder
	e.Add(record.KindStock, []byte("TEE"), origin, record.AppendStockCommand(nil, &record.StockCommand{
		Verb: record.VerbReceive, EventID: "s-1", SKU: "TEE", Warehouse: "HCM-1", Qty: 7, OccurredAt: 1, Reason: "<new>"}))
	e.Add(record.KindCommand, []byte("CAP"), origin, record.AppendCommand(nil, &record.Command{
		Verb: record.VerbReserve, OrderKey: "web/main/1", SKU: "CAP", Attempt: 1, Cause: "e-1", Qty: 2, Whole: true,
		Ranked: []record.Ranked{{Warehouse: "HCM-1", Rank: 3}}}))
	send := func(end kgo.TransactionEndTry, value []byte) {
		require.NoError(t, cl.BeginTransaction())
		require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "holdfast.log.inventory", Partition: 5, Value: value}).FirstErr())
		require.NoError(t, cl.EndTransaction(t.Context(), end))
	}
	send(kgo.TryAbort, []byte("never was"))
	send(kgo.TryCommit, e.Close())
	send(kgo.TryCommit, record.Tick())
	send(kgo.TryCommit, []byte{0xc1})

	out := strings.Split(strings.TrimSpace(h.good("tail", "log.inventory")), "\n")
	require.Len(t, out, 3)
	require.Contains(t, out[0], `"partition":5,"offset":2,"at":"`)
	require.Contains(t, out[0], `"key":null,"headers":{},"value":[`+
		`{"kind":"stock","key":"TEE","origin":"holdfast.stock.feed/2@17","body":{"type":"stock.receive","event_id":"s-1","sku":"TEE","warehouse":"HCM-1","qty":7,"occurred_at":"1970-01-01T00:00:00.001Z","reason":"<new>"}},`+
		`{"kind":"command","key":"CAP","origin":"holdfast.stock.feed/2@17","body":{"verb":"reserve","order_key":"web/main/1","sku":"CAP","attempt":1,"cause":"e-1","qty":2,"whole":true,"ranked":[{"warehouse":"HCM-1","rank":3}]}}]}`)
	require.Contains(t, out[1], `"value":[{"kind":"tick"}]}`)
	require.Contains(t, out[2], `"value":{"error":"envelope: `)
	require.Contains(t, out[2], `"bytes":"wQ=="}}`)

	lines := h.tail("log.inventory", "--key", "CAP")
	require.Len(t, lines, 2, "the record with an entry of that key, and the one that can't be read")
	require.Len(t, lines[0].Value, 1)

	require.NoError(t, cl.BeginTransaction())
	require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "holdfast.changelog.orders", Value: make([]byte, 99)}).FirstErr())
	require.NoError(t, cl.EndTransaction(t.Context(), kgo.TryCommit))
	require.Contains(t, h.good("tail", "changelog.orders"), `"value":{"error":"not a delta`)
}

func TestTailOfBytesThatAreNoText(t *testing.T) {
	h, b := withBroker(t)
	h.good("topics", "apply")
	require.NoError(t, plainClient(t, b).ProduceSync(t.Context(), &kgo.Record{
		Topic: "holdfast.dlq", Key: []byte{0xff}, Value: []byte("\"\xfe\""),
		Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte{0xff}}, {Key: "a", Value: []byte("2")}, {Key: "none"}},
	}).FirstErr())
	require.Contains(t, h.good("tail", "dlq"), `"key":{"bytes":"/w=="},"headers":{"b":{"bytes":"/w=="},"a":"2","none":null},"value":{"bytes":"Iv4i"}}`)
}

func TestTailFollows(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply")
	row := writeFile(t, "rows", `{"id":"HCM-1"}`)
	h.good("send", "-t", "warehouses", row)
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan int)
	go func() {
		code := Run(ctx, []string{"tail", "warehouses", "--follow"}, Process{Stdout: writer, Stderr: io.Discard, Environ: h.environ})
		writer.Close()
		done <- code
	}()
	lines := lineByLine(t, reader)
	require.Contains(t, <-lines, `"offset":0,`)
	h.good("send", "-t", "warehouses", row)
	require.Contains(t, <-lines, `"offset":1,`)
	cancel()
	require.Equal(t, exitGood, <-done, "following ends when it is told to")
}

func TestEveryKindIsDecoded(t *testing.T) {
	row := record.AppendTableRow(nil, &record.TableRow{Key: "K", Version: 3, JSON: []byte(`{"id":"K"}`)})
	gone := record.AppendTableRow(nil, &record.TableRow{Key: "K", Version: 4, Deleted: true})
	lat := record.OrderBody{
		Payment: record.PaymentUnpaid, Allow: record.AllowBackorder, HoldSeconds: 900, Currency: "VND", TotalMinor: 96000, CustomerID: "C",
		VIP: true, Region: "VN-SG", HasPlace: true, LatE6: 10776000, LngE6: -106700000, PickupAt: "S", ShipBy: 1000,
		Lines: []record.OrderLine{{Line: "1", SKU: "TEE", Qty: 2, UnitPriceMinor: 48000, Cancelled: 1}},
	}
	decision := record.Decision{
		Verb: record.VerbFill, Outcome: record.OutcomePartial, OrderKey: "web/main/1", SKU: "TEE", Attempt: 2, Cause: "s-9", Requested: 3,
		Allocated: true, Missing: 1, Waiting: 1, Reason: "out_of_stock", Rule: "split", Quota: 1,
		Moves: []record.Movement{{Warehouse: "W", Number: 8, Qty: 1, Before: record.Counters{OnHand: 5, Held: 1}, After: record.Counters{OnHand: 5, Held: 1, Allocated: 1}}},
	}
	for _, c := range []struct {
		kind record.Kind
		body []byte
		want string
	}{
		{record.KindTick, nil, `null`},
		{record.KindWarehouse, row, `{"key":"K","version":3,"row":{"id":"K"}}`},
		{record.KindShop, gone, `{"key":"K","version":4,"deleted":true}`},
		{record.KindCatalog, row, `{"key":"K","version":3,"row":{"id":"K"}}`},
		{record.KindDecision, record.AppendDecision(nil, &decision), `{"verb":"fill","outcome":"partial","order_key":"web/main/1","sku":"TEE","attempt":2,` +
			`"cause":"s-9","requested":3,"allocated":true,"missing":1,"waiting":1,"reason":"out_of_stock","rule":"split","quota":1,"moves":[{"warehouse":"W","number":8,"qty":1,` +
			`"before":{"on_hand":5,"unavailable":0,"held":1,"allocated":0,"available":4},"after":{"on_hand":5,"unavailable":0,"held":1,"allocated":1,"available":3}}]}`},
		{record.KindAvailability, record.AppendAvailability(nil, &record.Availability{SKU: "TEE", Fed: true, Rows: []record.AvailabilityRow{{Warehouse: "W", Number: 4, Counters: record.Counters{OnHand: 9, Unavailable: 2}}}}),
			`{"sku":"TEE","fed":true,"warehouses":[{"warehouse":"W","number":4,"on_hand":9,"unavailable":2,"held":0,"allocated":0,"available":7}]}`},
		{record.KindAvailability, record.AppendAvailability(nil, &record.Availability{
			SKU: "TEE", Buffer: 10, Rows: []record.AvailabilityRow{{Warehouse: "W", Number: 4, Safety: 5, Counters: record.Counters{OnHand: 9}}},
			Policies: []record.ChannelPolicy{{Channel: "shopee/main", Buffer: 3, Cap: record.SettingKeep}, {Channel: "web", Buffer: record.SettingKeep, Cap: 0}},
			Quotas:   []record.QuotaLeft{{Channel: "shopee", Left: 100}},
		}), `{"sku":"TEE","fed":false,"buffer":10,"warehouses":[{"warehouse":"W","number":4,"safety":5,"on_hand":9,"unavailable":0,"held":0,"allocated":0,"available":9}],` +
			`"policies":[{"channel":"shopee/main","buffer":3},{"channel":"web","cap":0}],"quotas":[{"channel":"shopee","left":100}]}`},
		{record.KindStock, record.AppendStockCommand(nil, &record.StockCommand{Verb: record.VerbCount, EventID: "s-1", SKU: "TEE", Warehouse: "W"}),
			`{"type":"stock.count","event_id":"s-1","sku":"TEE","warehouse":"W","qty":0}`},
		{record.KindStock, record.AppendStockCommand(nil, &record.StockCommand{Verb: record.VerbPolicy, EventID: "p-1", SKU: "TEE", Policy: record.Policy{
			Channel: "shopee", Safety: record.SettingKeep, Buffer: 0, Cap: record.SettingRemove, Quota: 100, Until: 1000}}),
			`{"type":"stock.policy","event_id":"p-1","sku":"TEE","channel":"shopee","buffer":0,"cap":null,"quota":100,"until":"1970-01-01T00:00:01.000Z"}`},
		{record.KindOrderEvent, record.AppendOrderEvent(nil, &record.OrderEvent{EventID: "r-1", Type: record.OrderReturned, OrderKey: "web/main/1", Warehouse: "W", Lines: []record.LineQty{{Line: "1", Qty: 1, Restock: record.RestockSellable}, {Line: "2", Qty: 1}}}),
			`{"type":"return.received","event_id":"r-1","order_key":"web/main/1","warehouse":"W","lines":[{"line":"1","qty":1,"restock":"sellable"},{"line":"2","qty":1,"restock":"unavailable"}]}`},
		{record.KindCommand, record.AppendCommand(nil, &record.Command{Verb: record.VerbReturn, OrderKey: "web/main/1", SKU: "TEE", Cause: "r-1", OccurredAt: 1000, Unavailable: true, Parts: []record.WarehouseQty{{Warehouse: "W", Qty: 1}}}),
			`{"verb":"return","order_key":"web/main/1","sku":"TEE","attempt":0,"cause":"r-1","parts":[{"warehouse":"W","qty":1}],"occurred_at":"1970-01-01T00:00:01.000Z","unavailable":true}`},
		{record.KindCommand, record.AppendCommand(nil, &record.Command{Verb: record.VerbReserve, OrderKey: "pos/main/1", SKU: "TEE", Cause: "e-1", Qty: 1, Wait: true, Fact: true}),
			`{"verb":"reserve","order_key":"pos/main/1","sku":"TEE","attempt":0,"cause":"e-1","qty":1,"wait":true,"fact":true}`},
		{record.KindOrderEvent, record.AppendOrderEvent(nil, &record.OrderEvent{EventID: "e-1", Type: record.OrderSnapshot, OrderKey: "shopee/main/1", Fact: true, State: record.StatePaid, OccurredAt: 5, Order: &lat}),
			`{"type":"order.snapshot","event_id":"e-1","order_key":"shopee/main/1","fact":true,"occurred_at":"1970-01-01T00:00:00.005Z","state":"paid","order":{` +
				`"payment":"unpaid","allow":"backorder","hold_seconds":900,"currency":"VND","total_minor":96000,"customer_id":"C","vip":true,"region":"VN-SG",` +
				`"place":{"lat":10.776,"lng":-106.7},"pickup_at":"S","ship_by":"1970-01-01T00:00:01.000Z","lines":[{"line":"1","sku":"TEE","qty":2,"unit_price_minor":48000,"cancelled":1}]}}`},
		{record.KindOrderEvent, record.AppendOrderEvent(nil, &record.OrderEvent{EventID: "e-2", Type: record.OrderCancelled, OrderKey: "web/main/1", By: "buyer", Text: "changed", Lines: []record.LineQty{{Line: "1", Qty: 1}}}),
			`{"type":"order.cancelled","event_id":"e-2","order_key":"web/main/1","by":"buyer","text":"changed","lines":[{"line":"1","qty":1}]}`},
		{record.KindCommand, record.AppendCommand(nil, &record.Command{Verb: record.VerbShip, OrderKey: "web/main/1", SKU: "TEE", Cause: "f-1", Parts: []record.WarehouseQty{{Warehouse: "W", Qty: 2}}}),
			`{"verb":"ship","order_key":"web/main/1","sku":"TEE","attempt":0,"cause":"f-1","parts":[{"warehouse":"W","qty":2}]}`},
	} {
		body, err := decodeBody(c.kind, c.body)
		require.NoError(t, err)
		require.JSONEq(t, c.want, string(compactJSON(body)), "%v", c.kind)
		if c.kind != record.KindTick {
			_, err = decodeBody(c.kind, c.body[:len(c.body)-1])
			require.Error(t, err, "%v", c.kind)
		}
	}
	_, err := decodeBody(99, nil)
	require.ErrorContains(t, err, "kind 99 isn't known")
}
