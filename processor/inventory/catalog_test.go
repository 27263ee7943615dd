package inventory

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// catalogEntry makes an entry of a row of the catalog.
func catalogEntry(row *record.TableRow) record.Entry {
	return record.Entry{Kind: record.KindCatalog, Key: []byte(row.Key), Origin: origin(row.Key), Body: record.AppendTableRow(nil, row)}
}

// comboOf makes the row of a combo; without components it is none.
func comboOf(combo record.SKU, version record.Offset, components ...record.SKU) *record.TableRow {
	item := record.CatalogItem{SKU: combo}
	for i, sku := range components {
		item.Components = append(item.Components, record.Component{SKU: sku, Qty: record.Quantity(1 + i)})
	}
	text, err := json.Marshal(item)
	if err != nil {
		panic(err)
	}
	return &record.TableRow{Key: string(combo), Version: version, JSON: text}
}

func parseCatalog(t *testing.T, f []string) record.Entry {
	row := &record.TableRow{Key: f[1], Version: record.Offset(number(t, f[2])), Deleted: true}
	if len(f) < 4 || f[3] != "deleted" {
		var skus []record.SKU
		for _, sku := range f[3:] {
			skus = append(skus, record.SKU(sku))
		}
		row = comboOf(record.SKU(f[1]), row.Version, skus...)
	}
	return catalogEntry(row)
}

// modelCombo is a row of the catalog as the model keeps it.
type modelCombo struct {
	version record.Offset
	parts   []record.SKU
}

// catalogRow notes the row, and of which components its combo is to be told:
// those that anything is known of.
func (m *model) catalogRow(row *record.TableRow) {
	combo, old := &modelCombo{version: row.Version}, m.combos[record.SKU(row.Key)]
	if old != nil && old.version >= row.Version {
		return
	}
	var item record.CatalogItem
	if !row.Deleted {
		if err := json.Unmarshal(row.JSON, &item); err != nil {
			panic(err)
		}
	}
	for _, c := range item.Components {
		combo.parts = append(combo.parts, c.SKU)
		if k := m.sku(c.SKU); k.fed || len(k.claims) > 0 || len(k.places) > 0 {
			m.news = append(m.news, fmt.Sprintf("%s to %s", c.SKU, row.Key))
		}
	}
	if delete(m.combos, record.SKU(row.Key)); len(combo.parts) > 0 {
		m.combos[record.SKU(row.Key)] = combo
	}
}

var randomCombos = []record.SKU{"COMBO", "COMBO-2", "GIFT"}

func (g *generator) catalogRow() *record.TableRow {
	combo := pick(g, randomCombos)
	if g.Intn(5) == 0 {
		return &record.TableRow{Key: string(combo), Version: record.Offset(g.n), Deleted: true}
	}
	var skus []record.SKU
	for _, at := range g.Perm(len(randomSKUs))[:g.Intn(4)] {
		skus = append(skus, randomSKUs[at])
	}
	return comboOf(combo, record.Offset(g.n), skus...)
}

// told returns who was told of the SKU, in order.
func toldOf(sent []stagetest.Sent, sku record.SKU) (out []string) {
	for _, s := range sent {
		var a record.Availability
		if s.Entry.Kind == record.KindAvailability && a.Decode(s.Entry.Body) == nil && a.SKU == sku {
			out = append(out, string(s.Entry.Key))
		}
	}
	slices.Sort(out)
	return out
}

// The table in memory is that of the state, also when transactions that changed
// rows were given up, and others came in their place.
func TestCatalogAfterLostTransactions(t *testing.T) {
	g, tk := newGenerator(seed(t), Config{}, 1000), newTask(Config{})
	tk.run(stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: "s-1", Qty: 5}))
	combos := map[string]bool{}
	lost := 0
	for n := range 2000 {
		kept := map[string]bool{}
		for id, ok := range combos {
			kept[id] = ok
		}
		var es []record.Entry
		for range g.Intn(4) {
			id := fmt.Sprintf("COMBO-%d", g.Intn(6))
			row := comboOf(record.SKU(id), record.Offset(10*n+len(es)+1))
			if kept[id] = g.Intn(2) == 0; kept[id] {
				row = comboOf(record.SKU(id), row.Version, "TEE", "MUG")
			}
			es = append(es, catalogEntry(row))
			if g.Intn(4) == 0 { // read in the middle
				es = append(es, moveTEE(n, len(es)))
			}
		}
		if g.Intn(2) == 0 {
			es = append(es, moveTEE(n, len(es)))
		}
		es = append(es, record.Entry{Kind: record.KindTick})
		if g.Intn(3) == 0 { // given up: the same stage, and the state of before
			gone := newTask(Config{})
			gone.stage, gone.Clock = tk.stage, tk.Clock
			for k, v := range tk.State {
				gone.State[k] = v
			}
			gone.run(es...)
			lost++
			continue
		}
		tk.run(es...)
		combos = kept
		tk.Take()
		tk.run(moveTEE(n, 9))
		want := []string{"TEE"}
		for id, ok := range combos {
			if ok {
				want = append(want, id)
			}
		}
		slices.Sort(want)
		require.Equal(t, want, toldOf(tk.Take(), "TEE"), "transaction %d", n)
	}
	require.Greater(t, lost, 100)
}

func moveTEE(n, m int) record.Entry {
	return stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: fmt.Sprintf("s-%d-%d", n, m), Qty: 1})
}

// Without combos the catalog costs a transaction one look at their count, and
// however many there are no more than that.
func TestCatalogIsReadOnce(t *testing.T) {
	tk := newTask(Config{})
	for n := range 100 {
		tk.run(catalogEntry(comboOf(record.SKU(fmt.Sprintf("COMBO-%d", n)), record.Offset(n+1), "TEE")))
	}
	tk.run(moveTEE(0, 0))
	scans := tk.scans
	require.LessOrEqual(t, scans, 2)
	tk.Take()
	for n := range 50 {
		tk.run(moveTEE(1, n))
		require.Len(t, toldOf(tk.Take(), "TEE"), 101)
	}
	tk.run(catalogEntry(comboOf("COMBO-1", 1000)), catalogEntry(comboOf("COMBO-2", 1001, "MUG")))
	tk.run(moveTEE(2, 0))
	require.Len(t, toldOf(tk.Take(), "TEE"), 99)
	require.Equal(t, scans, tk.scans, "a change costs what it changed")
}

// A table that was read in the middle of a transaction which was given up has
// rows that never came to be, under a count that others have then.
func TestCatalogReadInALostTransaction(t *testing.T) {
	lost, tk := newTask(Config{}), newTask(Config{})
	lost.run(catalogEntry(comboOf("COMBO-1", 1, "TEE")), moveTEE(0, 0))
	require.Equal(t, []string{"COMBO-1", "TEE"}, toldOf(lost.Take(), "TEE"))
	tk.stage = lost.stage
	tk.run(catalogEntry(comboOf("COMBO-2", 2, "TEE")), moveTEE(0, 0))
	require.Equal(t, []string{"COMBO-2", "TEE"}, toldOf(tk.Take(), "TEE"))
}
