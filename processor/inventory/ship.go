package inventory

import (
	"slices"

	"holdfast/topology/record"
)

// ship takes out the units that left the building: on hand and the claim fall
// together. A claim that is still held ships as one that is allocated does:
// were it released first, somebody else would get units that aren't there. What
// the command names beyond the order's claim at a warehouse isn't shipped but
// reported as missing; never anything goes below zero.
//
// Idempotent per (order, SKU, cause, parts), also while a part of the claim
// stays. The orders stage sends one ship command for each cause and SKU, with
// the units of all lines summed up.
//
// When a count said that less is there than is claimed, and the units leave all
// the same, they have been there; see takeOut.
func ship(it *Item, h *Hold, c *record.Command, d *record.Decision) {
	d.Requested = unitsOf(c)
	d.Missing = d.Requested
	if !claimed(h, c, d) {
		return
	}
	d.Allocated, d.Waiting = h.Allocated, h.Waiting
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
		delta := h.counted(-n)
		delta.OnHand = -n
		it.Rows[it.mustFind(p.Warehouse)].takeOut(d, n, delta)
		d.Missing -= n
		h.useQuota(n)
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
