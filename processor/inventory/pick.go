package inventory

import "holdfast/topology/record"

// Rules of choosing warehouses, as a decision names them.
const (
	ruleOne   = "one_warehouse" // all that was granted comes from one
	ruleSplit = "split"
)

// picker chooses warehouses. It holds nothing but memory that is used again.
type picker struct {
	candidates []candidate
	// spared units stay at every warehouse that somebody in line wants: those
	// that wait have come before who asks now.
	spared record.Quantity
}

// free returns what may be taken from the row.
func (p *picker) free(it *Item, row int) record.Quantity {
	n := it.Rows[row].Available()
	if p.spared > 0 && it.wants(it.Rows[row].Warehouse) {
		n -= p.spared
	}
	return n
}

// candidate is a warehouse that may serve and has something.
type candidate struct {
	row       int
	rank      uint16
	available record.Quantity
}

// take claims up to want units along the ranked list, and all of them or none
// when whole is set. Parts go into the hold, movements into the decision.
//
// The order is: smaller rank, more available, smaller id. The first warehouse
// in it that has all serves alone; when none has, units are taken along it.
func (p *picker) take(it *Item, h *Hold, ranked []record.Ranked, want record.Quantity, whole bool, d *record.Decision) (granted record.Quantity) {
	best := p.look(it, ranked, want)
	if best >= 0 {
		claim(it, h, best, want, d)
		d.Rule = ruleOne
		return want
	}
	if whole && p.sum(it) < want {
		return 0
	}
	p.sort()
	for _, c := range p.candidates {
		// Asked anew: a list that names a warehouse twice must not take twice.
		n := min(want-granted, p.free(it, c.row))
		if n <= 0 {
			continue
		}
		claim(it, h, c.row, n, d)
		granted += n
		if granted == want {
			break
		}
	}
	switch len(d.Moves) {
	case 0:
	case 1:
		d.Rule = ruleOne
	default:
		d.Rule = ruleSplit
	}
	return granted
}

// look collects the candidates, and returns the row of the best that has all;
// -1 when none has.
func (p *picker) look(it *Item, ranked []record.Ranked, want record.Quantity) (best int) {
	p.candidates = p.candidates[:0]
	first := candidate{row: -1}
	for i := range ranked {
		at, ok := it.find(ranked[i].Warehouse)
		if !ok {
			continue
		}
		c := candidate{row: at, rank: ranked[i].Rank, available: p.free(it, at)}
		if c.available <= 0 {
			continue
		}
		p.candidates = append(p.candidates, c)
		if c.available >= want && (first.row < 0 || c.before(first)) {
			first = c
		}
	}
	return first.row
}

// before tells which of two candidates is asked first. Rows are in order of id.
func (c candidate) before(o candidate) bool {
	if c.rank != o.rank {
		return c.rank < o.rank
	}
	if c.available != o.available {
		return c.available > o.available
	}
	return c.row < o.row
}

// sort is an insertion sort: the list comes in order of rank already, and is
// as short as there are warehouses.
func (p *picker) sort() {
	cs := p.candidates
	for i := 1; i < len(cs); i++ {
		for j := i; j > 0 && cs[j].before(cs[j-1]); j-- {
			cs[j], cs[j-1] = cs[j-1], cs[j]
		}
	}
}

// sum returns what the candidates have together, each warehouse once.
func (p *picker) sum(it *Item) record.Quantity {
	var n record.Quantity
	for i, c := range p.candidates {
		twice := false
		for _, o := range p.candidates[:i] {
			twice = twice || o.row == c.row
		}
		if !twice {
			n += c.available
		}
	}
	return n
}

// claim moves available units of a row into the hold.
func claim(it *Item, h *Hold, row int, qty record.Quantity, d *record.Decision) {
	r := &it.Rows[row]
	r.move(d, qty, h.counted(qty))
	h.claim(r.Warehouse, qty)
}
