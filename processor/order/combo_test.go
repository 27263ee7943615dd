package order

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// catalog brings a row of the catalog: "COMBO" with "A", 2, "B", 1; without
// components it is a plain SKU's.
func (b *bench) catalog(sku record.SKU, components ...any) {
	b.row++
	b.entry(record.KindCatalog, string(sku), "holdfast.catalog", catalogRow(b.t, sku, b.row, components...))
}

func catalogRow(t require.TestingT, sku record.SKU, version record.Offset, components ...any) []byte {
	row := record.CatalogItem{SKU: sku}
	for i := 0; i < len(components); i += 2 {
		row.Components = append(row.Components, record.Component{SKU: record.SKU(components[i].(string)), Qty: record.Quantity(components[i+1].(int))})
	}
	text, err := json.Marshal(row)
	require.NoError(t, err)
	return record.AppendTableRow(nil, &record.TableRow{Key: string(sku), Version: version, JSON: text})
}

func (b *bench) uncatalog(sku record.SKU) {
	b.row++
	b.entry(record.KindCatalog, string(sku), "holdfast.catalog",
		record.AppendTableRow(nil, &record.TableRow{Key: string(sku), Version: b.row, Deleted: true}))
}

// last is the last event told of an order.
func (s *shop) last(key record.OrderKey) record.OrderUpdate {
	var u record.OrderUpdate
	for _, p := range s.task.Published {
		if p.Topic == "order.events" && p.Key == string(key) {
			u = record.OrderUpdate{}
			requireAsEncoded(s.t, p.Value, &u)
		}
	}
	return u
}

func (s *shop) lines(key record.OrderKey) []string {
	var out []string
	for _, l := range s.last(key).Lines {
		out = append(out, fmt.Sprintf("%s %s/%s %d %s", l.Line, l.Combo, l.SKU, l.Qty, l.State))
	}
	return out
}

// status is the last record for the channel.
func (s *shop) status() (out []string) {
	for _, p := range s.task.Published {
		if p.Topic == "order.events" {
			continue
		}
		var u record.StatusUpdate
		requireAsEncoded(s.t, p.Value, &u)
		out = nil
		for _, l := range u.Lines {
			out = append(out, fmt.Sprintf("%s %s %d %s", l.Line, l.Action, l.Qty, l.Warehouse))
		}
	}
	return out
}

const comboKey record.OrderKey = "web/main/1"

func newComboShop(t *testing.T, stock map[record.SKU]record.Quantity) *shop {
	s := newShop(t, stock)
	s.catalog("COMBO", "A", 1, "B", 1)
	return s
}

// T6: a combo and its component in one order are one demand of the component.
func TestT6_ComboAndItsComponentAreSummedUp(t *testing.T) {
	lines := []record.OrderLine{line("1", "COMBO", 2), line("2", "A", 4)}
	order := func(key record.OrderKey, allow record.Allow) *record.OrderEvent {
		e := created(key, body(record.PaymentPrepaid, allow, lines...))
		e.Fact = record.OrdersAreFacts(string(key[:3]))
		return e
	}
	stock := map[record.SKU]record.Quantity{"A": 5, "B": 9}

	s := newComboShop(t, stock)
	s.take(order(comboKey, record.AllowAll), "")
	require.Equal(t, []string{"reserve A x6 #1", "reserve B x2 #1", "release B #1"}, s.full, "all or nothing")
	require.Equal(t, []string{"1 rejected rejected"}, s.story(comboKey))
	require.Equal(t, "out_of_stock", s.last(comboKey).Reason)
	require.Equal(t, record.Quantity(5), s.stock.free["A"]["HCM-1"])

	s = newComboShop(t, stock)
	s.take(order(comboKey, record.AllowPartial), "")
	require.Equal(t, []string{"reserve A x6 #1", "reserve B x2 #1"}, s.full, "partial")
	require.Equal(t, []string{"1 accepted partly_short"}, s.story(comboKey))
	require.Equal(t, []string{"1 COMBO/A 2 allocated", "1 COMBO/B 2 allocated", "2 /A 3 allocated", "2 /A 1 short"}, s.lines(comboKey))
	require.Equal(t, []string{"2 short 1 "}, s.status())

	s = newComboShop(t, stock)
	const fact record.OrderKey = "pos/main/1"
	s.take(order(fact, record.AllowAll), "")
	require.Equal(t, []string{"1 accepted partly_short"}, s.story(fact), "a fact")
	require.Equal(t, []string{"1 COMBO/A 2 allocated", "1 COMBO/B 2 allocated", "2 /A 3 allocated", "2 /A 1 short"}, s.lines(fact))
	for _, d := range s.stock.receive("A", "HCM-1", 3, "s9") {
		s.decision(d)
	}
	require.Equal(t, []string{"1 accepted partly_short", "2 filled allocated"}, s.story(fact))
	require.Equal(t, record.Quantity(2), s.stock.free["A"]["HCM-1"], "only the one unit was waited for")
}

// T5 with combos: two lines of one combo are one demand, too.
func TestT5_LinesOfOneComboAreSummedUp(t *testing.T) {
	s := newComboShop(t, map[record.SKU]record.Quantity{"A": 5, "B": 6})
	lines := []record.OrderLine{line("1", "COMBO", 3), line("2", "COMBO", 3)}
	s.take(created(comboKey, body(record.PaymentPrepaid, record.AllowAll, lines...)), "")
	require.Equal(t, []string{"1 rejected rejected"}, s.story(comboKey))
	s.take(created("web/main/2", body(record.PaymentPrepaid, record.AllowPartial, lines...)), "")
	require.Equal(t, []string{"1 COMBO/A 3 allocated", "1 COMBO/B 3 allocated",
		"2 COMBO/A 2 allocated", "2 COMBO/A 1 short", "2 COMBO/B 2 allocated", "2 COMBO/B 1 short"}, s.lines("web/main/2"))
	require.Equal(t, []string{"2 short 1 "}, s.status())
	require.Equal(t, "reduce B x0 HCM-1:1 #1", s.full[len(s.full)-1])
	require.Equal(t, record.Quantity(1), s.stock.free["B"]["HCM-1"], "half a set goes back in the same turn")
}

func TestOnlyWholeSetsAreKept(t *testing.T) {
	for _, c := range []struct {
		name        string
		channel     string
		allow       record.Allow
		a, b        record.Quantity
		lines       []record.OrderLine
		story       string
		want        []string
		freeA, rest string
	}{
		{"sets of two and three", "web", record.AllowPartial, 7, 8, []record.OrderLine{line("1", "KIT", 3)}, "1 accepted partly_short",
			[]string{"1 KIT/A 4 allocated", "1 KIT/A 2 short", "1 KIT/B 6 allocated", "1 KIT/B 3 short"}, "3", "2"},
		{"what a set can't use is for the next line", "web", record.AllowPartial, 5, 3, []record.OrderLine{line("1", "KIT", 2), line("2", "A", 3)},
			"1 accepted partly_short", []string{"1 KIT/A 2 allocated", "1 KIT/A 2 short", "1 KIT/B 3 allocated", "1 KIT/B 3 short", "2 /A 3 allocated"}, "0", "0"},
		{"no whole set is nothing", "web", record.AllowPartial, 9, 2, []record.OrderLine{line("1", "KIT", 2)}, "1 rejected rejected",
			[]string{"1 KIT/A 4 released", "1 KIT/B 2 released", "1 KIT/B 4 short"}, "9", "2"},
		{"nor is one that would have to wait", "web", record.AllowBackorder, 9, 2, []record.OrderLine{line("1", "KIT", 2)}, "1 rejected rejected",
			[]string{"1 KIT/A 4 released", "1 KIT/B 2 released", "1 KIT/B 4 short"}, "9", "2"},
		{"a fact is short of it", "pos", record.AllowAll, 9, 2, []record.OrderLine{line("1", "KIT", 2)}, "1 accepted short",
			[]string{"1 KIT/A 4 short", "1 KIT/B 6 short"}, "9", "2"},
		{"a plain line goes on waiting", "web", record.AllowBackorder, 2, 3, []record.OrderLine{line("1", "KIT", 2), line("2", "B", 2)}, "1 accepted partly_short",
			[]string{"1 KIT/A 2 allocated", "1 KIT/A 2 short", "1 KIT/B 3 allocated", "1 KIT/B 3 short", "2 /B 2 backordered"}, "0", "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t, map[record.SKU]record.Quantity{"A": c.a, "B": c.b})
			s.catalog("KIT", "A", 2, "B", 3)
			key := record.MakeOrderKey(c.channel, "main", "1")
			e := created(key, body(record.PaymentPrepaid, c.allow, c.lines...))
			e.Fact = record.OrdersAreFacts(c.channel)
			s.take(e, "")
			require.Equal(t, []string{c.story}, s.story(key))
			require.Equal(t, c.want, s.lines(key))
			require.Equal(t, c.freeA+" "+c.rest, fmt.Sprintf("%d %d", s.stock.free["A"]["HCM-1"], s.stock.free["B"]["HCM-1"]))
			s.take(event("x", record.OrderCancelled, key), "")
			require.Empty(t, s.stock.claim)
			require.Equal(t, [2]record.Quantity{c.a, c.b}, [2]record.Quantity{s.stock.free["A"]["HCM-1"], s.stock.free["B"]["HCM-1"]})
		})
	}
}

// Units of a combo that are filled while the other SKU is being decided don't
// wait any more when the sets are cut; those filled after are sent back.
func TestFillThatMeetsTheCutOfSets(t *testing.T) {
	b := newBench(t)
	b.catalog("COMBO", "A", 1, "B", 1)
	e := created("pos/main/1", body(record.PaymentPrepaid, record.AllowAll, line("1", "COMBO", 3)))
	e.Fact = true
	b.event(e, "")
	b.output()
	b.decision(&record.Decision{Verb: record.VerbReserve, OrderKey: e.OrderKey, SKU: "A", Attempt: 1, Waiting: 3, Reason: "out_of_stock"})
	b.decision(&record.Decision{Verb: record.VerbFill, OrderKey: e.OrderKey, SKU: "A", Attempt: 1, Waiting: 1,
		Moves: []record.Movement{{Warehouse: "HN-1", Qty: 2}}})
	require.Equal(t, "nothing\n", b.output())
	b.decision(&record.Decision{Verb: record.VerbReserve, OrderKey: e.OrderKey, SKU: "B", Attempt: 1, Waiting: 2, Reason: "out_of_stock",
		Moves: []record.Movement{{Warehouse: "HN-1", Qty: 1}}})
	require.Equal(t, "> reduce A #1 x1 HN-1 x1 by c\n> reduce B #1 x2 by c\n"+
		"= 1 order.accepted partly_short (out_of_stock) by c | 1 A 1 allocated HN-1 | 1 A 2 short | 1 B 1 allocated HN-1 | 1 B 2 short\n"+
		"< channel.pos.status 1 partly_short (out_of_stock) | 1 short 2\n", b.output())
}

// A combo means what it meant when the order was created, to the last.
func TestExplosionIsFrozen(t *testing.T) {
	s := newComboShop(t, map[record.SKU]record.Quantity{"A": 9, "B": 9, "C": 9})
	s.take(created(comboKey, body(record.PaymentUnpaid, record.AllowAll, line("1", "COMBO", 2))), "")
	s.catalog("COMBO", "C", 1, "B", 2)
	s.now += 10_000
	s.tick(s.now) // expires
	s.settle()
	s.full = nil
	s.take(event("paid", record.OrderPaid, comboKey), "")
	require.Equal(t, []string{"reserve A x2 #2", "reserve B x2 #2", "confirm A #2", "confirm B #2"}, s.full)
	require.Equal(t, []string{"1 COMBO/A 2 allocated", "1 COMBO/B 2 allocated"}, s.lines(comboKey))

	s.take(created("web/main/2", body(record.PaymentPrepaid, record.AllowAll, line("1", "COMBO", 2))), "")
	require.Equal(t, []string{"1 COMBO/C 2 allocated", "1 COMBO/B 4 allocated"}, s.lines("web/main/2"))
	s.uncatalog("COMBO")
	s.take(created("web/main/3", body(record.PaymentPrepaid, record.AllowAll, line("1", "COMBO", 2))), "")
	require.Equal(t, []string{"1 /COMBO 2 short"}, s.lines("web/main/3"))
	require.Equal(t, "unknown_sku", s.last("web/main/3").Reason)
}

// Events and the channel count sets.
func TestEventsOfCombosCountSets(t *testing.T) {
	s := newShop(t, map[record.SKU]record.Quantity{"A": 20, "B": 20})
	s.catalog("KIT", "A", 2, "B", 3)
	s.take(created(comboKey, body(record.PaymentPrepaid, record.AllowAll, line("1", "KIT", 4), line("2", "A", 1))), "")
	ship := event("s1", record.OrderShipped, comboKey)
	ship.Lines = []record.LineQty{{Line: "1", Qty: 3}}
	s.take(ship, "holdfast.fulfilment.feed")
	require.Equal(t, []string{"1 KIT/A 6 shipped", "1 KIT/A 2 allocated", "1 KIT/B 9 shipped", "1 KIT/B 3 allocated", "2 /A 1 allocated"}, s.lines(comboKey))
	require.Equal(t, []string{"1 ship 3 HCM-1"}, s.status())
	require.Equal(t, map[record.SKU]record.Quantity{"A": 6, "B": 9}, s.stock.out)
	s.take(event("x", record.OrderCancelled, comboKey), "holdfast.channel.callcentre.orders")
	require.Equal(t, []string{"1 cancel 1 ", "2 cancel 1 "}, s.status())
}

func TestPartOfACombo(t *testing.T) {
	s := newShop(t, map[record.SKU]record.Quantity{"A": 20, "B": 9})
	s.catalog("KIT", "A", 2, "B", 3)
	named := func(id string, typ record.OrderEventType, sets record.Quantity) {
		e := event(id, typ, comboKey)
		e.Lines = []record.LineQty{{Line: "1", Qty: sets, Restock: record.RestockSellable}}
		s.take(e, "holdfast.fulfilment.feed")
	}
	s.take(created(comboKey, body(record.PaymentPrepaid, record.AllowPartial, line("1", "KIT", 5))), "")
	require.Equal(t, []string{"1 KIT/A 6 allocated", "1 KIT/A 4 short", "1 KIT/B 9 allocated", "1 KIT/B 6 short"}, s.lines(comboKey))

	named("x", record.OrderCancelled, 3) // what is short goes first, then a set that was kept
	require.ElementsMatch(t, []string{"1 KIT/A 4 allocated", "1 KIT/A 6 cancelled", "1 KIT/B 6 allocated", "1 KIT/B 9 cancelled"}, s.lines(comboKey))
	require.Equal(t, []string{"1 cancel 3 "}, s.status())
	require.Equal(t, []string{"reduce A x0 HCM-1:2 #1", "reduce B x0 HCM-1:3 #1"}, s.full[len(s.full)-2:])

	for _, step := range []struct {
		typ  record.OrderEventType
		want string
	}{{record.OrderPicked, "picking"}, {record.OrderPacked, "packed"}, {record.OrderShipped, "shipped"}, {record.OrderDelivered, "delivered"}} {
		named("1"+step.typ.String(), step.typ, 1)
		named("2"+step.typ.String(), step.typ, 1)
		require.Equal(t, step.want, s.last(comboKey).Status)
	}
	named("r", record.OrderReturned, 1)
	require.ElementsMatch(t, []string{"1 KIT/A 2 returned", "1 KIT/A 2 delivered", "1 KIT/A 6 cancelled", "1 KIT/B 3 returned", "1 KIT/B 3 delivered", "1 KIT/B 9 cancelled"}, s.lines(comboKey))
	require.Equal(t, [2]record.Quantity{18, 6}, [2]record.Quantity{s.stock.free["A"]["HCM-1"], s.stock.free["B"]["HCM-1"]})
	require.Empty(t, s.stock.claim)
}

// A set has shipped when its last component has.
func TestComponentsThatShipApart(t *testing.T) {
	s := newShop(t, nil)
	s.catalog("COMBO", "A", 1, "B", 1)
	s.stock.receive("A", "HCM-1", 9, "s1")
	s.stock.receive("B", "HN-1", 9, "s2")
	s.take(created(comboKey, body(record.PaymentPrepaid, record.AllowAll, line("1", "COMBO", 2))), "")
	for i, at := range []record.WarehouseID{"HCM-1", "HN-1"} {
		e := event(fmt.Sprint("f", i), record.OrderShipped, comboKey)
		e.Warehouse = at
		s.take(e, "holdfast.fulfilment.feed")
		require.Equal(t, [][]string{nil, {"1 ship 2 HN-1"}}[i], s.status())
	}
	require.Equal(t, []string{"1 accepted allocated", "2 shipped allocated", "3 shipped shipped"}, s.story(comboKey))
}

// A marketplace's snapshot names what it sold.
func TestSnapshotsAreComparedAsSold(t *testing.T) {
	const key record.OrderKey = "shopee/main/1"
	snapshot := func(id string, at record.Millis, lines ...record.OrderLine) *record.OrderEvent {
		e := created(key, body(record.PaymentPrepaid, record.AllowPartial, lines...))
		e.EventID, e.Type, e.Fact, e.State, e.OccurredAt = id, record.OrderSnapshot, true, record.StatePaid, base+at
		return e
	}
	s := newShop(t, map[record.SKU]record.Quantity{"A": 20, "B": 20})
	s.catalog("KIT", "A", 2, "B", 3)
	s.take(snapshot("s1", 0, line("1", "KIT", 2), line("2", "A", 1)), "")
	s.take(snapshot("s2", 1000, line("1", "KIT", 2), line("2", "A", 1)), "")
	require.Equal(t, []string{"1 accepted allocated"}, s.story(key))
	s.take(snapshot("s3", 2000, line("1", "KIT", 3), line("2", "A", 1)), "")
	require.Equal(t, reasonAmend, s.last(key).Reason)

	// One that comes with a set cancelled asks for the others.
	s = newShop(t, map[record.SKU]record.Quantity{"A": 20, "B": 20})
	s.catalog("KIT", "A", 2, "B", 3)
	part := line("1", "KIT", 3)
	part.Cancelled = 1
	s.take(snapshot("s1", 0, part), "")
	require.Equal(t, []string{"1 KIT/A 2 cancelled", "1 KIT/A 4 allocated", "1 KIT/B 3 cancelled", "1 KIT/B 6 allocated"}, s.lines(key))
}

func TestOrderThatExplodesTooFarIsADeadLetter(t *testing.T) {
	b := newBench(t)
	var components []any
	for i := range 50 {
		components = append(components, fmt.Sprint("C", i), 1)
	}
	b.catalog("BIG", components...)
	var lines []record.OrderLine
	for i := range 41 {
		lines = append(lines, line(fmt.Sprint(i), "BIG", 1))
	}
	b.event(created(comboKey, body(record.PaymentPrepaid, record.AllowAll, lines[:40]...)), "")
	require.Len(t, b.task.Take(), 50, "one reserve a component")
	b.event(created("web/main/2", body(record.PaymentPrepaid, record.AllowAll, lines...)), "")
	require.Len(t, b.task.Dead, 1)
	require.Equal(t, "too_large", b.task.Dead[0].Reason)
	require.Contains(t, b.task.Dead[0].Message, "its combos make 2050 lines, the most is 2000")
	require.NotContains(t, b.task.State, "oweb/main/2")
}

// Rows without components leave nothing in state, and combos that go leave
// nothing but the count.
func TestCatalogKeepsOnlyCombos(t *testing.T) {
	b := newBench(t)
	b.catalog("A")
	b.uncatalog("B")
	require.Empty(t, b.task.State)
	b.catalog("COMBO", "A", 1, "B", 2)
	require.Len(t, b.task.State, 2)
	stale := catalogRow(t, "COMBO", b.row-1)
	b.entry(record.KindCatalog, "COMBO", "", stale)
	require.Len(t, b.task.State, 2, "an older row changes nothing")
	b.catalog("COMBO")
	require.Len(t, b.task.State, 1)
	b.catalog("COMBO", "A", 1, "B", 2)
	b.uncatalog("COMBO")
	require.Len(t, b.task.State, 1)
	require.Contains(t, b.task.State, "c")
}

// What is in memory is what is in state, however transactions are cut, dropped
// and done again, and however much of the catalog changes between two orders.
func TestCatalogInMemoryIsThatOfState(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = time.Now().UnixNano()
	}
	t.Logf("replay with -run TestCatalogInMemory -order.seed=%d", seed)
	rnd := rand.New(rand.NewSource(seed))
	c, task, version := &catalog{}, stagetest.NewTask(nil), record.Offset(0)
	loads := 0
	for range 5000 {
		before := maps.Clone(task.State)
		for range rnd.Intn(6) {
			if rnd.Intn(2) == 0 {
				version++
				sku := record.SKU(fmt.Sprint("K", rnd.Intn(12)))
				row := catalogRow(t, sku, version, "A", 1+rnd.Intn(9), "B", 1)
				if rnd.Intn(3) == 0 {
					row = catalogRow(t, sku, version)
				}
				c.change(task, &record.Entry{Body: row})
				continue
			}
			loads++
			c.load(task)
			fresh := &catalog{}
			fresh.load(task)
			require.Equal(t, fresh.combos, c.combos)
		}
		c.reset()
		if rnd.Intn(3) == 0 {
			task.State = before
		}
	}
	require.Greater(t, loads, 1000)
}

// A catalog that is loaded while nobody orders isn't noted row by row.
func TestCatalogIsReadAnewAfterALargeLoad(t *testing.T) {
	c, task := &catalog{}, stagetest.NewTask(nil)
	c.load(task)
	c.reset()
	for i := range staleMax + 10 {
		c.change(task, &record.Entry{Body: catalogRow(t, record.SKU(fmt.Sprint("K", i)), record.Offset(i+1), "A", 1, "B", 1)})
		c.reset()
	}
	require.LessOrEqual(t, len(c.stale), staleMax)
	c.load(task)
	require.Len(t, c.combos, staleMax+10)
}

func TestComboStateIsWrittenAsEver(t *testing.T) {
	row := combo{version: 7, components: []record.Component{{SKU: "A", Qty: 1}, {SKU: "B", Qty: 300}}}
	require.Equal(t, "93"+"01"+"07"+"94a14101a142cd012c", hex.EncodeToString(appendCombo(nil, &row)))
	o := &Order{Phase: PhaseLive, Items: []Item{{SKU: "A", Qty: 2}},
		Lines: []Line{{ID: "1", Qty: 2, Combo: "K", PerSet: 2, Parts: []Part{{State: UnitShort, Qty: 2}}}}}
	value := AppendOrder(nil, o)
	require.Contains(t, hex.EncodeToString(value), "91"+"96a1310002"+"930802a0"+"90"+"92a14b02")
	again := &Order{}
	require.NoError(t, again.Decode(value))
	require.Equal(t, o.Lines, again.Lines)
}

func FuzzReadCombo(f *testing.F) {
	f.Add(appendCombo(nil, &combo{version: 7, components: []record.Component{{SKU: "A", Qty: 1}, {SKU: "B", Qty: 300}}}))
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := readCombo(value)
		if err != nil {
			return
		}
		again, err := readCombo(appendCombo(nil, &c))
		require.NoError(t, err)
		require.Equal(t, c, again)
	})
}
