package shopee_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/channel/shopee"
	"holdfast/topology/record"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files anew")
	flag.Parse()
	os.Exit(m.Run())
}

// payload returns the body of a sample.
func payload(t testing.TB, name string) string {
	file, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	var sample struct{ Body json.RawMessage }
	require.NoError(t, json.Unmarshal(file, &sample))
	return string(sample.Body)
}

func parse(value string) ([]record.ChannelBody, *record.Refusal) {
	return shopee.Parse([]byte(value), func(string) string { return "" })
}

func one(t *testing.T, value string) record.ChannelBody {
	t.Helper()
	bodies, refusal := parse(value)
	require.Nil(t, refusal)
	require.Len(t, bodies, 1)
	return bodies[0]
}

// with replaces the first occurrence of old, which must be there.
func with(t *testing.T, text, old, replacement string) string {
	t.Helper()
	require.Contains(t, text, old)
	return strings.Replace(text, old, replacement, 1)
}

func TestSamples(t *testing.T) {
	for _, name := range []string{"get_order_detail", "push_order_status"} {
		b := one(t, payload(t, name+".json"))
		require.Equal(t, "251111QSK8S7BX", b.OrderID)
		got, err := json.MarshalIndent(b, "", "  ")
		require.NoError(t, err)
		path := filepath.Join("testdata", name+".golden")
		if flag.Lookup("update").Value.String() == "true" {
			require.NoError(t, os.WriteFile(path, append(got, '\n'), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got)+"\n", "run with -update after a change that is meant")
	}
}

// The samples of the documentation and the pointer to them agree about the order.
func TestBareOrder(t *testing.T) {
	var detail struct {
		Response struct {
			OrderList []json.RawMessage `json:"order_list"`
		}
	}
	full := payload(t, "get_order_detail.json")
	require.NoError(t, json.Unmarshal([]byte(full), &detail))
	require.Equal(t, one(t, full), one(t, string(detail.Response.OrderList[0])))
}

func TestStatus(t *testing.T) {
	const (
		unpaid  = record.PaymentUnpaid
		prepaid = record.PaymentPrepaid
		cod     = record.PaymentCOD
	)
	full := payload(t, "get_order_detail.json")
	for _, c := range []struct {
		status  string
		cod     bool
		state   record.ChannelState
		payment record.Payment
	}{
		{"UNPAID", false, record.StateUnpaid, unpaid},
		{"PENDING", false, record.StatePaid, prepaid},
		{"INVOICE_PENDING", false, record.StatePaid, prepaid},
		{"READY_TO_SHIP", false, record.StatePaid, prepaid},
		{"READY_TO_SHIP", true, record.StatePaid, cod},
		{"PROCESSED", true, record.StatePaid, cod},
		{"RETRY_SHIP", false, record.StatePaid, prepaid},
		{"SHIPPED", false, record.StateShipped, prepaid},
		{"TO_CONFIRM_RECEIVE", true, record.StateShipped, cod},
		{"IN_CANCEL", false, record.StateRecorded, prepaid},
		{"TO_RETURN", false, record.StateRecorded, prepaid},
		{"COMPLETED", true, record.StateCompleted, cod},
		{"CANCELLED", false, record.StateCancelled, prepaid},
	} {
		text := with(t, full, `"READY_TO_SHIP"`, `"`+c.status+`"`)
		text = with(t, text, `"cod": true`, fmt.Sprintf(`"cod": %v`, c.cod))
		e := one(t, text).Event
		require.Equal(t, c.state, e.State, c.status)
		require.Equal(t, c.payment, e.Order.Payment, c.status)
		require.Equal(t, c.state == record.StateCancelled, e.By != "", c.status)

		pushed := one(t, with(t, payload(t, "push_order_status.json"), `"READY_TO_SHIP"`, `"`+c.status+`"`))
		require.Equal(t, c.state, pushed.Event.State, c.status)
		require.Equal(t, record.OrderStatus, pushed.Event.Type)
		require.Nil(t, pushed.Event.Order)
		require.Equal(t, "727720001", pushed.ShopID)
	}
}

func TestCancelledBy(t *testing.T) {
	full := with(t, payload(t, "get_order_detail.json"), `"READY_TO_SHIP"`, `"CANCELLED"`)
	for who, want := range map[string]string{"buyer": "buyer", "seller": "seller", "system": "marketplace", "ops": "marketplace", "": "marketplace"} {
		require.Equal(t, want, one(t, with(t, full, `"cancel_by": ""`, `"cancel_by": "`+who+`"`)).Event.By)
	}
}

func TestLines(t *testing.T) {
	full := payload(t, "get_order_detail.json")
	line := func(text string) record.OrderLine { return one(t, text).Event.Order.Lines[0] }
	require.Equal(t, record.OrderLine{Line: "2600144043/10000605797", SKU: "TEE-RED-M", Qty: 2, UnitPriceMinor: 48000}, line(full))

	grouped := with(t, full, `"promotion_group_id": 0`, `"promotion_group_id": 77`)
	require.Equal(t, "2600144043/10000605797/77", line(grouped).Line)

	noSKU := with(t, full, `"model_sku": "TEE-RED-M"`, `"model_sku": ""`)
	require.Equal(t, record.SKU("shopee:10000605797"), line(noSKU).SKU, "the item's SKU would be all models'")
	noModel := with(t, noSKU, `"model_id": 10000605797`, `"model_id": 0`)
	require.Equal(t, record.SKU("TEE"), line(noModel).SKU)
	require.Equal(t, record.SKU("shopee:2600144043"), line(with(t, noModel, `"item_sku": "TEE"`, `"item_sku": ""`)).SKU)

	require.Equal(t, record.Quantity(1), line(with(t, full, `"cancelled_qty": 0`, `"cancelled_qty": 1`)).Cancelled)

	usd := with(t, with(t, full, `"currency": "VND"`, `"currency": "SGD"`), `"model_discounted_price": 48000`, `"model_discounted_price": 12.5`)
	require.Equal(t, int64(1250), line(usd).UnitPriceMinor)
}

// What Shopee sends from its own warehouses isn't our stock.
func TestFulfilledByShopee(t *testing.T) {
	text := with(t, payload(t, "get_order_detail.json"), "fulfilled_by_local_seller", "fulfilled_by_shopee")
	e := one(t, text).Event
	require.Equal(t, record.StateRecorded, e.State)
	require.Empty(t, e.Order.Lines)
	text = with(t, payload(t, "get_order_detail.json"), "fulfilled_by_local_seller", "fulfilled_by_cb_seller")
	require.Len(t, one(t, text).Event.Order.Lines, 1)
}

// The same state sent twice is one event; a newer one, or other quantities,
// another.
func TestEventIDs(t *testing.T) {
	full := payload(t, "get_order_detail.json")
	id := func(text string) string { return one(t, text).Event.EventID }
	ids := map[string]bool{id(full): true}
	require.Equal(t, id(full), id(full))
	for _, text := range []string{
		with(t, full, `"update_time": 1762792199`, `"update_time": 1762792200`),
		with(t, full, `"READY_TO_SHIP"`, `"PROCESSED"`),
		with(t, full, `"cancelled_qty": 0`, `"cancelled_qty": 1`),
		with(t, full, `251111QSK8S7BX`, `251111QSK8S7BY`),
		payload(t, "push_order_status.json"),
	} {
		require.False(t, ids[id(text)], text)
		ids[id(text)] = true
	}
}

func TestRefusals(t *testing.T) {
	full, pushed := payload(t, "get_order_detail.json"), payload(t, "push_order_status.json")
	for _, c := range []struct{ text, reason, message string }{
		{`{`, record.RefuseMalformed, "unexpected end"},
		{`[]`, record.RefuseMalformed, "array"},
		{`{}`, record.RefuseUnknownFormat, "neither"},
		{`{"error":"error_auth","message":"Invalid access_token"}`, record.RefuseUnknownFormat, "error_auth"},
		{`{"response":{"push_message_list":[]}}`, record.RefuseUnknownFormat, "no order_list"},
		{`{"response":{"order_list":[]}}`, record.RefuseMalformed, "empty"},
		{`{"response":{"order_list":[` + strings.Repeat("{},", 50) + `{}]}}`, record.RefuseMalformed, "51 orders"},
		{`{"response":{"order_list":[{}]}}`, record.RefuseUnknownStatus, `order 1, "": order_status`},
		{with(t, full, `"READY_TO_SHIP"`, `"DANCING"`), record.RefuseUnknownStatus, `"DANCING" isn't known`},
		{with(t, full, `"update_time": 1762792199`, `"update_time": -1`), record.RefuseBadTime, "update_time: -1"},
		{with(t, with(t, full, `"update_time": 1762792199`, `"update_time": 0`), `"create_time": 1762790400`, `"create_time": 0`), record.RefuseBadTime, "missing"},
		{with(t, full, `"ship_by_date": 1762963200`, `"ship_by_date": 999999999999`), record.RefuseBadTime, "ship_by_date"},
		{with(t, full, `"model_discounted_price": 48000`, `"model_discounted_price": 48000.5`), record.RefuseBadMoney, "item 1"},
		{with(t, full, `"total_amount": 96000`, `"total_amount": 1e99`), record.RefuseBadMoney, "total_amount"},
		{with(t, full, `"model_quantity_purchased": 2`, `"model_quantity_purchased": 2.5`), record.RefuseMalformed, "model_quantity_purchased"},
		{with(t, pushed, `"code": 3`, `"code": 8`), record.RefuseUnknownType, "code: 8"},
		{with(t, pushed, `"READY_TO_SHIP"`, `"DANCING"`), record.RefuseUnknownStatus, "data.status"},
		{with(t, pushed, `"update_time": 1762792199`, `"update_time": 0`), record.RefuseBadTime, "missing"},
		{`{"code":3}`, record.RefuseMalformed, "data: missing"},
		{`{"code":3,"data":[]}`, record.RefuseMalformed, "data: "},
	} {
		bodies, refusal := parse(c.text)
		require.Nil(t, bodies, c.text)
		require.Equal(t, c.reason, refusal.Reason, c.text)
		require.Contains(t, refusal.Message, c.message)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(payload(f, "get_order_detail.json")))
	f.Add([]byte(payload(f, "push_order_status.json")))
	f.Fuzz(func(t *testing.T, value []byte) {
		bodies, refusal := shopee.Parse(value, func(string) string { return "" })
		if refusal != nil {
			require.NotEmpty(t, refusal.Reason)
			require.Empty(t, bodies)
			return
		}
		require.NotEmpty(t, bodies)
		for i := range bodies {
			require.NotEmpty(t, bodies[i].Event.EventID)
			require.Positive(t, bodies[i].Event.OccurredAt)
		}
	})
}
