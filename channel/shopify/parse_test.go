package shopify_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/channel/shopify"
	"holdfast/topology/record"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files anew")
	flag.Parse()
	os.Exit(m.Run())
}

// payload returns the body and headers of the sample.
func payload(t testing.TB) (body string, headers map[string]string) {
	file, err := os.ReadFile(filepath.Join("testdata", "orders_create.json"))
	require.NoError(t, err)
	var sample struct {
		Body    json.RawMessage
		Headers map[string]string
	}
	require.NoError(t, json.Unmarshal(file, &sample))
	return string(sample.Body), sample.Headers
}

func parse(value string, headers map[string]string) ([]record.ChannelBody, *record.Refusal) {
	return shopify.Parse([]byte(value), func(name string) string { return headers[name] })
}

func one(t *testing.T, value string) record.ChannelBody {
	t.Helper()
	bodies, refusal := parse(value, nil)
	require.Nil(t, refusal)
	require.Len(t, bodies, 1)
	return bodies[0]
}

// with replaces the first occurrence of each old, which must be there.
func with(t *testing.T, text string, oldnew ...string) string {
	t.Helper()
	for i := 0; i < len(oldnew); i += 2 {
		require.Contains(t, text, oldnew[i])
		text = strings.Replace(text, oldnew[i], oldnew[i+1], 1)
	}
	return text
}

func TestSample(t *testing.T) {
	body, headers := payload(t)
	bodies, refusal := parse(body, headers)
	require.Nil(t, refusal)
	require.Len(t, bodies, 1)
	require.Equal(t, "5123456789012", bodies[0].OrderID)
	require.Equal(t, "demo-shop.myshopify.com", bodies[0].ShopID)
	got, err := json.MarshalIndent(bodies[0], "", "  ")
	require.NoError(t, err)
	path := filepath.Join("testdata", "orders_create.golden")
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.WriteFile(path, append(got, '\n'), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got)+"\n", "run with -update after a change that is meant")
}

func TestState(t *testing.T) {
	body, _ := payload(t)
	for _, c := range []struct {
		status, gateways string
		cancelled        bool
		state            record.ChannelState
		payment          record.Payment
	}{
		{"paid", ``, false, record.StatePaid, record.PaymentPrepaid},
		{"authorized", ``, false, record.StatePaid, record.PaymentPrepaid},
		{"partially_paid", ``, false, record.StatePaid, record.PaymentPrepaid},
		{"partially_refunded", ``, false, record.StatePaid, record.PaymentPrepaid},
		{"pending", ``, false, record.StateUnpaid, record.PaymentUnpaid},
		{"pending", `"bank transfer", "codex"`, false, record.StateUnpaid, record.PaymentUnpaid},
		{"pending", `"Cash on Delivery (COD)"`, false, record.StatePaid, record.PaymentCOD},
		{"pending", `"Thanh toán khi nhận hàng (COD)"`, false, record.StatePaid, record.PaymentCOD},
		{"refunded", ``, false, record.StateRecorded, record.PaymentPrepaid},
		{"voided", ``, false, record.StateRecorded, record.PaymentPrepaid},
		{"refunded", ``, false, record.StateRecorded, record.PaymentPrepaid},
		{"paid", ``, true, record.StateCancelled, record.PaymentPrepaid},
		{"voided", ``, true, record.StateCancelled, record.PaymentPrepaid},
		{"pending", ``, true, record.StateCancelled, record.PaymentUnpaid},
	} {
		text := with(t, body, `"paid"`, `"`+c.status+`"`, `"test": false`, `"test": false, "payment_gateway_names": [`+c.gateways+`]`)
		if c.cancelled {
			text = with(t, text, `"cancelled_at": null`, `"cancelled_at": "2025-11-11T00:05:02+07:00"`)
		}
		e := one(t, text).Event
		require.Equal(t, c.state, e.State, "%+v", c)
		require.Equal(t, c.payment, e.Order.Payment, "%+v", c)
	}
}

func TestCancelledBy(t *testing.T) {
	body, _ := payload(t)
	body = with(t, body, `"cancelled_at": null`, `"cancelled_at": "2025-11-11T00:05:02+07:00"`)
	for reason, want := range map[string]string{`"customer"`: "buyer", `"inventory"`: "seller", `"fraud"`: "seller", `null`: "seller"} {
		require.Equal(t, want, one(t, with(t, body, `"cancel_reason": null`, `"cancel_reason": `+reason)).Event.By)
	}
}

func TestLines(t *testing.T) {
	body, _ := payload(t)
	line := func(text string) record.OrderLine { return one(t, text).Event.Order.Lines[0] }
	require.Equal(t, record.OrderLine{Line: "13123456789012", SKU: "TEE-RED-M", Qty: 2, UnitPriceMinor: 48000}, line(body))
	noSKU := with(t, body, `"sku": "TEE-RED-M"`, `"sku": null`)
	require.Equal(t, record.SKU("shopify:43123456789012"), line(noSKU).SKU)
	require.Equal(t, record.SKU("shopify:line-13123456789012"), line(with(t, noSKU, `"variant_id": 43123456789012`, `"variant_id": null`)).SKU)

	refunds := func(list string) string {
		return with(t, body, `"refunds": []`, `"refunds": [{"refund_line_items": [`+list+`]}]`)
	}
	require.Equal(t, record.Quantity(1), line(refunds(`{"line_item_id":13123456789012,"quantity":1,"restock_type":"cancel"}`)).Cancelled)
	require.Zero(t, line(refunds(`{"line_item_id":13123456789012,"quantity":1,"restock_type":"return"}`)).Cancelled)
	require.Zero(t, line(refunds(`{"line_item_id":1,"quantity":1,"restock_type":"cancel"}`)).Cancelled)
	require.Equal(t, record.Quantity(2), line(refunds(`{"line_item_id":13123456789012,"quantity":9,"restock_type":"cancel"}`)).Cancelled)

	usd := with(t, body, `"currency": "VND"`, `"currency": "USD"`, `"price": "48000"`, `"price": "19.99"`, `"96000"`, `"39.980"`)
	require.Equal(t, int64(1999), line(usd).UnitPriceMinor)
	require.Equal(t, int64(3998), one(t, usd).Event.Order.TotalMinor)

	e := one(t, with(t, body, `"gift_card": false`, `"gift_card": true`)).Event
	require.Empty(t, e.Order.Lines)
	require.Equal(t, record.StateRecorded, e.State)
}

// Parcels ship their lines, each once however often the order is told.
func TestShipments(t *testing.T) {
	body, _ := payload(t)
	const parcels = `"fulfillments": [
		{"id": 255, "status": "success", "created_at": "2025-11-12T09:00:00+07:00", "tracking_number": "G1", "line_items": [{"id": 13123456789012, "quantity": 1}]},
		{"id": 256, "status": "cancelled", "created_at": "2025-11-12T09:00:00+07:00", "line_items": [{"id": 13123456789012, "quantity": 1}]},
		{"id": 257, "status": "open", "line_items": [{"id": 13123456789012, "quantity": 1}]},
		{"id": 258, "status": "success", "line_items": [{"id": 13123456789012, "quantity": 0}, {"id": 77, "quantity": 1}]}]`
	partial := with(t, body, `"fulfillments": []`, parcels, `"fulfillment_status": null`, `"fulfillment_status": "partial"`)
	bodies, refusal := parse(partial, nil)
	require.Nil(t, refusal)
	require.Len(t, bodies, 2)
	require.Equal(t, record.StatePaid, bodies[0].Event.State)
	want := record.ChannelBody{OrderID: "5123456789012", Event: record.OrderEvent{
		EventID: "shopify-fulfillment-255", Type: record.OrderShipped, OccurredAt: 1_762_912_800_000, Lines: []record.LineQty{{Line: "13123456789012", Qty: 1}},
	}}
	require.Equal(t, want, bodies[1])
	later, _ := parse(with(t, partial, `"G1"`, `"G2"`, `00:05:02`, `00:05:03`), nil)
	require.Equal(t, want, later[1], "told again, with other tracking")

	gone, _ := parse(with(t, partial, `"fulfillment_status": "partial"`, `"fulfillment_status": "fulfilled"`), nil)
	require.Equal(t, record.StatePaid, gone[0].Event.State, "lines may have been taken out: only parcels tell what has gone")
	cancelled, _ := parse(with(t, partial, `"cancelled_at": null`, `"cancelled_at": "2025-11-12T09:00:00+07:00"`), nil)
	require.Equal(t, record.OrderShipped, cancelled[0].Event.Type, "before the cancel")
	require.Equal(t, record.StateCancelled, cancelled[1].Event.State)

	twice, _ := parse(with(t, partial, `{"id": 13123456789012, "quantity": 1}]`, `{"id": 13123456789012, "quantity": 1}, {"id": 13123456789012, "quantity": 1}]`), nil)
	require.Equal(t, []record.LineQty{{Line: "13123456789012", Qty: 2}}, twice[1].Event.Lines)
	card, _ := parse(with(t, partial, `"gift_card": false`, `"gift_card": true`), nil)
	require.Len(t, card, 1, "no line of ours")
}

func TestAddress(t *testing.T) {
	body, _ := payload(t)
	order := func(text string) *record.OrderBody { return one(t, text).Event.Order }
	require.Equal(t, "VN-SG", order(body).Region)
	require.Equal(t, "VN-SG", order(with(t, body, `"VN-SG"`, `"SG"`)).Region)
	require.Equal(t, "VN", order(with(t, body, `"VN-SG"`, `null`)).Region)
	require.False(t, order(with(t, body, `10.7769`, `null`)).HasPlace)
	require.False(t, order(with(t, body, `10.7769`, `91`)).HasPlace)
}

// Without the header, the same state is the same event, another is another.
func TestEventIDs(t *testing.T) {
	body, headers := payload(t)
	bodies, _ := parse(body, headers)
	require.Equal(t, "98880550-7158-44d4-b7cd-2c97c8a091b5", bodies[0].Event.EventID)
	id := one(t, body).Event.EventID
	require.Regexp(t, `^shopify-[0-9a-f]{16}$`, id)
	require.Equal(t, id, one(t, body).Event.EventID)
	require.NotEqual(t, id, one(t, with(t, body, `"paid"`, `"pending"`)).Event.EventID)
	require.NotEqual(t, id, one(t, with(t, body, `00:05:02`, `00:05:03`)).Event.EventID)
	require.NotEqual(t, id, one(t, with(t, body, `"fulfillment_status": null,
    "currency"`, `"fulfillment_status": "partial", "currency"`)).Event.EventID)
}

func TestRefusals(t *testing.T) {
	body, _ := payload(t)
	for _, c := range []struct{ text, topic, reason, message string }{
		{`{`, "", record.RefuseMalformed, "unexpected end"},
		{`[]`, "", record.RefuseMalformed, "array"},
		{`{"id":5}`, "", record.RefuseUnknownFormat, "line_items"},
		{`{"line_items":[]}`, "", record.RefuseUnknownFormat, "no id"},
		{body, "products/update", record.RefuseUnknownType, "products/update"},
		{body, "refunds/create", record.RefuseUnknownType, "orders/updated tells"},
		{body, "fulfillments/create", record.RefuseUnknownType, "orders/updated tells"},
		{`{"id":5}`, "orders/delete", record.RefuseUnknownType, "orders/delete"},
		{with(t, body, `"test": false`, `"test": true`), "", record.RefuseTestOrder, "5123456789012"},
		{with(t, body, `"paid"`, `"owed"`), "", record.RefuseUnknownStatus, `"owed"`},
		{with(t, body, `2025-11-11T00:05:02+07:00`, `today`), "", record.RefuseBadTime, "today"},
		{with(t, body, `"2025-11-11T00:05:02+07:00"`, `null`, `"2025-11-11T00:05:01+07:00"`, `null`), "", record.RefuseBadTime, "missing"},
		{with(t, body, `"48000"`, `"48000.50"`), "", record.RefuseBadMoney, "line item 1"},
		{with(t, body, `"48000"`, `"much"`), "", record.RefuseMalformed, "number"},
		{with(t, body, `"quantity": 2`, `"quantity": 2.5`), "", record.RefuseMalformed, "quantity"},
	} {
		bodies, refusal := parse(c.text, map[string]string{"X-Shopify-Topic": c.topic})
		require.Nil(t, bodies, c.text)
		require.NotNil(t, refusal, c.text)
		require.Equal(t, c.reason, refusal.Reason, c.text)
		require.Contains(t, refusal.Message, c.message)
	}
}

// The topic is a hint: the body of each of these is the whole order.
func TestTopics(t *testing.T) {
	body, headers := payload(t)
	for _, topic := range []string{"", "orders/create", "orders/paid", "orders/cancelled", "orders/updated", "orders/fulfilled", "orders/partially_fulfilled"} {
		headers["X-Shopify-Topic"] = topic
		bodies, refusal := parse(body, headers)
		require.Nil(t, refusal)
		require.Equal(t, record.StatePaid, bodies[0].Event.State)
	}
}

func FuzzParse(f *testing.F) {
	body, _ := payload(f)
	f.Add([]byte(body), "orders/create")
	f.Fuzz(func(t *testing.T, value []byte, topic string) {
		bodies, refusal := shopify.Parse(value, func(string) string { return topic })
		if refusal != nil {
			require.NotEmpty(t, refusal.Reason)
			require.Empty(t, bodies)
			return
		}
		require.NotEmpty(t, bodies)
		ids := map[string]bool{}
		for i := range bodies {
			e := &bodies[i].Event
			require.NotEmpty(t, e.EventID)
			switch e.Type {
			case record.OrderSnapshot:
				require.Positive(t, e.OccurredAt)
				require.False(t, ids["snapshot"], "two orders in one body")
				ids["snapshot"] = true
			case record.OrderShipped:
				require.NotEmpty(t, e.Lines, "it would ship the whole order")
			default:
				t.Fatal(e.Type)
			}
		}
	})
}
