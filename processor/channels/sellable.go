package channels

import "holdfast/topology/record"

// sums works out what each channel may sell of the SKU before its shops' own
// buffers and caps: over the warehouses that serve it what is available there
// beyond their safety, less the company's buffer and what quotas fence off. A
// warehouse with a shortage has nothing, it doesn't take from others.
func (s *Stage) sellableSums(it *item, sums []record.Quantity) {
	if it.combo.isCombo() {
		s.comboSums(&it.combo, sums)
	} else {
		clear(sums)
		for i := range it.places {
			p := &it.places[i]
			if units := p.now.Available() - p.safety; units > 0 {
				s.tables.add(p.warehouse, units, sums)
			}
		}
	}
	if p := &it.policy; p.buffer != 0 || len(p.quotas) > 0 {
		for c, name := range s.config.Channels {
			sums[c] = fence(sums[c], p.buffer, p.quotas, name)
		}
	}
}

// add adds units of a warehouse to the sums of the channels that it serves.
func (t *tables) add(warehouse int, units record.Quantity, sums []record.Quantity) {
	for c, serves := range t.serves[warehouse] {
		if serves {
			sums[c] += units
		}
	}
}

// sellable is what the shop shows of the sum: less its buffer, at most its cap,
// never below zero.
func (s *shop) sellable(sum record.Quantity, p *policy) record.Quantity {
	if !s.isActive {
		return 0
	}
	buffer, most := s.buffer, s.cap
	if len(p.rules) > 0 {
		buffer, most = p.of(s)
	}
	v := max(0, sum-buffer)
	if most >= 0 {
		v = min(v, most)
	}
	return v
}
