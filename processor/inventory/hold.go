package inventory

import (
	"fmt"
	"slices"

	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// Hold is what an order claims of a SKU. All of its units are held or all are
// allocated: confirm turns the whole of it.
//
// Invariant: Σ Parts + Missing + Waiting <= Requested; the difference has been
// shipped.
type Hold struct {
	Attempt   uint32
	Allocated bool // a hard claim, also for the units that still wait
	Requested record.Quantity
	Missing   record.Quantity // not granted, and doesn't wait
	Waiting   record.Quantity // waits for stock
	Place     place           // among those that wait, while Waiting > 0
	Parts     []record.WarehouseQty
	// Quota is how many units of Parts came out of the quota with that number.
	Quota       record.Quantity
	QuotaNumber uint64
	// Shipments are digests of the shipments taken out so far: a repetition of
	// one must not take out more of what is left.
	Shipments []uint64
}

// live tells that the order claims or waits for something. Only such a hold is
// kept in state.
func (h *Hold) live() bool { return len(h.Parts) > 0 || h.Waiting > 0 }

// units returns what is claimed over all warehouses.
func (h *Hold) units() record.Quantity {
	var n record.Quantity
	for i := range h.Parts {
		n += h.Parts[i].Qty
	}
	return n
}

// counted returns what units of the claim are in a row's counters.
func (h *Hold) counted(qty record.Quantity) record.Counters {
	if h.Allocated {
		return record.Counters{Allocated: qty}
	}
	return record.Counters{Held: qty}
}

// claim adds units at a warehouse.
func (h *Hold) claim(w record.WarehouseID, qty record.Quantity) {
	for i := range h.Parts {
		if h.Parts[i].Warehouse == w {
			h.Parts[i].Qty += qty
			return
		}
	}
	h.Parts = append(h.Parts, record.WarehouseQty{Warehouse: w, Qty: qty})
}

// take removes up to qty units at a warehouse and returns how many there were.
func (h *Hold) take(w record.WarehouseID, qty record.Quantity) record.Quantity {
	for i := range h.Parts {
		p := &h.Parts[i]
		if p.Warehouse != w {
			continue
		}
		n := min(qty, p.Qty)
		if p.Qty -= n; p.Qty == 0 {
			h.Parts = slices.Delete(h.Parts, i, i+1)
		}
		return n
	}
	return 0
}

// reset makes a hold that claims nothing, letting go of all views.
func (h *Hold) reset() {
	clear(h.Parts)
	*h = Hold{Parts: h.Parts[:0], Shipments: h.Shipments[:0]}
}

const holdVersion = 3

// appendHold appends the state value:
//
//	[version, attempt, allocated, requested, missing, waiting, place, [warehouse, qty, …], [shipment, …]]
//	… and [quota, quota number] where units came out of a quota
//
// The place is one number, which costs a hold that doesn't wait one byte.
func appendHold(b []byte, h *Hold) []byte {
	n := 9
	if h.Quota > 0 {
		n = 11
	}
	b = pack.AppendArray(b, n)
	b = pack.AppendUint(b, holdVersion)
	b = pack.AppendUint(b, uint64(h.Attempt))
	b = pack.AppendBool(b, h.Allocated)
	b = pack.AppendInt(b, int64(h.Requested))
	b = pack.AppendInt(b, int64(h.Missing))
	b = pack.AppendInt(b, int64(h.Waiting))
	b = pack.AppendUint(b, h.Place.pack())
	b = pack.AppendArray(b, len(h.Parts)*2)
	for i := range h.Parts {
		b = pack.AppendInt(pack.AppendString(b, h.Parts[i].Warehouse), int64(h.Parts[i].Qty))
	}
	b = pack.AppendArray(b, len(h.Shipments))
	for _, s := range h.Shipments {
		b = pack.AppendUint(b, s)
	}
	if h.Quota > 0 {
		b = pack.AppendUint(pack.AppendInt(b, int64(h.Quota)), h.QuotaNumber)
	}
	return b
}

// decode reads what appendHold wrote into h, whose slices are used again.
// Warehouse ids are views of value.
func (h *Hold) decode(value []byte) error {
	r := pack.NewReader(value)
	fields := r.Form("hold", holdVersion, 9, 11)
	if fields == 10 {
		r.Fail(pack.ErrForm)
	}
	attempt := r.Uint()
	if attempt > 1<<32-1 {
		r.Fail(pack.ErrForm)
	}
	h.Attempt = uint32(attempt)
	h.Allocated = r.Bool()
	h.Requested = record.Quantity(r.Int())
	h.Missing = record.Quantity(r.Int())
	h.Waiting = record.Quantity(r.Int())
	at := r.Uint()
	h.Place = place{}
	if h.Waiting > 0 {
		h.Place = unpackPlace(at)
	} else if at != 0 {
		r.Fail(pack.ErrForm)
	}
	h.Parts = h.Parts[:0]
	for n := readPairs(&r); n > 0 && r.Err() == nil; n-- {
		h.Parts = append(h.Parts, record.WarehouseQty{Warehouse: record.WarehouseID(r.View()), Qty: record.Quantity(r.Int())})
	}
	h.Shipments = h.Shipments[:0]
	for n := r.Array(); n > 0 && r.Err() == nil; n-- {
		h.Shipments = append(h.Shipments, r.Uint())
	}
	h.Quota, h.QuotaNumber = 0, 0
	if fields == 11 {
		if h.Quota, h.QuotaNumber = record.Quantity(r.Int()), r.Uint(); h.Quota <= 0 || h.QuotaNumber == 0 {
			r.Fail(pack.ErrForm)
		}
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	return h.wellFormed()
}

// wellFormed tells what must be true of a hold that is kept. Quantities are
// bounded one by one, so that the sum below can't run over.
func (h *Hold) wellFormed() error {
	if !h.live() {
		return fmt.Errorf("hold: claims nothing")
	}
	left := h.Requested
	if left <= 0 {
		return fmt.Errorf("hold: %d units requested", left)
	}
	for _, n := range [...]record.Quantity{h.Missing, h.Waiting} {
		if n < 0 || n > left {
			return fmt.Errorf("hold: %d missing and %d waiting of %d", h.Missing, h.Waiting, h.Requested)
		}
		left -= n
	}
	for i := range h.Parts {
		if n := h.Parts[i].Qty; n <= 0 || n > left {
			return fmt.Errorf("hold: %d units at %q of %d", n, h.Parts[i].Warehouse, h.Requested)
		}
		left -= h.Parts[i].Qty
	}
	if h.Quota > h.units() {
		return fmt.Errorf("hold: %d units out of a quota, of %d", h.Quota, h.units())
	}
	return nil
}
