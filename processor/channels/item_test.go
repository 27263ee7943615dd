package channels

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"holdfast/topology/record"
)

func sample() *item {
	it := &item{fed: true, due: 1_762_790_400_250}
	it.place(3).now = record.Counters{OnHand: 100, Held: 2, Allocated: 7}
	*it.place(1) = place{
		warehouse: 1, now: record.Counters{OnHand: 1_000_000_000_000, Unavailable: 1}, version: 1_762_790_400_001,
		published: record.Counters{OnHand: 5, Allocated: 6},
	}
	*it.place(2) = place{warehouse: 2, now: record.Counters{OnHand: 9}, published: record.Counters{OnHand: 9}, version: 1_762_790_400_000}
	it.tell(told{shop: 4, sellable: 80, version: 1_762_790_400_000})
	it.tell(told{shop: 0, sellable: 0, version: 1_762_790_399_000})
	it.tell(told{shop: 2, sellable: 5, version: 3})
	return it
}

func samplePolicy() *item {
	it := sample()
	it.place(2).safety = 5
	it.policy = policy{
		buffer: 10, rules: []record.ChannelPolicy{{Channel: "shopee", Buffer: 50, Cap: record.SettingKeep}, {Channel: "web/main", Buffer: record.SettingKeep, Cap: 0}},
		quotas: []record.QuotaLeft{{Channel: "shopee", Left: 100}},
	}
	return it
}

func sampleCombo(it *item) *item {
	it.combo = combo{known: true, version: 1 << 40, parts: []component{
		{sku: "TEE", perSet: 2, heard: true, buffer: 3, units: []unitsAt{{1, 1_000_000_000_000}, {0, 4}}, quotas: []record.QuotaLeft{{Channel: "web", Left: 0}}},
		{sku: "CAP", perSet: 1000},
	}}
	return it
}

func samples() map[string]*item {
	return map[string]*item{
		"item": sample(), "item_policy": samplePolicy(), "item_combo": sampleCombo(sample()), "item_combo_policy": sampleCombo(samplePolicy()),
		"item_no_combo": {fed: true, combo: combo{known: true, version: 7}},
	}
}

// Who has no policy and isn't a combo pays nothing for those that do.
func TestItemForm(t *testing.T) {
	fields := map[string]int{"item": 6, "item_policy": 7, "item_combo": 8, "item_combo_policy": 8, "item_no_combo": 8}
	for name, it := range samples() {
		got := hex.EncodeToString(it.append(nil))
		var back item
		require.NoError(t, sampleCombo(samplePolicy()).decode(it.append(nil)), "memory used again")
		require.NoError(t, back.decode(it.append(nil)))
		require.Equal(t, got, hex.EncodeToString(back.append(nil)), name)
		var generic []any
		require.NoError(t, msgpack.Unmarshal(it.append(nil), &generic))
		require.Len(t, generic, fields[name], name)
	}
	var back item
	require.NoError(t, back.decode(samplePolicy().append(nil)))
	require.Equal(t, *samplePolicy(), back)
	again := sampleCombo(samplePolicy())
	require.NoError(t, again.decode(sample().append(nil)))
	require.False(t, again.hasPolicy() || again.combo.known, "nothing is left over of what the memory held before")
}

func TestItemKeepsOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	it, want := &item{}, map[int]int64{}
	for i := range 200 {
		n := r.IntN(40)
		it.tell(told{shop: n, version: int64(i)})
		want[n] = int64(i)
		it.place(n).version = int64(i)
	}
	require.NoError(t, it.check())
	require.Len(t, it.shops, len(want))
	require.Len(t, it.places, len(want))
	for i := range it.shops {
		require.Equal(t, want[it.shops[i].shop], it.shops[i].version)
		require.Equal(t, want[it.places[i].warehouse], it.places[i].version)
	}
}

// Whatever bytes: an error or an item that is written as it was read, and no
// more memory than the bytes can stand for.
func FuzzItem(f *testing.F) {
	for _, it := range samples() {
		f.Add(it.append(nil))
	}
	f.Add((&item{}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var it, again item
		if it.decode(b) != nil {
			return
		}
		require.LessOrEqual(t, len(it.places)+len(it.shops), len(b))
		require.NoError(t, again.decode(it.append(nil)))
		require.Equal(t, it.append(nil), again.append(nil))
	})
}

func FuzzNames(f *testing.F) {
	t := &tables{epoch: 7, rows: 2, channels: []string{"web"}}
	t.warehouses.add("HCM-1")
	t.shops.add("web/main")
	f.Add(t.appendNames(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var in, again tables
		if in.decodeNames(b) != nil || len(b) == 0 {
			return
		}
		require.NoError(t, again.decodeNames(in.appendNames(nil)))
		require.Equal(t, in.warehouses.list, again.warehouses.list)
		require.Equal(t, in.shops.list, again.shops.list)
	})
}
