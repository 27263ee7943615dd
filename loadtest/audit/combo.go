package audit

import (
	"encoding/json"
	"fmt"
	"strings"

	"holdfast/topology/record"
)

// catalog is the combos of the table catalog, as far as a partition of a log has
// told of them: a combo explodes by what stands before the order in its own log.
type catalog map[string]versioned[record.CatalogItem]

func (c *catalog) add(body []byte) error {
	if *c == nil {
		*c = catalog{}
	}
	return addRow(*c, body)
}

// components returns what a combo is made of; nil for a plain SKU.
func (c catalog) components(sku string) []record.Component {
	if row, ok := c[sku]; ok && !row.deleted {
		return row.row.Components
	}
	return nil
}

// explodedHash is linesHash of what the lines become once combos have exploded:
// the same for the same units of the same lines and SKUs, in whatever order and
// split over whatever parts.
func (c catalog) explodedHash(lines []record.OrderLine) (sum uint64) {
	for i := range lines {
		l := &lines[i]
		parts := c.components(string(l.SKU))
		if len(parts) == 0 {
			sum += entryHash(l.Line, string(l.SKU), "") * uint64(l.Qty)
		}
		for _, part := range parts {
			sum += entryHash(l.Line, string(part.SKU), string(l.SKU)) * uint64(part.Qty*l.Qty)
		}
	}
	return sum
}

// entryHash is of an entry of order.events: line, SKU and, where it is a part of
// one, the combo that was sold.
func entryHash(line, sku, combo string) uint64 {
	h := lineHash(line, sku)
	if combo != "" {
		h = (h ^ lineHash(combo, "")) * 1099511628211
	}
	return h
}

// versioned is a row of a table with the version that it was sent with.
type versioned[T any] struct {
	version record.Offset
	deleted bool
	row     T
}

// addRow keeps the newest version of a table's row. Rows are sent to every
// partition, so the same one comes several times.
func addRow[T any](table map[string]versioned[T], body []byte) error {
	r, err := record.DecodeTableRow(body)
	if err != nil {
		return err
	}
	if old, ok := table[r.Key]; ok && old.version >= r.Version {
		return nil
	}
	v := versioned[T]{version: r.Version, deleted: r.Deleted}
	if !r.Deleted {
		if err := json.Unmarshal(r.JSON, &v.row); err != nil {
			return fmt.Errorf("row %q: %w", r.Key, err)
		}
	}
	table[strings.Clone(r.Key)] = v
	return nil
}
