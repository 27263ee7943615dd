package sale

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"holdfast/topology/record"
)

// channel is where orders come from.
type channel struct {
	name         string
	weight       int
	share        float64 // its weight in a Shape
	payments     [3]int  // weights of prepaid, cod, unpaid
	shipped      int     // per cent
	marketplace  bool
	own          format // its own format, if the generator has it
	topic, short string // orders topic; what its canonical order ids begin with
}

// format is how a message is written.
type format uint8

const (
	canonical format = iota
	shopee
	shopify
)

func channels() []channel {
	out := []channel{
		{name: "shopee", weight: 34, payments: [3]int{40, 45, 15}, shipped: 25, marketplace: true, own: shopee, short: "SP"},
		{name: "tiktok", weight: 22, payments: [3]int{40, 45, 15}, shipped: 25, marketplace: true, short: "TT"},
		{name: "lazada", weight: 14, payments: [3]int{40, 45, 15}, shipped: 25, marketplace: true, short: "LZ"},
		{name: "shopify", weight: 8, payments: [3]int{55, 25, 20}, shipped: 25, own: shopify, short: "SF"},
		{name: "web", weight: 16, payments: [3]int{25, 30, 45}, shipped: 25, short: "W"},
		{name: "pos", weight: 6, payments: [3]int{100, 0, 0}, shipped: 60, short: "P"},
	}
	for i := range out {
		out[i].topic = "channel." + out[i].name + ".orders"
	}
	return out
}

type order struct {
	n       int
	channel *channel
	format  format
	id      string
	key     record.OrderKey
	ordered time.Duration // when the buyer ordered
	payment record.Payment
	hold    int    // seconds; 0 where none is named
	allow   string // "" is all
	buyer   int
	vip     bool
	city    *city
	lat     float64
	lng     float64
	lines   []line
	first   bool // the message that creates the order has been sent
}

type line struct {
	rank  int // of the SKU; of a combo its number
	combo bool
	qty   int64
}

// draw makes up the n-th order.
func (s *Sale) draw(n int, at time.Duration) *order {
	if s.cfg.Shape != nil {
		return s.drawShaped(n, at)
	}
	rnd := s.rnd
	o := &order{n: n, ordered: at, buyer: rnd.IntN(s.cfg.Orders/2 + 1), vip: rnd.IntN(50) == 0}
	o.channel = &s.channels[weighted(rnd, len(s.channels), func(i int) int { return s.channels[i].weight })]
	if o.channel.own != canonical && rnd.Float64() < s.cfg.Own {
		o.format = o.channel.own
	}
	s.identify(o)
	o.payment = payments()[weighted(rnd, 3, func(i int) int { return o.channel.payments[i] })]
	if o.payment == record.PaymentUnpaid && o.format == canonical && !o.channel.marketplace {
		o.hold = 3 + rnd.IntN(3)
	}
	switch chance := rnd.IntN(100); {
	case chance < 15:
		o.allow = "partial"
	case chance < 22:
		o.allow = "backorder"
	}
	o.city = &s.cities[weighted(rnd, len(s.cities), func(i int) int { return s.cities[i].weight })]
	o.lat = o.city.lat + (rnd.Float64()-0.5)*0.2
	o.lng = o.city.lng + (rnd.Float64()-0.5)*0.2
	o.lines = s.drawLines(o.format)
	return o
}

func payments() [3]record.Payment {
	return [3]record.Payment{record.PaymentPrepaid, record.PaymentCOD, record.PaymentUnpaid}
}

// identify gives the order its id, in its format.
func (s *Sale) identify(o *order) {
	run := int(runNumber(s.cfg.Run))
	switch o.format {
	case shopee:
		o.id = shopeeNumber(o.n + run*shopeeRunOrders)
	case shopify:
		o.id = strconv.Itoa(shopifyFirstOrder + o.n + run*shopifyRunOrders)
	default:
		o.id = fmt.Sprintf("%s-%07d", o.channel.short, o.n+1)
		if s.cfg.Run != "" {
			o.id = fmt.Sprintf("%s-%s-%07d", o.channel.short, s.cfg.Run, o.n+1)
		}
	}
	o.key = record.MakeOrderKey(o.channel.name, "main", o.id)
}

// drawLines draws up to four lines. The same SKU can be in two of them, but not
// in Shopee's format, where the SKU names the line.
func (s *Sale) drawLines(f format) []line {
	rnd := s.rnd
	lines := make([]line, 1+weighted(rnd, 4, func(i int) int { return [4]int{60, 25, 10, 5}[i] }))
	for i := range lines {
		lines[i].rank = s.goods.pick(rnd)
		for f == shopee && slices.ContainsFunc(lines[:i], func(l line) bool { return l.rank == lines[i].rank }) {
			lines[i].rank = (lines[i].rank + 1) % s.cfg.SKUs
		}
		lines[i].qty = 1 + int64(weighted(rnd, 3, func(i int) int { return [3]int{80, 15, 5}[i] }))
	}
	if len(lines) == 2 && f != shopee && rnd.IntN(50) == 0 {
		lines[1].rank = lines[0].rank
	}
	if f == canonical && len(s.goods.combos) > 0 && rnd.IntN(20) == 0 {
		lines[0].combo, lines[0].rank = true, rnd.IntN(len(s.goods.combos))
	}
	return lines
}

// weighted draws an index with the weights' chances.
func weighted(rnd *rand.Rand, n int, weight func(int) int) int {
	sum := 0
	for i := range n {
		sum += weight(i)
	}
	at := rnd.IntN(sum)
	for i := range n {
		if at -= weight(i); at < 0 {
			return i
		}
	}
	panic("BUG: weights changed while they were summed")
}

// between draws a time.
func between(rnd *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(rnd.Int64N(int64(to-from)))
}
