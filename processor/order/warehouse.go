package order

import (
	"encoding/json"
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// places is the table of warehouses in memory. Parsing it costs more than
// deciding an order, so it is kept over transactions, which needs care: an
// aborted transaction may have changed rows.
//
// State holds a count of changes, put up in the transaction of the change. What
// is kept is used only while the count is the one it was read at. A transaction
// that changes rows leaves nothing behind (see reset), so two different sets of
// rows are never seen with the same count.
type places struct {
	count   uint64
	read    bool // all and services are those of count
	checked bool // in this transaction
	changed bool // rows changed in this transaction

	all      []*place
	byID     map[record.WarehouseID]*place
	services map[service]*eligible
	limited  bool // a warehouse has a capacity
	full     int  // warehouses that have had their share of the hour
	parcels  parcels

	partitions int // of log.orders
	candidates []candidate
	ranked     []record.Ranked
}

// reset ends a transaction.
func (p *places) reset() {
	if p.changed {
		p.read = false
	}
	p.checked, p.changed = false, false
	p.parcels.reset()
}

// load makes the table in memory that of the state.
func (p *places) load(tx stage.Tx) {
	if p.checked && p.read {
		return
	}
	count := readCount(tx, keyWarehouseCount)
	p.checked = true
	if p.read && p.count == count {
		return
	}
	p.all, p.byID, p.services = p.all[:0], map[record.WarehouseID]*place{}, map[service]*eligible{}
	p.limited = false
	from, to := []byte{keyWarehouse}, []byte{keyWarehouse + 1}
	tx.Scan(from, to, func(key, value []byte) bool {
		t, err := record.DecodeTableRow(value)
		if err != nil {
			panic(fmt.Sprintf("BUG: state of warehouse %q: %v", key[1:], err))
		}
		if !t.Deleted {
			w := parsePlace(t.Key, t.JSON)
			w.share = shareOf(w.row.CapacityPerHour, p.partitions)
			p.limited = p.limited || w.share >= 0
			p.all, p.byID[w.id] = append(p.all, w), w
		}
		return true
	})
	p.count, p.read = count, true
	p.markFull()
}

func parsePlace(id string, row []byte) *place {
	w := &place{id: record.WarehouseID(id), share: -1}
	if err := json.Unmarshal(row, &w.row); err != nil {
		panic(fmt.Sprintf("BUG: row of warehouse %q: %v", id, err))
	}
	w.priority = w.row.Rank()
	if w.row.Lat != nil && w.row.Lng != nil {
		w.located, w.at = true, pointAt(*w.row.Lat, *w.row.Lng)
	}
	return w
}

// change takes a row of the table over, unless a newer one is here.
// Deleted rows are kept for their version's sake.
func (p *places) change(tx stage.Tx, e *record.Entry) {
	t, err := record.DecodeTableRow(e.Body)
	if err != nil {
		panic(fmt.Sprintf("BUG: warehouse from %s: %v", e.Origin, err))
	}
	limited := !t.Deleted && parsePlace(t.Key, t.JSON).row.CapacityPerHour != nil // it panics here rather than at an order much later
	key := append([]byte{keyWarehouse}, t.Key...)
	if value, ok := tx.Get(key); ok {
		old, err := record.DecodeTableRow(value)
		if err != nil {
			panic(fmt.Sprintf("BUG: state of warehouse %q: %v", t.Key, err))
		}
		if old.Version >= t.Version {
			return
		}
		if !limited && !old.Deleted && parsePlace(old.Key, old.JSON).row.CapacityPerHour != nil {
			p.parcels.forget(tx, record.WarehouseID(t.Key))
		}
	}
	tx.Put(key, record.AppendTableRow(nil, &t))
	tx.Put([]byte{keyWarehouseCount}, pack.AppendUint(nil, readCount(tx, keyWarehouseCount)+1))
	p.changed, p.read = true, false
}
