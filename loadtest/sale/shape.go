package sale

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"holdfast/topology"
	"holdfast/topology/record"
)

// Shape is what a sale is made of where the demo's mix isn't wanted. Nothing in
// it has a default: a share that is 0 means none. Shares are from 0 to 1, weights
// any numbers that add up to more than 0.
type Shape struct {
	Channels []Weight   // by name
	Regions  []Weight   // of buyers, by code; none: as they live in Vietnam
	Baskets  [3]float64 // weights of orders of one, two, and three to five lines
	Payments [3]float64 // weights of prepaid, cash on delivery, unpaid

	Hold      time.Duration // of an unpaid order that is a request
	PaidLate  float64       // of those: paid after the hold has run out
	NeverPaid float64       // of the unpaid: left to expire, or cancelled by a marketplace

	Partial     float64 // of requests: take what there is
	Backorder   float64 // of requests: wait for the rest
	Combos      float64 // of orders in the canonical form
	Cancelled   float64
	InPart      float64 // cancelled, of orders whose first line has several units
	Shipped     float64
	Delivered   float64 // of the shipped
	Returned    float64 // of the delivered
	Hot         []HotSKU
	Cover       float64 // stock of the other SKUs: units for each unit of expected demand
	Units       int64   // or so many of each; 0: by Cover
	Capacity    int64   // of a warehouse in an hour; 0: no limit
	StockMoves  bool    // counts, damage, adjustments, more of what is hot, a shop that closes and opens
	StockPolicy bool    // quotas, safety stock, buffers and caps
}

// Weight is how often something is drawn, against its neighbours.
type Weight struct {
	Name   string
	Weight float64
}

// HotSKU is a SKU that everybody wants, with what little there is of it.
type HotSKU struct {
	SKU   string
	Units int64
	Share float64 // of all lines
}

// validate adds what is wrong.
func (h *Shape) validate(check func(ok bool, format string, args ...any), skus int) {
	weights := func(name string, list []Weight) {
		sum := 0.0
		for _, w := range list {
			check(w.Weight >= 0, "%s: weight %v of %s: at least 0", name, w.Weight, w.Name)
			sum += w.Weight
		}
		check(sum > 0, "%s: the weights add up to nothing", name)
	}
	weights("channels", h.Channels)
	for _, c := range h.Channels {
		check(topology.IsChannelName(c.Name), "channels: %q can't be a channel's name", c.Name)
	}
	if len(h.Regions) > 0 {
		weights("regions", h.Regions)
	}
	for _, r := range h.Regions {
		known := slices.ContainsFunc(cities(), func(c city) bool { return c.region == r.Name })
		check(known, "regions: nobody lives in %q; there are %s", r.Name, strings.Join(Regions(), " "))
	}
	weights("baskets", []Weight{{"one", h.Baskets[0]}, {"two", h.Baskets[1]}, {"more", h.Baskets[2]}})
	weights("payments", []Weight{{"prepaid", h.Payments[0]}, {"cod", h.Payments[1]}, {"unpaid", h.Payments[2]}})
	check(h.Hold >= time.Second && h.Hold <= 604800*time.Second, "hold of %v: from 1 s to 7 days", h.Hold)
	check(h.Cover >= 0 && h.Cover <= 1e6, "cover of %v: from 0 to 1,000,000", h.Cover)
	check(h.Units >= 0 && h.Units <= 1e9, "%d units of each SKU: from 0 to 1,000,000,000", h.Units)
	check(h.Units > 0 || h.Cover > 0, "there is no stock: neither units nor cover")
	check(h.Capacity >= 0, "capacity of %d: at least 0", h.Capacity)
	share := func(name string, v float64) {
		check(v >= 0 && v <= 1, "%s is %v: a share is from 0 to 1", name, v)
	}
	share("paid late", h.PaidLate)
	share("never paid", h.NeverPaid)
	share("paid late and never paid together", h.PaidLate+h.NeverPaid)
	share("partial and backorder together", h.Partial+h.Backorder)
	for name, v := range map[string]float64{"partial": h.Partial, "backorder": h.Backorder, "combos": h.Combos, "cancelled": h.Cancelled,
		"cancelled in part": h.InPart, "shipped": h.Shipped, "delivered": h.Delivered, "returned": h.Returned} {
		share(name, v)
	}
	check(len(h.Hot) <= skus, "%d hot SKUs of %d in all", len(h.Hot), skus)
	sum := 0.0
	seen := map[string]bool{}
	for _, hot := range h.Hot {
		check(hot.SKU != "" && len(hot.SKU) <= skuBytesMax, "hot SKU %q: a name of 1 to %d bytes", hot.SKU, skuBytesMax)
		check(!seen[hot.SKU], "hot SKU %s is named twice", hot.SKU)
		check(hot.Units >= 1 && hot.Units <= 1e9, "hot SKU %s: %d units: from 1 to 1,000,000,000", hot.SKU, hot.Units)
		share("share of the hot SKU "+hot.SKU, hot.Share)
		seen[hot.SKU] = true
		sum += hot.Share
	}
	share("share of all hot SKUs together", sum)
}

// skuBytesMax leaves room for what makes the name one of this run.
const skuBytesMax = 96

// Regions returns the codes of the regions where buyers live.
func Regions() (codes []string) {
	for _, c := range cities() {
		if !slices.Contains(codes, c.region) {
			codes = append(codes, c.region)
		}
	}
	return codes
}

// channels returns the shape's channels: the demo's with their formats, any
// others in the canonical form.
func (h *Shape) channels() (out []channel) {
	for _, w := range h.Channels {
		if w.Weight == 0 {
			continue
		}
		c := channel{name: w.Name, marketplace: w.Name == "facebook", short: strings.ToUpper(w.Name[:min(3, len(w.Name))]), topic: topology.ChannelOrders(w.Name)}
		if i := slices.IndexFunc(channels(), func(c channel) bool { return c.name == w.Name }); i >= 0 {
			c = channels()[i]
		}
		c.share = w.Weight
		out = append(out, c)
	}
	return out
}

// cities returns where the buyers live.
func (h *Shape) cities() []city {
	all := cities()
	if len(h.Regions) == 0 {
		return all
	}
	for i := range all {
		at := slices.IndexFunc(h.Regions, func(w Weight) bool { return w.Name == all[i].region })
		all[i].share = 0
		if at >= 0 {
			all[i].share = h.Regions[at].Weight
		}
	}
	return all
}

// linesOfMore is how many lines the orders of three to five lines have.
func linesOfMore() [3]float64 { return [3]float64{50, 30, 20} }

// linesMean is the mean number of lines of an order.
func (h *Shape) linesMean() float64 {
	more := linesOfMore()
	mean := 0.0
	for i, w := range more {
		mean += float64(3+i) * w / (more[0] + more[1] + more[2])
	}
	sum := h.Baskets[0] + h.Baskets[1] + h.Baskets[2]
	return (h.Baskets[0] + 2*h.Baskets[1] + mean*h.Baskets[2]) / sum
}

// drawShaped makes up the n-th order of a shape.
func (s *Sale) drawShaped(n int, at time.Duration) *order {
	rnd, h := s.rnd, s.cfg.Shape
	o := &order{n: n, ordered: at, buyer: rnd.IntN(s.cfg.Orders/2 + 1), vip: rnd.IntN(50) == 0}
	o.channel = &s.channels[s.weigh(len(s.channels), func(i int) float64 { return s.channels[i].share })]
	if o.channel.own != canonical && rnd.Float64() < s.cfg.Own {
		o.format = o.channel.own
	}
	s.identify(o)
	o.payment = payments()[s.weigh(3, func(i int) float64 { return h.Payments[i] })]
	if o.payment == record.PaymentUnpaid && o.format == canonical && !o.channel.marketplace {
		o.hold = int(h.Hold / time.Second)
	}
	switch chance := rnd.Float64(); {
	case chance < h.Partial:
		o.allow = "partial"
	case chance < h.Partial+h.Backorder:
		o.allow = "backorder"
	}
	o.city = &s.cities[s.weigh(len(s.cities), func(i int) float64 { return s.cities[i].share })]
	o.lat = o.city.lat + (rnd.Float64()-0.5)*0.2
	o.lng = o.city.lng + (rnd.Float64()-0.5)*0.2
	o.lines = s.drawBasket(o.format)
	return o
}

// basketTries is how often a line is drawn for a SKU that isn't in the basket.
const basketTries = 4

// drawBasket draws up to five lines of different SKUs; fewer where nearly
// everybody wants the same one.
func (s *Sale) drawBasket(f format) []line {
	rnd, h := s.rnd, s.cfg.Shape
	n := 1 + s.weigh(3, func(i int) float64 { return h.Baskets[i] })
	if n == 3 {
		more := linesOfMore()
		n += s.weigh(len(more), func(i int) float64 { return more[i] })
	}
	lines := make([]line, 0, n)
	for tries := 0; len(lines) < n && tries < basketTries*n; tries++ {
		l := line{rank: s.goods.pick(rnd), qty: 1 + int64(weighted(rnd, 3, func(i int) int { return [3]int{80, 15, 5}[i] }))}
		if !slices.ContainsFunc(lines, func(o line) bool { return o.rank == l.rank }) {
			lines = append(lines, l)
		}
	}
	if f == canonical && len(s.goods.combos) > 0 && rnd.Float64() < h.Combos {
		lines[0].combo, lines[0].rank = true, rnd.IntN(len(s.goods.combos))
	}
	return lines
}

// weigh draws an index with the weights' chances.
func (s *Sale) weigh(n int, weight func(int) float64) int {
	sum := 0.0
	for i := range n {
		sum += weight(i)
	}
	at := s.rnd.Float64() * sum
	last := 0
	for i := range n {
		w := weight(i)
		if w <= 0 {
			continue
		}
		if at < w {
			return i
		}
		at -= w
		last = i
	}
	return last // the sum's rounding
}

// runNumber spreads the numbers of runs, so that two runs' orders differ where a
// channel's own form has room for digits only.
func runNumber(run string) uint64 {
	if run == "" {
		return 0
	}
	h := fnv.New64a()
	fmt.Fprint(h, run)
	return h.Sum64() % 1_000_000
}

// ofRun makes a name one of this run.
func ofRun(c *Config, name string) string {
	if c.Run == "" {
		return name
	}
	return name + "-" + c.Run
}
