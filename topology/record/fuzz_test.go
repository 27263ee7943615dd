package record

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// fuzz: whatever bytes come, a decoder returns an error or a value that is
// written and read back as the same.
func fuzz(f *testing.F, names ...string) {
	var is []form
	for _, x := range forms() {
		for _, name := range names {
			if x.name == name {
				is = append(is, x)
				f.Add(x.encode(x.sample))
			}
		}
	}
	require.Len(f, is, len(names))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := append([]byte{}, b...)
		v, err := is[0].decode(b)
		if err != nil || len(b) == 0 {
			return
		}
		if entries, ok := v.([]Entry); ok && len(entries) == 0 {
			return // an envelope without entries is never written
		}
		written := is[0].encode(v)
		again, err := is[0].decode(written)
		require.NoError(t, err)
		require.Equal(t, v, again)
		require.Equal(t, before, b, "a decoder must not write to its input")
	})
}

func FuzzOrderEvent(f *testing.F)   { fuzz(f, "order_event", "order_event_bare") }
func FuzzCommand(f *testing.F)      { fuzz(f, "command") }
func FuzzStockCommand(f *testing.F) { fuzz(f, "stock_command") }
func FuzzDecision(f *testing.F)     { fuzz(f, "decision") }
func FuzzAvailability(f *testing.F) { fuzz(f, "availability") }
func FuzzTableRow(f *testing.F)     { fuzz(f, "table_row") }
func FuzzEntries(f *testing.F)      { fuzz(f, "envelope", "tick") }
