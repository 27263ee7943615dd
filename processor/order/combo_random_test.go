package order

import (
	"bytes"
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// TestRandomCombos sells combos and their components at random, out of a stock
// that is always short, while the catalog changes. After every step inventory
// has claimed for every order what its lines say, to the unit and warehouse, and
// sets are whole.
func TestRandomCombos(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = time.Now().UnixNano()
	}
	t.Logf("replay with -run TestRandomCombos -order.seed=%d", seed)
	rnd := rand.New(rand.NewSource(seed))
	// Closed orders go soon: all that are there are looked at after every step.
	cfg := DefaultConfig()
	cfg.KeepClosedMillis, cfg.AcceptAgeMillis = 60_000, 0
	n := &comboNight{shop: newShop(t, nil), rnd: rnd, broken: map[string]bool{}}
	n.task.Stage = New(cfg)
	n.newCatalog()
	for range 1200 {
		n.step()
		n.check()
	}
	require.Greater(t, n.sets, 200, "sets kept")
	require.Greater(t, n.cut, 20, "orders of which sets were cut")
	for _, verb := range []string{"reduce", "release", "ship", "confirm", "return"} {
		require.Positive(t, n.countVerb(verb), verb)
	}
}

type comboNight struct {
	*shop
	rnd       *rand.Rand
	orders    int
	events    int
	told      int
	broken    map[string]bool
	sets, cut int
}

var comboParts = []any{"A", "B", "C", "D"}

func (n *comboNight) newCatalog() {
	for i := range 3 {
		parts := append([]any(nil), comboParts...)
		n.rnd.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		var components []any
		for _, p := range parts[:2+n.rnd.Intn(2)] {
			components = append(components, p, 1+n.rnd.Intn(3))
		}
		sku := record.SKU(fmt.Sprint("K", i))
		if n.rnd.Intn(4) == 0 {
			components = nil
		}
		n.catalog(sku, components...)
	}
	n.settle() // holds may have run out
}

func (n *comboNight) step() {
	n.now += record.Millis(n.rnd.Intn(3000))
	n.events++
	id := fmt.Sprint("e", n.events)
	key := func(i int) record.OrderKey {
		return record.MakeOrderKey([]string{"web", "pos"}[i%2], "main", fmt.Sprint(i))
	}
	old := key(max(0, n.orders-n.rnd.Intn(10)))
	switch p := n.rnd.Intn(100); {
	case p < 30:
		n.orders++
		e := created(key(n.orders), body(record.Payment(1+n.rnd.Intn(3)), record.Allow(1+n.rnd.Intn(3))))
		e.Fact = n.orders%2 == 1
		for i := range 1 + n.rnd.Intn(4) {
			sku := record.SKU([]string{"K0", "K1", "K2", "A", "B", "C", "D"}[n.rnd.Intn(7)])
			e.Order.Lines = append(e.Order.Lines, line(fmt.Sprint(i), sku, record.Quantity(1+n.rnd.Intn(4))))
		}
		n.take(e, "")
	case p < 45:
		n.take(event(id, record.OrderPaid, old), "")
	case p < 70:
		types := []record.OrderEventType{record.OrderCancelled, record.OrderPicked, record.OrderShipped, record.OrderShipped,
			record.OrderDelivered, record.OrderDelivered, record.OrderReturned, record.OrderReturned, record.OrderReturned}
		e := event(id, types[n.rnd.Intn(len(types))], old)
		if n.rnd.Intn(3) > 0 {
			e.Lines = []record.LineQty{{Line: fmt.Sprint(n.rnd.Intn(3)), Qty: record.Quantity(1 + n.rnd.Intn(2))}}
		}
		n.take(e, "holdfast.fulfilment.feed")
	case p < 95:
		sku := record.SKU(comboParts[n.rnd.Intn(4)].(string))
		at := []record.WarehouseID{"HCM-1", "HN-1"}[n.rnd.Intn(2)]
		for _, d := range n.stock.receive(sku, at, record.Quantity(1+n.rnd.Intn(12)), id) {
			n.decision(d)
		}
		n.settle()
	case p < 97:
		n.newCatalog()
	default:
		n.tick(n.now)
		n.settle()
	}
}

func (n *comboNight) check() {
	for _, p := range n.task.Published[n.told:] {
		if bytes.Contains(p.Value, []byte(`"reason":"shipped_`)) {
			n.broken[p.Key] = true
		}
	}
	n.told = len(n.task.Published)
	claimed := map[claimKey]bool{}
	for k, v := range n.task.State {
		if k[0] != keyOrder || isInbox(v) {
			continue
		}
		o := decodeOrder(n.t, v)
		require.NotEqual(n.t, PhasePending, o.Phase, k)
		for item := range o.Items {
			key := claimKey{record.OrderKey(k[1:]), record.SKU(string(o.Items[item].SKU))}
			claimed[key] = true
			n.checkClaim(o, item, key)
		}
		// A rejected order shows of each SKU what was missing, and units that left
		// although they had been given up, or never had, break sets up.
		if o.Phase != PhaseRejected && !n.broken[k[1:]] {
			n.checkSets(o, k)
		}
	}
	for key := range n.stock.claim {
		require.True(n.t, claimed[key], "%v claims and isn't known", key)
	}
}

func (n *comboNight) checkClaim(o *Order, item int, key claimKey) {
	at, waiting := map[record.WarehouseID]record.Quantity{}, record.Quantity(0)
	for i := range o.Lines {
		for _, p := range o.Lines[i].Parts {
			switch {
			case o.Lines[i].Item != item:
			case p.State == UnitWaiting:
				waiting += p.Qty
				require.Empty(n.t, o.Lines[i].Combo, "%v: a set waits", key)
			case p.State.in(unitsOpen):
				at[p.Warehouse] += p.Qty
			}
		}
	}
	have := n.stock.claim[key]
	if have == nil {
		have = &fakeClaim{}
	}
	require.Equal(n.t, waiting, have.waiting, "%v waits", key)
	for _, w := range []record.WarehouseID{"HCM-1", "HN-1"} {
		require.Equal(n.t, at[w], have.at[w], "%v at %s", key, w)
	}
}

// checkSets requires that in every state the components of a combo make the
// same number of whole sets, but for what ships from several places.
func (n *comboNight) checkSets(o *Order, key string) {
	for from := 0; from < len(o.Lines); {
		to := o.sold(from)
		if o.Lines[from].Combo != "" {
			kept := o.Lines[from].units(unitsOpen|unitsGone) / o.Lines[from].PerSet
			short := o.Lines[from].units(UnitShort) / o.Lines[from].PerSet
			cancelled := o.Lines[from].units(UnitCancelled) / o.Lines[from].PerSet
			for i := from; i < to; i++ {
				l := &o.Lines[i]
				require.Equal(n.t, kept*l.PerSet, l.units(unitsOpen|unitsGone), "%s line %s", key, l.ID)
				require.Equal(n.t, short*l.PerSet, l.units(UnitShort), "%s line %s", key, l.ID)
				require.Equal(n.t, cancelled*l.PerSet, l.units(UnitCancelled), "%s line %s", key, l.ID)
				require.Equal(n.t, o.Lines[from].soldQty(), l.soldQty())
			}
			n.sets += int(kept)
			if kept > 0 && short > 0 {
				n.cut++
			}
		}
		from = to
	}
}

func (n *comboNight) countVerb(verb string) (count int) {
	for _, v := range n.verbs {
		if len(v) > len(verb) && v[:len(verb)] == verb {
			count++
		}
	}
	return count
}
