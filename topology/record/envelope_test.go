package record

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEnvelopeBuilder(t *testing.T) {
	var e EnvelopeBuilder
	for round := range 3 {
		require.Zero(t, e.Len())
		for i := range 40 {
			e.Add(KindCommand, fmt.Appendf(nil, "k%d", i), Origin{Topic: "t", Partition: Partition(round), Offset: Offset(i)}, []byte("b"))
		}
		require.Equal(t, 40, e.Len())
		b := e.Close()
		// What is returned stays as it is while the builder goes on.
		e.Add(KindTick, []byte("other"), Origin{Topic: "x"}, make([]byte, 1000))
		e.Drop()
		got, err := decodeEntries(b)
		require.NoError(t, err)
		require.Len(t, got, 40)
		for i, entry := range got.([]Entry) {
			require.Equal(t, fmt.Sprintf("k%d", i), string(entry.Key))
			require.Equal(t, Origin{"t", Partition(round), Offset(i)}, entry.Origin)
		}
	}
}

// An envelope with one more of the largest entries stays under the bound of an
// internal record.
func TestEnvelopeFull(t *testing.T) {
	var e EnvelopeBuilder
	for !e.Full() {
		e.Add(KindStock, []byte("key"), Origin{Topic: "t"}, make([]byte, 1000))
	}
	require.Greater(t, e.Len(), 200)
	e.Add(KindOrderEvent, []byte("key"), Origin{Topic: "t"}, make([]byte, 600<<10))
	require.Less(t, len(e.Close()), 900<<10)
}

func TestEntriesStopsAtTheFirstError(t *testing.T) {
	stop := errors.New("stop")
	n := 0
	err := Entries(encodeEntries(sampleEntries()), func(Entry) error {
		n++
		return stop
	})
	require.Equal(t, stop, err)
	require.Equal(t, 1, n)
}

// The largest order that intake lets through fits beside a full envelope.
func TestLargestOrderFits(t *testing.T) {
	id := string(make([]byte, IDBytesMax))
	e := &OrderEvent{EventID: id, OrderKey: OrderKey(id), Order: &OrderBody{}}
	for range LinesMax {
		e.Order.Lines = append(e.Order.Lines, OrderLine{Line: id, SKU: SKU(id), Qty: LineQtyMax, UnitPriceMinor: 1 << 62, Cancelled: LineQtyMax})
	}
	require.Less(t, len(AppendOrderEvent(nil, e)), 600<<10)
}
