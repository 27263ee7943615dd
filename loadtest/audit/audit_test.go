package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// story is a small sale in which everything happens once.
func story() *toy { return newToy().story() }

func (t *toy) story() *toy {
	t.config.Settled = true
	t.stock(record.VerbReceive, "TEE", "HCM-1", 10)
	t.stock(record.VerbReceive, "TEE", "HN-1", 5)
	t.stock(record.VerbReceive, "CAP", "HCM-1", 4)
	t.publish()
	paid := t.create("web/main/W-1", true, map[string]record.Quantity{"TEE": 2, "CAP": 1})
	held := t.create("web/main/W-2", false, map[string]record.Quantity{"TEE": 3})
	t.pay(held)
	expires := t.create("web/main/W-3", false, map[string]record.Quantity{"TEE": 9, "CAP": 3})
	short := t.create("shopee/main/S-4", true, map[string]record.Quantity{"TEE": 4})
	t.publish()
	t.cancel(expires, record.LineReleased)
	t.ship(paid)
	t.stock(record.VerbAdjust, "CAP", "HCM-1", -1)
	t.stock(record.VerbCount, "TEE", "HN-1", 4)
	t.create("web/main/W-5", false, map[string]record.Quantity{"CAP": 2})
	t.ship(short)
	t.create("shopee/main/S-6", true, map[string]record.Quantity{"CAP": 3})
	t.after()
	t.publish()
	dead := t.write("channel.web.orders", 0, "", map[string]any{"broken": true})
	t.write("dlq", 0, "", nil).headers = []Header{
		{record.HeaderErrorTopic, []byte("holdfast.channel.web.orders")}, {record.HeaderErrorPartition, []byte("0")},
		{record.HeaderErrorOffset, fmt.Append(nil, dead.offset)},
	}
	return t
}

// after is what a sale knows beside orders that are paid and shipped.
func (t *toy) after() {
	t.combo("BOX", 1, record.Component{SKU: "MUG", Qty: 1}, record.Component{SKU: "TEA", Qty: 2})
	t.stock(record.VerbReceive, "MUG", "HCM-1", 10)
	t.stock(record.VerbReceive, "TEA", "HN-1", 9)
	t.stock(record.VerbReceive, "PEN", "HCM-1", 30)
	t.stock(record.VerbReceive, "PEN", "HN-1", 5)
	t.stock(record.VerbDamage, "PEN", "HN-1", 3)
	t.stock(record.VerbReceive, "HAT", "HCM-1", 20)
	t.policy("HAT", func(r *toyRules) {
		r.buffer, r.safety["HCM-1"], r.buffers["shopee/main"], r.quotas["shopee"] = 1, 4, 5, 6
	})
	t.policy("INK", func(r *toyRules) { r.buffer = 1 })
	sets := t.create("web/main/W-7", true, map[string]record.Quantity{"BOX": 5, "PEN": 2})
	t.reduce(sets, 2, 1)
	t.ship(sets)
	t.deliver(sets)
	t.giveBack(sets, record.RestockUnavailable)
	back := t.create("shopee/main/S-8", true, map[string]record.Quantity{"TEA": 4, "PEN": 1})
	t.reduce(back, 1, 2)
	t.ship(back)
	t.shipUnclaimed(back, "HN-1")
	t.giveBack(back, record.RestockSellable)
	gone := t.create("web/main/W-9", false, map[string]record.Quantity{"PEN": 2})
	t.ship(gone)
	t.giveBack(gone, record.RestockNone)
	t.hold = 5
	late := t.create("web/main/W-11", false, map[string]record.Quantity{"HAT": 2})
	t.expire(late)
	t.payLate(late)
	t.hold = 3600
	none := t.create("web/main/W-12", false, map[string]record.Quantity{"HAT": 1})
	t.pay(none)
	late = t.create("web/main/W-10", false, map[string]record.Quantity{"PEN": 31})
	t.cancel(late, record.LineReleased)
	t.shipUnclaimed(late, "HCM-1")
	t.stock(record.VerbReceive, "TEA", "HN-1", 20)
	t.policy("MUG", func(r *toyRules) { r.quotas["shopee"] = 2 })
	t.policy("BOX", func(r *toyRules) { r.buffer = 1 })
}

func requirePass(t *testing.T, r Report, err error) {
	t.Helper()
	require.NoError(t, err)
	require.Equal(t, Pass, r.Verdict, "%+v", r.Violations)
	require.Empty(t, r.Violations)
	require.Zero(t, r.OversoldUnits)
	require.Zero(t, r.LeakedUnits)
	require.Equal(t, r.UnitsIn, r.UnitsOnHand+r.UnitsShipped-r.UnitsReturned)
}

func TestCleanLogPasses(t *testing.T) {
	b := story()
	r, err := b.audit(nil)
	requirePass(t, r, err)
	require.Equal(t, 6, r.SKUs)
	require.Equal(t, 12, r.Orders)
	require.EqualValues(t, 10+5+4-1-1+10+9+30+5+3+20+20, r.UnitsIn, "3 pens were found by a shipment")
	require.EqualValues(t, 3+4+13+3+2+31, r.UnitsShipped)
	require.EqualValues(t, 13+3, r.UnitsReturned)
	require.EqualValues(t, 3+2+1, r.UnitsAllocated)
	require.EqualValues(t, 2, r.UnitsHeld)
	require.Equal(t, 1, r.OpenHolds)
	require.EqualValues(t, 3, r.UnitsWaiting)
	require.EqualValues(t, 1, r.ShortageUnits)
	require.Zero(t, r.InFlight)
}

func TestAnyOrderOfPartitions(t *testing.T) {
	want, err := story().audit(nil)
	require.NoError(t, err)
	for seed := range uint64(20) {
		r, err := story().audit(byTopic(rand.New(rand.NewPCG(seed, 0))))
		require.NoError(t, err)
		require.Equal(t, want, r, "seed %d", seed)
	}
}

// An order that is short may be read whole before the decision that says so.
func TestShortOrderIsReadBeforeItsDecision(t *testing.T) {
	b := newToy()
	b.create("shopee/main/S-1", true, map[string]record.Quantity{"TEE": 4})
	r, err := b.audit(func(facts []*fact) {
		slices.SortStableFunc(facts, func(x, y *fact) int {
			late := func(f *fact) int {
				if f.decision() != nil || f.command() != nil {
					return 1
				}
				return 0
			}
			return late(x) - late(y)
		})
	})
	requirePass(t, r, err)
	require.EqualValues(t, 4, r.UnitsWaiting)
}

// randomSale lets a seed do n things.
func randomSale(seed uint64, n, skus int) *toy {
	rnd := rand.New(rand.NewPCG(seed, 1))
	t := newToy()
	sku := func() string { return fmt.Sprintf("SKU-%d", rnd.IntN(skus)) }
	t.combo("BOX", 1, record.Component{SKU: "SKU-0", Qty: 1}, record.Component{SKU: "SKU-1", Qty: 2})
	for i := range skus {
		t.stock(record.VerbReceive, fmt.Sprintf("SKU-%d", i), toyWarehouses[rnd.IntN(2)], 1+record.Quantity(rnd.IntN(20)))
	}
	var open []*toyOrder
	for i := range n {
		t.workOff()
		open = slices.DeleteFunc(open, func(o *toyOrder) bool { return o.closed })
		pick := func() *toyOrder { return open[rnd.IntN(len(open))] }
		switch what := rnd.IntN(20); {
		case what < 9 || len(open) == 0:
			want := map[string]record.Quantity{sku(): 1 + record.Quantity(rnd.IntN(4))}
			want[sku()] = 1 + record.Quantity(rnd.IntN(4))
			if rnd.IntN(10) == 0 {
				want = map[string]record.Quantity{"BOX": 1 + record.Quantity(rnd.IntN(3))}
			}
			key := fmt.Sprintf("%s/main/%d", []string{"web", "shopee"}[rnd.IntN(2)], i)
			open = append(open, t.create(key, rnd.IntN(2) == 0, want))
		case what < 14:
			o := pick()
			if !o.paid {
				t.pay(o)
			} else {
				t.ship(o)
				if rnd.IntN(4) == 0 {
					t.giveBack(o, record.Restock(rnd.IntN(3)))
				}
			}
		case what < 16:
			o := pick()
			switch {
			case rnd.IntN(2) == 0:
				t.reduce(o, 0, 1)
			case !o.paid && rnd.IntN(2) == 0:
				t.expire(o)
				if rnd.IntN(2) == 0 {
					t.payLate(o)
				}
			case !o.paid:
				t.cancel(o, record.LineReleased)
				if rnd.IntN(3) == 0 {
					t.shipUnclaimed(o, "HCM-1")
					t.giveBack(o, record.Restock(rnd.IntN(3)))
				}
			}
		case what < 18:
			t.stock([]record.Verb{record.VerbReceive, record.VerbReceive, record.VerbDamage}[rnd.IntN(3)], sku(), toyWarehouses[rnd.IntN(2)], 1+record.Quantity(rnd.IntN(9)))
		case what < 19:
			t.stock(record.VerbCount, sku(), toyWarehouses[rnd.IntN(2)], record.Quantity(rnd.IntN(9)))
		default:
			t.publish()
		}
	}
	t.publish()
	return t
}

func TestRandomSalesPass(t *testing.T) {
	for seed := range uint64(30) {
		b := randomSale(seed, 400, 12)
		b.config.Settled = true
		r, err := b.audit(byTopic(rand.New(rand.NewPCG(seed, 2))))
		requirePass(t, r, err)
	}
}

func TestRecordsOutOfOrder(t *testing.T) {
	a := New(Config{}, Cut{})
	require.NoError(t, a.Add(Record{Topic: "log.orders", Offset: 7, Value: record.Tick()}))
	require.EqualError(t, a.Add(Record{Topic: "log.orders", Offset: 7, Value: record.Tick()}), "reading log.orders/0: offset 7 after 7")
	require.NoError(t, a.Add(Record{Topic: "log.orders", Partition: 1, Offset: 7, Value: record.Tick()}))
}

func TestUnreadableRecord(t *testing.T) {
	a := New(Config{}, Cut{})
	require.ErrorContains(t, a.Add(Record{Topic: "log.orders", Offset: 7, Value: []byte("x")}), "reading log.orders/0@7: envelope")
	require.ErrorContains(t, a.Add(Record{Topic: "order.events", Offset: 7, Value: []byte("x")}), "reading order.events/0@7: ")
	require.NoError(t, a.Add(Record{Topic: "changelog.orders", Offset: 7, Value: []byte("x")}))
}

func TestEmptyPasses(t *testing.T) {
	r := New(Config{Settled: true, Channels: []string{"web"}}, Cut{}).Report()
	require.Equal(t, Pass, r.Verdict)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(text), `"violations":[]`)
}

func TestReportText(t *testing.T) {
	b := story()
	b.find(0, func(f *fact) bool { return f.update() != nil && f.update().Seq == 2 }).update().Seq = 3
	r, err := b.audit(nil)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, r.WriteText(&out))
	require.Contains(t, out.String(), "Audit: FAIL")
	require.Contains(t, out.String(), "  seq_gap: 1\n    web/main/W-2: ")
}

func TestListIsCapped(t *testing.T) {
	b := randomSale(1, 400, 12)
	for _, f := range b.facts {
		if u := f.update(); u != nil {
			u.Seq += 5
		}
	}
	r, err := b.audit(nil)
	require.NoError(t, err)
	require.Greater(t, r.ViolationsByRule[RuleSeqGap], 10)
	require.Len(t, r.Violations, 10)
}
