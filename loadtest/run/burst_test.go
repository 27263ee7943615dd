package run

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBursts(t *testing.T) {
	var b bursts
	begin := time.UnixMilli(1_700_000_000_000)
	note := func(shop, sku string, millis ...int) {
		for _, at := range millis {
			b.note([]byte("web"), []byte(shop), []byte(sku), begin.Add(time.Duration(at)*time.Millisecond))
		}
	}
	require.Zero(t, b.most)
	note("main", "A", 0, 250, 500, 750, 1000, 1250)
	require.Equal(t, 4, b.most, "a second is as long as from one update to just before the fifth")
	note("main", "B", 1250, 1260)
	note("other", "A", 1250, 1260)
	require.Equal(t, 4, b.most, "neither another SKU nor another shop adds to it")
	note("main", "A", 1300)
	require.Equal(t, 5, b.most, "750 to 1300 across a full second")
	for i := range 3 * burstMost {
		note("main", "C", 5000+i)
	}
	require.Equal(t, burstMost, b.most)
}
