package inventory

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// Policies are who may sell how much of a SKU, beside the safety of its rows.
// Most SKUs have none: their value in state is one byte longer for it.
//
// Safety, buffers and caps are for channels to know: they hide units, and an
// order that comes in all the same may use those. Only quotas fence units off.
type Policies struct {
	// Buffer is the company's: units that no channel sees.
	Buffer   record.Quantity
	Channels []record.ChannelPolicy // by channel; none says nothing
	Quotas   []Quota                // by channel
	// LastQuota is the number of the newest quota there ever was.
	LastQuota uint64
}

// policy applies a change of policies: what it doesn't name stays as it is. It
// moves nothing. It tells whether anything changed that channels are to know.
func policy(it *Item, c *record.StockCommand, now record.Millis, d *record.Decision) (changed bool) {
	p := &c.Policy
	changed = !it.Fed
	it.Fed = true
	if !p.Safety.IsKept() {
		_, known := it.find(c.Warehouse) // a row that is new is told, also without units
		row := it.feed(c.Warehouse)
		was := row.Safety
		row.Safety = orZero(p.Safety)
		changed = changed || !known || row.Safety != was
	}
	if !p.Buffer.IsKept() && p.Channel == "" {
		was := it.Policies.Buffer
		it.Policies.Buffer = orZero(p.Buffer)
		changed = changed || it.Policies.Buffer != was
	}
	if p.Channel != "" && it.Policies.setChannel(p) {
		changed = true
	}
	if !p.Quota.IsKept() && it.Policies.changeQuota(p, now) {
		changed = true
	}
	d.Outcome = record.OutcomeDone
	return changed
}

// orZero returns the value of a setting that is given or removed.
func orZero(s record.Setting) record.Quantity {
	q, _ := s.Value()
	return max(q, 0)
}

// setChannel changes buffer and cap of a channel or shop, and tells whether
// that changed anything.
func (ps *Policies) setChannel(p *record.Policy) bool {
	at, ok := slices.BinarySearchFunc(ps.Channels, p.Channel, func(c record.ChannelPolicy, channel string) int {
		return strings.Compare(c.Channel, channel)
	})
	next := record.ChannelPolicy{Channel: p.Channel, Buffer: record.SettingKeep, Cap: record.SettingKeep}
	if ok {
		next = ps.Channels[at]
	}
	was := next
	for _, s := range [...]struct {
		setting *record.Setting
		to      record.Setting
	}{{&next.Buffer, p.Buffer}, {&next.Cap, p.Cap}} {
		switch s.to {
		case record.SettingKeep:
		case record.SettingRemove:
			*s.setting = record.SettingKeep // the shop's own applies
		default:
			*s.setting = s.to
		}
	}
	switch {
	case next == was:
		return false
	case next.Buffer.IsKept() && next.Cap.IsKept():
		ps.Channels = slices.Delete(ps.Channels, at, at+1)
	case ok:
		ps.Channels[at] = next
	default:
		ps.Channels = slices.Insert(ps.Channels, at, next)
	}
	return true
}

// checkPolicy tells what no other stage may have sent.
func checkPolicy(c *record.StockCommand) error {
	p := &c.Policy
	for _, s := range [...]record.Setting{p.Safety, p.Buffer, p.Cap, p.Quota} {
		if v, ok := s.Value(); ok && v > record.OnHandMax {
			return fmt.Errorf("policy of %d units", v)
		}
	}
	_, isQuota := p.Quota.Value()
	switch {
	case !p.Safety.IsKept() && c.Warehouse == "":
		return fmt.Errorf("policy %q: safety without a warehouse", c.EventID)
	case (!p.Cap.IsKept() || !p.Quota.IsKept()) && p.Channel == "":
		return fmt.Errorf("policy %q: cap or quota without a channel", c.EventID)
	case !p.Quota.IsKept() && strings.IndexByte(p.Channel, '/') >= 0:
		return fmt.Errorf("policy %q: quota of the shop %q", c.EventID, p.Channel)
	case isQuota && p.Until <= 0:
		return fmt.Errorf("policy %q: quota without an end", c.EventID)
	case strings.IndexByte(p.Channel, 0) >= 0:
		return fmt.Errorf("policy %q: channel %q", c.EventID, p.Channel)
	}
	return nil
}

// reset lets go of all views.
func (ps *Policies) reset() {
	clear(ps.Channels)
	clear(ps.Quotas)
	*ps = Policies{Channels: ps.Channels[:0], Quotas: ps.Quotas[:0]}
}

// isDefault tells that nothing was ever said of the SKU.
func (it *Item) isDefault() bool {
	ps := &it.Policies
	if ps.Buffer != 0 || len(ps.Channels) > 0 || ps.LastQuota != 0 {
		return false
	}
	for i := range it.Rows {
		if it.Rows[i].Safety != 0 {
			return false
		}
	}
	return true
}

// appendPolicies appends the part of an item's value, nil where nothing was
// ever said of the SKU:
//
//	[buffer, [row, safety, …], [channel, buffer, cap, …], last quota, [channel, number, total, left, until, …]]
//
// A row is its place in the item's rows.
func appendPolicies(b []byte, it *Item) []byte {
	if it.isDefault() {
		return pack.AppendNil(b)
	}
	ps := &it.Policies
	b = pack.AppendInt(pack.AppendArray(b, 5), int64(ps.Buffer))
	safe := 0
	for i := range it.Rows {
		if it.Rows[i].Safety != 0 {
			safe++
		}
	}
	b = pack.AppendArray(b, safe*2)
	for i := range it.Rows {
		if s := it.Rows[i].Safety; s != 0 {
			b = pack.AppendInt(pack.AppendUint(b, uint64(i)), int64(s))
		}
	}
	b = pack.AppendArray(b, len(ps.Channels)*3)
	for i := range ps.Channels {
		c := &ps.Channels[i]
		b = pack.AppendInt(pack.AppendInt(pack.AppendString(b, c.Channel), int64(c.Buffer)), int64(c.Cap))
	}
	b = pack.AppendUint(b, ps.LastQuota)
	b = pack.AppendArray(b, len(ps.Quotas)*quotaFields)
	for i := range ps.Quotas {
		q := &ps.Quotas[i]
		b = pack.AppendUint(pack.AppendString(b, q.Channel), q.Number)
		b = pack.AppendInt(pack.AppendInt(pack.AppendInt(b, int64(q.Total)), int64(q.Left)), int64(q.Until))
	}
	return b
}

const quotaFields = 5

// readPolicies reads what appendPolicies wrote. Channels are views.
func readPolicies(r *pack.Reader, it *Item) {
	if r.Nil() {
		return
	}
	ps := &it.Policies
	r.ArrayOf(5)
	ps.Buffer = record.Quantity(r.Int())
	for n := readPairs(r); n > 0 && r.Err() == nil; n-- {
		row, safety := r.Uint(), record.Quantity(r.Int())
		if row >= uint64(len(it.Rows)) || safety <= 0 || it.Rows[row].Safety != 0 {
			r.Fail(pack.ErrForm)
			return
		}
		it.Rows[row].Safety = safety
	}
	n := r.Array()
	if n%3 != 0 {
		r.Fail(pack.ErrForm)
	}
	for ; n > 0 && r.Err() == nil; n -= 3 {
		ps.Channels = append(ps.Channels, record.ChannelPolicy{Channel: r.View(), Buffer: record.Setting(r.Int()), Cap: record.Setting(r.Int())})
	}
	ps.LastQuota = r.Uint()
	if n = r.Array(); n%quotaFields != 0 {
		r.Fail(pack.ErrForm)
	}
	for ; n > 0 && r.Err() == nil; n -= quotaFields {
		ps.Quotas = append(ps.Quotas, Quota{
			Channel: r.View(), Number: r.Uint(), Total: record.Quantity(r.Int()), Left: record.Quantity(r.Int()), Until: record.Millis(r.Int()),
		})
	}
}

// wellFormed tells what a value must hold that was written by appendPolicies.
func (ps *Policies) wellFormed() error {
	if ps.Buffer < 0 {
		return fmt.Errorf("policies: buffer of %d units", ps.Buffer)
	}
	for i := range ps.Channels {
		c := &ps.Channels[i]
		if i > 0 && ps.Channels[i-1].Channel >= c.Channel || c.Buffer < record.SettingKeep || c.Cap < record.SettingKeep || c.Buffer.IsKept() && c.Cap.IsKept() {
			return fmt.Errorf("policies: buffer %d and cap %d of %q", c.Buffer, c.Cap, c.Channel)
		}
	}
	for i := range ps.Quotas {
		q := &ps.Quotas[i]
		if i > 0 && ps.Quotas[i-1].Channel >= q.Channel || q.Number == 0 || q.Number > ps.LastQuota {
			return fmt.Errorf("policies: quota %d of %q, the last is %d", q.Number, q.Channel, ps.LastQuota)
		}
		if q.Left < 0 || q.Left > q.Total || q.Total > record.OnHandMax {
			return fmt.Errorf("policies: %d units left of the %d of %q", q.Left, q.Total, q.Channel)
		}
	}
	return nil
}
