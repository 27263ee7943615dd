package inventory

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// TestT2_SlowPaymentStallsNobody: N orders at once for one unit, and the one
// that holds it takes its time to pay. All others have their answer in the same
// transaction; orders for other units of the SKU go through meanwhile; and when
// the hold expires the unit is to be had again, by one.
func TestT2_SlowPaymentStallsNobody(t *testing.T) {
	const orders = 300
	tk := newTask(Config{})
	feed := func(w record.WarehouseID, qty record.Quantity) record.Entry {
		return stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: w, EventID: "s-1", Qty: qty})
	}
	reserve := func(order string, w record.WarehouseID) record.Entry {
		return command(record.Command{Verb: record.VerbReserve, SKU: "TEE", OrderKey: record.OrderKey(order), Attempt: 1, Qty: 1, Whole: true, Ranked: []record.Ranked{{Warehouse: w}}})
	}
	tk.run(feed("HCM", 1), feed("HN", orders))
	slow := record.OrderKey("web/main/slow")
	tk.run(reserve(string(slow), "HCM"))
	tk.Take()
	try := func(round string) (granted []record.OrderKey) {
		var es []record.Entry
		for n := range orders {
			es = append(es, reserve(fmt.Sprintf("%s/%s/%d", randomChannels[n%6], round, n), "HCM"))
		}
		es = append(es, reserve("web/other/"+round, "HN"))
		tk.run(es...)
		ds := decisions(tk.Take())
		require.Len(t, ds, len(es), "everybody has an answer")
		for i := range ds {
			require.Equal(t, record.VerbReserve, ds[i].Verb)
			if ds[i].Outcome == record.OutcomeGranted && i < orders {
				granted = append(granted, ds[i].OrderKey)
			}
		}
		require.Equal(t, record.OutcomeGranted, ds[orders].Outcome, "others don't stall")
		return granted
	}
	require.Empty(t, try("held"))
	tk.Clock += 15 * minuteMillis
	require.Empty(t, try("later"), "time alone frees nothing: the orders stage decides expiry")

	tk.run(command(record.Command{Verb: record.VerbRelease, SKU: "TEE", OrderKey: slow, Attempt: 1, Cause: "expiry"}))
	tk.Take()
	winners := try("expired")
	require.Len(t, winners, 1)
	// The one that was late to pay finds nothing, and the new one pays.
	tk.run(command(record.Command{Verb: record.VerbConfirm, SKU: "TEE", OrderKey: slow, Attempt: 1}), command(record.Command{Verb: record.VerbConfirm, SKU: "TEE", OrderKey: winners[0], Attempt: 1}))
	ds := decisions(tk.Take())
	require.Equal(t, []record.Outcome{record.OutcomeNoClaim, record.OutcomeDone}, []record.Outcome{ds[0].Outcome, ds[1].Outcome})
	require.Empty(t, try("paid"))
	require.Equal(t, record.Counters{OnHand: 1, Allocated: 1}, tk.counters("TEE", "HCM"))
	require.NoError(t, tk.soundness())
}

// TestT7_CancelAfterShipMovesNothing: what has left the building isn't given
// back by a cancel that comes late, whole or in part, whatever was shipped; a
// return is what brings it back.
func TestT7_CancelAfterShipMovesNothing(t *testing.T) {
	for _, allocate := range []bool{true, false} {
		t.Run(fmt.Sprintf("allocated %t", allocate), func(t *testing.T) {
			tk := newTask(Config{})
			c := func(verb record.Verb, cause string, qty record.Quantity) record.Entry {
				c := record.Command{Verb: verb, SKU: "TEE", OrderKey: "shopee/main/1", Attempt: 1, Cause: cause, Allocate: allocate}
				switch verb {
				case record.VerbReserve:
					c.Qty, c.Ranked = qty, []record.Ranked{{Warehouse: "HCM"}}
				case record.VerbRelease:
				default:
					c.Parts = []record.WarehouseQty{{Warehouse: "HCM", Qty: qty}}
				}
				return command(c)
			}
			outcome := func(e record.Entry) record.Decision {
				tk.run(e)
				ds := decisions(tk.Take())
				return ds[len(ds)-1]
			}
			tk.run(stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: "s-1", Qty: 10}))
			outcome(c(record.VerbReserve, "e-1", 5))
			require.Equal(t, record.OutcomeDone, outcome(c(record.VerbShip, "f-1", 3)).Outcome)
			// A cancel gives back what is still there, and only that.
			d := outcome(c(record.VerbRelease, "e-2", 0))
			require.Equal(t, record.Quantity(2), d.Moves[0].Qty)
			require.Equal(t, record.Counters{OnHand: 7}, tk.counters("TEE", "HCM"))

			outcome(c(record.VerbReserve, "e-3", 4))
			outcome(c(record.VerbShip, "f-2", 4))
			want := tk.item("TEE").Rows
			for _, e := range []record.Entry{c(record.VerbRelease, "e-4", 0), c(record.VerbReduce, "e-5", 2), c(record.VerbShip, "f-2", 4)} {
				d := outcome(e)
				require.Equal(t, record.OutcomeNoClaim, d.Outcome, d.Verb)
				require.Empty(t, d.Moves, d.Verb)
			}
			require.Equal(t, want, tk.item("TEE").Rows)
			require.Empty(t, tk.holds())

			outcome(c(record.VerbReturn, "e-6", 1))
			require.Equal(t, record.Counters{OnHand: 4}, tk.counters("TEE", "HCM"))
		})
	}
}

// TestT8_MovementsOfAClosedOrderAreWhatLeft: for any mix of cancels in part,
// shipments, of held units and of units without a claim, and returns, of orders
// that get in each other's way: when an order is closed, the sum of all its
// movements is what left the building and didn't come back. Nothing of it stays
// claimed.
func TestT8_MovementsOfAClosedOrderAreWhatLeft(t *testing.T) {
	s := seed(t)
	units := 0 // that a shipment found, in all runs: one in some thousand runs has none
	for run := range int64(40) {
		m := &mix{Rand: rand.New(rand.NewSource(s + run)), t: t, tk: newTask(Config{}), left: map[record.OrderKey]record.Quantity{}, broken: map[record.OrderKey]record.Quantity{}}
		for range 400 {
			m.step()
		}
		// Every order closes: what it still claims or waits for is given back.
		for k := range m.left {
			m.command(record.Command{Verb: record.VerbRelease, OrderKey: k})
		}
		require.Empty(t, m.tk.holds(), "run %d", run)
		sums, found := map[record.OrderKey]record.Counters{}, map[record.OrderKey]record.Quantity{}
		var fed, left record.Quantity
		for i := range m.ledger {
			d := &m.ledger[i]
			for _, v := range d.Moves {
				delta := record.Counters{
					OnHand: v.After.OnHand - v.Before.OnHand, Unavailable: v.After.Unavailable - v.Before.Unavailable,
					Held: v.After.Held - v.Before.Held, Allocated: v.After.Allocated - v.Before.Allocated,
				}
				switch {
				case d.OrderKey == "":
					fed += delta.OnHand
				case delta.OnHand > 0 && d.Verb != record.VerbReturn:
					found[d.OrderKey] += delta.OnHand
					fed += delta.OnHand
				default:
					sums[d.OrderKey] = plus(sums[d.OrderKey], delta)
				}
			}
		}
		for k, n := range m.left {
			require.Equal(t, record.Counters{OnHand: -n, Unavailable: m.broken[k]}, sums[k], "run %d, %s", run, k)
			left += n
		}
		var there record.Quantity
		for _, r := range m.tk.item("TEE").Rows {
			require.Zero(t, r.Held+r.Allocated)
			there += r.OnHand
		}
		require.Equal(t, fed-left, there)
		units += len(found)
	}
	require.Positive(t, units, "no run found units that weren't known of: the mix is no good")
}

// mix is orders of one SKU, and what of each has left the building.
type mix struct {
	*rand.Rand
	t            *testing.T
	tk           *task
	n            int
	left, broken map[record.OrderKey]record.Quantity
	ledger       []record.Decision
}

func (m *mix) step() {
	m.n++
	w := randomWarehouses[m.Intn(2)]
	order := record.OrderKey(fmt.Sprint("web/main/", m.Intn(6)))
	h, live := m.tk.hold("TEE", order)
	part := []record.WarehouseQty{{Warehouse: w, Qty: record.Quantity(1 + m.Intn(3))}}
	if live && len(h.Parts) > 0 {
		p := h.Parts[m.Intn(len(h.Parts))]
		part = []record.WarehouseQty{{Warehouse: p.Warehouse, Qty: 1 + record.Quantity(m.Int63n(int64(p.Qty)))}}
	}
	switch p := m.Intn(12); {
	case p == 0:
		m.run(stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: w, EventID: fmt.Sprint(m.n), Qty: record.Quantity(1 + m.Intn(12))}))
	case p == 1:
		m.run(stockEvent(record.StockCommand{Verb: record.VerbCount, SKU: "TEE", Warehouse: w, EventID: fmt.Sprint(m.n), Qty: record.Quantity(m.Intn(6))}))
	case !live:
		m.command(record.Command{
			Verb: record.VerbReserve, OrderKey: order, Qty: record.Quantity(1 + m.Intn(6)), Allocate: m.Intn(2) == 0, Wait: m.Intn(2) == 0,
			Ranked: []record.Ranked{{Warehouse: randomWarehouses[0]}, {Warehouse: randomWarehouses[1], Rank: 1}},
		})
	case p == 2:
		m.command(record.Command{Verb: record.VerbConfirm, OrderKey: order})
	case p <= 5:
		c := record.Command{Verb: record.VerbReduce, OrderKey: order, Qty: record.Quantity(m.Intn(3))}
		if len(h.Parts) > 0 {
			c.Parts = part
		}
		if len(c.Parts)+int(c.Qty) > 0 {
			m.command(c)
		}
	case p <= 8:
		d := m.command(record.Command{Verb: record.VerbShip, OrderKey: order, Parts: part})
		m.left[order] += d.Requested - d.Missing
	case p == 9:
		m.command(record.Command{Verb: record.VerbShipUnclaimed, OrderKey: order, Parts: part})
		m.left[order] += part[0].Qty
	case p == 10:
		m.command(record.Command{Verb: record.VerbRelease, OrderKey: order})
	default:
		back := min(m.left[order], part[0].Qty) // the orders stage takes back only what left
		if back == 0 {
			return
		}
		unavailable := m.Intn(2) == 0
		m.command(record.Command{Verb: record.VerbReturn, OrderKey: order, Unavailable: unavailable, Parts: []record.WarehouseQty{{Warehouse: w, Qty: back}}})
		m.left[order] -= back
		if unavailable {
			m.broken[order] += back
		}
	}
}

// command returns the decision on the command itself.
func (m *mix) command(c record.Command) record.Decision {
	m.n++
	c.SKU, c.Attempt, c.Cause = "TEE", 1, fmt.Sprint("e-", m.n)
	m.left[c.OrderKey] += 0
	return m.run(command(c))
}

func (m *mix) run(e record.Entry) record.Decision {
	m.tk.run(e)
	ds := decisions(m.tk.Take())
	m.ledger = append(m.ledger, ds...)
	require.NoError(m.t, m.tk.soundness())
	return ds[0]
}

// TestT11_TakenOffAndPutBack: a SKU that is counted down to nothing while orders
// hold, own and wait for it, and is put back after they have gone one way or the
// other, is as a new one: no claim is left over, and all of it can be sold.
func TestT11_TakenOffAndPutBack(t *testing.T) {
	s := seed(t)
	for run := range int64(40) {
		r := rand.New(rand.NewSource(s + run))
		tk := newTask(Config{})
		feed := func(verb record.Verb, id string, qty record.Quantity) {
			tk.run(stockEvent(record.StockCommand{Verb: verb, SKU: "TEE", Warehouse: "HCM", EventID: id, Qty: qty}))
		}
		key := func(n int) record.OrderKey { return record.OrderKey(fmt.Sprint("web/main/", n)) }
		feed(record.VerbReceive, "s-1", 20)
		const orders = 12
		for n := range orders {
			tk.run(command(record.Command{
				Verb: record.VerbReserve, SKU: "TEE", OrderKey: key(n), Attempt: 1, Qty: record.Quantity(1 + r.Intn(4)), Allocate: r.Intn(2) == 0, Wait: true, Fact: r.Intn(2) == 0,
				Ranked: []record.Ranked{{Warehouse: "HCM"}},
			}))
		}
		feed(record.VerbCount, "s-2", 0)
		require.Negative(t, tk.counters("TEE", "HCM").Available(), "a shortage")
		tk.run(command(record.Command{Verb: record.VerbReserve, SKU: "TEE", OrderKey: "web/main/new", Attempt: 1, Qty: 1, Ranked: []record.Ranked{{Warehouse: "HCM"}}}))
		for _, n := range r.Perm(orders) {
			// A part is given back, some leaves all the same, and the rest is cancelled.
			h, _ := tk.hold("TEE", key(n))
			if len(h.Parts) > 0 && r.Intn(2) == 0 {
				tk.run(command(record.Command{Verb: record.VerbReduce, SKU: "TEE", OrderKey: key(n), Attempt: 1, Cause: "e", Parts: []record.WarehouseQty{{Warehouse: "HCM", Qty: 1}}}))
			}
			if r.Intn(3) == 0 {
				tk.run(command(record.Command{Verb: record.VerbShip, SKU: "TEE", OrderKey: key(n), Attempt: 1, Cause: "f", Parts: []record.WarehouseQty{{Warehouse: "HCM", Qty: 1}}}))
			}
			tk.run(command(record.Command{Verb: record.VerbRelease, SKU: "TEE", OrderKey: key(n), Attempt: 1, Cause: "c"}))
			require.NoError(t, tk.soundness())
		}
		require.Equal(t, record.Counters{}, tk.counters("TEE", "HCM"), "run %d", run)
		require.Empty(t, tk.holds())
		require.Empty(t, tk.line("TEE"))
		it := tk.item("TEE")
		require.Zero(t, it.Holds)
		require.Zero(t, it.Waiting)

		tk.Clock += minuteMillis
		feed(record.VerbCount, "s-3", 7)
		require.Equal(t, record.Counters{OnHand: 7}, tk.counters("TEE", "HCM"))
		tk.Take()
		tk.run(command(record.Command{Verb: record.VerbReserve, SKU: "TEE", OrderKey: "web/main/back", Attempt: 1, Qty: 7, Whole: true, Ranked: []record.Ranked{{Warehouse: "HCM"}}}))
		require.Equal(t, record.OutcomeGranted, decisions(tk.Take())[0].Outcome)
	}
}
