package inventory

import (
	"slices"
	"strings"

	"holdfast/topology/record"
)

// Quota fences units off for one channel, wherever they are, until it ends.
//
// Which units those are is never said: what all quotas have left is taken off
// what is available over all warehouses, and the rest is free. While there is a
// shortage of the SKU a quota may promise its channel more than there is.
//
//	         what is available of the SKU, over all warehouses
//	├────────────────────────────────────┬──────────────────────┤
//	│ Left of shopee   │ Left of tiktok  │ free                 │
//	└────────────────────────────────────┴──────────────────────┘
//	shopee's requests    tiktok's requests  everybody else's orders
//	and facts            and facts          and facts of those two beyond their quotas
//
// Invariant: 0 <= Left <= Total. Total - Left is at least the sum of Hold.Quota
// of holds with this Number; the difference has been shipped.
type Quota struct {
	Channel string
	// Number tells a quota from those before it: what a hold took out of an
	// earlier one isn't given back to this one.
	Number      uint64
	Total, Left record.Quantity
	Until       record.Millis // ends at this time of the log
}

// quota returns the channel's running quota, or nil.
func (ps *Policies) quota(channel string) *Quota {
	for i := range ps.Quotas {
		if ps.Quotas[i].Channel == channel {
			return &ps.Quotas[i]
		}
	}
	return nil
}

// changeQuota applies a policy's quota, and tells whether that changed what is
// left. One that ends before it begins is none.
func (ps *Policies) changeQuota(p *record.Policy, now record.Millis) bool {
	left := func() record.Quantity {
		if q := ps.quota(p.Channel); q != nil {
			return q.Left
		}
		return -1
	}
	was, total := left(), p.Quota
	if p.Until <= now {
		total = record.SettingRemove
	}
	ps.setQuota(p.Channel, total, p.Until)
	return left() != was
}

// setQuota begins a quota of so many units, or ends the channel's quota without
// a value. A quota takes the place of the one before it as a whole: what was
// used of that doesn't count.
func (ps *Policies) setQuota(channel string, total record.Setting, until record.Millis) {
	at, ok := slices.BinarySearchFunc(ps.Quotas, channel, func(q Quota, channel string) int { return strings.Compare(q.Channel, channel) })
	n, isQuota := total.Value()
	if !isQuota {
		if ok {
			ps.Quotas = slices.Delete(ps.Quotas, at, at+1)
		}
		return
	}
	ps.LastQuota++
	q := Quota{Channel: channel, Number: ps.LastQuota, Total: n, Left: n, Until: until}
	if ok {
		ps.Quotas[at] = q
	} else {
		ps.Quotas = slices.Insert(ps.Quotas, at, q)
	}
}

// sums returns what is available over all warehouses, and what all quotas have
// left. A warehouse with a shortage has nothing; it doesn't take from others.
func (it *Item) sums() (available, left record.Quantity) {
	for i := range it.Rows {
		available += max(0, it.Rows[i].Available())
	}
	for i := range it.Policies.Quotas {
		left += it.Policies.Quotas[i].Left
	}
	return available, left
}

// limit returns how many units quotas leave to an order of the channel, over
// all warehouses. It is for items with quotas.
func (it *Item) limit(channel string, fact bool) record.Quantity {
	available, left := it.sums()
	free := max(0, available-left)
	q := it.Policies.quota(channel)
	if q == nil {
		return free
	}
	own := min(q.Left, available)
	if fact {
		own += free
	}
	return own
}

// takeFenced is picker.take within what quotas leave to the order. It tells
// whether more would have been granted without them.
func (p *picker) takeFenced(it *Item, h *Hold, ranked []record.Ranked, want record.Quantity, whole, fact bool, d *record.Decision) (granted record.Quantity, fenced bool) {
	if len(it.Policies.Quotas) == 0 {
		return p.take(it, h, ranked, want, whole, d), false
	}
	channel := channelOf(d.OrderKey)
	most := it.limit(channel, fact)
	if whole && most < want {
		return 0, p.look(it, ranked, want) >= 0 || p.sum(it) >= want
	}
	if most > 0 {
		granted = p.take(it, h, ranked, min(want, most), whole, d)
	}
	if q := it.Policies.quota(channel); q != nil {
		if h.QuotaNumber != q.Number { // an earlier one, which no longer runs
			h.Quota, h.QuotaNumber = 0, q.Number
		}
		d.Quota = min(granted, q.Left)
		q.Left -= d.Quota
		h.Quota += d.Quota
	}
	return granted, granted == most && granted < want && hasStock(it, ranked)
}

// giveBack returns units to the quota that they were taken from, if it still
// runs. So many units of the hold stay claimed, and those out of the quota are
// the last to go: free units, which an order gets last, it gives back first.
func (it *Item) giveBack(h *Hold, stay record.Quantity, d *record.Decision) {
	n := h.Quota - min(h.Quota, stay)
	if n == 0 {
		return
	}
	h.Quota -= n
	if q := it.Policies.quota(channelOf(d.OrderKey)); q != nil && q.Number == h.QuotaNumber {
		q.Left += n
		d.Quota = n
	}
}

// useQuota notes that units of the hold have left the building. Those out of
// the quota go first: they stay used.
func (h *Hold) useQuota(units record.Quantity) { h.Quota -= min(h.Quota, units) }

// opens tells whether quotas leave something to anybody in line. Without quotas
// it is for the warehouses to tell.
func (it *Item) opens() bool {
	if len(it.Policies.Quotas) == 0 {
		return true
	}
	for i := range it.WaitingBy {
		w := &it.WaitingBy[i]
		if w.Facts > 0 && it.limit(w.Channel, true) > 0 || w.Backorders > 0 && it.limit(w.Channel, false) > 0 {
			return true
		}
	}
	return false
}

// opened tells whether a decision left units to somebody to whom quotas left
// none before it: then units may be for him that were available all along.
func (it *Item) opened(d *record.Decision) bool {
	if d.Verb == record.VerbPolicy {
		return true
	}
	if len(it.Policies.Quotas) == 0 {
		return false
	}
	var gained record.Quantity
	for i := range d.Moves {
		m := &d.Moves[i]
		gained += max(0, m.After.Available()) - max(0, m.Before.Available())
	}
	available, left := it.sums()
	if available > left && available-gained <= left-d.Quota {
		return true
	}
	q := it.Policies.quota(channelOf(d.OrderKey))
	return d.Quota > 0 && q.Left == d.Quota
}

// checkQuotas panics unless what must be true of quotas is true after a
// decision: units that are left to others weren't touched.
func checkQuotas(it *Item, h *Hold, d *record.Decision) {
	if h != nil && h.Quota != 0 && (h.Quota < 0 || h.Quota > h.units()) {
		bug(d, "%d units out of a quota are claimed, of %d", h.Quota, h.units())
	}
	if len(it.Policies.Quotas) == 0 {
		if d.Quota != 0 {
			bug(d, "%d units of no quota", d.Quota)
		}
		return
	}
	if err := it.Policies.wellFormed(); err != nil {
		bug(d, "%v", err)
	}
	var moved record.Quantity
	for i := range d.Moves {
		moved += d.Moves[i].Qty
	}
	switch d.Verb {
	case record.VerbReserve, record.VerbFill:
		if d.Quota < 0 || d.Quota > moved {
			bug(d, "%d units out of a quota, of %d", d.Quota, moved)
		}
		if available, left := it.sums(); moved > d.Quota && available < left {
			bug(d, "%d are available, and quotas have %d left", available, left)
		}
	case record.VerbRelease, record.VerbReduce:
		if d.Quota < 0 || d.Quota > moved {
			bug(d, "%d units back into a quota, of %d", d.Quota, moved)
		}
	default:
		if d.Quota != 0 {
			bug(d, "%d units of a quota", d.Quota)
		}
	}
}

// mayServe tells that quotas leave something to an order in line.
func (it *Item) mayServe(order record.OrderKey, at place) bool {
	return len(it.Policies.Quotas) == 0 || it.limit(channelOf(order), at.class == classFact) > 0
}
