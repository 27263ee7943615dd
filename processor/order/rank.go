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
	lat, lng float64 // radians
	cosLat   float64
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
	metres int64
	place  int // index in eligible.places
}

// rank lists the warehouses that may serve the order: nearest first, then by
// priority, then by id. Those that are equally near and equally preferred share
// a rank: inventory takes the one that has more. The list is good until the
// next call, or until the warehouses change.
func (p *places) rank(channel string, o *Order) []record.Ranked {
	el := p.eligible(service{channel, o.Payment == record.PaymentCOD})
	if o.PickupAt != "" {
		return p.only(el, o.PickupAt)
	}
	if !o.HasPlace {
		return el.ranked
	}
	lat, lng := radians(o.LatE6), radians(o.LngE6)
	cosLat := math.Cos(lat)
	p.candidates = p.candidates[:0]
	for i, w := range el.places {
		metres := int64(farAway)
		if w.located {
			metres = distance(lat, lng, cosLat, w)
		}
		p.candidates = append(p.candidates, candidate{metres, i})
	}
	// Stable: those equally far stay in order of priority and id.
	slices.SortStableFunc(p.candidates, func(a, b candidate) int {
		switch {
		case a.metres < b.metres:
			return -1
		case a.metres > b.metres:
			return 1
		}
		return 0
	})
	p.ranked = p.ranked[:0]
	rank := 0
	for i, c := range p.candidates {
		w := el.places[c.place]
		if i > 0 {
			last := p.candidates[i-1]
			if last.metres != c.metres || el.places[last.place].priority != w.priority {
				rank++
			}
		}
		p.ranked = append(p.ranked, record.Ranked{Warehouse: w.id, Rank: uint16(min(rank, math.MaxUint16))})
	}
	return p.ranked
}

// only ranks the one warehouse where the buyer collects.
func (p *places) only(el *eligible, id record.WarehouseID) []record.Ranked {
	p.ranked = p.ranked[:0]
	for _, w := range el.places {
		if w.id == id {
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

// distance is the great circle between a point and a warehouse, by the
// haversine formula, in whole metres.
func distance(lat, lng, cosLat float64, w *place) int64 {
	sinLat, sinLng := math.Sin((w.lat-lat)/2), math.Sin((w.lng-lng)/2)
	h := sinLat*sinLat + cosLat*w.cosLat*sinLng*sinLng
	return int64(math.Round(2 * earthRadiusMetres * math.Asin(math.Sqrt(min(h, 1)))))
}

func radians(e6 int64) float64 { return float64(e6) / 1e6 * math.Pi / 180 }
