package bench

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Mix says how many lines orders have: the parts, in percent, of those of one
// line, of two, and of three to five.
type Mix [3]int

// mixTailLinesMin and mixTailLinesMax are the lines of the last part's orders.
const (
	mixTailLinesMin = 3
	mixTailLinesMax = 5
)

// ParseMix reads 70/20/10.
func ParseMix(text string) (m Mix, err error) {
	parts := strings.Split(text, "/")
	if len(parts) != len(m) {
		return m, fmt.Errorf("lines mix %q: must be three percentages, as in 70/20/10", text)
	}
	for i, part := range parts {
		if m[i], err = strconv.Atoi(part); err != nil {
			return m, fmt.Errorf("lines mix %q: %q is no number", text, part)
		}
	}
	return m, m.Validate()
}

// Validate tells what is wrong with the percentages.
func (m Mix) Validate() error {
	sum := 0
	for _, part := range m {
		if part < 0 {
			return fmt.Errorf("lines mix %s: %d %% is below 0", m, part)
		}
		sum += part
	}
	if sum != 100 {
		return fmt.Errorf("lines mix %s: adds up to %d %%, must be 100", m, sum)
	}
	return nil
}

func (m Mix) String() string { return fmt.Sprintf("%d/%d/%d", m[0], m[1], m[2]) }

// draw returns the lines of an order.
func (m Mix) draw(rng *rand.Rand) int {
	switch n := rng.IntN(100); {
	case n < m[0]:
		return 1
	case n < m[0]+m[1]:
		return 2
	}
	return mixTailLinesMin + rng.IntN(mixTailLinesMax-mixTailLinesMin+1)
}

// sizes returns the number of lines of each order, all lines together. The same
// seed gives the same orders; the last one takes what is left.
func (c *OrdersConfig) sizes() []uint16 {
	rng := rand.New(rand.NewPCG(uint64(c.Seed), 3))
	var sizes []uint16
	for left := c.Lines; left > 0; {
		n := c.LinesPerOrder
		if n == 0 {
			n = c.Mix.draw(rng)
		}
		n = min(n, left)
		left -= n
		sizes = append(sizes, uint16(n))
	}
	return sizes
}
