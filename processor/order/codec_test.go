package order

import (
	"encoding/hex"
	"hash/fnv"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/golden"
	"holdfast/topology/record"
)

func fullOrder() *Order {
	o := &Order{CreateHash: 0xfedcba9876543210, Fact: true, Payment: record.PaymentUnpaid, Allow: record.AllowPartial, PickupAt: "HCM-1",
		HasPlace: true, LatE6: 10_776_000, LngE6: -106_700_000, Phase: PhasePending, Reviving: true, Paid: true, Hard: true, Completed: true,
		HasInbox: true, Reminded: true, Attempt: 2, Seq: 7, State: record.StatePaid, StateAt: base, ExpiresAt: base + 1, DecideBy: base + 2, DropAt: base + 3,
		Cause: "e-1",
		Items: []Item{{SKU: "A", Qty: 5, Decided: true, Waiting: 1, Missing: 2, Reason: "out_of_stock",
			Granted: []record.WarehouseQty{{Warehouse: "HCM-1", Qty: 1}, {Warehouse: "HN-1", Qty: 1}}}, {SKU: "B", Qty: 1}},
		Lines: []Line{{ID: "1", Item: 0, Qty: 6, Parts: []Part{{State: UnitShipped, Qty: 1, Warehouse: "HCM-1"}}, PerSet: 1, Named: []Named{{"HCM-1", UnitShipped, 1}}}, {ID: "2", Item: 1, Qty: 1}},
	}
	o.note(&record.OrderEvent{EventID: "e-1", ContentHash: 1})
	return o
}

// The state outlives the program that wrote it. A change of these bytes needs a
// new version and a decoder for the old one.
func TestStateIsWrittenAsEver(t *testing.T) {
	value := AppendOrder(nil, fullOrder())
	require.Equal(t, "dc0013"+"03"+"cffedcba9876543210"+"7f"+"01"+"02"+"a548434d2d31"+"92ce00a46dc0d2f9a3e320"+"01"+"02"+"07"+"03"+
		"cf000001a1c7e78000"+"cf000001a1c7e78001"+"cf000001a1c7e78002"+"cf000001a1c7e78003"+"a3652d31"+
		"92"+"96a141050102ac6f75745f6f665f73746f636b94a548434d2d3101a4484e2d3101"+"92a14201"+
		"92"+"96a131000693"+"2001a548434d2d31"+"93a548434d2d312001c0"+"94a132010190"+
		"c410"+"c3c5c818f108a6b2"+"0000000000000001", hex.EncodeToString(value))
	sum := fnv.New64a()
	sum.Write([]byte("e-1"))
	require.Equal(t, sum.Sum64(), hashID("e-1"))
	o := &Order{}
	require.NoError(t, o.Decode(value))
	require.Equal(t, value, AppendOrder(nil, o))
	require.Equal(t, "74"+"000001a1c7e78000"+"02"+"7765622f6d61696e2f31", hex.EncodeToString(appendTimerKey(nil, base, timerDeadline, "web/main/1")))

	in := inbox{Due: 5, Events: []waitingEvent{{&record.OrderEvent{EventID: "e", Type: record.OrderPaid, OrderKey: "k"}, record.Origin{Topic: "t", Partition: 1, Offset: 2}}}}
	box := appendInbox(nil, &in)
	again := inbox{}
	require.NoError(t, again.decode(box))
	require.Equal(t, in, again)

	golden.Packed(t, "order", orderVersion, value, func(b []byte) error { return new(Order).Decode(b) })
	golden.Packed(t, "inbox", inboxVersion, box, func(b []byte) error { return new(inbox).decode(b) })
	golden.Packed(t, "combo", comboVersion, appendCombo(nil, &combo{version: 300, components: []record.Component{{SKU: "MUG", Qty: 2}, {SKU: "TEE", Qty: 1}}}),
		func(b []byte) error { _, err := readCombo(b); return err })
	golden.Packed(t, "parcels", parcelsVersion, (&parcels{hour: 489_664, counts: []parcelCount{{"HN", 3}, {"HCM-1", 2000}}}).append(nil),
		func(b []byte) error { return new(parcels).decode(b) })
}

// A decoder that is used again must not remember the last order.
func TestDecodeForgets(t *testing.T) {
	o := &Order{}
	require.NoError(t, o.Decode(AppendOrder(nil, fullOrder())))
	small := &Order{Phase: PhaseLive, Items: []Item{{SKU: "C", Qty: 1}}, Lines: []Line{{ID: "1", Qty: 1}, {ID: "2", Qty: 2}}}
	require.NoError(t, o.Decode(AppendOrder(nil, small)))
	require.Equal(t, AppendOrder(nil, small), AppendOrder(nil, o))
	o.forget()
	require.Equal(t, AppendOrder(nil, &Order{}), AppendOrder(nil, o))
}

func TestEveryCutIsRefused(t *testing.T) {
	value := AppendOrder(nil, fullOrder())
	for n := range value {
		require.Error(t, (&Order{}).Decode(value[:n]))
	}
	require.Error(t, (&Order{}).Decode(append(value, 0)))
}

func FuzzDecodeOrder(f *testing.F) {
	f.Add(AppendOrder(nil, fullOrder()))
	f.Add(AppendOrder(nil, &Order{}))
	f.Fuzz(func(t *testing.T, value []byte) {
		o := &Order{}
		if o.Decode(value) != nil {
			return
		}
		once := AppendOrder(nil, o)
		require.NoError(t, o.Decode(once))
		require.Equal(t, once, AppendOrder(nil, o))
	})
}

func FuzzDecodeInbox(f *testing.F) {
	f.Add(appendInbox(nil, &inbox{Due: 5, Events: []waitingEvent{{&record.OrderEvent{EventID: "e"}, record.Origin{Topic: "t"}}}}))
	f.Fuzz(func(t *testing.T, value []byte) {
		in := inbox{}
		if in.decode(value) != nil {
			return
		}
		once := appendInbox(nil, &in)
		require.NoError(t, in.decode(once))
		require.Equal(t, once, appendInbox(nil, &in))
	})
}
