package order

import (
	"cmp"
	"fmt"
	"math"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// Each rule of who may serve, alone.
func TestEligibleWarehouses(t *testing.T) {
	for _, c := range []struct {
		name  string
		row   string // of W; V takes everything
		order func(*record.OrderBody)
		web   string // ranked for an order of the web
		pos   string // and of a till
	}{
		{"a row with an id alone", `{"id":"W"}`, nil, "V:0 W:0", "V:0 W:0"},
		{"serves one channel", `{"id":"W","serves":["pos"]}`, nil, "V:0", "V:0 W:0"},
		{"serves none", `{"id":"W","serves":[]}`, nil, "V:0", "V:0"},
		{"inactive", `{"id":"W","active":false}`, nil, "V:0", "V:0"},
		{"no cash on delivery, paid", `{"id":"W","cod":false}`, nil, "V:0 W:0", "V:0 W:0"},
		{"no cash on delivery", `{"id":"W","cod":false}`, func(o *record.OrderBody) { o.Payment = record.PaymentCOD }, "V:0", "V:0"},
		{"cash on delivery", `{"id":"W"}`, func(o *record.OrderBody) { o.Payment = record.PaymentCOD }, "V:0 W:0", "V:0 W:0"},
		{"collected there", `{"id":"W","pickup":true}`, func(o *record.OrderBody) { o.PickupAt = "W" }, "W:0", "W:0"},
		{"no pick-up", `{"id":"W"}`, func(o *record.OrderBody) { o.PickupAt = "W" }, "", ""},
		{"pick-up for other channels", `{"id":"W","pickup":true,"serves":["pos"]}`, func(o *record.OrderBody) { o.PickupAt = "W" }, "", "W:0"},
		{"pick-up where it is closed", `{"id":"W","pickup":true,"active":false}`, func(o *record.OrderBody) { o.PickupAt = "W" }, "", ""},
		{"pick-up nobody knows of", `{"id":"W","pickup":true}`, func(o *record.OrderBody) { o.PickupAt = "X" }, "", ""},
		{"preferred", `{"id":"W","priority":1}`, nil, "W:0 V:1", "W:0 V:1"},
		{"near", `{"id":"W","lat":10.8,"lng":106.7}`, near, "W:0 V:1", "W:0 V:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.warehouse(`{"id":"V","pickup":true}`)
			b.warehouse(c.row)
			for channel, want := range map[string]string{"web": c.web, "pos": c.pos} {
				require.Equal(t, want, b.rankedFor(channel, c.order))
			}
		})
	}
}

func near(o *record.OrderBody) { o.HasPlace, o.LatE6, o.LngE6 = true, 10_776_000, 106_700_000 }

// rankedFor is the ranked list of the reserve of a new order.
func (b *bench) rankedFor(channel string, change func(*record.OrderBody)) string {
	b.at++
	o := body(record.PaymentPrepaid, record.AllowPartial, line("1", "A", 1))
	if change != nil {
		change(o)
	}
	b.event(created(record.MakeOrderKey(channel, "main", fmt.Sprint(b.at)), o), "")
	var c record.Command
	require.NoError(b.t, c.Decode(b.task.Take()[0].Entry.Body))
	out := ""
	for i, r := range c.Ranked {
		if i > 0 {
			out += " "
		}
		out += fmt.Sprintf("%s:%d", r.Warehouse, r.Rank)
	}
	return out
}

// A warehouse serves from its row on and until it goes inactive, and then
// nothing new; orders that it has stay.
func TestWarehousesComeAndGo(t *testing.T) {
	b := newBench(t)
	require.Equal(t, "", b.rankedFor("web", nil), "nobody is known")
	b.warehouse(`{"id":"V"}`)
	require.Equal(t, "V:0", b.rankedFor("web", nil))
	b.warehouse(`{"id":"W"}`)
	require.Equal(t, "V:0 W:0", b.rankedFor("web", nil))
	b.warehouse(`{"id":"V","active":false}`)
	require.Equal(t, "W:0", b.rankedFor("web", nil))
	row := record.TableRow{Key: "W", Version: 99, Deleted: true}
	b.entry(record.KindWarehouse, "W", "", record.AppendTableRow(nil, &row))
	require.Equal(t, "", b.rankedFor("web", nil))

	s := newShop(t, map[record.SKU]record.Quantity{"A": 5})
	s.warehouse(`{"id":"HCM-1"}`)
	s.take(created(comboKey, body(record.PaymentUnpaid, record.AllowAll, line("1", "A", 2))), "")
	s.warehouse(`{"id":"HCM-1","active":false}`)
	s.take(event("p", record.OrderPaid, comboKey), "")
	s.take(event("f", record.OrderShipped, comboKey), "holdfast.fulfilment.feed")
	require.Equal(t, []string{"1 accepted held", "2 confirmed allocated", "3 shipped shipped"}, s.story(comboKey))
}

// The list is what sorting by distance as the textbook has it, priority and id
// gives, also for warehouses a few metres apart, side by side, and across the
// globe.
func TestRankingIsThatOfThePlainFormula(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = time.Now().UnixNano()
	}
	t.Logf("replay with -run TestRankingIsThat -order.seed=%d", seed)
	rnd := rand.New(rand.NewSource(seed))
	shared := 0
	for range 3000 {
		p := &places{services: map[service]*eligible{}}
		spread := []float64{0.000004, 0.0003, 0.2, 60}[rnd.Intn(4)]
		for i := range 1 + rnd.Intn(20) {
			row := fmt.Sprintf(`{"id":"W%02d","priority":%d,"lat":%.6f,"lng":%.6f}`, i, rnd.Intn(3),
				rnd.Float64()*spread+10, math.Mod(rnd.Float64()*spread*3+179.9999, 360)-180)
			if rnd.Intn(8) == 0 {
				row = fmt.Sprintf(`{"id":"W%02d","priority":%d}`, i, rnd.Intn(3))
			}
			p.all = append(p.all, parsePlace(fmt.Sprintf("W%02d", i), []byte(row)))
		}
		o := &Order{HasPlace: true, LatE6: 10_000_000 + int64(rnd.Float64()*spread*1e6), LngE6: 179_999_900}
		got := slices.Clone(p.rank("web", o))
		want, tight := plainRank(p.all, o)
		if !tight {
			require.Equal(t, want, got)
		}
		for i := 1; i < len(got); i++ {
			if got[i].Rank == got[i-1].Rank {
				shared++
			}
		}
	}
	require.Positive(t, shared)
}

// plainRank tells also whether a distance is so near to half a metre that the
// last bit decides to which number it is rounded.
func plainRank(all []*place, o *Order) (out []record.Ranked, tight bool) {
	metres := func(w *place) int64 {
		if !w.located {
			return farAway
		}
		rad := math.Pi / 180
		lat1, lng1, lat2, lng2 := float64(o.LatE6)/1e6*rad, float64(o.LngE6)/1e6*rad, *w.row.Lat*rad, *w.row.Lng*rad
		h := math.Pow(math.Sin((lat2-lat1)/2), 2) + math.Cos(lat1)*math.Cos(lat2)*math.Pow(math.Sin((lng2-lng1)/2), 2)
		d := 2 * earthRadiusMetres * math.Asin(math.Sqrt(min(1, h)))
		tight = tight || math.Abs(d-math.Floor(d)-0.5) < 1e-3 // the textbook is that bad at the other side of the globe
		return int64(math.Round(d))
	}
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b *place) int {
		return cmp.Or(cmp.Compare(metres(a), metres(b)), cmp.Compare(a.priority, b.priority), cmp.Compare(a.id, b.id))
	})
	rank := uint16(0)
	for i, w := range sorted {
		if i > 0 && (metres(sorted[i-1]) != metres(w) || sorted[i-1].priority != w.priority) {
			rank++
		}
		out = append(out, record.Ranked{Warehouse: w.id, Rank: rank})
	}
	return out, tight
}
