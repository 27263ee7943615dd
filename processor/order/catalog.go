package order

import (
	"encoding/json"
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// catalog is the table of combos. State holds the rows that have components,
// and no others: a SKU without a row is a plain one, and nearly all are.
//
// It is kept in memory over transactions, like the warehouses and with the same
// care: state holds a count of changes, put up with each of them. What differs
// is the size. A catalog may have as many combos as it likes, and is changed a
// row at a time while orders go on, so a change costs the reading of what it
// changed and not of everything.
//
// Invariants: combos is what state had at the count base, but for the SKUs in
// stale, which may have changed since; the count of the state that follows lies
// between base, when the changes were dropped, and top, when all of them came to
// be. Anything else is read anew.
type catalog struct {
	combos    map[record.SKU][]record.Component
	base, top uint64
	stale     []record.SKU
	read      bool // combos is of use
	current   bool // combos is that of this transaction, at this moment
	changed   bool // rows changed in this transaction
	unsure    bool // read whole after a change in this transaction: good only for it
}

// staleMax is from where on everything is read anew: a catalog that is being
// loaded while no order comes mustn't be noted row by row for ever.
const staleMax = 10_000

// reset ends a transaction.
func (c *catalog) reset() {
	if c.unsure {
		c.read, c.stale = false, c.stale[:0]
	}
	c.current, c.changed, c.unsure = false, false, false
}

// of returns what the SKU explodes into; nothing where it is no combo.
func (c *catalog) of(sku record.SKU) []record.Component {
	if !c.current {
		panic("BUG: the catalog isn't loaded")
	}
	if len(c.combos) == 0 {
		return nil
	}
	return c.combos[sku]
}

// load makes the table in memory that of the state.
func (c *catalog) load(tx stage.Tx) {
	if c.current {
		return
	}
	c.current = true
	count := readCount(tx, keyCatalogCount)
	if !c.read || count < c.base || count > c.top {
		c.scan(tx)
		c.read, c.unsure = true, c.changed
		c.base, c.top, c.stale = count, count, c.stale[:0]
		return
	}
	for _, sku := range c.stale {
		if value, ok := tx.Get(appendKeyOf(nil, keyCombo, sku)); ok {
			c.combos[sku] = mustReadCombo(sku, value).components
		} else {
			delete(c.combos, sku)
		}
	}
	if !c.changed {
		c.base, c.top, c.stale = count, count, c.stale[:0]
	}
}

func (c *catalog) scan(tx stage.Tx) {
	c.combos = map[record.SKU][]record.Component{}
	tx.Scan([]byte{keyCombo}, []byte{keyCombo + 1}, func(key, value []byte) bool {
		sku := record.SKU(key[1:])
		c.combos[sku] = mustReadCombo(sku, value).components
		return true
	})
}

// change takes a row of the table over, unless a newer one is here. Of a row
// that is no combo (any more) nothing is kept, not even its version: the rows
// come in the order of their versions.
func (c *catalog) change(tx stage.Tx, e *record.Entry) {
	t, err := record.DecodeTableRow(e.Body)
	if err != nil {
		panic(fmt.Sprintf("BUG: catalog row from %s: %v", e.Origin, err))
	}
	sku := record.SKU(t.Key)
	row := combo{version: t.Version, components: parseComponents(&t)}
	key := appendKeyOf(nil, keyCombo, sku)
	value, known := tx.Get(key)
	if known && mustReadCombo(sku, value).version >= t.Version {
		return
	}
	switch {
	case len(row.components) > 0:
		tx.Put(key, appendCombo(nil, &row))
	case known:
		tx.Delete(key)
	default:
		return
	}
	count := readCount(tx, keyCatalogCount) + 1
	tx.Put([]byte{keyCatalogCount}, pack.AppendUint(nil, count))
	c.current, c.changed = false, true
	if !c.read {
		return
	}
	c.top, c.stale = max(c.top, count), append(c.stale, sku)
	if len(c.stale) > staleMax {
		c.read, c.stale = false, c.stale[:0]
	}
}

func parseComponents(t *record.TableRow) []record.Component {
	if t.Deleted {
		return nil
	}
	var row record.CatalogItem
	if err := json.Unmarshal(t.JSON, &row); err != nil {
		panic(fmt.Sprintf("BUG: catalog row of %q: %v", t.Key, err))
	}
	for i, c := range row.Components {
		if c.SKU == "" || c.Qty <= 0 {
			panic(fmt.Sprintf("BUG: combo %q has %d of %q", t.Key, c.Qty, c.SKU))
		}
		for _, other := range row.Components[:i] {
			if other.SKU == c.SKU {
				panic(fmt.Sprintf("BUG: combo %q has %q twice", t.Key, c.SKU))
			}
		}
	}
	return row.Components
}

// combo is a row in state:
//
//	[version, row version, [sku, qty, …]]
type combo struct {
	version    record.Offset
	components []record.Component
}

const comboVersion = 1

func appendCombo(b []byte, c *combo) []byte {
	b = pack.AppendUint(pack.AppendArray(b, 3), comboVersion)
	b = pack.AppendInt(b, int64(c.version))
	b = pack.AppendArray(b, len(c.components)*2)
	for _, p := range c.components {
		b = pack.AppendInt(pack.AppendString(b, p.SKU), int64(p.Qty))
	}
	return b
}

func readCombo(value []byte) (combo, error) {
	c := combo{}
	r := pack.NewReader(value)
	r.Form("combo", comboVersion, 3, 3)
	c.version = record.Offset(r.Int())
	for n := readMultiple(&r, 2); n > 0 && r.Err() == nil; n-- {
		p := record.Component{SKU: record.SKU(r.String()), Qty: record.Quantity(r.Int())}
		if p.Qty <= 0 {
			r.Fail(pack.ErrForm)
		}
		c.components = append(c.components, p)
	}
	return c, r.Close()
}

func mustReadCombo(sku record.SKU, value []byte) combo {
	c, err := readCombo(value)
	if err != nil {
		panic(fmt.Sprintf("BUG: state of combo %q: %v", sku, err))
	}
	return c
}

func appendKeyOf(b []byte, prefix byte, sku record.SKU) []byte {
	return append(append(b, prefix), sku...)
}

// readCount reads how often a table has changed.
func readCount(tx stage.Tx, key byte) uint64 {
	value, ok := tx.Get([]byte{key})
	if !ok {
		return 0
	}
	r := pack.NewReader(value)
	n := r.Uint()
	if err := r.Close(); err != nil {
		panic(fmt.Sprintf("BUG: count of changes under %q: %v", key, err))
	}
	return n
}
