package channels

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

func FuzzJSON(f *testing.F) {
	for _, s := range []string{"TEE-RED-M", "", "Áo <thun>", "a\"b\\c", "a&b", "\x00\x1f\x7f", "\u2028", "\xff", "😀"} {
		f.Add(s, s, int64(1_762_790_400_000), int64(-5), true)
	}
	f.Fuzz(func(t *testing.T, a, b string, at, n int64, urgent bool) {
		if at < -1<<40 || at > 1<<50 {
			return // years of more than four digits aren't times of ours
		}
		when, err := json.Marshal(record.Millis(at))
		require.NoError(t, err)
		u := record.ChannelStock{Holdfast: 1, Channel: a, Shop: b, SKU: record.SKU(a), Sellable: record.Quantity(n), Version: n, At: record.Millis(at), Urgent: urgent}
		want, err := json.Marshal(u)
		require.NoError(t, err)
		require.Equal(t, string(want), string(appendChannelStock(nil, &u, when)))

		s := record.StockUpdate{
			Holdfast: 1, SKU: record.SKU(a), Warehouse: record.WarehouseID(b), OnHand: record.Quantity(n), Unavailable: 2, Held: 3,
			Allocated: record.Quantity(-n), Incoming: 4, Available: 5, Version: n, At: record.Millis(at),
		}
		want, err = json.Marshal(s)
		require.NoError(t, err)
		require.Equal(t, string(want), string(appendStockUpdate(nil, &s, when)))
	})
}
