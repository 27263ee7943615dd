package placement

import "math"

// flow is a plan that grows by one partition at a time and is the cheapest for
// those that it has. A partition that comes takes the cheapest way to a member's
// load, on which others may have to give way:
//
//	new p ──> a, which hands q ──> b, which takes one more
//
// (a flow of least cost by successive shortest paths). With the prices of plan.go
// the cheapest plan is the one that is wanted, whereas rules that look at one
// partition at a time miss chains: a takes over p, whose standby it is, and makes
// room by handing q to its standby b.
//
// A thousand partitions over a hundred members take about a second.
type flow struct {
	price [][]int64 // by partition and member
	load  int64     // price of the k-th partition of a member: k times this
	owner []int     // by partition
	held  [][]int   // by member: its partitions
	// hand is the cheapest partition of the first member for the second to take,
	// and what that costs.
	hand [][]handing
	best []int64 // by member: the cheapest way to it
	from []int   // by member: over whom
}

type handing struct {
	price     int64
	partition int
}

const impossible = math.MaxInt64 / 4

func newFlow(members []Member, partitions []Partition) *flow {
	c := priced(len(members), len(partitions), warming(members))
	f := &flow{
		price: prices(members, partitions, c), load: c.load,
		owner: make([]int, len(partitions)), held: make([][]int, len(members)), hand: make([][]handing, len(members)),
		best: make([]int64, len(members)), from: make([]int, len(members)),
	}
	for p := range f.owner {
		f.owner[p] = NoOne
	}
	for m := range f.hand {
		f.hand[m] = make([]handing, len(members))
		f.rehand(m)
	}
	return f
}

// insert gives a partition to the member for which the whole is cheapest.
func (f *flow) insert(p int) {
	copy(f.best, f.price[p])
	for m := range f.from {
		f.from[m] = NoOne
	}
	for range f.held { // a way passes each member once
		if !f.relax() {
			break
		}
	}
	last, least := NoOne, int64(impossible)
	for m := range f.held {
		if f.best[m] >= impossible {
			continue
		}
		if price := f.best[m] + f.load*int64(len(f.held[m])+1); price < least {
			last, least = m, price
		}
	}
	if last == NoOne {
		return
	}
	// From the end of the way backwards, while hand is as it was.
	for m := last; ; {
		over := f.from[m]
		if over == NoOne {
			f.give(p, m)
			f.rehand(m)
			return
		}
		f.give(f.hand[over][m].partition, m)
		f.rehand(m)
		m = over
	}
}

// relax finds cheaper ways over one more member.
func (f *flow) relax() (cheaper bool) {
	for a := range f.held {
		if f.best[a] >= impossible {
			continue
		}
		for b := range f.hand[a] {
			h := &f.hand[a][b]
			if h.partition != NoOne && f.best[a]+h.price < f.best[b] {
				f.best[b], f.from[b], cheaper = f.best[a]+h.price, a, true
			}
		}
	}
	return cheaper
}

func (f *flow) give(p, to int) {
	if from := f.owner[p]; from != NoOne {
		for i, q := range f.held[from] {
			if q == p {
				f.held[from] = append(f.held[from][:i], f.held[from][i+1:]...)
				break
			}
		}
	}
	f.owner[p] = to
	f.held[to] = append(f.held[to], p)
}

// rehand looks anew for what a member would hand to the others.
func (f *flow) rehand(a int) {
	for b := range f.hand[a] {
		f.hand[a][b] = handing{impossible, NoOne}
	}
	for _, p := range f.held[a] {
		for b := range f.hand[a] {
			if b == a || f.price[p][b] >= impossible {
				continue
			}
			h := handing{f.price[p][b] - f.price[p][a], p}
			if had := f.hand[a][b]; h.price < had.price || h.price == had.price && p < had.partition {
				f.hand[a][b] = h
			}
		}
	}
}
