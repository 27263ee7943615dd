package order

import (
	"encoding/binary"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// ReadRow takes a row of the stage's state apart, for people who look at one.
func ReadRow(key, value []byte) stage.Row {
	row := stage.Row{Kind: "unknown", Of: string(key[1:])}
	var err error
	switch key[0] {
	case keyOrder, keyInbox:
		if isInbox(value) {
			in := &inbox{}
			row.Kind, err = "events_that_wait", in.decode(value)
			row.Row = struct {
				Due    record.Millis
				Events int
			}{in.Due, len(in.Events)}
			break
		}
		o := &Order{}
		row.Kind, row.Row, err = "order", o, o.Decode(value)
	case keyTimer, keyNextDue:
		row.Kind = map[byte]string{keyTimer: "timer", keyNextDue: "first_timer"}[key[0]]
		timer := key
		if key[0] == keyNextDue {
			timer = append([]byte{keyTimer}, value...)
		}
		if len(timer) < timerDueBytes {
			err = pack.ErrForm
			break
		}
		due := struct {
			Due  record.Millis
			Kind timerKind
		}{Due: record.Millis(binary.BigEndian.Uint64(timer[1:]))}
		row.Of = ""
		if len(timer) > timerPrefixBytes {
			due.Kind, row.Of = timerKind(timer[timerDueBytes]), string(timer[timerPrefixBytes:])
		}
		row.Row = due
	case keyWarehouse:
		row.Kind = "warehouse"
		row.Row, err = record.DecodeTableRow(value)
	case keyCombo:
		var c combo
		c, err = readCombo(value)
		row.Kind = "combo"
		row.Row = struct {
			Version    record.Offset
			Components []record.Component
		}{c.version, c.components}
	case keyWarehouseCount, keyCatalogCount:
		row.Kind = map[byte]string{keyWarehouseCount: "warehouse_changes", keyCatalogCount: "catalog_changes"}[key[0]]
		r := pack.NewReader(value)
		row.Row = r.Uint()
		err = r.Close()
	case keyParcels:
		c := &parcels{}
		row.Kind, err = "parcels", c.decode(value)
		by := map[record.WarehouseID]int64{}
		for _, n := range c.counts {
			by[n.warehouse] = n.n
		}
		row.Row = struct {
			Hour int64
			By   map[record.WarehouseID]int64
		}{c.hour, by}
	}
	if err != nil {
		row.Row, row.Err = nil, err.Error()
	}
	return row
}
