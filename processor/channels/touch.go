package channels

import (
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// touch is a SKU with the last of each that the transaction saw of it. Under the
// key of a combo there come availabilities of its components too, each a record
// of its own: one doesn't stand for another.
type touch struct {
	sku  record.SKU
	own  []byte           // its availability
	row  *record.TableRow // of the catalog
	part int              // first of its components in touchedParts, + 1
}

// touchedPart is a component's availability.
type touchedPart struct {
	sku  record.SKU
	body []byte
	next int // of the same combo, + 1
}

// touch returns the entry of a SKU, made if need be.
func (s *Stage) touch(key []byte) *touch {
	i, ok := s.index[record.SKU(key)]
	if !ok {
		i = len(s.touched)
		sku := record.SKU(key)
		s.index[sku] = i
		s.touched = append(s.touched, touch{sku: sku})
	}
	return &s.touched[i]
}

// touchAvailability keeps an availability: of the SKU itself, or of a component.
func (s *Stage) touchAvailability(e *record.Entry) error {
	sku, err := record.AvailabilitySKU(e.Body)
	if err != nil {
		return err
	}
	t := s.touch(e.Key)
	if sku == t.sku {
		t.own = e.Body
		return nil
	}
	for i := t.part; i > 0; i = s.touchedParts[i-1].next {
		if p := &s.touchedParts[i-1]; p.sku == sku {
			p.body = e.Body
			return nil
		}
	}
	s.touchedParts = append(s.touchedParts, touchedPart{sku, e.Body, t.part})
	t.part = len(s.touchedParts)
	return nil
}

// touchCatalog keeps a row of the catalog, the newest.
func (s *Stage) touchCatalog(e *record.Entry) error {
	row, err := record.DecodeTableRow(e.Body)
	if err != nil {
		return err
	}
	if t := s.touch(e.Key); t.row == nil || t.row.Version < row.Version {
		t.row = &row
	}
	return nil
}

// update takes what the transaction saw of a SKU into its item.
func (s *Stage) update(tx stage.Tx, t *touch) {
	it := &s.item
	old := s.load(tx, t.sku)
	changed := t.row != nil && it.combo.takeRow(t.row)
	if t.own != nil {
		changed = s.takeOwn(it, s.decode(t.sku, t.own)) || changed
	}
	for i := t.part; i > 0; i = s.touchedParts[i-1].next {
		p := &s.touchedParts[i-1]
		if s.takeComponent(&it.combo, s.decode(p.sku, p.body)) {
			it.fed, changed = true, true
		}
	}
	if changed {
		s.settle(tx, t.sku)
		s.save(tx, t.sku, old)
	}
}

func (s *Stage) decode(sku record.SKU, body []byte) *record.Availability {
	a := &s.availability
	if err := a.Decode(body); err != nil || a.SKU != sku {
		panic(fmt.Sprintf("BUG: availability of %q where %q is due: %v", a.SKU, sku, err))
	}
	return a
}

// takeOwn takes the SKU's own availability; false while the stock feed hasn't
// named it: the next one tells all again, and until then nobody needs it.
func (s *Stage) takeOwn(it *item, a *record.Availability) bool {
	if !a.Fed {
		return false
	}
	it.fed = true
	for i := range it.places {
		it.places[i].now, it.places[i].safety = record.Counters{}, 0
	}
	for i := range a.Rows {
		row := &a.Rows[i]
		p := it.place(s.tables.warehouse(s.config.Channels, row.Warehouse))
		p.now, p.safety = row.Counters, row.Safety
	}
	it.policy.buffer = a.Buffer
	it.policy.rules = append(it.policy.rules[:0], a.Policies...)
	it.policy.quotas = append(it.policy.quotas[:0], a.Quotas...)
	return true
}
