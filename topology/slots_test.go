package topology

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	formats "holdfast/internal/golden"
)

func TestDefaultSlotsAreEvenAndContiguous(t *testing.T) {
	for _, n := range []int32{1, 2, 3, 7, 8, 96, 1000, Slots} {
		s := DefaultSlots("log.x", n)
		count := make([]int, n)
		for slot, p := range s.Table {
			count[p]++
			if slot > 0 {
				step := int(p) - int(s.Table[slot-1])
				require.True(t, step == 0 || step == 1, "%d partitions, slot %d", n, slot)
			}
		}
		for p, c := range count {
			require.InDelta(t, float64(Slots)/float64(n), float64(c), 1, "%d partitions, partition %d", n, p)
		}
	}
}

func TestSlotTablePartition(t *testing.T) {
	s := DefaultSlots("log.inventory", 8)
	for i := range 10_000 {
		key := fmt.Appendf(nil, "SKU-%d", i)
		require.Equal(t, int32(Slot(key)*8/Slots), s.Partition(key))
	}
	key := []byte("SKU-1")
	require.Zero(t, testing.AllocsPerRun(100, func() { s.Partition(key) }))
}

func TestSlotTableJSON(t *testing.T) {
	s := DefaultSlots("log.inventory", 3)
	s.Epoch = 7
	s.Table[5] = 2 // a slot that has moved
	b, err := json.Marshal(s)
	require.NoError(t, err)
	require.JSONEq(t, `{"holdfast":1,"log":"log.inventory","epoch":7,"partitions":3,"hash":"murmur2","slots":4096,
		"ranges":[[0,4,0],[5,5,2],[6,1365,0],[1366,2730,1],[2731,4095,2]]}`, string(b))
	var back SlotTable
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, *s, back)
	formats.Check(t, "slots", slotsVersion, b)
	formats.Each(t, "slots", func(_ int, b []byte) {
		var back SlotTable
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, *s, back)
	})
}

func TestSlotTableJSONIsStrict(t *testing.T) {
	const good = `{"holdfast":1,"log":"l","epoch":1,"partitions":2,"hash":"murmur2","slots":4096,"ranges":[[0,9,0],[10,4095,1]]}`
	require.NoError(t, new(SlotTable).UnmarshalJSON([]byte(good)))
	for _, c := range []struct{ old, new, want string }{
		{`"holdfast":1`, `"holdfast":2`, "slot table of version 2, known is 1: a newer Holdfast wrote it"},
		{`"holdfast":1,"log":"l"`, `"holdfast":2,"log":["l"],"x":1`, "slot table of version 2, known is 1: a newer Holdfast wrote it"},
		{`"holdfast":1`, `"holdfast":0`, "form 0"},
		{`"log":"l"`, `"log":""`, "no log"},
		{`"log":"l"`, `"log":"l","x":1`, "unknown field"},
		{`"epoch":1`, `"epoch":0`, "epoch 0"},
		{`murmur2`, `fnv`, `hash "fnv"`},
		{`4096`, `8192`, "8192 slots"},
		{`"partitions":2`, `"partitions":0`, "0 partitions"},
		{`"partitions":2`, `"partitions":99999999`, "99999999 partitions"},
		{`"partitions":2`, `"partitions":1`, "range 1"},
		{`[0,9,0]`, `[0,8,0]`, "range 1"},
		{`[0,9,0]`, `[0,9]`, "range 0"},
		{`[0,9,0]`, `[0,9,0,4]`, "range 0"},
		{`[0,9,0]`, `[0,9,-1]`, "range 0"},
		{`,[10,4095,1]`, ``, "slots 10 to 4095"},
		{`4095`, `4096`, "range 1"},
		{`[10,4095,1]`, `[10,4095,1],[4096,4096,0]`, "range 2"},
		{`}`, `} {}`, "bytes after"},
		{`}`, ``, "unexpected EOF"},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		var s SlotTable
		err := s.UnmarshalJSON([]byte(bad))
		require.ErrorContains(t, err, c.want, bad)
		require.Equal(t, SlotTable{}, s, "nothing is taken from a bad table")
	}
}

func FuzzSlotTableJSON(f *testing.F) {
	b, _ := json.Marshal(DefaultSlots("log.x", 5))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var s SlotTable
		if s.UnmarshalJSON(b) != nil {
			return
		}
		for _, p := range s.Table {
			require.Less(t, int32(p), s.Partitions)
		}
		again, err := json.Marshal(&s)
		require.NoError(t, err)
		var back SlotTable
		require.NoError(t, back.UnmarshalJSON(again))
		require.Equal(t, s, back)
	})
}

func BenchmarkSlotTablePartition(b *testing.B) {
	s := DefaultSlots("log.inventory", 8)
	key := []byte("SKU-000123")
	for b.Loop() {
		s.Partition(key)
	}
}
