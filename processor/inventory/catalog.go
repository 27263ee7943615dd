package inventory

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// catalog tells of a SKU which combos it is a component of: who sells a combo
// must hear where its components stand, and hears it under the combo's key. To
// inventory itself a combo is nothing: orders ask for components.
//
// State holds the rows of the catalog that have components, by combo. The table
// the other way round is kept in memory over transactions, which needs care: an
// aborted transaction may have changed rows. State holds a count of changes, put
// up with each of them, and what is in memory is used only under the count that
// it was read at. A change costs the reading of what it changed: a catalog may be
// large, and be loaded a row at a time while stock moves.
//
// Invariants: the maps are what state had at the count base, but for the combos
// in stale, which may have changed since; the count of the state that follows
// lies between base, when the changes were dropped, and top, when all of them
// came to be. Anything else is read anew.
type catalog struct {
	combosOf  map[record.SKU][]record.SKU // by component
	parts     map[record.SKU][]record.SKU // by combo: its components
	base, top uint64
	stale     []record.SKU
	read      bool // the maps are of use
	current   bool // they are those of this transaction, at this moment
	changed   bool // rows changed in this transaction
	unsure    bool // read whole after a change in this transaction: good only for it
	key       []byte

	// news are components that a combo got in this transaction.
	news []news
}

// news is where a component stands, for a combo that didn't hear it yet.
type news struct {
	item   *cached
	combo  record.SKU
	origin record.Origin
}

// staleMax is from where on everything is read anew: a catalog that is being
// loaded while no stock moves mustn't be noted row by row for ever.
const staleMax = 10_000

// reset ends a transaction.
func (c *catalog) reset() {
	if c.unsure {
		c.read, c.stale = false, c.stale[:0]
	}
	c.current, c.changed, c.unsure = false, false, false
	clear(c.news)
	c.news = c.news[:0]
}

// combos returns the combos that the SKU is a component of, in order.
func (c *catalog) combos(tx stage.Tx, sku record.SKU) []record.SKU {
	if !c.current {
		c.load(tx)
	}
	if len(c.combosOf) == 0 {
		return nil
	}
	return c.combosOf[sku]
}

// load makes the maps those of the state.
func (c *catalog) load(tx stage.Tx) {
	c.current = true
	count := c.count(tx)
	if !c.read || count < c.base || count > c.top {
		c.scan(tx)
		c.read, c.unsure = true, c.changed
		c.base, c.top, c.stale = count, count, c.stale[:0]
		return
	}
	for _, combo := range c.stale {
		row, _ := readCombo(tx, combo)
		c.put(combo, row.components)
	}
	if !c.changed {
		c.base, c.top, c.stale = count, count, c.stale[:0]
	}
}

func (c *catalog) scan(tx stage.Tx) {
	c.combosOf, c.parts = map[record.SKU][]record.SKU{}, map[record.SKU][]record.SKU{}
	tx.Scan([]byte{prefixCombo}, []byte{prefixCombo + 1}, func(key, value []byte) bool {
		combo := record.SKU(key[1:])
		c.put(combo, mustDecodeCombo(combo, value).components)
		return true
	})
}

// put makes a combo consist of these components; without any it is none.
func (c *catalog) put(combo record.SKU, components []record.SKU) {
	for _, sku := range c.parts[combo] {
		at, _ := slices.BinarySearch(c.combosOf[sku], combo)
		if combos := slices.Delete(c.combosOf[sku], at, at+1); len(combos) > 0 {
			c.combosOf[sku] = combos
		} else {
			delete(c.combosOf, sku)
		}
	}
	if len(components) == 0 {
		delete(c.parts, combo)
		return
	}
	c.parts[combo] = components
	for _, sku := range components {
		at, _ := slices.BinarySearch(c.combosOf[sku], combo)
		c.combosOf[sku] = slices.Insert(c.combosOf[sku], at, combo)
	}
}

// decideCatalog takes a row of the catalog over, unless a newer one is here. Of
// a row that is no combo (any more) nothing is kept, not even its version: the
// rows come in the order of their versions. Every partition gets every row, and
// knows of some of the components.
func (s *Stage) decideCatalog(tx stage.Tx, e *record.Entry) error {
	t, err := record.DecodeTableRow(e.Body)
	if err != nil {
		return err
	}
	combo, c := record.SKU(t.Key), &s.catalog
	row := comboRow{version: t.Version}
	if row.components, err = componentsOf(&t); err != nil {
		return err
	}
	old, known := readCombo(tx, combo)
	if known && old.version >= t.Version {
		return nil
	}
	s.key = appendComboKey(s.key[:0], combo)
	switch {
	case len(row.components) > 0:
		s.value = appendCombo(s.value[:0], &row)
		tx.Put(s.key, s.value)
	case known:
		tx.Delete(s.key)
	default:
		return nil
	}
	count := c.count(tx) + 1
	tx.Put([]byte{prefixCatalog}, pack.AppendUint(nil, count))
	c.current, c.changed = false, true
	if c.read {
		c.top, c.stale = max(c.top, count), append(c.stale, combo)
		if len(c.stale) > staleMax {
			c.read, c.stale = false, c.stale[:0]
		}
	}
	for _, sku := range row.components {
		if it := s.load(tx, sku); !it.empty() {
			c.news = append(c.news, news{it, combo, e.Origin})
		}
	}
	return nil
}

// componentsOf returns the SKUs that a row's combo consists of, each once, in
// order; none where it isn't one. How many of each is for others to know.
func componentsOf(t *record.TableRow) ([]record.SKU, error) {
	if t.Key == "" || strings.IndexByte(t.Key, 0) >= 0 {
		return nil, fmt.Errorf("catalog row of %q", t.Key)
	}
	if t.Deleted {
		return nil, nil
	}
	var row record.CatalogItem
	if err := json.Unmarshal(t.JSON, &row); err != nil {
		return nil, fmt.Errorf("catalog row of %q: %w", t.Key, err)
	}
	var out []record.SKU
	for i := range row.Components {
		sku := row.Components[i].SKU
		if sku == "" || strings.IndexByte(string(sku), 0) >= 0 || string(sku) == t.Key {
			return nil, fmt.Errorf("combo %q has %q as a component", t.Key, sku)
		}
		out = append(out, sku)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// tellCombos tells combos that got components where these stand. Those that
// changed in this transaction have told it themselves.
func (s *Stage) tellCombos(tx stage.Tx) {
	for _, n := range s.catalog.news {
		if n.item.moved || !slices.Contains(s.catalog.combos(tx, n.item.SKU), n.combo) {
			continue
		}
		n.item.tell(&s.availability)
		s.value = record.AppendAvailability(s.value[:0], &s.availability)
		s.key = append(s.key[:0], n.combo...)
		tx.Send(stage.LogAvailability, record.KindAvailability, s.key, n.origin, s.value)
	}
}

// comboRow is a row in state:
//
//	[version, row version, [component, …]]
type comboRow struct {
	version    record.Offset
	components []record.SKU
}

const comboVersion = 1

func appendCombo(b []byte, c *comboRow) []byte {
	b = pack.AppendUint(pack.AppendArray(b, 3), comboVersion)
	b = pack.AppendArray(pack.AppendInt(b, int64(c.version)), len(c.components))
	for _, sku := range c.components {
		b = pack.AppendString(b, sku)
	}
	return b
}

func decodeCombo(value []byte) (c comboRow, err error) {
	r := pack.NewReader(value)
	r.Form("combo", comboVersion, 3, 3)
	c.version = record.Offset(r.Int())
	for n := r.Array(); n > 0 && r.Err() == nil; n-- {
		sku := record.SKU(r.String())
		if n := len(c.components); n > 0 && c.components[n-1] >= sku {
			r.Fail(pack.ErrForm)
		}
		c.components = append(c.components, sku)
	}
	if err := r.Close(); err != nil {
		return c, fmt.Errorf("combo: %w", err)
	}
	return c, nil
}

func mustDecodeCombo(combo record.SKU, value []byte) comboRow {
	c, err := decodeCombo(value)
	if err != nil {
		panic(fmt.Sprintf("BUG: state of %q: %v", combo, err))
	}
	return c
}

// readCombo returns the row of a combo, if it is one.
func readCombo(tx stage.Tx, combo record.SKU) (c comboRow, ok bool) {
	value, ok := tx.Get(appendComboKey(nil, combo))
	if ok {
		c = mustDecodeCombo(combo, value)
	}
	return c, ok
}

func (c *catalog) count(tx stage.Tx) uint64 {
	c.key = append(c.key[:0], prefixCatalog)
	value, ok := tx.Get(c.key)
	if !ok {
		return 0
	}
	r := pack.NewReader(value)
	n := r.Uint()
	if err := r.Close(); err != nil {
		panic(fmt.Sprintf("BUG: count of changes of the catalog: %v", err))
	}
	return n
}
