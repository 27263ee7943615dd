package inventory

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// TestT1_LastUnitGoesToOneOrder: N orders at once for one unit, over six
// channels: exactly one gets it, however they are cut into transactions, and
// the next one only when it is given back.
func TestT1_LastUnitGoesToOneOrder(t *testing.T) {
	const orders = 600
	r := rand.New(rand.NewSource(seed(t)))
	for name, each := range map[string]int{"one transaction each": 1, "one transaction for all": orders, "some": 7} {
		t.Run(name, func(t *testing.T) {
			tk := newTask(Config{})
			tk.run(stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: "s-1", Qty: 1}))
			var es []record.Entry
			for n := range orders {
				es = append(es, command(record.Command{
					Verb: record.VerbReserve, SKU: "TEE", OrderKey: record.OrderKey(fmt.Sprintf("%s/main/%d", randomChannels[n%6], n)), Attempt: 1,
					Qty: 1, Whole: r.Intn(2) == 0, Allocate: r.Intn(2) == 0,
					Ranked: []record.Ranked{{Warehouse: "HN"}, {Warehouse: "HCM", Rank: 1}},
				}))
			}
			r.Shuffle(orders, func(i, j int) { es[i], es[j] = es[j], es[i] })
			for at := 0; at < orders; at += each {
				tk.run(es[at:min(at+each, orders)]...)
			}
			var winner record.Decision
			for _, d := range decisions(tk.Take()) {
				if d.Outcome == record.OutcomeGranted {
					require.Empty(t, winner.OrderKey, "a second one got it")
					winner = d
				} else if d.Verb == record.VerbReserve {
					require.Equal(t, record.OutcomeRefused, d.Outcome)
				}
			}
			require.NotEmpty(t, winner.OrderKey)
			require.Len(t, tk.holds(), 1)
			require.Zero(t, tk.counters("TEE", "HCM").Available())

			tk.run(command(record.Command{Verb: record.VerbRelease, SKU: "TEE", OrderKey: winner.OrderKey, Attempt: 1}))
			again := es[0]
			tk.run(again)
			ds := decisions(tk.Take())
			require.Equal(t, record.OutcomeGranted, ds[1].Outcome)
		})
	}
}

// TestT3_CountersAreTheSumOfTheirEntries: after any mix, in any cut, held and
// allocated are the sums of the holds, and who waits is who has a hold that
// waits.
func TestT3_CountersAreTheSumOfTheirEntries(t *testing.T) {
	s := seed(t)
	for run := range int64(8) {
		g, tk := newGenerator(s+run, Config{}, 1000), newTask(Config{})
		for n := 0; n < 2000; {
			var es []envelope
			for range 1 + g.Intn(6) {
				step := g.next()
				es = append(es, envelope{step.at, []record.Entry{step.entry()}})
				n++
			}
			tk.transaction(es...)
			require.NoError(t, tk.soundness(), "run %d, step %d", run, n)
		}
	}
}

// TestT4_OneWarehouseFeedsSixChannels: what six channels sell from one
// warehouse is never more than came in.
func TestT4_OneWarehouseFeedsSixChannels(t *testing.T) {
	r := rand.New(rand.NewSource(seed(t)))
	tk := newTask(Config{})
	var in, shipped, granted record.Quantity
	var live []record.Command
	for n := range 6000 {
		c := record.Command{
			Verb: record.VerbReserve, SKU: "TEE", OrderKey: record.OrderKey(fmt.Sprintf("%s/main/%d", randomChannels[n%6], n)), Attempt: 1,
			Cause: fmt.Sprintf("e-%d", n), Qty: record.Quantity(1 + r.Intn(4)), Allocate: true, Wait: r.Intn(2) == 0, Ranked: []record.Ranked{{Warehouse: "HCM"}},
		}
		switch p := r.Intn(10); {
		case p == 0:
			qty := record.Quantity(1 + r.Intn(20))
			in += qty
			tk.run(stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: c.Cause, Qty: qty}))
		case p < 4 && len(live) > 0:
			at := r.Intn(len(live))
			c := live[at]
			live = append(live[:at], live[at+1:]...)
			c.Verb, c.Cause = record.VerbRelease, fmt.Sprintf("e-%d", n)
			if p < 3 {
				c.Verb, c.Parts = record.VerbShip, []record.WarehouseQty{{Warehouse: "HCM", Qty: c.Qty}}
			}
			tk.run(command(c))
		default:
			tk.run(command(c))
			live = append(live, c)
		}
		for _, d := range decisions(tk.Take()) {
			for _, m := range d.Moves {
				switch d.Verb {
				case record.VerbReserve, record.VerbFill:
					granted += m.Qty
				case record.VerbRelease:
					granted -= m.Qty
				case record.VerbShip:
					shipped += m.Qty
				}
			}
		}
		c1 := tk.counters("TEE", "HCM")
		require.LessOrEqual(t, granted, in)
		require.Equal(t, in-shipped, c1.OnHand)
		require.Equal(t, granted-shipped, c1.Allocated)
		require.GreaterOrEqual(t, c1.Available(), record.Quantity(0))
	}
	require.Positive(t, shipped)
}

// TestT10_EverythingDoubled: commands that come twice and stock events that
// come twice, at once or later, leave the same state and move nothing a second
// time.
func TestT10_EverythingDoubled(t *testing.T) {
	s := seed(t)
	for run := range int64(8) {
		// Nothing is forgotten in between, and time moves with both runs alike.
		g, once, twice := newGenerator(s+run, Config{}, 1000), newTask(Config{}), newTask(Config{})
		var stock []record.Entry
		for range 1500 {
			step := g.next()
			if step.stock != nil && step.stock.EventID != fmt.Sprintf("s-%d", g.n) {
				continue // the generator's own repetitions
			}
			e := step.entry()
			once.transaction(envelope{step.at, []record.Entry{e}})
			entries := []record.Entry{e, e}
			if step.stock != nil {
				stock = append(stock, e)
			} else if c := step.command; c != nil && (c.Verb == record.VerbReduce || c.Verb == record.VerbReturn || c.Verb == record.VerbShipUnclaimed) {
				entries = entries[:1] // the orders stage doubles none, and the log carries each once
			}
			if len(stock) > 0 {
				entries = append(entries, stock[g.Intn(len(stock))])
			}
			if g.Intn(2) == 0 {
				twice.transaction(envelope{step.at, entries})
			} else {
				for _, e := range entries {
					twice.transaction(envelope{step.at, []record.Entry{e}})
				}
			}
		}
		require.Equal(t, once.tellState(), twice.tellState())
		require.Equal(t, once.State, twice.State)
		require.Equal(t, moves(decisions(once.Take())), moves(decisions(twice.Take())))
		require.Len(t, twice.Dead, len(once.Dead))
	}
}

// moves writes the movements SKU by SKU: a quota's end may come between other
// SKUs' entries here or there.
func moves(ds []record.Decision) (out []string) {
	slices.SortStableFunc(ds, func(a, b record.Decision) int { return strings.Compare(string(a.SKU), string(b.SKU)) })
	for i := range ds {
		for _, m := range ds[i].Moves {
			out = append(out, fmt.Sprintf("%s %s %s %+v", ds[i].Verb, ds[i].OrderKey, ds[i].SKU, m))
		}
	}
	return out
}

// TestRule15_FactsThenBackordersEachInLogOrder: whoever came first, facts are
// served before backorders, in each class the log's order holds, and nobody is
// sold a unit while anybody in line could have it. A fact that comes while
// backorders wait goes before them.
func TestRule15_FactsThenBackordersEachInLogOrder(t *testing.T) {
	const orders = 300
	r := rand.New(rand.NewSource(seed(t)))
	tk := newTask(Config{})
	var facts, backorders, want, got []record.OrderKey
	reserve := func(n int, wait, fact bool) {
		tk.run(command(record.Command{
			Verb: record.VerbReserve, SKU: "TEE", OrderKey: record.OrderKey(fmt.Sprintf("%s/main/%d", randomChannels[n%6], n)), Attempt: 1,
			Qty: record.Quantity(1 + r.Intn(3)), Wait: wait, Fact: fact, Ranked: []record.Ranked{{Warehouse: "HCM"}},
		}))
	}
	note := func() {
		for _, d := range decisions(tk.Take()) {
			switch {
			case d.Verb == record.VerbFill && d.Waiting == 0:
				got = append(got, d.OrderKey)
			case d.Verb == record.VerbReserve:
				require.Zero(t, len(d.Moves), "%s jumped the line", d.OrderKey)
			}
		}
	}
	for n := range orders {
		reserve(n, true, r.Intn(2) == 0)
		ds := decisions(tk.Take())
		require.Equal(t, record.OutcomeRefused, ds[0].Outcome)
		h, _ := tk.hold("TEE", ds[0].OrderKey)
		if h.Place.class == classFact {
			facts = append(facts, ds[0].OrderKey)
		} else {
			backorders = append(backorders, ds[0].OrderKey)
		}
	}
	want = append(append(want, facts...), backorders...)
	require.Equal(t, want, tk.line("TEE"))
	late := 0
	for n := orders; tk.item("TEE").Waiting > 0; n++ {
		if late == 0 && len(got) > len(facts) { // backorders are being served: a fact comes late
			reserve(n, true, true)
			ds := decisions(tk.Take())
			require.Empty(t, ds[0].Moves)
			late = len(got)
			want = slices.Insert(want, late, ds[0].OrderKey)
			require.Equal(t, ds[0].OrderKey, tk.line("TEE")[0])
		}
		reserve(n+orders, false, r.Intn(2) == 0)
		tk.run(stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: fmt.Sprint("s-", n), Qty: record.Quantity(1 + r.Intn(7))}))
		if tk.item("TEE").Waiting > 0 {
			reserve(n+2*orders, false, true)
		}
		note()
		require.NoError(t, tk.soundness())
	}
	require.NotZero(t, late)
	require.Equal(t, want, got)
}
