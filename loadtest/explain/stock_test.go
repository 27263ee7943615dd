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

// decided is a decision about the SKU TEE as it lies in a log.
func decided(topic string, offset record.Offset, at record.Millis, d record.Decision) audit.Record {
	d.SKU = "TEE"
	key := "TEE"
	if topic == "log.orders" {
		key = string(d.OrderKey)
	}
	return entry(topic, offset, at, record.KindDecision, key, 0, record.AppendDecision(nil, &d))
}

func command(offset record.Offset, key record.OrderKey, attempt uint32, fact bool) audit.Record {
	c := record.Command{Verb: record.VerbReserve, OrderKey: key, SKU: "TEE", Attempt: attempt, Qty: 9, Wait: true, Fact: fact}
	return entry("log.inventory", offset, 0, record.KindCommand, "TEE", 0, record.AppendCommand(nil, &c))
}

func published(t *testing.T, topic string, offset record.Offset, v any) audit.Record {
	value, err := json.Marshal(v)
	require.NoError(t, err)
	return audit.Record{Topic: topic, Offset: offset, Key: []byte("TEE"), Value: value}
}

func waits(key record.OrderKey, attempt uint32, units record.Quantity) record.Decision {
	return record.Decision{Verb: record.VerbReserve, Outcome: record.OutcomePartial, OrderKey: key, Attempt: attempt, Waiting: units}
}

// standing is a SKU that six orders waited for, in the order that StockFold asks
// for.
func standing(t *testing.T) []audit.Record {
	fill, reduce := record.VerbFill, record.VerbReduce
	left := func(verb record.Verb, key record.OrderKey, attempt uint32, units record.Quantity) record.Decision {
		return record.Decision{Verb: verb, Outcome: record.OutcomeDone, OrderKey: key, Attempt: attempt, Waiting: units}
	}
	stale := left(record.VerbRelease, "shopee/main/4", 1, 0)
	stale.Outcome = record.OutcomeStale
	row := func(w record.WarehouseID, c record.Counters) record.AvailabilityRow {
		return record.AvailabilityRow{Warehouse: w, Counters: c, Safety: 2}
	}
	newest := record.Availability{SKU: "TEE", Fed: true, Buffer: 3,
		Rows:     []record.AvailabilityRow{row("HCM-1", record.Counters{OnHand: 9, Unavailable: 1, Held: 2, Allocated: 3}), row("HN-1", record.Counters{OnHand: 1, Allocated: 2})},
		Policies: []record.ChannelPolicy{{Channel: "shopee/main", Buffer: 4, Cap: record.SettingKeep}},
		Quotas:   []record.QuotaLeft{{Channel: "tiktok", Left: 7}}}
	older, component := newest, newest
	older.Buffer, component.SKU = 99, "CAP"
	avail := func(offset record.Offset, at record.Millis, a record.Availability) audit.Record {
		return entry("log.availability", offset, at, record.KindAvailability, "TEE", 0, record.AppendAvailability(nil, &a))
	}
	return []audit.Record{
		decided("log.orders", 1, 10, waits("web/main/1", 1, 5)),
		decided("log.orders", 2, 11, waits("shopee/main/2", 1, 4)),
		decided("log.orders", 3, 12, waits("web/main/3", 1, 1)),
		decided("log.orders", 4, 13, waits("shopee/main/4", 2, 2)),
		decided("log.orders", 5, 14, waits("web/main/5", 1, 6)),
		decided("log.orders", 6, 15, waits("web/main/6", 1, 0)),
		decided("log.orders", 7, 16, waits("web/main/7", 1, 8)),
		decided("log.orders", 8, 20, left(fill, "shopee/main/2", 1, 1)),
		decided("log.orders", 9, 21, left(fill, "web/main/3", 1, 0)),
		command(50, "web/main/1", 1, false),
		command(51, "shopee/main/2", 1, true),
		command(52, "shopee/main/4", 1, false),
		command(53, "shopee/main/4", 2, true),
		command(54, "web/main/7", 1, false),
		decided("log.availability", 30, 30, left(reduce, "web/main/7", 1, 3)),
		decided("log.availability", 31, 31, left(record.VerbRelease, "web/main/5", 1, 0)),
		decided("log.availability", 32, 32, stale),
		decided("log.availability", 33, 33, left(record.VerbConfirm, "web/main/1", 1, 5)),
		avail(34, 34, older),
		avail(35, 35, newest),
		avail(36, 36, component),
		published(t, "channel.shopee.stock", 8, record.ChannelStock{Channel: "shopee", Shop: "main", SKU: "TEE", Sellable: 1, Version: 12, At: start + 40}),
		published(t, "channel.shopee.stock", 9, record.ChannelStock{Channel: "shopee", Shop: "main", SKU: "TEE", Sellable: 5, Version: 11, At: start + 39}),
		published(t, "channel.web.stock", 3, record.ChannelStock{Channel: "web", Shop: "main", SKU: "TEE", Sellable: 3, Version: 4, At: start + 41}),
		published(t, "stock.events", 4, record.StockUpdate{SKU: "TEE", Warehouse: "HCM-1", Version: 7, Incoming: 20, At: start + 42}),
	}
}

// TestStanding: the newest counters, what is kept back, what shops were told
// last, and who waits, facts first, each with what is left of its wait.
func TestStanding(t *testing.T) {
	f := NewStockFold("TEE")
	for _, r := range standing(t) {
		require.NoError(t, f.Add(r))
	}
	s, ok := f.Stock()
	require.True(t, ok)
	var order []string
	for _, w := range s.Waiting.Orders {
		order = append(order, string(w.OrderKey))
	}
	require.Equal(t, []string{"shopee/main/2", "shopee/main/4", "web/main/1", "web/main/7"}, order)
	require.Equal(t, record.Quantity(1+2+5+3), s.Waiting.Units)
	require.Equal(t, record.Quantity(1), s.Sellable[0].Sellable, "the larger version, not the later record")
	require.Equal(t, record.Quantity(-1), s.Warehouses[1].Available)
	require.Equal(t, record.Offset(35), s.Offset)
	require.Equal(t, record.Quantity(3), s.Buffer)
	require.Equal(t, record.Quantity(20), s.Warehouses[0].Incoming)

	var text bytes.Buffer
	require.NoError(t, s.WriteText(&text, time.FixedZone("", 7*3600)))
	golden(t, "stock.txt", text.Bytes())
	js, err := json.MarshalIndent(s, "", " ")
	require.NoError(t, err)
	golden(t, "stock.json", append(js, '\n'))
}

func TestStandingOfASKUNobodyKnows(t *testing.T) {
	f := NewStockFold("TE")
	for _, r := range standing(t) {
		require.NoError(t, f.Add(r))
	}
	s, ok := f.Stock()
	require.False(t, ok)
	js, err := json.Marshal(s)
	require.NoError(t, err)
	require.NotContains(t, string(js), "null")
	require.ErrorContains(t, NewStockFold("T").Add(audit.Record{Topic: "log.orders", Offset: 4, Value: []byte("T")}), "reading log.orders/0@4: envelope")
}
