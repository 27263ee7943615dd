package inventory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// Only other stages write to the log, so what can't be is a bug, and a bug
// stops the partition before anything is written.
func TestBugs(t *testing.T) {
	good := record.Command{Verb: record.VerbReserve, SKU: "TEE", OrderKey: "web/main/1", Attempt: 1, Qty: 1}
	with := func(change func(c *record.Command)) record.Entry {
		c := good
		change(&c)
		return command(c)
	}
	feed := func(change func(c *record.StockCommand)) record.Entry {
		c := record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: "s-1", Qty: 1}
		change(&c)
		return stockEvent(c)
	}
	setting := func(change func(c *record.StockCommand)) record.Entry {
		c := record.StockCommand{Verb: record.VerbPolicy, SKU: "TEE", EventID: "s-1", Policy: record.Policy{
			Safety: record.SettingKeep, Buffer: record.SettingKeep, Cap: record.SettingKeep, Quota: record.SettingKeep,
		}}
		change(&c)
		return stockEvent(c)
	}
	otherKey := command(good)
	otherKey.Key = []byte("MUG")
	for name, e := range map[string]record.Entry{
		"foreign kind":          {Kind: record.KindOrderEvent},
		"broken command":        {Kind: record.KindCommand, Body: []byte{0x9c, 1}},
		"broken stock event":    {Kind: record.KindStock, Body: []byte("{}")},
		"key of another SKU":    otherKey,
		"no SKU":                with(func(c *record.Command) { c.SKU = "" }),
		"SKU that ends early":   with(func(c *record.Command) { c.SKU = "TEE\x00X" }),
		"no order":              with(func(c *record.Command) { c.OrderKey = "" }),
		"verb of the feed":      with(func(c *record.Command) { c.Verb = record.VerbCount }),
		"nothing reserved":      with(func(c *record.Command) { c.Qty = 0 }),
		"shipped below zero":    with(func(c *record.Command) { c.Verb = record.VerbShip; c.Parts = []record.WarehouseQty{{Qty: -1}} }),
		"nothing given back":    with(func(c *record.Command) { c.Verb, c.Qty = record.VerbReduce, 0 }),
		"given back below zero": with(func(c *record.Command) { c.Verb, c.Qty = record.VerbReduce, -1 }),
		"came back below zero": with(func(c *record.Command) {
			c.Verb = record.VerbReturn
			c.Parts = []record.WarehouseQty{{Warehouse: "HCM", Qty: -1}}
		}),
		"left below zero": with(func(c *record.Command) {
			c.Verb = record.VerbShipUnclaimed
			c.Parts = []record.WarehouseQty{{Warehouse: "HCM"}}
		}),
		"verb of orders":       feed(func(c *record.StockCommand) { c.Verb = record.VerbShip }),
		"row of nothing":       catalogEntry(&record.TableRow{Deleted: true}),
		"row that is broken":   catalogEntry(&record.TableRow{Key: "COMBO", JSON: []byte("{")}),
		"combo of itself":      catalogEntry(comboOf("COMBO", 1, "TEE", "COMBO")),
		"combo of nothing":     catalogEntry(comboOf("COMBO", 1, "")),
		"no warehouse":         feed(func(c *record.StockCommand) { c.Warehouse = "" }),
		"no event id":          feed(func(c *record.StockCommand) { c.EventID = "" }),
		"warehouse ends early": feed(func(c *record.StockCommand) { c.Warehouse = "A\x00" }),
		"nothing received":     feed(func(c *record.StockCommand) { c.Qty = 0 }),
		"safety of nowhere":    setting(func(c *record.StockCommand) { c.Policy.Safety = 1 }),
		"cap of nobody":        setting(func(c *record.StockCommand) { c.Policy.Cap = 1 }),
		"quota of nobody":      setting(func(c *record.StockCommand) { c.Policy.Quota = 1 }),
		"quota of a shop":      setting(func(c *record.StockCommand) { c.Policy.Channel, c.Policy.Quota = "web/main", record.SettingRemove }),
		"quota without end":    setting(func(c *record.StockCommand) { c.Policy.Channel, c.Policy.Quota = "web", 1 }),
		"buffer of too many":   setting(func(c *record.StockCommand) { c.Policy.Buffer = record.OnHandMax + 1 }),
		"channel ends early":   setting(func(c *record.StockCommand) { c.Policy.Channel, c.Policy.Cap = "web\x00", 1 }),
		"counted below zero":   feed(func(c *record.StockCommand) { c.Verb = record.VerbCount; c.Qty = -1 }),
	} {
		tk := newTask(Config{})
		tk.Clock = 1
		require.PanicsWithValue(t, recovered(func() { tk.run(e) }), func() { newTask(Config{}).run(e) }, name)
		require.Contains(t, recovered(func() { newTask(Config{}).run(e) }), "BUG: ", name)
		require.Empty(t, tk.Sent, name)
		require.Empty(t, tk.State, name)
	}
	require.Contains(t, recovered(func() { New(Config{ForgetMax: -1, RememberMillis: -1}) }), "RememberMillis is -1, must not be negative\n")
}

func recovered(fn func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	fn()
	return "no panic"
}

// State that contradicts itself is found before it does harm.
func TestChecksFindSpoiltState(t *testing.T) {
	sound := func() *task {
		tk := newTask(Config{})
		tk.run(
			stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: "s-1", Qty: 5}),
			quotaOf("TEE", "p-1", "web", 3, hourMillis),
			command(record.Command{Verb: record.VerbReserve, SKU: "TEE", OrderKey: "web/main/1", Attempt: 1, Qty: 2, Ranked: []record.Ranked{{Warehouse: "HCM"}}}),
		)
		return tk
	}
	spoilItem := func(tk *task, spoil func(it *Item)) {
		it := tk.item("TEE")
		spoil(&it)
		tk.State[string(appendItemKey(nil, "TEE"))] = appendItem(nil, &it)
	}
	release := command(record.Command{Verb: record.VerbRelease, SKU: "TEE", OrderKey: "web/main/1", Attempt: 1})
	receive := stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: "s-2", Qty: 5})
	for name, c := range map[string]struct {
		spoil func(it *Item)
		e     record.Entry
	}{
		"held below its hold":   {func(it *Item) { it.Rows[0].Held = 1 }, release},
		"held above its hold":   {func(it *Item) { it.Rows[0].Held = 3 }, release},
		"no holds counted":      {func(it *Item) { it.Holds = 0 }, receive},
		"row gone":              {func(it *Item) { it.Rows = nil }, release},
		"quota used twice":      {func(it *Item) { it.Policies.Quotas[0].Left = 3 }, release},
		"quota of a better one": {func(it *Item) { it.Policies.Quotas[0].Total = 1 }, release},
		"waits alone":           {func(it *Item) { it.Holds, it.WaitingBy, it.Rows[0].Held = 0, []ChannelWaiting{{"web", 3, 0}}, 0 }, receive},
	} {
		tk := sound()
		spoilItem(tk, c.spoil)
		require.Contains(t, recovered(func() { tk.run(c.e) }), "BUG: ", name)
	}
}

// A transaction that was given up leaves nothing behind: deciding it again
// gives the same.
func TestResetForgets(t *testing.T) {
	g := newGenerator(seed(t), Config{}, 1000)
	tk := newTask(Config{})
	for range 300 {
		var es []envelope
		for range 1 + g.Intn(8) {
			s := g.next()
			es = append(es, envelope{s.at, []record.Entry{s.entry()}})
		}
		lost := newTask(Config{})
		lost.stage, lost.Clock = tk.stage, tk.Clock
		for k, v := range tk.State {
			lost.State[k] = v
		}
		lost.transaction(es...)
		tk.transaction(es...)
		require.Equal(t, lost.State, tk.State)
		require.Equal(t, lost.Take(), tk.Take())
	}
}

// Every outcome has a name of its own, in two words.
func TestOutcomes(t *testing.T) {
	seen := map[string]bool{}
	for i, name := range Outcomes() {
		require.Regexp(t, `^[a-z_]+ [a-z_]+$`, name)
		require.False(t, seen[name], name)
		seen[name] = true
		require.LessOrEqual(t, i, 254)
	}
	for i, name := range Outcomes() {
		verb, outcome, _ := strings.Cut(name, " ")
		for v := range record.VerbPolicy + 1 {
			for o := range record.OutcomeStale + 1 {
				if v.String() == verb && o.String() == outcome {
					tk, e := newTask(Config{}), ended{}
					e[v][o] = 3
					e.count(tk)
					require.Equal(t, map[int]int{i: 3}, tk.Counted)
				}
			}
		}
	}
	e := ended{}
	e[record.VerbReturn][record.OutcomeStale] = 1
	require.Contains(t, recovered(func() { e.count(newTask(Config{})) }), "BUG: ")
}

// Ten thousand ids due at once are forgotten in chunks, and in between the
// stage says that more is due.
func TestForgetsInChunks(t *testing.T) {
	tk := newTask(Config{ForgetMax: 1000})
	tk.Clock = 1
	var es []record.Entry
	for n := range 10_000 {
		es = append(es, stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: fmt.Sprintf("s-%d", n), Qty: 1}))
	}
	tk.run(es...)
	due, ok := tk.stage.Due(tk)
	require.True(t, ok)
	require.Equal(t, 25*hourMillis, due)
	tick := record.Entry{Kind: record.KindTick}
	tk.Clock = due - 1
	tk.run(tick)
	const others = 2 // the item and what moved
	require.Equal(t, 20_000+1+others, len(tk.State))
	tk.Clock = due
	for left := 9_000; left >= 0; left -= 1000 {
		tk.run(tick)
		_, ok := tk.stage.Due(tk)
		require.Equal(t, left > 0, ok)
		require.Equal(t, others+2*left+map[bool]int{true: 1}[ok], len(tk.State))
	}
}

// A long line is read in stretches, only as far as units go, and not at all for
// units that nobody in it could use.
func TestLongLine(t *testing.T) {
	const waiting = 5*lineMax + 3
	tk := newTask(Config{})
	for n := range waiting {
		w := record.WarehouseID("HCM")
		if n%2 == 1 {
			w = "HN"
		}
		tk.run(command(record.Command{
			Verb: record.VerbReserve, SKU: "TEE", OrderKey: record.OrderKey(fmt.Sprintf("shopee/main/%d", n)), Attempt: 1, Qty: 1, Wait: true,
			Ranked: []record.Ranked{{Warehouse: w}},
		}))
	}
	tk.Take()
	for event, qty := range []record.Quantity{1, lineMax, 2 * lineMax} {
		tk.run(stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HN", EventID: fmt.Sprint(event), Qty: qty}))
		require.NoError(t, tk.soundness())
	}
	scans := tk.scans
	require.LessOrEqual(t, scans, 3+waiting*3/lineMax)
	tk.run(stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "DN", EventID: "s-9", Qty: 9}))
	tk.run(stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HN", EventID: "s-9", Qty: 9}))
	require.Equal(t, scans, tk.scans, "everybody who wants these has been served")
	n := 1
	for _, d := range decisions(tk.Take()) {
		if d.Verb == record.VerbFill {
			require.Equal(t, record.OrderKey(fmt.Sprintf("shopee/main/%d", n)), d.OrderKey)
			n += 2
		}
	}
	require.Equal(t, waiting, n)
	require.Equal(t, record.Quantity(waiting/2+1), tk.item("TEE").Waiting)
	require.Equal(t, 3*record.Quantity(lineMax)+1+9-record.Quantity(waiting/2), tk.counters("TEE", "HN").Available())
}

// Every entry that is sent names the origin of what caused it, and what one
// transaction did to a SKU is told once.
func TestOriginsAndOneAvailability(t *testing.T) {
	tk := newTask(Config{})
	wait := command(record.Command{Verb: record.VerbReserve, SKU: "TEE", OrderKey: "shopee/main/1", Attempt: 1, Qty: 1, Wait: true, Ranked: []record.Ranked{{Warehouse: "HCM"}}})
	feed := stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: "s-1", Qty: 1})
	other := stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "MUG", Warehouse: "HCM", EventID: "s-2", Qty: 1})
	tk.run(other, wait, feed)
	var got []string
	for _, s := range tk.Take() {
		got = append(got, fmt.Sprintf("%d %s %s %s", s.Log, s.Entry.Kind, s.Entry.Key, s.Entry.Origin))
	}
	require.Equal(t, []string{
		fmt.Sprintf("%d decision MUG %s", stage.LogAvailability, other.Origin),
		fmt.Sprintf("%d decision shopee/main/1 %s", stage.LogOrders, wait.Origin),
		fmt.Sprintf("%d decision TEE %s", stage.LogAvailability, feed.Origin),
		fmt.Sprintf("%d decision shopee/main/1 %s", stage.LogOrders, feed.Origin),
		fmt.Sprintf("%d availability MUG %s", stage.LogAvailability, other.Origin),
		fmt.Sprintf("%d availability TEE %s", stage.LogAvailability, feed.Origin),
	}, got)
}
