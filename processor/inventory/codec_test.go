package inventory

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/golden"
	"holdfast/topology/record"
)

// What is in state today must be readable tomorrow: a change of these bytes
// needs a new version.
func TestGoldenValues(t *testing.T) {
	it := Item{Fed: true, Holds: 3, WaitingBy: []ChannelWaiting{{"shopee", 250, 0}, {"web", 0, 50}}, NextSeq: 7, Rows: []Row{
		{Warehouse: "HCM-1", Number: 70_000, CountedAt: 1_700_000_000_000, Counters: record.Counters{OnHand: record.OnHandMax, Unavailable: 1, Held: 2, Allocated: 200}},
		{Warehouse: "HN"},
	}, Wanted: []Want{{Warehouse: "DN", Orders: 2, From: place{classBackorder, 6}}}}
	full := it
	full.Rows = append([]Row{}, it.Rows...)
	full.Rows[1].Safety = 5
	full.Policies = Policies{
		Buffer: 10, Channels: []record.ChannelPolicy{{Channel: "shopee", Buffer: 3, Cap: record.SettingKeep}, {Channel: "shopee/main", Buffer: record.SettingKeep, Cap: 0}},
		Quotas: []Quota{{Channel: "web", Number: 4, Total: 500, Left: 20, Until: 1_700_000_000_000}}, LastQuota: 5,
	}
	h := Hold{
		Attempt: 2, Allocated: true, Requested: 9, Missing: 1, Waiting: 3, Place: place{classBackorder, 6},
		Parts: []record.WarehouseQty{{Warehouse: "HCM-1", Qty: 4}}, Shipments: []uint64{math.MaxUint64},
	}
	for _, c := range []struct {
		name, want string
		value      []byte
		version    int
		decode     func([]byte) error
	}{
		{"item", "9804c30396a673686f706565ccfa00a37765620032079ea548434d2d31ce00011170cf0000018bcfe56800cf000000e8d4a510000102ccc8a2484e00000000000093a2444e020dc0", appendItem(nil, &it), itemVersion, func(b []byte) error { return new(Item).decode(b) }},
		{"item that only waits", "9804c20193a37765620001019090c0", appendItem(nil, &Item{Holds: 1, WaitingBy: []ChannelWaiting{{"web", 0, 1}}, NextSeq: 1}), itemVersion, func(b []byte) error { return new(Item).decode(b) }},
		{"item with policies", "9804c30396a673686f706565ccfa00a37765620032079ea548434d2d31ce00011170cf0000018bcfe56800cf000000e8d4a510000102ccc8a2484e00000000000093a2444e020d950a92010596a673686f70656503ffab73686f7065652f6d61696eff000595a377656204cd01f414cf0000018bcfe56800", appendItem(nil, &full), itemVersion, func(b []byte) error { return new(Item).decode(b) }},
		{"hold", "990302c30901030d92a548434d2d310491cfffffffffffffffff", appendHold(nil, &h), holdVersion, func(b []byte) error { return new(Hold).decode(b) }},
		{"hold out of a quota", "9b0301c20400000092a548434d2d3104900302", appendHold(nil, &Hold{
			Attempt: 1, Requested: 4, Parts: []record.WarehouseQty{{Warehouse: "HCM-1", Qty: 4}}, Quota: 3, QuotaNumber: 2,
		}), holdVersion, func(b []byte) error { return new(Hold).decode(b) }},
		{"waiter", "9301ac7765622f6d61696e2f572d3194a548434d2d3100a2484ecdffff", appendWaiter(nil, "web/main/W-1", []record.Ranked{{Warehouse: "HCM-1"}, {Warehouse: "HN", Rank: math.MaxUint16}}), waiterVersion, func(b []byte) error { return new(waiter).decode(b) }},
		{"history", "9301ce01a4cfc094ce01b11c7cec0ccd03e8", appendHistory(nil, &history{forgotten: 27_578_304, buckets: []bucket{{28_384_380, -20}, {28_384_392, 1000}}}), historyVersion, func(b []byte) error { return new(history).decode(b) }},
		{"combo", "9301cd012c92a34d5547a3544545", appendCombo(nil, &comboRow{version: 300, components: []record.SKU{"MUG", "TEE"}}), comboVersion, func(b []byte) error { _, err := decodeCombo(b); return err }},
		{"behind", "96010da973746f636b3a732d31b3686f6c64666173742e73746f636b2e6665656403ce00011170", appendBehind(nil, &behind{place{classBackorder, 6}, "stock:s-1", record.Origin{Topic: "holdfast.stock.feed", Partition: 3, Offset: 70_000}}), behindVersion, func(b []byte) error { _, err := decodeBehind(b); return err }},
		{"event", "9301cfffffffffffffffffcf0000018bcfe56800", appendEvent(nil, math.MaxUint64, 1_700_000_000_000), eventVersion, func(b []byte) error { _, _, err := decodeEvent(b); return err }},
	} {
		require.Equal(t, c.want, hex.EncodeToString(c.value), c.name)
		format := strings.ReplaceAll(c.name, " ", "_")
		golden.Packed(t, format, c.version, c.value, c.decode)
	}
	c := record.StockCommand{SKU: "TEE", Warehouse: "HCM-1", EventID: "s-1"}
	for _, k := range []struct {
		want string
		key  []byte
	}{
		{"iTEE", appendItemKey(nil, "TEE")},
		{"hTEE\x00web/main/W-1", appendHoldKey(nil, "TEE", "web/main/W-1")},
		{"wTEE\x00\x01\x00\x00\x00\x00\x00\x00\x01\x02", appendWaiterKey(nil, "TEE", place{classFact, 0x102})},
		{"wTEE\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00", appendWaiterKey(nil, "TEE", place{class: classBackorder})},
		{"bTEE", appendBehindKey(nil, "TEE")},
		{"mTEE\x00HCM-1", appendHistoryKey(nil, "TEE", "HCM-1")},
		{"q\x00\x00\x01\x8b\xcf\xe5\x68\x00TEE\x00shopee", appendQuotaKey(nil, 1_700_000_000_000, "TEE", "shopee")},
		{"cCOMBO", appendComboKey(nil, "COMBO")},
		{"eTEE\x00HCM-1\x00s-1", appendEventKey(nil, &c)},
		{"x\x00\x00\x01\x8b\xcf\xe5\x68\x00TEE\x00HCM-1\x00s-1", appendForgetKey(nil, 1_700_000_000_000, &c)},
	} {
		require.Equal(t, k.want, string(k.key))
	}
	require.Equal(t, uint64(0x7e3d5787ff0f0901), shipmentDigest(&record.Command{Cause: "f-1", Parts: []record.WarehouseQty{{Warehouse: "HCM-1", Qty: 2}}}))
}

// Different contents must have different digests, also where their strings run
// into each other.
func TestShipmentDigest(t *testing.T) {
	seen := map[uint64]record.Command{}
	for _, cause := range []string{"", "f", "f-1", "f-1H"} {
		for _, parts := range [][]record.WarehouseQty{
			nil, {{Warehouse: "HN", Qty: 1}}, {{Warehouse: "HN", Qty: 2}}, {{Warehouse: "N", Qty: 1}}, {{Warehouse: "HN", Qty: 256}},
			{{Warehouse: "HN", Qty: 1}, {Warehouse: "HCM", Qty: 1}}, {{Warehouse: "HCM", Qty: 1}, {Warehouse: "HN", Qty: 1}},
		} {
			c := record.Command{Cause: cause, Parts: parts}
			sum := shipmentDigest(&c)
			require.NotContains(t, seen, sum)
			seen[sum] = c
		}
	}
}

// The values that a decoder takes are those that an encoder writes, and nothing
// makes it panic or allocate by a length that was only claimed.
func FuzzValues(f *testing.F) {
	f.Add(appendItem(nil, &Item{Fed: true, Holds: 1, NextSeq: 3, Rows: []Row{{Warehouse: "A", Number: 9, Counters: record.Counters{OnHand: 5, Held: 1}}, {Warehouse: "B"}}, Wanted: []Want{{Warehouse: "C", Orders: 1, From: place{classFact, 2}}}}))
	f.Add(appendItem(nil, &Item{Fed: true, Rows: []Row{{Warehouse: "A", Safety: 3}}, Policies: Policies{
		Buffer: 1, Channels: []record.ChannelPolicy{{Channel: "web", Buffer: 2, Cap: record.SettingKeep}}, Quotas: []Quota{{Channel: "web", Number: 1, Total: 5, Left: 4, Until: 9}}, LastQuota: 1,
	}}))
	f.Add(appendHold(nil, &Hold{Attempt: 1, Requested: 9, Missing: 1, Waiting: 3, Place: place{classBackorder, 7}, Parts: []record.WarehouseQty{{Warehouse: "A", Qty: 4}}, Shipments: []uint64{1}}))
	f.Add(appendHold(nil, &Hold{Attempt: 1, Requested: 4, Parts: []record.WarehouseQty{{Warehouse: "A", Qty: 4}}, Quota: 3, QuotaNumber: 2}))
	f.Add(appendWaiter(nil, "web/main/1", []record.Ranked{{Warehouse: "A", Rank: 3}}))
	f.Add(appendEvent(nil, 1, 2))
	f.Add(appendCombo(nil, &comboRow{version: 300, components: []record.SKU{"MUG", "TEE"}}))
	f.Add(appendBehind(nil, &behind{place{classFact, 9}, "order:web/main/1", record.Origin{Topic: "t", Offset: 1}}))
	f.Add(appendHistory(nil, &history{forgotten: 3, buckets: []bucket{{0, 1}, {5, -1}, {1 << 40, 0}}}))
	f.Add([]byte{0x97, 1, 0xc3, 0, 0, 0, 0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var it, it2 Item
		if it.decode(b) == nil {
			require.NoError(t, it2.decode(appendItem(nil, &it)))
			require.Equal(t, it, it2)
		}
		var h, h2 Hold
		if h.decode(b) == nil {
			require.NoError(t, h2.decode(appendHold(nil, &h)))
			require.Equal(t, h, h2)
			require.LessOrEqual(t, h.units()+h.Missing+h.Waiting, h.Requested)
		}
		var w, w2 waiter
		if w.decode(b) == nil {
			require.NoError(t, w2.decode(appendWaiter(nil, w.OrderKey, w.Ranked)))
			require.Equal(t, w, w2)
		}
		if v, err := decodeBehind(b); err == nil {
			v2, err := decodeBehind(appendBehind(nil, &v))
			require.NoError(t, err)
			require.Equal(t, v, v2)
		}
		var m, m2 history
		if m.decode(b) == nil {
			require.NoError(t, m2.decode(appendHistory(nil, &m)))
			require.Equal(t, m, m2)
		}
		if c, err := decodeCombo(b); err == nil {
			c2, err := decodeCombo(appendCombo(nil, &c))
			require.NoError(t, err)
			require.Equal(t, c, c2)
		}
		if hash, end, err := decodeEvent(b); err == nil {
			hash2, end2, err := decodeEvent(appendEvent(nil, hash, end))
			require.NoError(t, err)
			require.Equal(t, []any{hash, end}, []any{hash2, end2})
		}
	})
}

// A value that breaks what a stored value must hold isn't taken.
func TestValuesThatCannotBe(t *testing.T) {
	good := func() Hold {
		return Hold{Requested: 5, Missing: 1, Waiting: 1, Place: place{classFact, 0}, Parts: []record.WarehouseQty{{Warehouse: "A", Qty: 2}}}
	}
	h := good()
	require.NoError(t, h.decode(appendHold(nil, &h)))
	for name, spoil := range map[string]func(h *Hold){
		"nothing claimed":  func(h *Hold) { h.Parts, h.Waiting = nil, 0 },
		"more than asked":  func(h *Hold) { h.Parts[0].Qty = 4 },
		"nothing asked":    func(h *Hold) { h.Requested = 0 },
		"negative missing": func(h *Hold) { h.Missing = -1 },
		"negative waiting": func(h *Hold) { h.Waiting = -1 },
		"quota of others":  func(h *Hold) { h.Quota, h.QuotaNumber = 3, 1 },
		"negative quota":   func(h *Hold) { h.Quota, h.QuotaNumber = math.MaxInt64, 1 },
		"quota of nobody":  func(h *Hold) { h.Quota = 1 },
		"empty part":       func(h *Hold) { h.Parts[0].Qty = 0 },
		"place of nobody":  func(h *Hold) { h.Waiting, h.Place = 0, place{classFact, 1} },
		"overflow":         func(h *Hold) { h.Missing, h.Parts[0].Qty = math.MaxInt64, math.MaxInt64 },
	} {
		h := good()
		spoil(&h)
		b := appendHold(nil, &h)
		require.Error(t, new(Hold).decode(b), name)
	}
	for name, it := range map[string]Item{
		"rows out of order":    {Fed: true, Rows: []Row{{Warehouse: "B"}, {Warehouse: "A"}}},
		"row twice":            {Fed: true, Rows: []Row{{Warehouse: "A"}, {Warehouse: "A"}}},
		"negative counter":     {Fed: true, Rows: []Row{{Warehouse: "A", Counters: record.Counters{Held: -1}}}},
		"negative waiting":     {Fed: true, WaitingBy: []ChannelWaiting{{"web", -1, 2}}},
		"nobody waiting":       {Fed: true, WaitingBy: []ChannelWaiting{{"web", 0, 0}}},
		"waiting twice":        {Fed: true, WaitingBy: []ChannelWaiting{{"web", 0, 1}, {"web", 0, 1}}},
		"negative buffer":      {Policies: Policies{Buffer: -1}},
		"empty policy":         {Policies: Policies{Channels: []record.ChannelPolicy{{Channel: "web", Buffer: record.SettingKeep, Cap: record.SettingKeep}}}},
		"removed buffer":       {Policies: Policies{Channels: []record.ChannelPolicy{{Channel: "web", Buffer: record.SettingRemove, Cap: 1}}}},
		"policy twice":         {Policies: Policies{Channels: []record.ChannelPolicy{{Channel: "web", Cap: 1}, {Channel: "web", Cap: 1}}}},
		"more left than all":   {Policies: Policies{LastQuota: 1, Quotas: []Quota{{Channel: "web", Number: 1, Total: 1, Left: 2}}}},
		"less left than none":  {Policies: Policies{LastQuota: 1, Quotas: []Quota{{Channel: "web", Number: 1, Total: 1, Left: -1}}}},
		"quota after the last": {Policies: Policies{LastQuota: 1, Quotas: []Quota{{Channel: "web", Number: 2, Total: 1}}}},
		"quota twice":          {Policies: Policies{LastQuota: 1, Quotas: []Quota{{Channel: "web", Number: 1}, {Channel: "web", Number: 1}}}},
		"wanted by nobody":     {Fed: true, Wanted: []Want{{Warehouse: "A"}}},
		"wanted twice":         {Fed: true, Wanted: []Want{{Warehouse: "A", Orders: 1}, {Warehouse: "A", Orders: 1}}},
	} {
		require.Error(t, new(Item).decode(appendItem(nil, &it)), name)
	}
	// Units that left or came back make a row before the feed does.
	require.NoError(t, new(Item).decode(appendItem(nil, &Item{Rows: []Row{{Warehouse: "A"}}})))
	b := appendItem(nil, &Item{})
	b[1]++
	require.ErrorContains(t, new(Item).decode(b), "version 5, known is 4")
}
