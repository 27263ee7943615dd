package channels

import (
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
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

// The form in state: what an older node wrote must be read by a newer one.
func TestItemForm(t *testing.T) {
	path := filepath.Join("testdata", "golden", "item.hex")
	got := hex.EncodeToString(sample().append(nil))
	if os.Getenv("HOLDFAST_UPDATE") != "" {
		require.NoError(t, os.WriteFile(path, []byte(got+"\n"), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, strings.TrimSpace(string(want)), got, "set HOLDFAST_UPDATE=1 after a change that is meant")

	var back item
	require.NoError(t, back.decode(sample().append(nil)))
	require.Equal(t, *sample(), back)
	var generic []any
	require.NoError(t, msgpack.Unmarshal(sample().append(nil), &generic))
	require.Len(t, generic, 6)
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
	f.Add(sample().append(nil))
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
