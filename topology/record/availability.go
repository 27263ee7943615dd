package record

import (
	"fmt"

	"holdfast/topology/record/pack"
)

// Availability is where a SKU stands after a transaction of inventory: one
// record per touched SKU and transaction, absolute, the last one wins.
type Availability struct {
	SKU SKU
	// Fed says that the stock feed has named the SKU. Before that (an order
	// asked for a SKU never heard of) nothing is published.
	Fed  bool
	Rows []AvailabilityRow // by warehouse id
}

// AvailabilityRow is one warehouse's part. Number is that of its last movement.
type AvailabilityRow struct {
	Warehouse WarehouseID
	Number    uint64
	Counters
}

const availabilityVersion = 1

// AppendAvailability appends a's internal form.
func AppendAvailability(b []byte, a *Availability) []byte {
	b = pack.AppendArray(b, 4)
	b = pack.AppendUint(b, availabilityVersion)
	b = pack.AppendString(b, a.SKU)
	b = pack.AppendBool(b, a.Fed)
	b = pack.AppendArray(b, len(a.Rows)*3)
	for i := range a.Rows {
		w := &a.Rows[i]
		b = pack.AppendUint(pack.AppendString(b, w.Warehouse), w.Number)
		b = appendCounters(b, w.Counters)
	}
	return b
}

// Decode reads what AppendAvailability wrote into a, whose slice is used again.
// The strings are views of body.
func (a *Availability) Decode(body []byte) error {
	r := pack.NewReader(body)
	r.ArrayOf(4)
	checkVersion(&r, "availability", availabilityVersion)
	a.SKU = SKU(r.View())
	a.Fed = r.Bool()
	n := r.Array()
	if n%3 != 0 {
		r.Fail(pack.ErrForm)
	}
	a.Rows = a.Rows[:0]
	for ; n > 0 && r.Err() == nil; n -= 3 {
		a.Rows = append(a.Rows, AvailabilityRow{Warehouse: WarehouseID(r.View()), Number: r.Uint(), Counters: readCounters(&r)})
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("availability: %w", err)
	}
	return nil
}
