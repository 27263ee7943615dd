package explain

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/audit"
	"holdfast/topology/record"
)

// shelf is the life of a SKU at two warehouses, in the order that SKUFold asks
// for.
func shelf() []audit.Record {
	c := func(onHand, unavailable, held, allocated record.Quantity) record.Counters {
		return record.Counters{OnHand: onHand, Unavailable: unavailable, Held: held, Allocated: allocated}
	}
	numbers := map[record.WarehouseID]uint64{}
	move := func(verb record.Verb, key record.OrderKey, cause string, w record.WarehouseID, qty record.Quantity, before, after record.Counters) record.Decision {
		numbers[w]++
		return record.Decision{Verb: verb, Outcome: record.OutcomeDone, OrderKey: key, Cause: cause, Attempt: 1, Requested: qty,
			Moves: []record.Movement{{Warehouse: w, Number: numbers[w], Qty: qty, Before: before, After: after}}}
	}
	feed := func(offset record.Offset, c record.StockCommand) audit.Record {
		c.SKU = "TEE"
		return entry("log.inventory", offset, 0, record.KindStock, "TEE", 0, record.AppendStockCommand(nil, &c))
	}
	keep := record.SettingKeep
	received := move(record.VerbReceive, "", "s-1", "HCM-1", 10, c(0, 0, 0, 0), c(10, 0, 0, 0))
	held := move(record.VerbReserve, "web/main/1", "e-1", "HCM-1", 2, c(10, 0, 0, 0), c(10, 0, 2, 0))
	allocated := move(record.VerbReserve, "shopee/main/2", "e-2", "HCM-1", 8, c(10, 0, 2, 0), c(10, 0, 2, 8))
	allocated.Outcome, allocated.Waiting, allocated.Reason = record.OutcomePartial, 3, record.ReasonOutOfStock
	confirmed := move(record.VerbConfirm, "web/main/1", "e-3", "HCM-1", 2, c(10, 0, 2, 8), c(10, 0, 0, 10))
	counted := move(record.VerbCount, "", "s-2", "HCM-1", -1, c(10, 0, 0, 10), c(9, 0, 0, 10))
	damaged := move(record.VerbDamage, "", "s-3", "HCM-1", 1, c(9, 0, 0, 10), c(9, 1, 0, 10))
	shipped := move(record.VerbShip, "web/main/1", "f-1", "HCM-1", 2, c(9, 1, 0, 10), c(7, 1, 0, 8))
	back := move(record.VerbReturn, "web/main/1", "r-1", "HN-1", 1, c(0, 0, 0, 0), c(1, 0, 0, 0))
	filled := move(record.VerbFill, "shopee/main/2", "return:r-1", "HN-1", 1, c(1, 0, 0, 0), c(1, 0, 0, 1))
	filled.Waiting = 2
	policy := record.Decision{Verb: record.VerbPolicy, Outcome: record.OutcomeDone, Cause: "s-4"}
	below := record.Decision{Verb: record.VerbAdjust, Outcome: record.OutcomeRejected, Cause: "s-5", Reason: record.ReasonBelowZero}
	refused := record.Decision{Verb: record.VerbReserve, Outcome: record.OutcomeRefused, OrderKey: "web/main/3", Missing: 1}
	waits := record.Decision{Verb: record.VerbReserve, Outcome: record.OutcomeRefused, OrderKey: "pos/main/4", Waiting: 1, Reason: record.ReasonQuota}
	return []audit.Record{
		decided("log.orders", 10, 20, held), decided("log.orders", 11, 30, allocated), decided("log.orders", 12, 90, filled),
		decided("log.orders", 13, 35, refused), decided("log.orders", 14, 36, waits),
		decided("log.availability", 20, 10, received), decided("log.availability", 21, 40, confirmed), decided("log.availability", 22, 50, counted),
		decided("log.availability", 23, 55, policy), decided("log.availability", 24, 60, damaged), decided("log.availability", 25, 61, below),
		decided("log.availability", 26, 70, shipped), decided("log.availability", 27, 80, back),
		feed(1, record.StockCommand{Verb: record.VerbReceive, EventID: "s-1", Warehouse: "HCM-1", Qty: 10, Reason: "PO 77", OccurredAt: start - 3_600_000}),
		feed(2, record.StockCommand{Verb: record.VerbCount, EventID: "s-2", Warehouse: "HCM-1", Qty: 9, Reason: "yearly"}),
		feed(3, record.StockCommand{Verb: record.VerbDamage, EventID: "s-3", Warehouse: "HCM-1", Qty: 1, Reason: "water"}),
		feed(4, record.StockCommand{Verb: record.VerbPolicy, EventID: "s-4", Policy: record.Policy{Channel: "shopee", Safety: keep, Buffer: 2, Cap: record.SettingRemove, Quota: keep}}),
		feed(5, record.StockCommand{Verb: record.VerbAdjust, EventID: "s-5", Warehouse: "HN-1", Qty: -4}),
	}
}

func skuStory(t *testing.T, sku record.SKU, limit int) (SKUStory, bool) {
	t.Helper()
	f := NewSKUFold(sku, limit)
	for _, r := range shelf() {
		require.NoError(t, f.Add(r))
	}
	return f.Story()
}

// TestSKUStory: what came in, who took it, counts and damage, by warehouse, with
// what the stock feed said of each.
func TestSKUStory(t *testing.T) {
	s, ok := skuStory(t, "TEE", 50)
	require.True(t, ok)
	require.Zero(t, s.Omitted)
	require.EqualValues(t, 2, s.Refused)
	require.Equal(t, Counters{OnHand: 7, Unavailable: 1, Allocated: 8, Available: -2}, s.Warehouses[0].Counters)
	var text bytes.Buffer
	require.NoError(t, s.WriteText(&text, time.FixedZone("", 7*3600)))
	golden(t, "sku.txt", text.Bytes())
	js, err := json.MarshalIndent(s, "", " ")
	require.NoError(t, err)
	golden(t, "sku.json", append(js, '\n'))
}

// TestSKUStoryKeepsTheNewest: whatever the limit, the entries are the last ones
// of the whole story, and none is forgotten to be counted.
func TestSKUStoryKeepsTheNewest(t *testing.T) {
	whole, _ := skuStory(t, "TEE", 50)
	for limit := 1; limit <= len(whole.Entries); limit++ {
		s, ok := skuStory(t, "TEE", limit)
		require.True(t, ok)
		require.Equal(t, whole.Entries[len(whole.Entries)-limit:], s.Entries, "limit %d", limit)
		require.EqualValues(t, len(whole.Entries)-limit, s.Omitted)
		require.Equal(t, whole.Warehouses, s.Warehouses)
	}
}

func TestSKUStoryOfASKUNobodyKnows(t *testing.T) {
	s, ok := skuStory(t, "TE", 5)
	require.False(t, ok)
	js, err := json.Marshal(s)
	require.NoError(t, err)
	require.JSONEq(t, `{"sku":"TE","warehouses":[],"entries":[],"omitted":0,"refused":0}`, string(js))
}
