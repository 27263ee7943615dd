package processor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

func TestStorm(t *testing.T) {
	var s storm
	next := record.Offset(0)
	f := func(good, dead int, atSeconds float64, want int) {
		t.Helper()
		next += record.Offset(good + dead)
		s.note(good+dead, dead, next-1, record.Millis(1e12+atSeconds*1000))
		require.Equal(t, want, s.level)
	}
	f(0, 100, 0, 100)
	f(10, 0, 0, 90)    // a good record for a dead letter
	f(50, 50, 0.9, 90) // every other one
	f(0, 10, 1, 99)    // a second, and ten more
	f(0, 0, 1.9, 99)
	f(0, 0, 2.1, 98)
	f(1000, 0, 2.1, 0) // good ones aren't saved up
	f(0, 1, 2.2, 1)
	f(0, 0, 1e6, 0)
	f(0, 5, 0, 5) // a clock that goes back changes nothing
	s.passTo = next + 100
	f(0, 100, 0, 5) // let through
	f(0, 1, 0, 6)
}
