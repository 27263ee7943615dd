package inventory

import (
	"fmt"

	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// waiter stands in the line of those that wait for a SKU. It is written when
// its order begins to wait and deleted when it has all or leaves; how many
// units it waits for is in its hold alone.
type waiter struct {
	OrderKey record.OrderKey
	Ranked   []record.Ranked // warehouses that may serve it
}

const waiterVersion = 1

// appendWaiter appends the state value: [version, order key, [warehouse, rank, …]]
func appendWaiter(b []byte, orderKey record.OrderKey, ranked []record.Ranked) []byte {
	b = pack.AppendArray(b, 3)
	b = pack.AppendUint(b, waiterVersion)
	b = pack.AppendString(b, orderKey)
	b = pack.AppendArray(b, len(ranked)*2)
	for i := range ranked {
		b = pack.AppendUint(pack.AppendString(b, ranked[i].Warehouse), uint64(ranked[i].Rank))
	}
	return b
}

// decode reads what appendWaiter wrote into w, whose slice is used again. The
// strings are views of value.
func (w *waiter) decode(value []byte) error {
	r := pack.NewReader(value)
	r.Form("waiter", waiterVersion, 3, 3)
	w.OrderKey = record.OrderKey(r.View())
	w.Ranked = w.Ranked[:0]
	for n := readPairs(&r); n > 0 && r.Err() == nil; n-- {
		warehouse, rank := r.View(), r.Uint()
		if rank > 1<<16-1 {
			r.Fail(pack.ErrForm)
		}
		w.Ranked = append(w.Ranked, record.Ranked{Warehouse: record.WarehouseID(warehouse), Rank: uint16(rank)})
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("waiter: %w", err)
	}
	return nil
}
