package order

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// busyNight is two warehouses near the buyer, of which the nearer takes few
// parcels an hour, with all the stock they like.
func busyNight(t *testing.T, partitions int, rows ...string) *shop {
	s := newShop(t, nil)
	cfg := DefaultConfig()
	cfg.AcceptAgeMillis, cfg.Partitions = 0, partitions
	s.task.Stage = New(cfg)
	for _, row := range rows {
		s.warehouse(row)
	}
	s.stock.ranked = true
	for _, id := range []record.WarehouseID{"HCM-1", "HN-1"} {
		s.stock.receive("A", id, 1000, "s")
	}
	s.stock.receive("B", "HCM-1", 1000, "s")
	return s
}

const (
	nearRow = `{"id":"HCM-1","lat":10.776,"lng":106.7,"capacity_per_hour":%d}`
	farRow  = `{"id":"HN-1","lat":21.028,"lng":105.854}`
)

// buy places an order near HCM-1, and returns where it is served from.
func (s *shop) buy(n int, lines ...record.OrderLine) (at []record.WarehouseID) {
	key := record.MakeOrderKey("web", "main", fmt.Sprint(n))
	e := created(key, body(record.PaymentPrepaid, record.AllowAll, lines...))
	e.Order.HasPlace, e.Order.LatE6, e.Order.LngE6 = true, 10_770_000, 106_690_000
	s.take(e, "")
	for _, l := range s.last(key).Lines {
		at = append(at, l.Warehouse)
	}
	return at
}

// T20: a warehouse at its capacity gets no more while another one can serve,
// and the next hour it is the first again.
func TestT20_WarehouseAtItsCapacity(t *testing.T) {
	s := busyNight(t, 4, fmt.Sprintf(nearRow, 40), farRow) // ten an hour for this partition
	near, far := []record.WarehouseID{"HCM-1"}, []record.WarehouseID{"HN-1"}
	for hour := range 3 {
		for n := range 25 {
			s.now = base + record.Millis(hour*hourMillis+n*1000)
			want := near
			if n >= 10 {
				want = far
			}
			require.Equal(t, want, s.buy(hour*100+n, line("1", "A", 1)), "hour %d, order %d", hour, n)
		}
		// What only the full one has still comes from there: a sale is worth more.
		require.Equal(t, near, s.buy(hour*100+50, line("1", "B", 1)))
		require.Equal(t, []record.WarehouseID{"HN-1", "HCM-1"}, s.buy(hour*100+51, line("1", "A", 1), line("2", "B", 1)))
	}
	// The count survives the stage, and is of one hour.
	c := parcels{}
	require.NoError(t, c.decode(s.task.State["h"]))
	require.Equal(t, []parcelCount{{"HCM-1", 12}}, c.counts)
	require.Equal(t, (int64(base)+2*hourMillis)/hourMillis, c.hour)
	s.task.Stage = New(s.task.Stage.(*Stage).cfg)
	require.Equal(t, far, s.buy(999, line("1", "A", 1)))
}

// An order is one parcel at a warehouse, however many SKUs and units.
func TestParcelsAreCountedOnceAnOrder(t *testing.T) {
	s := busyNight(t, 1, fmt.Sprintf(nearRow, 3), farRow)
	s.buy(1, line("1", "A", 5), line("2", "B", 5), line("3", "A", 1))
	s.buy(2, line("1", "A", 5))
	require.Equal(t, []record.WarehouseID{"HCM-1"}, s.buy(3, line("1", "A", 1)))
	require.Equal(t, []record.WarehouseID{"HN-1"}, s.buy(4, line("1", "A", 1)))
}

// Units that waited make a parcel when they come, unless the order has one there.
func TestFilledUnitsAreParcels(t *testing.T) {
	s := busyNight(t, 1, fmt.Sprintf(nearRow, 9), farRow)
	count := func() int64 {
		c := parcels{}
		require.NoError(t, c.decode(s.task.State["h"]))
		return c.counts[0].n
	}
	s.stock.receive("C", "HCM-1", 1, "s")
	for i, sku := range []record.SKU{"C", "D"} {
		e := created(record.MakeOrderKey("pos", "main", fmt.Sprint(i)), body(record.PaymentPrepaid, record.AllowAll, line("1", sku, 3)))
		e.Fact = true
		s.take(e, "")
	}
	require.Equal(t, int64(1), count())
	for _, sku := range []record.SKU{"C", "D", "D"} {
		for _, d := range s.stock.receive(sku, "HCM-1", 1, "more") {
			s.decision(d)
		}
	}
	require.Equal(t, int64(2), count())
}

func TestCapacityCostsNothingWhereThereIsNone(t *testing.T) {
	s := busyNight(t, 1, farRow, `{"id":"HCM-1","lat":10.776,"lng":106.7}`)
	s.buy(1, line("1", "A", 1))
	require.NotContains(t, s.task.State, "h")
	s.warehouse(fmt.Sprintf(nearRow, 1))
	s.buy(2, line("1", "A", 1))
	require.Contains(t, s.task.State, "h")
	s.warehouse(`{"id":"HCM-1","lat":10.776,"lng":106.7}`)
	require.Equal(t, []record.WarehouseID{"HCM-1"}, s.buy(3, line("1", "A", 1)))
	require.NotContains(t, s.task.State, "h", "nobody has a capacity any more")
}

// A dropped transaction's parcels aren't counted.
func TestParcelsOfADroppedTransaction(t *testing.T) {
	s := busyNight(t, 1, fmt.Sprintf(nearRow, 2), farRow)
	s.buy(1, line("1", "A", 1))
	d := &record.Decision{Verb: record.VerbReserve, OrderKey: "web/main/2", SKU: "A", Attempt: 1, Moves: []record.Movement{{Warehouse: "HCM-1", Qty: 1}}}
	s.event(created(d.OrderKey, body(record.PaymentPrepaid, record.AllowAll, line("1", "A", 1))), "")
	s.task.Take()
	var envelope record.EnvelopeBuilder
	envelope.Add(record.KindDecision, []byte(d.OrderKey), record.Origin{}, record.AppendDecision(nil, d))
	dropped := *s.task
	dropped.State = map[string][]byte{}
	for k, v := range s.task.State {
		dropped.State[k] = v
	}
	r := &stage.Record{Topic: "log", At: s.now, Offset: 1000, Value: envelope.Close()}
	dropped.Stage.Decide(&dropped, r)
	require.Equal(t, 1, s.task.Stage.(*Stage).places.full)
	dropped.Stage.Reset()
	require.Equal(t, []record.WarehouseID{"HCM-1"}, s.buy(3, line("1", "A", 1)))
	require.Equal(t, []record.WarehouseID{"HN-1"}, s.buy(4, line("1", "A", 1)))
}

func TestShareOfACapacity(t *testing.T) {
	share := func(capacity int64, partitions int) int64 { return shareOf(&capacity, partitions) }
	require.Equal(t, int64(-1), shareOf(nil, 8))
	require.Equal(t, int64(0), share(0, 8))
	require.Equal(t, int64(1), share(1, 8))
	require.Equal(t, int64(1), share(15, 8))
	require.Equal(t, int64(250), share(2000, 8))
}

// Full warehouses keep their order among themselves, behind all others.
func TestFullWarehousesAreRankedLast(t *testing.T) {
	p := &places{byID: map[record.WarehouseID]*place{}}
	for i := range 6 {
		id := record.WarehouseID(rune('a' + i))
		p.byID[id] = &place{id: id, full: i == 1 || i == 2 || i == 4}
	}
	list := []record.Ranked{{Warehouse: "a", Rank: 0}, {Warehouse: "b", Rank: 0}, {Warehouse: "c", Rank: 1}, {Warehouse: "d", Rank: 1},
		{Warehouse: "e", Rank: 1}, {Warehouse: "f", Rank: 2}}
	require.Equal(t, list, p.fullLast(list), "none is known to be full")
	p.full = 3
	require.Equal(t, []record.Ranked{{Warehouse: "a", Rank: 0}, {Warehouse: "d", Rank: 1}, {Warehouse: "f", Rank: 2},
		{Warehouse: "b", Rank: 3}, {Warehouse: "c", Rank: 4}, {Warehouse: "e", Rank: 4}}, p.fullLast(list))
}

func TestParcelsAreWrittenAsEver(t *testing.T) {
	c := parcels{hour: 498432, counts: []parcelCount{{"HN-1", 300}, {"HCM-1", 7}}}
	value := c.append(nil)
	require.Equal(t, "93"+"01"+"ce00079b00"+"94a548434d2d3107a4484e2d31cd012c", hex.EncodeToString(value))
	again := parcels{}
	require.NoError(t, again.decode(value))
	require.Equal(t, c.counts, again.counts)
	for n := range value {
		require.Error(t, (&parcels{}).decode(value[:n]))
	}
}
