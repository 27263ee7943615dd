package audit

import "holdfast/topology/record"

// supply is what log.availability said last of a SKU beside its counters, which
// the model has by itself: whether it is fed, and what is kept from whom.
type supply struct {
	fed      bool
	buffer   record.Quantity
	safety   map[uint32]record.Quantity // by warehouse
	policies map[string]record.ChannelPolicy
	quotas   map[string]record.Quantity // what is left, by channel
}

// availability notes an entry. One under another key than its SKU is a
// component's copy for its combo: the component's own entry says the same.
func (a *Audit) availability(e record.Entry) error {
	v := &a.scratch.availability
	if err := v.Decode(e.Body); err != nil {
		return err
	}
	if string(e.Key) != string(v.SKU) {
		return nil
	}
	s := supply{fed: v.Fed, buffer: v.Buffer}
	for i := range v.Rows {
		if r := &v.Rows[i]; r.Safety != 0 {
			if s.safety == nil {
				s.safety = map[uint32]record.Quantity{}
			}
			s.safety[a.warehouses.number(string(r.Warehouse))] = r.Safety
		}
	}
	for _, p := range v.Policies {
		if s.policies == nil {
			s.policies = map[string]record.ChannelPolicy{}
		}
		s.policies[a.shops.text(a.shops.number(p.Channel))] = p
	}
	for _, q := range v.Quotas {
		if s.quotas == nil {
			s.quotas = map[string]record.Quantity{}
		}
		s.quotas[a.shops.text(a.shops.number(q.Channel))] = q.Left
	}
	a.supplies[a.skus.number(string(v.SKU))] = s
	return nil
}

// policy returns the buffer and cap of a shop for a SKU: those that a policy
// sets for the shop, else for its channel, else the shop's own.
func (s *supply) policy(shop *record.Shop) (buffer record.Quantity, most *record.Quantity) {
	buffer, most = shop.Buffer, shop.Cap
	for _, key := range []string{shop.Channel, shop.Channel + "/" + shop.Shop} {
		p, ok := s.policies[key]
		if !ok {
			continue
		}
		if v, ok := p.Buffer.Value(); ok {
			buffer = v
		}
		if v, ok := p.Cap.Value(); ok {
			most = &v
		}
	}
	return buffer, most
}

// fenced is what quotas that run leave a channel of sum units: at most its own,
// else what isn't kept for the others.
func (s *supply) fenced(channel string, sum record.Quantity) record.Quantity {
	if left, has := s.quotas[channel]; has {
		return min(sum, left)
	}
	for _, left := range s.quotas {
		sum -= left
	}
	return sum
}
