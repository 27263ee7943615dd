package simulation

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/processor/inventory"
	"holdfast/processor/order"
	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology"
	"holdfast/topology/record"
)

// sagas are orders of three SKUs each, no SKU in two orders, so that what each
// of them must get depends on nothing but its own stock: whatever crashes in the
// middle of one, its outcome is known beforehand.
type sagas struct {
	rows, stock, orders []record.Entry
}

func newSagas(n int) *sagas {
	g := &sagas{}
	for _, id := range []string{"HCM", "HN"} {
		row := record.TableRow{Key: id, JSON: []byte(`{"id":"` + id + `"}`)}
		g.rows = append(g.rows, record.Entry{Kind: record.KindWarehouse, Key: []byte(id), Body: record.AppendTableRow(nil, &row)})
	}
	for i := range n {
		allow := record.AllowAll
		if i%4 == 3 {
			allow = record.AllowPartial
		}
		e := record.OrderEvent{EventID: fmt.Sprintf("e%d", i), ContentHash: uint64(i), Type: record.OrderCreated,
			OrderKey: record.MakeOrderKey("web", "main", fmt.Sprintf("O%d", i)),
			Order:    &record.OrderBody{Payment: record.PaymentPrepaid, Allow: allow}}
		for j, sku := range []string{"a", "b", "c"} {
			sku = fmt.Sprintf("S%d-%s", i, sku)
			e.Order.Lines = append(e.Order.Lines, record.OrderLine{Line: fmt.Sprint(j + 1), SKU: record.SKU(sku), Qty: 3})
			// Of each four orders one finds all at one warehouse, one is split,
			// and two lack the last SKU: of these one is refused whole.
			units := map[string]record.Quantity{"HCM": 5}
			if i%4 == 1 {
				units = map[string]record.Quantity{"HCM": 2, "HN": 2}
			} else if i%4 > 1 && j == 2 {
				units = map[string]record.Quantity{"HN": 1}
			}
			for _, id := range []string{"HCM", "HN"} {
				if units[id] > 0 {
					c := record.StockCommand{Verb: record.VerbReceive, EventID: sku + id, SKU: record.SKU(sku), Warehouse: record.WarehouseID(id), Qty: units[id]}
					g.stock = append(g.stock, record.Entry{Kind: record.KindStock, Key: []byte(sku), Body: record.AppendStockCommand(nil, &c)})
				}
			}
		}
		g.orders = append(g.orders, record.Entry{Kind: record.KindOrderEvent, Key: []byte(e.OrderKey), Body: record.AppendOrderEvent(nil, &e)})
	}
	return g
}

// stages have times so long that nothing is ever due: faults delay, and only
// faults may make a difference.
func (g *sagas) stages() Stages {
	c := order.DefaultConfig()
	c.AcceptAgeMillis, c.DecideWithinMillis = 0, 1<<40
	return Stages{
		topology.StageOrders:    func(processor.TopicPartition) stage.Stage { return order.New(c) },
		topology.StageInventory: func(processor.TopicPartition) stage.Stage { return inventory.New(inventory.Config{}) },
	}
}

// feed puts the entries where intake would: the rows on every partition.
func (g *sagas) feed(s *Simulation) Feed {
	var inputs []Input
	add := func(log string, p int32, e record.Entry) {
		var b record.EnvelopeBuilder
		b.Add(e.Kind, e.Key, record.Origin{}, e.Body)
		inputs = append(inputs, Input{Topic: log, Partition: p, Value: b.Close()})
	}
	for p := range s.options.Partitions {
		for _, e := range g.rows {
			add(topology.LogOrders, p, e)
		}
	}
	for _, e := range g.stock {
		add(topology.LogInventory, s.slots[topology.LogInventory].Partition(e.Key), e)
	}
	for _, e := range g.orders {
		add(topology.LogOrders, s.slots[topology.LogOrders].Partition(e.Key), e)
	}
	return func(record.Millis) (Input, bool) {
		if len(inputs) == 0 {
			return Input{}, false
		}
		in := inputs[0]
		inputs = inputs[1:]
		return in, true
	}
}

// outcome is what is known of an order or a SKU at the end.
type outcome map[string]string

func (o outcome) update(value []byte) error {
	var u record.OrderUpdate
	if err := json.Unmarshal(value, &u); err != nil {
		return err
	}
	lines, err := json.Marshal(u.Lines)
	o[string(u.OrderKey)] = fmt.Sprintf("%d %s %s %s %s", u.Seq, u.Type, u.Status, u.Reason, lines)
	return err
}

func (o outcome) availability(e record.Entry) error {
	if e.Kind != record.KindAvailability {
		return nil
	}
	var a record.Availability
	if err := a.Decode(e.Body); err != nil {
		return err
	}
	rows, err := json.Marshal(a.Rows)
	o["sku "+string(a.SKU)] = string(rows)
	return err
}

// undisturbed is the outcome without a run time.
func (g *sagas) undisturbed(t *testing.T) outcome {
	st := g.stages()
	d := stagetest.NewDriver(nil, st[topology.StageOrders](processor.TopicPartition{}), st[topology.StageInventory](processor.TopicPartition{}), nil)
	out := outcome{}
	for _, e := range g.rows {
		d.Entry(stage.LogOrders, e)
	}
	for _, e := range g.stock {
		d.Entry(stage.LogInventory, e)
	}
	for _, e := range g.orders {
		d.Entry(stage.LogOrders, e)
	}
	for _, p := range d.Published(topology.OrderEvents) {
		require.NoError(t, out.update(p.Value))
	}
	return out
}

// TestT22_crash_in_the_middle_of_an_order_of_several_SKUs: whatever crashes,
// is fenced or moves while orders are being decided, each ends with the same
// allocation as undisturbed, and nothing of it is kept by nobody.
func TestT22_crash_in_the_middle_of_an_order_of_several_SKUs(t *testing.T) {
	g := newSagas(24)
	want := g.undisturbed(t)
	require.Len(t, want, len(g.orders))
	for i, of := range []string{`allocated.*HCM`, `allocated.*HCM.*allocated.*HN`, "order.rejected rejected out_of_stock", `partly_short.*short`} {
		require.Regexp(t, of, want[fmt.Sprintf("web/main/O%d", i)])
	}
	faults, crashes := 0, 0
	for _, seed := range seedsOf(40) {
		s := New(seed, Draw, g.stages(), nil)
		s.Run(g.feed(s))
		s.Stop()
		s.Judge() // among others: state of every store is what the logs make it
		require.Empty(t, s.Failures(), "seed %d", seed)
		have := outcome{}
		for _, l := range s.Broker.order {
			for o := l.firstVisible(0, l.end()); o < l.end(); o = l.firstVisible(o+1, l.end()) {
				switch l.short {
				case topology.OrderEvents:
					require.NoError(t, have.update(l.entries[o].value))
				case topology.LogAvailability:
					require.NoError(t, record.Entries(l.entries[o].value, have.availability))
				}
			}
		}
		for key, outcome := range want {
			require.Equal(t, outcome, have[key], "seed %d: %s", seed, key)
		}
		g.noLeak(t, have)
		crashes += s.Stats.Crashes
		faults += s.Stats.Crashes + s.Stats.Freezes + s.Stats.Stops + s.Stats.Unknown
	}
	t.Logf("%d crashes, %d faults", crashes, faults)
	if *oneSeed == 0 {
		require.Positive(t, crashes)
	}
}

// noLeak: what is held and allocated at the end is what the orders' last events
// say is theirs.
func (g *sagas) noLeak(t *testing.T, have outcome) {
	t.Helper()
	for i := range g.orders {
		var lines []record.OrderUpdateLine
		text := have[string(record.MakeOrderKey("web", "main", fmt.Sprintf("O%d", i)))]
		for at, c := range text {
			if c == '[' {
				require.NoError(t, json.Unmarshal([]byte(text[at:]), &lines))
				break
			}
		}
		allocated := map[string]record.Quantity{}
		for _, l := range lines {
			if l.State == record.LineAllocated {
				allocated["sku "+string(l.SKU)+string(l.Warehouse)] += l.Qty
			}
		}
		for _, sku := range []string{"a", "b", "c"} {
			key := fmt.Sprintf("sku S%d-%s", i, sku)
			require.NotEmpty(t, have[key])
			var rows []record.AvailabilityRow
			require.NoError(t, json.Unmarshal([]byte(have[key]), &rows))
			for _, row := range rows {
				require.Equal(t, allocated[key+string(row.Warehouse)], row.Allocated, "%s at %s", key, row.Warehouse)
				require.Zero(t, row.Held)
			}
		}
	}
}
