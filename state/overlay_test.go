package state

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// The overlay against a map, over many transactions of very different sizes.
func TestOverlayIsAMap(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 0))
	o := newOverlay()
	for round := range 60 {
		model := map[string]string{}
		handedOut := map[string][]byte{} // by what it was when it was handed out
		ordered := random.IntN(2) == 0
		n := 1 << random.IntN(14)
		for i := range n {
			if ordered && i == n/3 {
				o.order.build(o.entries)
			}
			key := fmt.Sprintf("key-%d", random.IntN(n))
			switch index, at, hash := o.find([]byte(key)); random.IntN(4) {
			case 0:
				o.delete([]byte(key))
				model[key] = "-"
			case 1:
				if index < 0 {
					value := o.read([]byte(key), []byte("stored"), true, at, hash)
					require.Equal(t, "stored", string(value))
				} else if e := &o.entries[index]; e.is == written {
					require.Equal(t, model[key], "+"+string(e.value))
					handedOut[string(e.value)] = e.value
				}
			default:
				value := bytes.Repeat([]byte{byte('a' + random.IntN(26))}, random.IntN(100)*(1+random.IntN(20)/19*1000))
				o.put([]byte(key), value)
				model[key] = "+" + string(value)
			}
		}
		bytes := 0
		for key, value := range model {
			index, _, _ := o.find([]byte(key))
			require.GreaterOrEqual(t, index, 0)
			e := &o.entries[index]
			require.True(t, e.dirty() && o.isDirty([]byte(key)))
			if value == "-" {
				require.Equal(t, deleted, e.is)
			} else {
				require.Equal(t, value, "+"+string(e.value))
				require.NotNil(t, e.value)
			}
			bytes += len(key) + entryOverheadBytes + len(value) - 1
		}
		for want, value := range handedOut {
			require.Equal(t, want, string(value), "a value that was handed out changed")
		}
		require.Equal(t, len(model), o.writes)
		require.Equal(t, bytes, o.writeBytes)
		if ordered {
			var keys []string
			for node := o.order.next(0, 0); node != 0; node = o.order.next(node, 0) {
				keys = append(keys, string(o.entries[o.order.entry(node)].key))
			}
			require.Equal(t, slices.Sorted(maps.Keys(model)), keys)
		}
		o.reset()
		require.Equal(t, make([]slot, len(o.slots)), o.slots, "round %d of %d", round, n)
		require.Zero(t, o.writes+o.writeBytes+len(o.entries))
	}
}

// After a transaction out of the common, an idle store gives most of its memory back.
func TestOverlayShrinks(t *testing.T) {
	o := newOverlay()
	for i := range 200_000 {
		o.put(fmt.Appendf(nil, "key-%d", i), make([]byte, 100))
	}
	o.reset()
	require.Greater(t, len(o.slots), overlaySlotsKept)
	require.LessOrEqual(t, len(o.arena.chunks), arenaChunksKept)
	o.put([]byte("a"), nil)
	o.reset()
	require.LessOrEqual(t, len(o.slots), overlaySlotsKept)
	require.LessOrEqual(t, cap(o.entries), overlaySlotsKept/2)
}

// A transaction's reads and writes allocate nothing once the overlay has its size.
func TestOverlayAllocatesNothing(t *testing.T) {
	o := newOverlay()
	keys := make([][]byte, 5000)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "web/main/order-%06d", i)
	}
	value := make([]byte, 60)
	transaction := func() {
		for _, key := range keys {
			o.put(key, value)
			o.put(key, value)
			if index, _, _ := o.find(key); index < 0 {
				panic("lost")
			}
		}
		o.reset()
	}
	transaction()
	require.Zero(t, testing.AllocsPerRun(10, transaction))
}

// What one large transaction took is given back when the ones after it are small, and not while they are alike.
func TestOverlayShrinksToWhatIsUsual(t *testing.T) {
	o := newOverlay()
	transaction := func(n int) {
		for i := range n {
			o.put(fmt.Appendf(nil, "key-%d", i), make([]byte, 100))
		}
		o.reset()
	}
	transaction(60_000)
	large, chunks := cap(o.entries), len(o.arena.chunks)
	for range 2 * habitTransactions {
		transaction(50_000)
	}
	require.Equal(t, large, cap(o.entries))
	require.Equal(t, chunks, len(o.arena.chunks))
	for range 2 * habitTransactions {
		transaction(5000)
	}
	require.Equal(t, 5000, cap(o.entries))
	require.Equal(t, slotsFor(5000), len(o.slots))
	require.Len(t, o.arena.chunks, 3)
}
