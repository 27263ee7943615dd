package order

import (
	"math"
	"slices"
	"strings"

	"holdfast/topology/record"
)

// earthRadiusMetres is the mean radius.
const earthRadiusMetres = 6_371_008.8

// farAway stands for the distance of a warehouse without coordinates, where
// the order and others have some: it comes after all that are known to be
// somewhere. To skip the comparison for that one alone wouldn't be an order: A
// before B by distance, B before C and C before A by priority.
const farAway = math.MaxInt64

// place is a warehouse, as far as ranking needs it.
type place struct {
	id       record.WarehouseID
	row      record.Warehouse
	priority int64
	located  bool
	at       point
	share    int64 // parcels an hour; -1: no limit
	full     bool  // it has had them
}

// service is what decides which warehouses may serve.
type service struct {
	channel string
	cod     bool
}

// eligible is the warehouses of a service, by priority and id, and their ranks
// where distance plays no part.
type eligible struct {
	places []*place
	ranked []record.Ranked
}

// candidate is a warehouse on its way to a rank. It holds no pointer, because
// sorting moves it about.
type candidate struct {
	chord  float64 // metres straight through the earth; infinite where it isn't known
	metres int64   // along the surface, farAway; notMeasured until it is needed
	place  int     // index in eligible.places
}

const notMeasured = -1

// rank lists the warehouses that may serve the order: nearest first, then by
// priority, then by id. Those that are equally near and equally preferred share
// a rank: inventory takes the one that has more. The list is good until the
// next call, or until the warehouses change.
func (p *places) rank(channel string, o *Order) []record.Ranked {
	el := p.eligible(service{channel, o.Payment == record.PaymentCOD})
	switch {
	case o.PickupAt != "":
		return p.only(el, o.PickupAt)
	case o.HasPlace:
		return p.fullLast(p.byDistance(el, o))
	}
	return p.fullLast(el.ranked)
}

// byDistance ranks by whole metres. Chords are in the same order as distances
// and are much cheaper, so the distance itself is worked out only where two of
// them are so close that they could be the same number of metres.
func (p *places) byDistance(el *eligible, o *Order) []record.Ranked {
	from := pointAt(float64(o.LatE6)/1e6, float64(o.LngE6)/1e6)
	cs := p.candidates[:0]
	for i, w := range el.places {
		c := candidate{chord: math.Inf(1), metres: farAway, place: i}
		if w.located {
			c.chord, c.metres = from.chord(&w.at), notMeasured
		}
		// Insertion: there are few, and those equally far stay in order of priority
		// and id.
		at := len(cs)
		cs = append(cs, c)
		for ; at > 0 && cs[at-1].chord > c.chord; at-- {
			cs[at] = cs[at-1]
		}
		cs[at] = c
	}
	p.candidates = cs
	p.ranked = p.ranked[:0]
	sortSameMetres(cs)
	rank := 0
	for i, c := range cs {
		w := el.places[c.place]
		if i > 0 {
			last := &cs[i-1]
			if last.metres != c.metres || c.metres == notMeasured || el.places[last.place].priority != w.priority {
				rank++
			}
		}
		p.ranked = append(p.ranked, record.Ranked{Warehouse: w.id, Rank: uint16(min(rank, math.MaxUint16))})
	}
	return p.ranked
}

// sortSameMetres puts candidates that are the same number of metres away in
// order of their places. They stand side by side.
func sortSameMetres(cs []candidate) {
	for i := 1; i < len(cs); i++ {
		// The arc grows by at least as much as the chord: a metre more of chord is
		// another number of metres. Not so for two that are nowhere.
		if cs[i].chord-cs[i-1].chord >= 1 {
			continue
		}
		cs[i-1].measure()
		cs[i].measure()
		for j := i; j > 0 && cs[j-1].metres == cs[j].metres && cs[j-1].place > cs[j].place; j-- {
			cs[j-1], cs[j] = cs[j], cs[j-1]
		}
	}
}

func (c *candidate) measure() {
	if c.metres == notMeasured {
		c.metres = int64(math.Round(2 * earthRadiusMetres * math.Asin(min(1, c.chord/(2*earthRadiusMetres)))))
	}
}

// only ranks the one warehouse where the buyer collects, if it lets him.
func (p *places) only(el *eligible, id record.WarehouseID) []record.Ranked {
	p.ranked = p.ranked[:0]
	for _, w := range el.places {
		if w.id == id && w.row.Pickup {
			p.ranked = append(p.ranked, record.Ranked{Warehouse: id})
		}
	}
	return p.ranked
}

// eligible returns the warehouses of a service, worked out once.
func (p *places) eligible(s service) *eligible {
	if el, ok := p.services[s]; ok {
		return el
	}
	el := &eligible{}
	for _, w := range p.all {
		if w.row.IsActive() && w.row.ServesChannel(s.channel) && (!s.cod || w.row.TakesCOD()) {
			el.places = append(el.places, w)
		}
	}
	slices.SortFunc(el.places, func(a, b *place) int {
		if a.priority != b.priority {
			if a.priority < b.priority {
				return -1
			}
			return 1
		}
		return strings.Compare(string(a.id), string(b.id))
	})
	rank := 0
	for i, w := range el.places {
		if i > 0 && el.places[i-1].priority != w.priority {
			rank++
		}
		el.ranked = append(el.ranked, record.Ranked{Warehouse: w.id, Rank: uint16(min(rank, math.MaxUint16))})
	}
	// The channel's name is a view of an order key that doesn't live as long.
	p.services[service{strings.Clone(s.channel), s.cod}] = el
	return el
}

// point is a place on the earth: metres from its centre.
type point struct{ x, y, z float64 }

func pointAt(lat, lng float64) point {
	sinLat, cosLat := math.Sincos(lat * math.Pi / 180)
	sinLng, cosLng := math.Sincos(lng * math.Pi / 180)
	return point{earthRadiusMetres * cosLat * cosLng, earthRadiusMetres * cosLat * sinLng, earthRadiusMetres * sinLat}
}

// chord is the straight line between two points, in metres.
func (a *point) chord(b *point) float64 {
	x, y, z := a.x-b.x, a.y-b.y, a.z-b.z
	return math.Sqrt(x*x + y*y + z*z)
}
