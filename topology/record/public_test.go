package record

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What goes out, byte for byte: field names and their order are what other
// systems rely on.
func TestPublicOut(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{OrderUpdate{
			Holdfast: 1, OrderKey: "web/main/W-1001", Seq: 1, Type: UpdateAccepted, Status: "allocated", At: 1762794001000, Cause: "e-1",
			Lines: []OrderUpdateLine{{Line: "1", SKU: "TEE-RED-M", Qty: 2, State: LineAllocated, Warehouse: "HCM-1"}},
		}, `{"holdfast":1,"order_key":"web/main/W-1001","seq":1,"type":"order.accepted","status":"allocated","at":"2025-11-10T17:00:01.000Z","cause":"e-1","lines":[{"line":"1","sku":"TEE-RED-M","qty":2,"state":"allocated","warehouse":"HCM-1"}],"reason":""}`},
		{StatusUpdate{
			Holdfast: 1, OrderKey: "web/main/1", Channel: "web", Shop: "main", OrderID: "1", Seq: 3, Status: "shipped",
			Lines: []StatusLine{{Line: "1", Qty: 2, Action: "ship", Warehouse: "HCM-1", Tracking: "G1", Carrier: "ghn"}}, At: 1762794001000,
		}, `{"holdfast":1,"order_key":"web/main/1","channel":"web","shop":"main","order_id":"1","seq":3,"status":"shipped","reason":"","lines":[{"line":"1","qty":2,"action":"ship","warehouse":"HCM-1","tracking":"G1","carrier":"ghn"}],"at":"2025-11-10T17:00:01.000Z"}`},
		{StockUpdate{
			Holdfast: 1, SKU: "TEE", Warehouse: "HCM-1", OnHand: 9, Unavailable: 1, Held: 2, Allocated: 3, Available: 3, Version: 5, At: 1762794001000,
		}, `{"holdfast":1,"sku":"TEE","warehouse":"HCM-1","on_hand":9,"unavailable":1,"held":2,"allocated":3,"incoming":0,"available":3,"version":5,"at":"2025-11-10T17:00:01.000Z"}`},
		{ChannelStock{
			Holdfast: 1, Channel: "shopee", Shop: "main", SKU: "TEE-RED-M", Sellable: 37, Version: 1234, At: 1762794001000,
		}, `{"holdfast":1,"channel":"shopee","shop":"main","sku":"TEE-RED-M","sellable":37,"version":1234,"at":"2025-11-10T17:00:01.000Z","urgent":false}`},
	} {
		b, err := json.Marshal(c.v)
		require.NoError(t, err)
		require.Equal(t, c.want, string(b))
	}
}

func TestRowDefaults(t *testing.T) {
	w := Warehouse{}
	require.NoError(t, json.Unmarshal([]byte(`{"id":"HCM-1"}`), &w))
	require.True(t, w.IsActive())
	require.True(t, w.TakesCOD())
	require.Equal(t, int64(100), w.Rank())
	require.True(t, w.ServesChannel("anything"))
	require.NoError(t, json.Unmarshal([]byte(`{"id":"HCM-1","active":false,"cod":false,"priority":0,"serves":[]}`), &w))
	require.False(t, w.IsActive())
	require.False(t, w.TakesCOD())
	require.Zero(t, w.Rank())
	require.False(t, w.ServesChannel("web"))

	s := Shop{}
	require.NoError(t, json.Unmarshal([]byte(`{"channel":"web","shop":"main"}`), &s))
	require.True(t, s.IsActive())
	require.Equal(t, Quantity(5), s.LowMark())
	require.NoError(t, json.Unmarshal([]byte(`{"low":0,"active":false}`), &s))
	require.False(t, s.IsActive())
	require.Zero(t, s.LowMark())
}

func TestFacts(t *testing.T) {
	for channel, want := range map[string][2]bool{
		"shopee": {true, true}, "lazada": {true, true}, "tiktok": {true, true}, "facebook": {true, true}, "pos": {false, true},
		"web": {false, false}, "shopify": {false, false}, "callcentre": {false, false},
	} {
		require.Equal(t, want, [2]bool{IsMarketplace(channel), OrdersAreFacts(channel)}, channel)
	}
}
