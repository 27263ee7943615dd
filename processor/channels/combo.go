package channels

import (
	"encoding/json"
	"fmt"

	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// combo is a SKU's row of the catalog and what is known of its components.
// Inventory sends a component's availability to the key of each combo that has
// it, so that one task sees all that the combo depends on.
//
// A SKU whose row lost its components, or was deleted, is a plain one again: it
// keeps the row's version, so that an old row can't make it a combo. SKUs that
// never were one keep nothing.
type combo struct {
	known   bool
	version record.Offset // of the row
	parts   []component   // none: it is a plain SKU again
}

// component is a part of the combo. Units are what its warehouses have beyond
// their safety: that is all the combo needs to know.
type component struct {
	sku    record.SKU
	perSet record.Quantity
	heard  bool // of a component that nothing was heard of there are none
	buffer record.Quantity
	units  []unitsAt
	quotas []record.QuotaLeft
}

type unitsAt struct {
	warehouse int
	qty       record.Quantity
}

func (c *combo) isCombo() bool { return len(c.parts) > 0 }

// takeRow takes a row of the catalog; false when it changes nothing. Components
// that stay keep what is known of them.
func (c *combo) takeRow(row *record.TableRow) bool {
	in := record.CatalogItem{}
	if !row.Deleted {
		if err := json.Unmarshal(row.JSON, &in); err != nil {
			panic(fmt.Sprintf("BUG: row %q was let through by intake: %v", row.Key, err))
		}
	}
	if c.known && c.version >= row.Version || !c.known && len(in.Components) == 0 {
		return false
	}
	was := c.parts
	*c = combo{known: true, version: row.Version}
	for _, part := range in.Components {
		next := component{sku: part.SKU}
		for i := range was {
			if was[i].sku == part.SKU {
				next = was[i]
			}
		}
		next.perSet = part.Qty
		c.parts = append(c.parts, next)
	}
	return true
}

// takeComponent takes the newest availability of a component; false when it
// isn't one, or the stock feed hasn't named it yet.
func (s *Stage) takeComponent(c *combo, a *record.Availability) bool {
	for i := range c.parts {
		part := &c.parts[i]
		if part.sku != a.SKU || !a.Fed {
			continue
		}
		part.heard, part.buffer, part.units = true, a.Buffer, part.units[:0]
		part.quotas = append(part.quotas[:0], a.Quotas...)
		for k := range a.Rows {
			row := &a.Rows[k]
			if qty := row.Available() - row.Safety; qty > 0 {
				part.units = append(part.units, unitsAt{s.tables.warehouse(s.config.Channels, row.Warehouse), qty})
			}
		}
		return true
	}
	return false
}

// comboSums works out how many whole sets each channel could sell: of each
// component what its warehouses that serve the channel have, less the company's
// buffer and what quotas fence off; the component that gives the fewest sets
// decides.
func (s *Stage) comboSums(c *combo, sums []record.Quantity) {
	for i := range c.parts {
		part := &c.parts[i]
		clear(s.partSums)
		for _, u := range part.units {
			s.tables.add(u.warehouse, u.qty, s.partSums)
		}
		for ch, name := range s.config.Channels {
			sets := max(0, fence(s.partSums[ch], part.buffer, part.quotas, name)) / part.perSet
			if i == 0 || sets < sums[ch] {
				sums[ch] = sets
			}
		}
	}
}

// appendCombo appends:
//
//	[version, component, …]
//	component = [sku, units a set] | [sku, units a set, buffer, [warehouse, units, …], [channel, left, …]]
func (c *combo) append(b []byte) []byte {
	b = pack.AppendInt(pack.AppendArray(b, 1+len(c.parts)), int64(c.version))
	for i := range c.parts {
		part := &c.parts[i]
		n := 5
		if !part.heard {
			n = 2
		}
		b = pack.AppendInt(pack.AppendString(pack.AppendArray(b, n), part.sku), int64(part.perSet))
		if !part.heard {
			continue
		}
		b = pack.AppendArray(pack.AppendInt(b, int64(part.buffer)), 2*len(part.units))
		for _, u := range part.units {
			b = pack.AppendInt(pack.AppendUint(b, uint64(u.warehouse)), int64(u.qty))
		}
		b = appendQuotas(b, part.quotas)
	}
	return b
}

func (c *combo) read(r *pack.Reader) {
	n := r.Array() - 1
	c.known, c.version = true, record.Offset(r.Int())
	for ; n > 0 && r.Err() == nil; n-- {
		c.parts = append(c.parts, readComponent(r))
	}
}

func readComponent(r *pack.Reader) component {
	n := r.Array()
	part := component{sku: record.SKU(r.View()), perSet: record.Quantity(r.Int()), heard: n == 5}
	if n != 2 && n != 5 || part.perSet < 1 {
		r.Fail(pack.ErrForm)
	}
	if !part.heard {
		return part
	}
	part.buffer = record.Quantity(r.Int())
	for n := tuples(r, 2); n > 0 && r.Err() == nil; n-- {
		part.units = append(part.units, unitsAt{readNumber(r), record.Quantity(r.Int())})
	}
	part.quotas = readQuotas(r, nil)
	return part
}
