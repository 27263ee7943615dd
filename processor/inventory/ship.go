package inventory

import (
	"fmt"
	"slices"

	"holdfast/topology/record"
)

// ship takes out the units that left the building: on hand and allocated fall
// together. What the command names beyond the order's allocation at a warehouse
// isn't shipped but reported as missing; never anything goes below zero.
//
// Idempotent per (order, SKU, cause, parts), also while a part of the claim
// stays. The orders stage sends one ship command for each cause and SKU, with
// the units of all lines summed up.
//
// When a count said that less is there than is allocated, and the units leave
// all the same, they have been there: they are booked in by a movement of their
// own just before.
func ship(it *Item, h *Hold, c *record.Command, d *record.Decision) {
	for _, p := range c.Parts {
		if p.Qty <= 0 {
			panic(fmt.Sprintf("BUG: %s ships %d units of %s at %s", c.OrderKey, p.Qty, c.SKU, p.Warehouse))
		}
		d.Requested += p.Qty
	}
	d.Allocated = true
	d.Missing = d.Requested
	if !claimed(h, c, d) {
		return
	}
	d.Waiting = h.Waiting
	if !h.Allocated {
		d.Outcome = record.OutcomeNoClaim
		return
	}
	digest := shipmentDigest(c)
	if c.Cause != "" && slices.Contains(h.Shipments, digest) {
		d.Outcome, d.Missing = record.OutcomeExists, 0
		return
	}
	for _, p := range c.Parts {
		n := h.take(p.Warehouse, p.Qty)
		if n == 0 {
			continue
		}
		row := &it.Rows[it.mustFind(p.Warehouse)]
		if found := n - row.OnHand; found > 0 {
			row.move(d, found, record.Counters{OnHand: found})
			d.Reason = record.ReasonFoundByShipment
		}
		row.move(d, n, record.Counters{OnHand: -n, Allocated: -n})
		d.Missing -= n
	}
	switch {
	case d.Missing == 0:
		d.Outcome = record.OutcomeDone
	case len(d.Moves) > 0:
		d.Outcome = record.OutcomePartial
	default:
		d.Outcome = record.OutcomeNoClaim
		return
	}
	if !h.live() {
		it.Holds--
		h.reset()
	} else if c.Cause != "" {
		h.Shipments = append(h.Shipments, digest)
	}
}

// shipmentDigest is FNV-1a over cause and parts. It is part of the state: it
// must never change.
func shipmentDigest(c *record.Command) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	sum := uint64(offset)
	add := func(s string) {
		for i := 0; i < len(s); i++ {
			sum = (sum ^ uint64(s[i])) * prime
		}
		sum *= prime // ends the string as a byte 0 would
	}
	add(c.Cause)
	for _, p := range c.Parts {
		add(string(p.Warehouse))
		for shift := 0; shift < 64; shift += 8 {
			sum = (sum ^ uint64(p.Qty)>>shift&0xff) * prime
		}
	}
	return sum
}
