package order

import (
	"encoding/json"
	"fmt"
	"math"

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
	services map[service]*eligible

	candidates []candidate
	ranked     []record.Ranked
}

// reset ends a transaction.
func (p *places) reset() {
	if p.changed {
		p.read = false
	}
	p.checked, p.changed = false, false
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
	p.all, p.services = p.all[:0], map[service]*eligible{}
	from, to := []byte{keyWarehouse}, []byte{keyWarehouse + 1}
	tx.Scan(from, to, func(key, value []byte) bool {
		t, err := record.DecodeTableRow(value)
		if err != nil {
			panic(fmt.Sprintf("BUG: state of warehouse %q: %v", key[1:], err))
		}
		if !t.Deleted {
			p.all = append(p.all, parsePlace(t.Key, t.JSON))
		}
		return true
	})
	p.count, p.read = count, true
}

func parsePlace(id string, row []byte) *place {
	w := &place{id: record.WarehouseID(id)}
	if err := json.Unmarshal(row, &w.row); err != nil {
		panic(fmt.Sprintf("BUG: row of warehouse %q: %v", id, err))
	}
	w.priority = w.row.Rank()
	if w.row.Lat != nil && w.row.Lng != nil {
		w.located = true
		w.lat, w.lng = *w.row.Lat*math.Pi/180, *w.row.Lng*math.Pi/180
		w.cosLat = math.Cos(w.lat)
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
	if !t.Deleted {
		parsePlace(t.Key, t.JSON) // panics here rather than at an order much later
	}
	key := append([]byte{keyWarehouse}, t.Key...)
	if value, ok := tx.Get(key); ok {
		old, err := record.DecodeTableRow(value)
		if err != nil {
			panic(fmt.Sprintf("BUG: state of warehouse %q: %v", t.Key, err))
		}
		if old.Version >= t.Version {
			return
		}
	}
	tx.Put(key, record.AppendTableRow(nil, &t))
	tx.Put([]byte{keyWarehouseCount}, pack.AppendUint(nil, readCount(tx, keyWarehouseCount)+1))
	p.changed, p.read = true, false
}
