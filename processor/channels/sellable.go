package channels

import "holdfast/topology/record"

// sums adds up what each channel may sell of the SKU: over the warehouses that
// serve it, what is available there. A warehouse with a shortage has nothing,
// it doesn't take from others. Units that are hidden from all channels (safety
// per warehouse, a company's buffer) are to be subtracted here.
func (t *tables) sums(it *item, sums []record.Quantity) {
	clear(sums)
	for i := range it.places {
		p := &it.places[i]
		available := p.now.Available()
		if available <= 0 {
			continue
		}
		for c, serves := range t.serves[p.warehouse] {
			if serves {
				sums[c] += available
			}
		}
	}
}

// sellable is what the shop shows of the sum: less its buffer, at most its cap,
// never below zero.
func (s *shop) sellable(sum record.Quantity) record.Quantity {
	if !s.isActive {
		return 0
	}
	v := max(0, sum-s.buffer)
	if s.cap >= 0 {
		v = min(v, s.cap)
	}
	return v
}
