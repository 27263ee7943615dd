package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMix: the orders have the parts that the mix says, all lines are used, and
// the same seed gives the same orders.
func TestMix(t *testing.T) {
	m, err := ParseMix("70/20/10")
	require.NoError(t, err)
	c := OrdersConfig{Lines: 30_000, Mix: m, Seed: 1}
	sizes := c.sizes()
	require.Equal(t, sizes, c.sizes())
	lines, of := 0, map[uint16]int{}
	for _, n := range sizes {
		lines += int(n)
		of[n]++
	}
	require.Equal(t, c.Lines, lines)
	part := func(n int) float64 { return 100 * float64(n) / float64(len(sizes)) }
	require.InDelta(t, 70, part(of[1]), 2)
	require.InDelta(t, 20, part(of[2]), 2)
	require.InDelta(t, 10, part(of[3]+of[4]+of[5]), 2)
	for n := range uint16(3) {
		require.InDelta(t, 10.0/3, part(of[3+n]), 1)
	}

	c = OrdersConfig{Lines: 7, LinesPerOrder: 3, Mix: m}
	require.Equal(t, []uint16{3, 3, 1}, c.sizes(), "a fixed number goes before the mix")

	for text, want := range map[string]string{
		"70/30": "must be three percentages", "70/20/x": `"x" is no number`, "70/20/11": "adds up to 101 %", "110/-20/10": "-20 % is below 0",
	} {
		_, err := ParseMix(text)
		require.ErrorContains(t, err, want)
	}
}
