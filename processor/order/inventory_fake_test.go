package order

import (
	"fmt"
	"slices"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// fakeInventory decides commands one at a time, and fails the test when they
// aren't a story: a reserve on top of a claim, a confirm of what isn't held, a
// shipment of what isn't allocated.
type fakeInventory struct {
	t     require.TestingT
	free  map[record.SKU]map[record.WarehouseID]record.Quantity
	out   map[record.SKU]record.Quantity // shipped, less returned
	kept  map[record.SKU]record.Quantity // returned, and not for sale
	claim map[claimKey]*fakeClaim
	line  map[record.SKU][]claimKey // who waits
	// ranked: a reserve takes from the warehouses that it names, in their order;
	// else from HCM-1 and HN-1.
	ranked bool
}

type claimKey struct {
	order record.OrderKey
	sku   record.SKU
}

type fakeClaim struct {
	attempt uint32
	hard    bool
	at      map[record.WarehouseID]record.Quantity
	waiting record.Quantity
}

func newFakeInventory(t require.TestingT) *fakeInventory {
	return &fakeInventory{t: t, free: map[record.SKU]map[record.WarehouseID]record.Quantity{}, out: map[record.SKU]record.Quantity{}, kept: map[record.SKU]record.Quantity{},
		claim: map[claimKey]*fakeClaim{}, line: map[record.SKU][]claimKey{}}
}

// command returns the decisions for the orders stage.
func (f *fakeInventory) command(c *record.Command) []*record.Decision {
	key := claimKey{c.OrderKey, c.SKU}
	have := f.claim[key]
	what := fmt.Sprintf("%s %s of %s #%d by %s on %+v", c.Verb, c.SKU, c.OrderKey, c.Attempt, c.Cause, have)
	switch c.Verb {
	case record.VerbReserve:
		require.Nil(f.t, have, what)
		return []*record.Decision{f.reserve(key, c)}
	case record.VerbConfirm:
		require.NotNil(f.t, have, what)
		require.Equal(f.t, have.attempt, c.Attempt, what)
		require.False(f.t, have.hard, what)
		have.hard = true
	case record.VerbShip:
		require.NotNil(f.t, have, what)
		require.Equal(f.t, have.attempt, c.Attempt, what)
		for _, p := range c.Parts {
			require.GreaterOrEqual(f.t, have.at[p.Warehouse], p.Qty, what)
			have.at[p.Warehouse] -= p.Qty
			f.out[c.SKU] += p.Qty
		}
		f.forget(key)
	case record.VerbShipUnclaimed:
		for _, p := range c.Parts {
			f.row(c.SKU)[p.Warehouse] -= p.Qty // what isn't there is found, later stock covers it
			f.out[c.SKU] += p.Qty
		}
	case record.VerbReturn:
		for _, p := range c.Parts {
			f.out[c.SKU] -= p.Qty
			if !c.Unavailable {
				f.row(c.SKU)[p.Warehouse] += p.Qty
			} else {
				f.kept[c.SKU] += p.Qty
			}
		}
		return f.fill(c.SKU, "order:"+string(c.OrderKey))
	case record.VerbReduce:
		return f.reduce(key, c, what)
	case record.VerbRelease:
		// A refused reserve leaves no claim, and the order may not know that yet.
		if have == nil {
			return nil
		}
		require.Equal(f.t, have.attempt, c.Attempt, what)
		for w, n := range have.at {
			f.free[c.SKU][w] += n
		}
		have.at, have.waiting = nil, 0
		f.forget(key)
		return f.fill(c.SKU, "order:"+string(c.OrderKey))
	default:
		require.Fail(f.t, what)
	}
	return nil
}

// reduce takes units out of the line, as far as they still wait there, and gives
// back claims, which must be there.
func (f *fakeInventory) reduce(key claimKey, c *record.Command, what string) []*record.Decision {
	have := f.claim[key]
	if have == nil || have.attempt > c.Attempt { // the attempt has ended
		return nil
	}
	require.Equal(f.t, have.attempt, c.Attempt, what)
	require.True(f.t, c.Qty > 0 || len(c.Parts) > 0, what)
	have.waiting -= min(have.waiting, c.Qty)
	for _, p := range c.Parts {
		require.Positive(f.t, p.Qty, what)
		require.GreaterOrEqual(f.t, have.at[p.Warehouse], p.Qty, what)
		have.at[p.Warehouse] -= p.Qty
		f.free[c.SKU][p.Warehouse] += p.Qty
	}
	f.forget(key)
	return f.fill(c.SKU, "order:"+string(c.OrderKey))
}

func (f *fakeInventory) row(sku record.SKU) map[record.WarehouseID]record.Quantity {
	if f.free[sku] == nil {
		f.free[sku] = map[record.WarehouseID]record.Quantity{}
	}
	return f.free[sku]
}

func (f *fakeInventory) reserve(key claimKey, c *record.Command) *record.Decision {
	d := &record.Decision{Verb: c.Verb, OrderKey: c.OrderKey, SKU: c.SKU, Attempt: c.Attempt, Cause: c.Cause, Requested: c.Qty, Allocated: c.Allocate}
	have := &fakeClaim{attempt: c.Attempt, hard: c.Allocate, at: map[record.WarehouseID]record.Quantity{}}
	sum := record.Quantity(0)
	for _, n := range f.free[c.SKU] {
		sum += max(n, 0)
	}
	if !c.Whole || sum >= c.Qty {
		f.take(key.sku, have, c.Qty, d, f.order(c))
	}
	rest := c.Qty
	for _, n := range have.at {
		rest -= n
	}
	if rest > 0 {
		d.Reason = record.ReasonOutOfStock
		if f.free[c.SKU] == nil {
			d.Reason = record.ReasonUnknownSKU
		}
		if c.Wait {
			have.waiting, d.Waiting = rest, rest
			f.line[c.SKU] = append(f.line[c.SKU], key)
		} else {
			d.Missing = rest
		}
	}
	f.claim[key] = have
	f.forget(key)
	return d
}

var fakeWarehouses = []record.WarehouseID{"HCM-1", "HN-1"}

func (f *fakeInventory) order(c *record.Command) []record.WarehouseID {
	if !f.ranked {
		return fakeWarehouses
	}
	var out []record.WarehouseID
	for _, r := range c.Ranked {
		out = append(out, r.Warehouse)
	}
	return out
}

func (f *fakeInventory) take(sku record.SKU, have *fakeClaim, want record.Quantity, d *record.Decision, from []record.WarehouseID) {
	for _, w := range from {
		if n := min(want, f.free[sku][w]); n > 0 {
			f.free[sku][w] -= n
			have.at[w] += n
			want -= n
			d.Moves = append(d.Moves, record.Movement{Warehouse: w, Qty: n})
		}
	}
}

// receive adds stock, and serves who waits.
func (f *fakeInventory) receive(sku record.SKU, at record.WarehouseID, n record.Quantity, id string) []*record.Decision {
	f.row(sku)[at] += n
	return f.fill(sku, "stock:"+id)
}

func (f *fakeInventory) fill(sku record.SKU, cause string) (out []*record.Decision) {
	for _, key := range slices.Clone(f.line[sku]) {
		have := f.claim[key]
		d := &record.Decision{Verb: record.VerbFill, OrderKey: key.order, SKU: sku, Attempt: have.attempt, Cause: cause, Requested: have.waiting, Allocated: have.hard}
		f.take(sku, have, have.waiting, d, fakeWarehouses)
		if len(d.Moves) == 0 {
			return out
		}
		for _, m := range d.Moves {
			have.waiting -= m.Qty
		}
		d.Waiting = have.waiting
		out = append(out, d)
		f.forget(key)
	}
	return out
}

// forget drops a claim of nothing, and leaves the line when nothing waits.
func (f *fakeInventory) forget(key claimKey) {
	have := f.claim[key]
	sum := have.waiting
	for _, n := range have.at {
		sum += n
	}
	if sum == 0 {
		delete(f.claim, key)
	}
	if have.waiting == 0 {
		f.line[key.sku] = slices.DeleteFunc(f.line[key.sku], func(k claimKey) bool { return k == key })
	}
}
