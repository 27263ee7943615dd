package record

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"holdfast/internal/golden"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "there is nothing to update here: the bytes of a version stay")
	flag.Parse()
	os.Exit(m.Run())
}

// form is an internal form with a sample that has every field set.
type form struct {
	name   string
	sample any
	encode func(v any) []byte
	decode func(b []byte) (any, error)
}

func forms() []form {
	return []form{
		{"order_event", sampleOrderEvent(),
			func(v any) []byte { return AppendOrderEvent(nil, v.(*OrderEvent)) },
			func(b []byte) (any, error) { return orNil(DecodeOrderEvent(b)) }},
		{"order_event_bare", &OrderEvent{EventID: "e-2", Type: OrderPaid, OrderKey: "web/main/W-1001"},
			func(v any) []byte { return AppendOrderEvent(nil, v.(*OrderEvent)) },
			func(b []byte) (any, error) { return orNil(DecodeOrderEvent(b)) }},
		{"command", &Command{
			Verb: VerbReserve, OrderKey: "web/main/W-1001", SKU: "TEE-RED-M", Attempt: 4_000_000_000, Cause: "e-1", Qty: 1_000_000,
			Allocate: true, Whole: true, Wait: true, Fact: true,
			Ranked: []Ranked{{"HCM-1", 0}, {"HN-1", 65535}}, Parts: []WarehouseQty{{"HCM-1", 2}},
			OccurredAt: 1_762_790_400_123, Unavailable: true,
		},
			func(v any) []byte { return AppendCommand(nil, v.(*Command)) },
			func(b []byte) (any, error) { c := &Command{}; return c, c.Decode(b) }},
		{"stock_command", &StockCommand{
			Verb: VerbAdjust, EventID: "s-1", ContentHash: 1<<64 - 1, SKU: "TEE-RED-M", Warehouse: "HCM-1", Qty: -1_000_000_000_000,
			OccurredAt: 1_762_790_400_123, Reason: "broken",
		},
			func(v any) []byte { return AppendStockCommand(nil, v.(*StockCommand)) },
			func(b []byte) (any, error) { c := &StockCommand{}; return c, c.Decode(b) }},
		{"stock_policy", &StockCommand{
			Verb: VerbPolicy, EventID: "p-1", SKU: "TEE-RED-M", Warehouse: "HCM-1", OccurredAt: 1_762_790_400_123,
			Policy: Policy{Channel: "shopee/main", Safety: 5, Buffer: SettingRemove, Cap: SettingKeep, Quota: 0, Until: 1_762_963_200_000},
		},
			func(v any) []byte { return AppendStockCommand(nil, v.(*StockCommand)) },
			func(b []byte) (any, error) { c := &StockCommand{}; return c, c.Decode(b) }},
		{"decision", &Decision{
			Verb: VerbReserve, Outcome: OutcomePartial, OrderKey: "web/main/W-1001", SKU: "TEE-RED-M", Attempt: 2, Cause: "e-1",
			Requested: 5, Allocated: true, Missing: 1, Waiting: 2, Reason: ReasonOutOfStock, Rule: "split", Quota: 1,
			Moves: []Movement{{"HCM-1", 1 << 40, 2, Counters{10, 1, 2, 3}, Counters{10, 1, 2, 5}}, {"HN-1", 7, -1, Counters{}, Counters{1, 0, 0, 0}}},
		},
			func(v any) []byte { return AppendDecision(nil, v.(*Decision)) },
			func(b []byte) (any, error) { d := &Decision{}; return d, d.Decode(b) }},
		{"availability", &Availability{SKU: "TEE-RED-M", Fed: true, Buffer: 10, Rows: []AvailabilityRow{
			{"HCM-1", 12, 5, Counters{1_000_000_000_000, 1, 2, 3}}, {"HN-1", 0, 0, Counters{}},
		}, Policies: []ChannelPolicy{{"shopee", 3, SettingKeep}, {"web/main", SettingKeep, 0}}, Quotas: []QuotaLeft{{"shopee", 100}}},
			func(v any) []byte { return AppendAvailability(nil, v.(*Availability)) },
			func(b []byte) (any, error) { a := &Availability{}; return a, a.Decode(b) }},
		{"table_row", &TableRow{Key: "HCM-1", Version: 1 << 40, Deleted: true, JSON: []byte(`{"id":"HCM-1"}`)},
			func(v any) []byte { return AppendTableRow(nil, v.(*TableRow)) },
			func(b []byte) (any, error) { row, err := DecodeTableRow(b); return &row, err }},
		{"envelope", sampleEntries(), encodeEntries, decodeEntries},
		{"tick", []Entry{{Kind: KindTick, Key: []byte{}, Body: []byte{}}},
			func(any) []byte { return Tick() }, decodeEntries},
	}
}

// version is that of the form's newest layout.
func (f *form) version() int {
	switch f.sample.(type) {
	case *OrderEvent:
		return orderEventVersion
	case *Command:
		return commandVersion
	case *StockCommand:
		return stockCommandVersion
	case *Decision:
		return decisionVersion
	case *Availability:
		return availabilityVersion
	}
	return 1
}

func orNil[T any](v *T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func sampleOrderEvent() *OrderEvent {
	return &OrderEvent{
		EventID: "e-1", ContentHash: 0xfedcba9876543210, Type: OrderSnapshot, OrderKey: "shopee/main/251111QSK8S7BX", Fact: true,
		OccurredAt: 1_762_790_400_123, State: StateCompleted, By: "buyer", Text: "đổi ý", Warehouse: "HCM-1", Carrier: "ghn", Tracking: "G123",
		Lines: []LineQty{{"1", 2, RestockSellable}, {"2", 1_000_000, RestockNone}},
		Order: &OrderBody{
			Payment: PaymentCOD, Allow: AllowBackorder, HoldSeconds: 900, Currency: "VND", TotalMinor: 96000, CustomerID: "C-9", VIP: true,
			Region: "VN-SG", HasPlace: true, LatE6: -10_776_900, LngE6: 106_700_900, PickupAt: "HCM-2", ShipBy: 1_762_963_200_000,
			Lines: []OrderLine{{"1", "TEE-RED-M", 2, 48000, 1}, {"2", "CAP", 1_000_000, 0, 0}},
		},
	}
}

// The third entry comes from the same topic as the second: it is left out.
func sampleEntries() []Entry {
	return []Entry{
		{KindTick, []byte{}, Origin{}, []byte{}},
		{KindCommand, []byte("TEE"), Origin{"holdfast.channel.web.orders", 3, 1 << 40}, []byte("body")},
		{KindStock, []byte("CAP"), Origin{"holdfast.channel.web.orders", 0, 0}, make([]byte, 300)},
		{KindCatalog, []byte("K"), Origin{"holdfast.stock.feed", 2147483647, 5}, []byte{1}},
	}
}

func encodeEntries(v any) []byte {
	var e EnvelopeBuilder
	for _, x := range v.([]Entry) {
		e.Add(x.Kind, x.Key, x.Origin, x.Body)
	}
	return e.Close()
}

func decodeEntries(b []byte) (any, error) {
	var out []Entry
	err := Entries(b, func(e Entry) error {
		out = append(out, e)
		return nil
	})
	return out, err
}

// The bytes on the wire: what was written yesterday must be read tomorrow. A
// change of a form is a new version, not another sample.
func TestGolden(t *testing.T) {
	for _, f := range forms() {
		t.Run(f.name, func(t *testing.T) {
			b := f.encode(f.sample)
			golden.Packed(t, f.name, f.version(), b, func(b []byte) error { return second(f.decode(b)) })
			got, err := f.decode(b)
			require.NoError(t, err)
			require.Equal(t, f.sample, got)
		})
	}
}

// Any msgpack library can read it: one array, the version first.
func TestFormsAreMsgpack(t *testing.T) {
	for _, f := range forms() {
		var generic []any
		require.NoError(t, msgpack.Unmarshal(f.encode(f.sample), &generic), f.name)
		require.EqualValues(t, f.version(), generic[0], f.name)
	}
}

// A node refuses what it doesn't know: another version, bytes that follow, and
// anything that ends early.
func TestFormsAreStrict(t *testing.T) {
	for _, f := range forms() {
		b := f.encode(f.sample)
		for n := range len(b) {
			_, err := f.decode(b[:n:n])
			require.Error(t, err, "%s cut at %d", f.name, n)
		}
		_, err := f.decode(append(b[:len(b):len(b)], 0))
		require.ErrorContains(t, err, "bytes after the last value", f.name)
		other := append([]byte{}, b...)
		require.Equal(t, byte(f.version()), other[1], f.name)
		other[1] = 99
		_, err = f.decode(other)
		require.ErrorContains(t, err, fmt.Sprintf("version 99, known is %d", f.version()), f.name)
	}
}

// Numbers that a smaller type would cut into something known.
func TestFormsRefuseUnknownNumbers(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
	}{
		{"verb", new(Command).Decode(AppendCommand(nil, &Command{Verb: verbMax + 1}))},
		{"verb of a decision", new(Decision).Decode(AppendDecision(nil, &Decision{Verb: 200}))},
		{"outcome", new(Decision).Decode(AppendDecision(nil, &Decision{Outcome: 11}))},
		{"type", second(DecodeOrderEvent(AppendOrderEvent(nil, &OrderEvent{Type: orderEventTypeCount})))},
		{"state", second(DecodeOrderEvent(AppendOrderEvent(nil, &OrderEvent{State: 7})))},
		{"payment", second(DecodeOrderEvent(AppendOrderEvent(nil, &OrderEvent{Order: &OrderBody{Payment: 4}})))},
		{"allow", second(DecodeOrderEvent(AppendOrderEvent(nil, &OrderEvent{Order: &OrderBody{Allow: 4}})))},
		// [1, [[256+2, …]]]: cut to eight bits it would be an order event.
		{"kind", second(decodeEntries([]byte{0x92, 1, 0x91, 0x96, 0xcd, 1, 2, 0xc4, 0, 0xc0, 0, 0, 0xc4, 0}))},
		{"partition", second(decodeEntries([]byte{0x92, 1, 0x91, 0x96, 2, 0xc4, 0, 0xc0, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0xc4, 0}))},
	} {
		require.ErrorContains(t, c.err, "unexpected msgpack form", c.name)
	}
	require.NoError(t, second(decodeEntries([]byte{0x92, 1, 0x91, 0x96, 2, 0xc4, 0, 0xc0, 0, 0, 0xc4, 0})))
}

func second[T any](_ T, err error) error { return err }

// Lengths that lie, put in at every place: an error, and no more memory than
// some multiple of the input.
func TestLyingLengthsDontAllocate(t *testing.T) {
	lies := [][]byte{
		{0xdd, 0xff, 0xff, 0xff, 0xff}, {0xdd, 0x00, 0x0f, 0x42, 0x40}, {0xdc, 0xff, 0xff},
		{0xdb, 0xff, 0xff, 0xff, 0xff}, {0xc6, 0x7f, 0xff, 0xff, 0xff}, {0xd9, 0xff},
	}
	for _, f := range forms() {
		b := f.encode(f.sample)
		for at := range b {
			for _, lie := range lies {
				bad := append(append(append([]byte{}, b[:at]...), lie...), b[at+1:]...)
				require.Less(t, allocated(func() { _, _ = f.decode(bad) }), uint64(40_000+100*len(bad)), "%s with %x at %d", f.name, lie, at)
			}
		}
	}
	// As many elements as there are bytes left, all of them false.
	for _, f := range forms() {
		for at, b := 0, f.encode(f.sample); at < len(b); at++ {
			bad := append(append([]byte{}, b[:at]...), 0xdd, 0, 1, 0, 0)
			bad = append(bad, make([]byte, 1<<16)...)
			require.Less(t, allocated(func() { _, _ = f.decode(bad) }), uint64(16*len(bad)), "%s at %d", f.name, at)
		}
	}
}

func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestDecodersReuseMemory(t *testing.T) {
	for _, f := range forms() {
		b := f.encode(f.sample)
		var decode func()
		switch f.name {
		case "order_event":
			e, o := &OrderEvent{}, &OrderBody{}
			decode = func() { e.Order = o; _ = e.Decode(b) }
		case "order_event_bare":
			e := &OrderEvent{}
			decode = func() { _ = e.Decode(b) }
		case "command":
			c := &Command{}
			decode = func() { _ = c.Decode(b) }
		case "stock_command":
			c := &StockCommand{}
			decode = func() { _ = c.Decode(b) }
		case "decision":
			d := &Decision{}
			decode = func() { _ = d.Decode(b) }
		case "availability":
			a := &Availability{}
			decode = func() { _ = a.Decode(b) }
		case "envelope":
			decode = func() { _ = Entries(b, func(Entry) error { return nil }) }
		default:
			continue
		}
		require.Zero(t, testing.AllocsPerRun(100, decode), f.name)
	}
}

// Two decodes into the same value don't mix.
func TestDecodeForgets(t *testing.T) {
	full := map[string][]byte{}
	for _, f := range forms() {
		full[f.name] = f.encode(f.sample)
	}
	bare := AppendOrderEvent(nil, &OrderEvent{Type: OrderPaid, Order: &OrderBody{}})
	e := &OrderEvent{}
	require.NoError(t, e.Decode(full["order_event"]))
	require.Equal(t, full["order_event"], AppendOrderEvent(nil, e))
	require.NoError(t, e.Decode(bare))
	require.Equal(t, bare, AppendOrderEvent(nil, e))
	require.NoError(t, e.Decode(full["order_event_bare"]))
	require.Equal(t, full["order_event_bare"], AppendOrderEvent(nil, e))
	require.Nil(t, e.Order)
	e.Order = sampleOrderEvent().Order
	e.Forget()
	require.Equal(t, AppendOrderEvent(nil, &OrderEvent{Order: &OrderBody{}}), AppendOrderEvent(nil, e))

	bare = AppendCommand(nil, &Command{Verb: VerbRelease, OrderKey: "k", SKU: "s"})
	c := &Command{}
	require.NoError(t, c.Decode(full["command"]))
	require.NoError(t, c.Decode(bare))
	require.Equal(t, bare, AppendCommand(nil, c))

	bare = AppendDecision(nil, &Decision{Verb: VerbRelease})
	d := &Decision{}
	require.NoError(t, d.Decode(full["decision"]))
	require.NoError(t, d.Decode(bare))
	require.Equal(t, bare, AppendDecision(nil, d))

	bare = AppendAvailability(nil, &Availability{SKU: "s"})
	a := &Availability{}
	require.NoError(t, a.Decode(full["availability"]))
	require.NoError(t, a.Decode(bare))
	require.Equal(t, bare, AppendAvailability(nil, a))

	bare = AppendStockCommand(nil, &StockCommand{})
	sc := &StockCommand{}
	require.NoError(t, sc.Decode(full["stock_command"]))
	require.NoError(t, sc.Decode(bare))
	require.Equal(t, bare, AppendStockCommand(nil, sc))
}

func TestAvailabilitySKU(t *testing.T) {
	full := AppendAvailability(nil, &Availability{SKU: "TEE-RED-M", Fed: true, Rows: []AvailabilityRow{{Warehouse: "HCM-1"}}})
	sku, err := AvailabilitySKU(full)
	require.NoError(t, err)
	require.Equal(t, SKU("TEE-RED-M"), sku)
	head := len(AppendAvailability(nil, &Availability{SKU: "TEE-RED-M"})) - 5 // what follows the SKU of an empty one
	for n := range head {
		_, err = AvailabilitySKU(full[:n])
		require.Error(t, err, "%d bytes", n)
	}
	_, err = AvailabilitySKU(append([]byte{full[0], availabilityVersion + 1}, full[2:]...))
	require.ErrorContains(t, err, "version")
}
