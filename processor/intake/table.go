package intake

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// rowBytesMax bounds a row of a table: it is kept by every partition of every
// stage that needs it.
const rowBytesMax = 64 << 10

// prioritiesMax bounds a warehouse's priority, which is a rank among warehouses.
const prioritiesMax = 1_000_000

// table is how the rows of one table are checked and where they go.
type table struct {
	kind record.Kind
	logs []stage.Log
	// check returns the key that the row must have, or why it can't be taken.
	check func(s *Stage, value []byte) (key string, refusal *record.Refusal)
}

func tableOf(short string) *table {
	both := []stage.Log{stage.LogOrders, stage.LogAvailability}
	switch short {
	case "warehouses":
		return &table{record.KindWarehouse, both, (*Stage).checkWarehouse}
	case "channels":
		return &table{record.KindShop, both, (*Stage).checkShopRow}
	case "catalog":
		// A row without components is told too: the SKU may have had some before.
		all := []stage.Log{stage.LogOrders, stage.LogInventory, stage.LogAvailability}
		return &table{record.KindCatalog, all, (*Stage).checkCatalog}
	}
	return nil
}

// takeRow takes a change of a table's row. Its version is its offset: the
// table's topic has one partition.
func (s *Stage) takeRow(tx stage.Tx, r *stage.Record, t *table) *record.Refusal {
	row := record.TableRow{Key: string(r.Key), Version: r.Offset, Deleted: r.Value == nil}
	if row.Deleted {
		if refusal := checkRowKey(r.Short, row.Key); refusal != nil {
			return refusal
		}
	} else {
		if len(r.Value) > rowBytesMax {
			return refuse(record.RefuseTooLarge, "row of %d bytes, the most is %d", len(r.Value), rowBytesMax)
		}
		key, refusal := t.check(s, r.Value)
		if refusal != nil {
			return refusal
		}
		// Compaction goes by the record's key: under another one the row would
		// outlive its successors.
		if row.Key != key {
			return refuse(record.RefuseKeyMismatch, "key %.300q of the row %.300q", row.Key, key)
		}
		row.JSON = compact(r.Value)
	}
	s.buf = record.AppendTableRow(s.buf[:0], &row)
	for _, log := range t.logs {
		tx.Broadcast(log, t.kind, r.Key, r.Origin(), s.buf)
	}
	return nil
}

// checkRowKey checks the key of a deletion, which has no value to check.
func checkRowKey(short, key string) *record.Refusal {
	if short != "channels" {
		return checkID("key", key)
	}
	channel, shop, ok := strings.Cut(key, "/")
	if !ok {
		return refuse(record.RefuseBadID, "key: %.100q isn't channel/shop", key)
	}
	return first(checkChannel("key", channel), checkShop("key: shop", shop))
}

// compact returns the row as it came, without white space. It isn't written
// anew from what was read: "serves": [] and no "serves" are different rows.
func compact(value []byte) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, value); err != nil {
		panic("BUG: a row that was read isn't JSON: " + err.Error())
	}
	return b.Bytes()
}

func (s *Stage) checkWarehouse(value []byte) (string, *record.Refusal) {
	w := record.Warehouse{}
	if refusal := parse(value, &w); refusal != nil {
		return "", refusal
	}
	refusal := first(
		checkID("id", w.ID), checkOneOf("kind", w.Kind, "", "warehouse", "store", "3pl"), checkPlace(w.Lat, w.Lng),
		checkClock("cutoff", w.Cutoff), checkOptionalID("timezone", w.Timezone),
	)
	for _, channel := range w.Serves {
		refusal = first(refusal, checkChannel("serves", channel))
	}
	switch {
	case refusal != nil:
		return "", refusal
	case w.Priority != nil && (*w.Priority < 0 || *w.Priority > prioritiesMax):
		return "", refuse(record.RefuseBadRow, "priority: %d, must be 0 to %d", *w.Priority, prioritiesMax)
	case w.CapacityPerHour != nil && *w.CapacityPerHour < 0:
		return "", refuse(record.RefuseBadRow, "capacity_per_hour: %d", *w.CapacityPerHour)
	}
	for _, channel := range w.Serves {
		if !s.channels[channel] {
			s.report("warehouse %s serves channel %s, which isn't configured: ignored", w.ID, channel)
		}
	}
	return string(w.ID), nil
}

func (s *Stage) checkShopRow(value []byte) (string, *record.Refusal) {
	p := record.Shop{}
	if refusal := parse(value, &p); refusal != nil {
		return "", refusal
	}
	refusal := first(
		checkChannel("channel", p.Channel), checkShop("shop", p.Shop),
		checkOneOf("kind", p.Kind, "", "marketplace", "own"), checkQty("buffer", p.Buffer, 0, record.OnHandMax),
	)
	if p.Cap != nil {
		refusal = first(refusal, checkQty("cap", *p.Cap, 0, record.OnHandMax))
	}
	if p.Low != nil {
		refusal = first(refusal, checkQty("low", *p.Low, 0, record.OnHandMax))
	}
	for _, id := range p.IDs {
		refusal = first(refusal, checkID("ids", id))
	}
	if refusal == nil && !s.channels[p.Channel] {
		refusal = refuse(record.RefuseChannelUnknown, "channel: %s isn't configured", p.Channel)
	}
	return p.Channel + "/" + p.Shop, refusal
}

func (s *Stage) checkCatalog(value []byte) (string, *record.Refusal) {
	c := record.CatalogItem{}
	refusal := parse(value, &c)
	if refusal == nil {
		refusal = checkID("sku", c.SKU)
	}
	if refusal == nil && len(c.Components) > 0 {
		refusal = checkComponents(&c)
	}
	return string(c.SKU), refusal
}

// Limits of a combo: every order of it has a line and a reserve for each
// component. One is enough: six bottles are a combo of the bottle.
const (
	componentsMax   = 50
	componentQtyMax = 1000
)

func checkComponents(c *record.CatalogItem) *record.Refusal {
	if n := len(c.Components); n > componentsMax {
		return refuse(record.RefuseBadRow, "components: %d, the most is %d", n, componentsMax)
	}
	seen := make(map[record.SKU]bool, len(c.Components))
	for i, part := range c.Components {
		at := "component " + strconv.Itoa(i+1)
		if refusal := first(checkID(at+": sku", part.SKU), checkQty(at+": qty", part.Qty, 1, componentQtyMax)); refusal != nil {
			return refusal
		}
		switch {
		case part.SKU == c.SKU:
			return refuse(record.RefuseBadRow, "%s: %q can't be a part of itself", at, part.SKU)
		case seen[part.SKU]:
			return refuse(record.RefuseBadRow, "%s: %q is named twice", at, part.SKU)
		}
		seen[part.SKU] = true
	}
	return nil
}

func checkOneOf(what, got string, known ...string) *record.Refusal {
	for _, k := range known {
		if got == k {
			return nil
		}
	}
	return refuse(record.RefuseBadRow, "%s: %.60q isn't known", what, got)
}

// checkClock checks a time of day, HH:MM; it may be absent.
func checkClock(what, text string) *record.Refusal {
	if text == "" {
		return nil
	}
	digit := func(i int) bool { return text[i] >= '0' && text[i] <= '9' }
	if len(text) != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4) ||
		text[:2] > "23" || text[3:] > "59" {
		return refuse(record.RefuseBadRow, "%s: %.60q isn't HH:MM", what, text)
	}
	return nil
}
