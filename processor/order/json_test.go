package order

import (
	"bytes"
	"encoding/json"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// requireAsEncoded reads value into u, and requires that encoding/json would
// have written the same bytes.
func requireAsEncoded(t require.TestingT, value []byte, u any) {
	require.NoError(t, json.Unmarshal(value, u))
	want, err := json.Marshal(u)
	require.NoError(t, err)
	if !bytes.Equal(want, value) {
		require.Equal(t, string(want), string(value))
	}
}

func TestStringsAreQuotedAsEncodingJSONDoes(t *testing.T) {
	alphabet := []string{"a", "é", "ế", "😀", `"`, `\`, "/", "<", ">", "&", "\b", "\f", "\n", "\r", "\t", "\x00", "\x1f", "\x7f",
		"\u2028", "\u2029", "\u2027", "\ufffd", "\xff", "\xc3", "\xe2\x80", "\xed\xa0\x80", "\xf0\x9f"}
	rnd := rand.New(rand.NewSource(1))
	for range 20_000 {
		s := ""
		for range rnd.Intn(6) {
			s += alphabet[rnd.Intn(len(alphabet))]
		}
		want, err := json.Marshal(s)
		require.NoError(t, err)
		require.Equal(t, string(want), string(appendString(nil, s)), "%q", s)
	}
}

func TestRecordsAreWrittenAsEncodingJSONDoes(t *testing.T) {
	b := newBench(t)
	const odd = "đơn <1> & \"2\"\u2028\t"
	key := record.OrderKey("shopee/main/a/" + odd)
	b.warehouse(`{"id":"kho <1>"}`)
	b.event(&record.OrderEvent{EventID: odd, Type: record.OrderCreated, OrderKey: key, Fact: true, Order: &record.OrderBody{
		Payment: record.PaymentPrepaid, Allow: record.AllowPartial, Lines: []record.OrderLine{{Line: odd, SKU: odd, Qty: 3}}}}, "")
	b.decision(&record.Decision{Verb: record.VerbReserve, OrderKey: key, SKU: odd, Attempt: 1, Requested: 3, Waiting: 1, Reason: odd,
		Moves: []record.Movement{{Warehouse: "kho <1>", Qty: 2}}})
	b.event(&record.OrderEvent{EventID: "f&1", Type: record.OrderShipped, OrderKey: key, Carrier: "a&b", Tracking: odd}, "holdfast.fulfilment.feed")
	b.event(&record.OrderEvent{EventID: "e&2", Type: record.OrderCancelled, OrderKey: key}, "holdfast.channel.web.orders")
	require.Len(t, b.task.Published, 6)
	for _, p := range b.task.Published {
		if p.Topic == "order.events" {
			requireAsEncoded(t, p.Value, &record.OrderUpdate{})
		} else {
			requireAsEncoded(t, p.Value, &record.StatusUpdate{})
		}
	}
	require.Equal(t, `{"holdfast":1,"order_key":"shopee/main/a/đơn \u003c1\u003e \u0026 \"2\"\u2028\t","channel":"shopee","shop":"main",`+
		`"order_id":"a/đơn \u003c1\u003e \u0026 \"2\"\u2028\t","seq":2,"status":"partly_short","reason":"","lines":[{"line":`+
		`"đơn \u003c1\u003e \u0026 \"2\"\u2028\t","qty":2,"action":"ship","warehouse":"kho \u003c1\u003e","tracking":`+
		`"đơn \u003c1\u003e \u0026 \"2\"\u2028\t","carrier":"a\u0026b"}],"at":"2026-11-11T00:00:00.000Z"}`, string(b.task.Published[3].Value))
}
