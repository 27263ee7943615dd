package channels_test

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"

	"holdfast/topology/record"
)

// world makes random input.
type world struct {
	*rand.Rand
	version record.Offset
	fed     map[record.SKU]bool
}

func (w *world) sku() record.SKU { return record.SKU("s" + strconv.Itoa(w.IntN(7))) }

func (w *world) availability(sku record.SKU) *record.Availability {
	a := &record.Availability{SKU: sku}
	w.fed[a.SKU] = w.fed[a.SKU] || w.IntN(4) == 0
	a.Fed = w.fed[a.SKU]
	for i := range 4 {
		if w.IntN(3) == 0 {
			continue
		}
		a.Rows = append(a.Rows, record.AvailabilityRow{
			Warehouse: record.WarehouseID("w" + strconv.Itoa(i)), Number: w.Uint64N(1000),
			Counters: record.Counters{
				OnHand: record.Quantity(w.IntN(20)), Unavailable: record.Quantity(w.IntN(3)),
				Held: record.Quantity(w.IntN(4)), Allocated: record.Quantity(w.IntN(4)),
			},
		})
	}
	if w.IntN(3) == 0 {
		w.policies(a)
	}
	return a
}

func (w *world) policies(a *record.Availability) {
	a.Buffer = record.Quantity(w.IntN(5))
	for i := range a.Rows {
		a.Rows[i].Safety = record.Quantity(max(0, w.IntN(8)-3))
	}
	setting := func() record.Setting { return record.Setting(w.IntN(12)) - 1 }
	for _, of := range []string{"pos", "shopee", "shopee/main", "shopee/two", "web", "web/main"} {
		if w.IntN(3) == 0 {
			a.Policies = append(a.Policies, record.ChannelPolicy{Channel: of, Buffer: setting(), Cap: setting()})
		}
	}
	for _, of := range []string{"elsewhere", "shopee", "web"} {
		if w.IntN(3) == 0 {
			a.Quotas = append(a.Quotas, record.QuotaLeft{Channel: of, Left: record.Quantity(w.IntN(10))})
		}
	}
}

// comboSKU: two have stock of their own and are combos now and then, one has
// never anything but components.
func (w *world) comboSKU() record.SKU { return []record.SKU{"s0", "s1", "c0"}[w.IntN(3)] }

// combo makes a row of the catalog.
func (w *world) combo() *record.CatalogItem {
	row := &record.CatalogItem{SKU: w.comboSKU()}
	for i := range 7 {
		if sku := record.SKU("s" + strconv.Itoa(i)); sku != row.SKU && w.IntN(3) == 0 {
			row.Components = append(row.Components, record.Component{SKU: sku, Qty: record.Quantity(1 + w.IntN(3))})
		}
	}
	return row
}

func (w *world) warehouse() *record.Warehouse {
	h := &record.Warehouse{ID: record.WarehouseID("w" + strconv.Itoa(w.IntN(4)))}
	if w.IntN(3) == 0 {
		active := w.IntN(2) == 0
		h.Active = &active
	}
	if w.IntN(2) == 0 {
		h.Serves = []string{}
		for _, c := range []string{"web", "shopee", "pos", "elsewhere"} {
			if w.IntN(2) == 0 {
				h.Serves = append(h.Serves, c)
			}
		}
	}
	if len(h.Serves) == 0 {
		h.Serves = nil // the type leaves an empty list out of its JSON
	}
	return h
}

func (w *world) shop() *record.Shop {
	s := &record.Shop{Channel: []string{"web", "shopee", "pos", "elsewhere"}[w.IntN(4)], Shop: []string{"main", "two"}[w.IntN(2)]}
	s.Buffer = record.Quantity(w.IntN(4))
	if w.IntN(2) == 0 {
		v := record.Quantity(w.IntN(15))
		s.Cap = &v
	}
	if w.IntN(2) == 0 {
		v := record.Quantity(w.IntN(10))
		s.Low = &v
	}
	if w.IntN(4) == 0 {
		v := false
		s.Active = &v
	}
	return s
}

// randomEntry returns an entry and what it does to the model once it is committed.
func randomEntry(w *world, m *model) (record.Entry, func()) {
	switch w.IntN(40) {
	case 0:
		h := w.warehouse()
		if w.IntN(4) == 0 {
			h = nil
		}
		id := "w" + strconv.Itoa(w.IntN(4))
		if h != nil {
			id = string(h.ID)
		}
		return row(w, m, record.KindWarehouse, m.houses, id, h)
	case 1:
		s := w.shop()
		key := s.Channel + "/" + s.Shop
		if w.IntN(3) == 0 {
			s = nil
		}
		return row(w, m, record.KindShop, m.shops, key, s)
	case 2:
		return record.Entry{Kind: record.KindDecision, Key: []byte("s1"), Body: []byte("not looked at")}, func() {}
	case 3:
		c := w.combo()
		key := string(c.SKU)
		if w.IntN(4) == 0 {
			c = nil
		}
		return row(w, m, record.KindCatalog, m.catalog, key, c)
	case 4, 5, 6, 7:
		// A component's availability under a combo's key; also late, when it
		// isn't one any more.
		combo, sku := w.comboSKU(), w.sku()
		if sku == combo {
			sku = "s6"
		}
		a := w.availability(sku)
		return availabilityEntry(combo, a), func() {
			if m.heard[combo] == nil {
				m.heard[combo] = map[record.SKU]*record.Availability{}
			}
			m.heard[combo][a.SKU] = a
		}
	default:
		a := w.availability(w.sku())
		return availabilityEntry(a.SKU, a), func() {
			if a.Fed {
				m.stock[a.SKU], m.fed[a.SKU] = a, true
			}
		}
	}
}

func availabilityEntry(key record.SKU, a *record.Availability) record.Entry {
	return record.Entry{Kind: record.KindAvailability, Key: []byte(key), Body: record.AppendAvailability(nil, a)}
}

// row makes an entry of a table's row, nil to delete it; some are old.
func row[T any](w *world, m *model, kind record.Kind, table map[string]*T, key string, v *T) (record.Entry, func()) {
	w.version++
	r := record.TableRow{Key: key, Version: w.version, Deleted: v == nil}
	if w.IntN(8) == 0 {
		r.Version -= 20
	}
	if v != nil {
		r.JSON, _ = json.Marshal(v)
	}
	name := kind.String() + " " + key
	return record.Entry{Kind: kind, Key: []byte(key), Body: record.AppendTableRow(nil, &r)}, func() {
		old, ok := m.versions[name]
		if ok && old >= r.Version {
			return
		}
		if c, isCatalog := any(v).(*record.CatalogItem); isCatalog && !ok && (c == nil || len(c.Components) == 0) {
			return // a SKU that never was a combo keeps nothing, not even a version
		}
		m.versions[name] = r.Version
		if delete(table, key); v != nil {
			table[key] = v
		}
	}
}
