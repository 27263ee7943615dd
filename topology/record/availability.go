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
	Fed      bool
	Buffer   Quantity // of the company: units that no channel sees
	Rows     []AvailabilityRow
	Policies []ChannelPolicy // of channels or shops that have one for this SKU
	Quotas   []QuotaLeft     // of channels whose quota runs
}

// AvailabilityRow is one warehouse's part, in order of id. Number is that of its
// last movement.
type AvailabilityRow struct {
	Warehouse WarehouseID
	Number    uint64
	Safety    Quantity // units there that no channel sees
	Counters
}

// ChannelPolicy replaces a shop's own buffer and cap for one SKU.
type ChannelPolicy struct {
	Channel     string  // "shopee", or "shopee/main", which goes first
	Buffer, Cap Setting // a value, or SettingKeep: the shop's own applies
}

// QuotaLeft is what a channel's quota still fences off for it.
type QuotaLeft struct {
	Channel string
	Left    Quantity
}

const availabilityVersion = 2

// AppendAvailability appends a's internal form.
func AppendAvailability(b []byte, a *Availability) []byte {
	b = pack.AppendArray(b, 7)
	b = pack.AppendUint(b, availabilityVersion)
	b = pack.AppendString(b, a.SKU)
	b = pack.AppendBool(b, a.Fed)
	b = pack.AppendInt(b, int64(a.Buffer))
	b = pack.AppendArray(b, len(a.Rows)*4)
	for i := range a.Rows {
		w := &a.Rows[i]
		b = pack.AppendUint(pack.AppendString(b, w.Warehouse), w.Number)
		b = appendCounters(pack.AppendInt(b, int64(w.Safety)), w.Counters)
	}
	b = pack.AppendArray(b, len(a.Policies)*3)
	for i := range a.Policies {
		p := &a.Policies[i]
		b = pack.AppendInt(pack.AppendInt(pack.AppendString(b, p.Channel), int64(p.Buffer)), int64(p.Cap))
	}
	b = pack.AppendArray(b, len(a.Quotas)*2)
	for i := range a.Quotas {
		b = pack.AppendInt(pack.AppendString(b, a.Quotas[i].Channel), int64(a.Quotas[i].Left))
	}
	return b
}

// AvailabilitySKU returns the SKU that an availability is about, without reading
// the rest. It is a view of body. Under the key of a combo that is a component.
func AvailabilitySKU(body []byte) (SKU, error) {
	r := pack.NewReader(body)
	r.Form("availability", availabilityVersion, 7, 7)
	sku := SKU(r.View())
	if err := r.Err(); err != nil {
		return "", fmt.Errorf("availability: %w", err)
	}
	return sku, nil
}

// Decode reads what AppendAvailability wrote into a, whose slices are used again.
// The strings are views of body.
func (a *Availability) Decode(body []byte) error {
	r := pack.NewReader(body)
	r.Form("availability", availabilityVersion, 7, 7)
	a.SKU = SKU(r.View())
	a.Fed = r.Bool()
	a.Buffer = Quantity(r.Int())
	a.Rows = a.Rows[:0]
	for n := tuples(&r, 4); n > 0 && r.Err() == nil; n-- {
		a.Rows = append(a.Rows, AvailabilityRow{Warehouse: WarehouseID(r.View()), Number: r.Uint(), Safety: Quantity(r.Int()), Counters: readCounters(&r)})
	}
	a.Policies = a.Policies[:0]
	for n := tuples(&r, 3); n > 0 && r.Err() == nil; n-- {
		a.Policies = append(a.Policies, ChannelPolicy{Channel: r.View(), Buffer: Setting(r.Int()), Cap: Setting(r.Int())})
	}
	a.Quotas = a.Quotas[:0]
	for n := tuples(&r, 2); n > 0 && r.Err() == nil; n-- {
		a.Quotas = append(a.Quotas, QuotaLeft{Channel: r.View(), Left: Quantity(r.Int())})
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("availability: %w", err)
	}
	return nil
}
