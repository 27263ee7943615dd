package channels

import (
	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// ReadRow takes a row of the stage's state apart, for people who look at one.
// Warehouses and shops are numbers of the row that holds their names.
func ReadRow(key, value []byte) stage.Row {
	row := stage.Row{Kind: "unknown", Of: string(key[1:])}
	var err error
	switch {
	case key[0] == prefixItem:
		it := &item{}
		row.Kind, err = "item", it.decode(value)
		row.Row = readItem(it)
	case key[0] == prefixWindow:
		r := pack.NewReader(value)
		n := r.Array()
		r.Uint()
		w := struct {
			Due  record.Millis
			SKUs []string
		}{Due: record.Millis(r.Int())}
		for i := 2; i < n && r.Err() == nil; i++ {
			w.SKUs = append(w.SKUs, r.String())
		}
		row.Kind, row.Of, row.Row, err = "window", "", w, r.Close()
	case key[0] == prefixWarehouse, key[0] == prefixShop:
		row.Kind = map[byte]string{prefixWarehouse: "warehouse", prefixShop: "shop"}[key[0]]
		row.Row, err = record.DecodeTableRow(value)
	case string(key) == keyNames:
		t := &tables{}
		row.Kind, err = "names", t.decodeNames(value)
		row.Row = struct{ Channels, Warehouses, Shops []string }{t.channels, t.warehouses.list, t.shops.list}
	case string(key) == keyQueue:
		var q queue
		q, err = decodeQueue(value)
		row.Kind = "windows"
		row.Row = struct {
			First, Behind uint64
			Due           record.Millis
		}{q.head, q.tail, q.due}
	case string(key) == keyPass:
		var p pass
		p, err = decodePass(value)
		row.Kind = "pass"
		row.Row = struct{ Next, Until record.SKU }{p.next, p.until}
	}
	if err != nil {
		row.Row, row.Err = nil, err.Error()
	}
	return row
}

func readItem(it *item) any {
	type house struct {
		Warehouse      int
		Now, Published record.Counters
		Safety         record.Quantity
		Version        int64
	}
	type shop struct {
		Shop     int
		Sellable record.Quantity
		Version  int64
	}
	out := struct {
		Fed        bool
		WindowEnds record.Millis
		Warehouses []house
		Told       []shop
		Combo      bool
	}{Fed: it.fed, WindowEnds: it.due, Combo: it.combo.isCombo()}
	for _, p := range it.places {
		out.Warehouses = append(out.Warehouses, house{p.warehouse, p.now, p.published, p.safety, p.version})
	}
	for _, t := range it.shops {
		out.Told = append(out.Told, shop{t.shop, t.sellable, t.version})
	}
	return out
}
