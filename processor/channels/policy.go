package channels

import (
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// policy is who may sell how much of a SKU, as inventory hands it on: the units
// that no channel sees, what replaces the shops' own buffers and caps, and what
// running quotas still fence off. Most SKUs have none. What a warehouse keeps
// back stands at its place.
//
// The strings are views of the record or the state value that they were read
// from: good until the transaction ends.
type policy struct {
	buffer record.Quantity // of the company
	rules  []record.ChannelPolicy
	quotas []record.QuotaLeft
}

func (p *policy) isNone() bool { return p.buffer == 0 && len(p.rules) == 0 && len(p.quotas) == 0 }

// fence returns what a channel may sell of sum units: less the company's buffer;
// with a quota of its own at most what is left of it, else without what is left
// of the others'. May be below zero.
func fence(sum, buffer record.Quantity, quotas []record.QuotaLeft, channel string) record.Quantity {
	sum -= buffer
	others := record.Quantity(0)
	for i := range quotas {
		if quotas[i].Channel == channel {
			return min(sum, quotas[i].Left)
		}
		others += quotas[i].Left
	}
	return sum - others
}

// of returns the buffer and the cap (-1: none) of a shop for this SKU: the
// shop's rule, else its channel's, else its own.
func (p *policy) of(s *shop) (buffer, most record.Quantity) {
	buffer, most = s.buffer, s.cap
	for _, key := range [...]string{s.channelName, s.key} {
		for i := range p.rules {
			rule := &p.rules[i]
			if rule.Channel != key {
				continue
			}
			if v, ok := rule.Buffer.Value(); ok {
				buffer = v
			}
			if v, ok := rule.Cap.Value(); ok {
				most = v
			}
		}
	}
	return buffer, most
}

// appendPolicy appends the policy of a SKU, with what its warehouses keep back:
//
//	[buffer, [warehouse, safety, …], [channel, buffer, cap, …], [channel, left, …]]
func (it *item) appendPolicy(b []byte) []byte {
	p := &it.policy
	b = pack.AppendInt(pack.AppendArray(b, 4), int64(p.buffer))
	n := 0
	for i := range it.places {
		if it.places[i].safety != 0 {
			n++
		}
	}
	b = pack.AppendArray(b, 2*n)
	for i := range it.places {
		if at := &it.places[i]; at.safety != 0 {
			b = pack.AppendInt(pack.AppendUint(b, uint64(at.warehouse)), int64(at.safety))
		}
	}
	b = pack.AppendArray(b, 3*len(p.rules))
	for i := range p.rules {
		r := &p.rules[i]
		b = pack.AppendInt(pack.AppendInt(pack.AppendString(b, r.Channel), int64(r.Buffer)), int64(r.Cap))
	}
	return appendQuotas(b, p.quotas)
}

func (it *item) readPolicy(r *pack.Reader) {
	p := &it.policy
	r.ArrayOf(4)
	p.buffer = record.Quantity(r.Int())
	for n := tuples(r, 2); n > 0 && r.Err() == nil; n-- {
		if at := it.find(readNumber(r)); at >= 0 {
			it.places[at].safety = record.Quantity(r.Int())
		} else {
			r.Fail(pack.ErrForm)
		}
	}
	for n := tuples(r, 3); n > 0 && r.Err() == nil; n-- {
		p.rules = append(p.rules, record.ChannelPolicy{Channel: r.View(), Buffer: readSetting(r), Cap: readSetting(r)})
	}
	p.quotas = readQuotas(r, p.quotas)
}

func readSetting(r *pack.Reader) record.Setting {
	v := record.Setting(r.Int())
	if v < record.SettingRemove {
		r.Fail(pack.ErrForm)
	}
	return v
}

func appendQuotas(b []byte, quotas []record.QuotaLeft) []byte {
	b = pack.AppendArray(b, 2*len(quotas))
	for i := range quotas {
		b = pack.AppendInt(pack.AppendString(b, quotas[i].Channel), int64(quotas[i].Left))
	}
	return b
}

func readQuotas(r *pack.Reader, quotas []record.QuotaLeft) []record.QuotaLeft {
	for n := tuples(r, 2); n > 0 && r.Err() == nil; n-- {
		quotas = append(quotas, record.QuotaLeft{Channel: r.View(), Left: record.Quantity(r.Int())})
	}
	return quotas
}

// tuples reads the header of an array of n-tuples and returns how many there are.
func tuples(r *pack.Reader, n int) int {
	got := r.Array()
	if got%n != 0 {
		r.Fail(pack.ErrForm)
		return 0
	}
	return got / n
}
