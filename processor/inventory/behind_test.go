package inventory

import (
	"fmt"
	"maps"
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// waiting makes a task in whose line orders stand, one unit each, all for TEE at
// HCM.
func waiting(t *testing.T, cfg Config, orders int) *task {
	tk := newTask(cfg)
	tk.index = []string{}
	const each = 5000
	for at := 0; at < orders; at += each {
		var es []record.Entry
		for n := at; n < min(at+each, orders); n++ {
			es = append(es, command(record.Command{
				Verb: record.VerbReserve, SKU: "TEE", OrderKey: lineOrder(n), Attempt: 1, Qty: 1, Allocate: true, Wait: true, Fact: true,
				Ranked: []record.Ranked{{Warehouse: "HCM"}},
			}))
		}
		tk.run(es...)
	}
	require.Equal(t, record.Quantity(orders), tk.item("TEE").Waiting)
	tk.Take()
	return tk
}

func lineOrder(n int) record.OrderKey { return record.OrderKey(fmt.Sprintf("shopee/main/%07d", n)) }

// served wants the fills of one transaction to be those of the orders from n on,
// and returns how many there were.
func served(t *testing.T, tk *task, n int) (fills int) {
	for _, d := range decisions(tk.Take()) {
		if d.Verb == record.VerbFill {
			if lineOrder(n+fills) != d.OrderKey || d.Outcome != record.OutcomeGranted {
				require.Fail(t, "out of order", "%s, %s; %s is next", d.OrderKey, d.Outcome, lineOrder(n+fills))
			}
			fills++
		}
	}
	return fills
}

// One receipt brings a unit for each of 200,000 orders that wait. They get them
// in order, so many a transaction and no more, and until the last has its own
// nobody else gets one.
func TestOneReceiptFor200000(t *testing.T) {
	const orders, most = 200_000, 4000
	tk := waiting(t, Config{}, orders)
	_, due := tk.stage.Due(tk)
	tk.stage.Reset()
	require.False(t, due)

	tk.run(stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: "s-1", Qty: orders}))
	done, transactions := 0, 0
	for {
		looked := served(t, tk, done)
		require.LessOrEqual(t, looked, 1+most)
		require.LessOrEqual(t, tk.scans, (1+looked)/lineMax+3)
		done += looked
		transactions++
		require.Equal(t, record.Quantity(orders-done), tk.item("TEE").Waiting)
		require.Equal(t, record.Counters{OnHand: orders, Allocated: record.Quantity(done)}, tk.counters("TEE", "HCM"))
		if transactions%20 == 1 {
			require.NoError(t, tk.soundness())
		}
		if done == orders {
			break
		}
		at, ok := tk.stage.Due(tk)
		tk.stage.Reset()
		require.True(t, ok && at <= tk.Clock, "more is due at once")
		// Somebody comes along, and units are there, and they aren't his.
		tk.scans = 0
		tk.run(command(record.Command{
			Verb: record.VerbReserve, SKU: "TEE", OrderKey: record.OrderKey(fmt.Sprint("web/main/", transactions)), Attempt: 1, Qty: 1, Whole: transactions%2 == 0,
			Ranked: []record.Ranked{{Warehouse: "HCM"}},
		}))
		require.Equal(t, record.OutcomeRefused, decisions(tk.Sent)[0].Outcome)
	}
	require.Equal(t, (orders-1+most-1)/most, transactions)
	require.LessOrEqual(t, tk.stepped, transactions*lineMax, "who is gone isn't stepped over again and again")
	tk.run(record.Entry{Kind: record.KindTick})
	require.NotContains(t, tk.State, string(prefixBehind))
	require.NotContains(t, tk.State, string(appendBehindKey(nil, "TEE")))
	at, _ := tk.stage.Due(tk)
	tk.stage.Reset()
	require.Equal(t, 24*hourMillis, at, "only the event id")
	require.NoError(t, tk.soundness())
}

// 200,000 orders give a unit back, and each goes to the next of 200,000 that
// wait, in the transaction of its release: what that costs doesn't depend on how
// many have been served before.
func TestReleasesFor200000(t *testing.T) {
	const orders, each = 200_000, 5000
	tk := newTask(Config{})
	tk.index = []string{}
	tk.run(stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: "s-1", Qty: orders}))
	for _, verb := range []string{"hold", "wait", "release"} {
		for at := 0; at < orders; at += each {
			var es []record.Entry
			for n := at; n < at+each; n++ {
				c := record.Command{Verb: record.VerbReserve, SKU: "TEE", Attempt: 1, OrderKey: lineOrder(n), Qty: 1, Wait: true, Ranked: []record.Ranked{{Warehouse: "HCM"}}}
				switch verb {
				case "hold":
					c.OrderKey, c.Wait = record.OrderKey(fmt.Sprint("web/main/", n)), false
				case "release":
					c = record.Command{Verb: record.VerbRelease, SKU: "TEE", Attempt: 1, OrderKey: record.OrderKey(fmt.Sprint("web/main/", n)), Cause: "expiry"}
				}
				es = append(es, command(c))
			}
			tk.scans = 0
			tk.run(es...)
			if verb == "release" {
				require.Equal(t, each, served(t, tk, at))
				require.LessOrEqual(t, tk.scans, each+1)
			}
			tk.Take()
		}
	}
	require.LessOrEqual(t, tk.stepped, 3*orders)
	require.NotContains(t, tk.State, string(prefixBehind))
	require.Equal(t, record.Counters{OnHand: orders, Held: orders}, tk.counters("TEE", "HCM"))
	require.NoError(t, tk.soundness())
}

// Whatever happens while units are handed out in small chunks, over several
// SKUs and warehouses: nobody gets a unit that somebody in line before could
// have had, no unit is promised twice, and when nothing more is due, nobody waits
// for what is there.
func TestBehindWithEverything(t *testing.T) {
	s := seed(t)
	behind := 0
	for run := range int64(28) {
		cfg := Config{ServeMax: 1 + int(run%7)}
		g, tk := newGenerator(s+run, cfg, 1000), newTask(cfg)
		r := rand.New(rand.NewSource(s + run))
		for range 250 {
			var es []record.Entry
			for range 1 + r.Intn(8) {
				c := g.command(24 + r.Intn(46)) // nothing that names what it thinks it has
				c.OrderKey, c.Attempt = lineOrder(r.Intn(80)), 1
				c.Wait, c.Whole = r.Intn(4) > 0, false
				es = append(es, command(*c))
			}
			if r.Intn(3) == 0 {
				es = append(es, stockEvent(record.StockCommand{
					Verb: record.VerbReceive, SKU: pick(g, randomSKUs), Warehouse: pick(g, randomWarehouses), EventID: fmt.Sprint("s-", g.n), Qty: record.Quantity(1 + r.Intn(40)),
				}))
			}
			g.n++
			r.Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
			before := lineUp(tk)
			tk.run(es...)
			require.NoError(t, tk.soundness(), "run %d", run)
			inOrder(t, tk, before)
			if _, ok := tk.State[string(prefixBehind)]; ok {
				behind++
			}
		}
		for n := 0; ; n++ {
			at, ok := tk.stage.Due(tk)
			tk.stage.Reset()
			if !ok || at > tk.Clock {
				break
			}
			require.Less(t, n, 10_000)
			tk.run(record.Entry{Kind: record.KindTick})
		}
		for k := range tk.State {
			require.NotEqual(t, byte(prefixBehind), k[0])
		}
		require.NoError(t, tk.soundness(), "run %d", run)
	}
	t.Logf("%d transactions left something", behind)
	require.Greater(t, behind, 300)
}

// lineUp returns who waits, by "order sku".
func lineUp(tk *task) map[string]Hold {
	out := tk.holds()
	maps.DeleteFunc(out, func(_ string, h Hold) bool { return h.Waiting == 0 })
	return out
}

// inOrder wants that whoever was granted units of a warehouse in the transaction
// had nobody before him in line who waited before and after it for that
// warehouse.
func inOrder(t *testing.T, tk *task, before map[string]Hold) {
	after, sent := lineUp(tk), decisions(tk.Take())
	dropRejoined(before, sent)
	for _, d := range sent {
		got, stood := before[string(d.OrderKey)+" "+string(d.SKU)]
		if d.Verb != record.VerbFill || !stood {
			continue
		}
		for k, h := range after {
			order, sku, _ := strings.Cut(k, " ")
			was, waited := before[k]
			if sku != string(d.SKU) || order == string(d.OrderKey) || !waited || was.Place != h.Place || !h.Place.before(got.Place) {
				continue
			}
			var w waiter
			require.NoError(t, w.decode(tk.State[string(appendWaiterKey(nil, d.SKU, h.Place))]))
			for _, m := range d.Moves {
				require.False(t, named(w.Ranked, m.Warehouse), "%s got units at %s before %s", d.OrderKey, m.Warehouse, order)
			}
		}
	}
}

// dropRejoined takes those out of the line before the transaction that joined it
// anew in it: their place is another one, also when it has the same number, for an
// empty line is numbered from 0 again.
func dropRejoined(line map[string]Hold, sent []record.Decision) {
	for _, d := range sent {
		if d.Verb == record.VerbReserve && d.Waiting > 0 && d.Outcome != record.OutcomeExists {
			delete(line, string(d.OrderKey)+" "+string(d.SKU))
		}
	}
}

// A fact that joins while backorders are being served goes before the rest of
// them, and so does one in front that could be served by units that come then.
func TestBehindGoesBack(t *testing.T) {
	tk := newTask(Config{ServeMax: 1})
	wait := func(order string, fact bool, at record.WarehouseID) record.Entry {
		return command(record.Command{
			Verb: record.VerbReserve, SKU: "TEE", OrderKey: record.OrderKey(order), Attempt: 1, Qty: 1, Wait: true, Fact: fact, Ranked: []record.Ranked{{Warehouse: at}},
		})
	}
	feed := func(id string, at record.WarehouseID, qty record.Quantity) record.Entry {
		return stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: at, EventID: id, Qty: qty})
	}
	fills := func() (got []record.OrderKey) {
		for _, d := range decisions(tk.Take()) {
			if d.Verb == record.VerbFill {
				got = append(got, d.OrderKey)
			}
		}
		return got
	}
	tick := record.Entry{Kind: record.KindTick}
	tk.run(wait("f/n/1", true, "HN"), wait("b/c/1", false, "HCM"), wait("b/c/2", false, "HCM"), wait("b/c/3", false, "HCM"), wait("b/c/4", false, "HCM"), wait("b/c/5", false, "HCM"), wait("b/n/6", false, "HN"))
	fills()
	tk.run(feed("s-1", "HCM", 5)) // the first is free, one more fits
	require.Equal(t, []record.OrderKey{"b/c/1", "b/c/2"}, fills())
	require.True(t, tk.item("TEE").Behind)
	tk.run(wait("f/c/7", true, "HCM"))
	require.Equal(t, []record.OrderKey{"f/c/7"}, fills())
	tk.run(feed("s-2", "HN", 2))
	require.Equal(t, []record.OrderKey{"f/n/1"}, fills())
	var rest []record.OrderKey
	for tk.item("TEE").Behind {
		tk.run(tick)
		rest = append(rest, fills()...)
		require.NoError(t, tk.soundness())
	}
	require.Equal(t, []record.OrderKey{"b/c/3", "b/c/4", "b/n/6"}, rest)
	require.Equal(t, []record.OrderKey{"b/c/5"}, tk.line("TEE"))
}

// While a SKU is behind, who comes new may have what is beyond all that waits,
// and all of a warehouse that nobody in line wants.
func TestBehindSparesWhatIsWaitedFor(t *testing.T) {
	tk := newTask(Config{ServeMax: 1})
	var es []record.Entry
	for n := range 10 {
		es = append(es, command(record.Command{Verb: record.VerbReserve, SKU: "TEE", OrderKey: lineOrder(n), Attempt: 1, Qty: 1, Wait: true, Ranked: []record.Ranked{{Warehouse: "HCM"}}}))
	}
	tk.run(es...)
	reserve := func(order string, qty record.Quantity, at ...record.WarehouseID) record.Entry {
		c := record.Command{Verb: record.VerbReserve, SKU: "TEE", OrderKey: record.OrderKey(order), Attempt: 1, Qty: qty}
		for _, w := range at {
			c.Ranked = append(c.Ranked, record.Ranked{Warehouse: w})
		}
		return command(c)
	}
	tk.Take()
	tk.run(
		stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HN", EventID: "s-1", Qty: 3}),
		stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: "s-2", Qty: 12}),
		// Two are served, eight wait, ten units are there.
		reserve("web/main/1", 1, "HCM"), reserve("web/main/2", 2, "HCM"), reserve("web/main/3", 4, "HCM", "HN"), reserve("web/main/4", 1, "HN"),
	)
	var got []string
	for _, d := range decisions(tk.Take()) {
		if d.Verb == record.VerbReserve {
			got = append(got, fmt.Sprint(d.OrderKey, " ", d.Outcome, " ", d.Requested-d.Missing))
		}
	}
	require.Equal(t, []string{"web/main/1 granted 1", "web/main/2 partial 1", "web/main/3 partial 3", "web/main/4 refused 0"}, got)
	for tk.item("TEE").Behind {
		tk.run(record.Entry{Kind: record.KindTick})
	}
	require.NoError(t, tk.soundness())
	require.Zero(t, tk.item("TEE").Waiting)
	require.Zero(t, tk.counters("TEE", "HCM").Available())
}
