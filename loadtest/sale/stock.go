package sale

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"holdfast/topology/record"
)

// Mean lines of an order and units of a line, from the weights in drawLines.
const (
	linesMean = 1.6
	unitsMean = 1.25
)

// hotShift flattens the law's top: without it one SKU of 10,000 would be in
// every sixth line.
const hotShift = 10

// goods is what is sold: demand and stock by rank, 0 is the hottest.
type goods struct {
	skus   []string // by rank
	prices []int64  // in đồng
	upTo   []float64
	share  []float64
	stock  [][]placed
	combos []combo
	shaped bool
	named  int // how many hot SKUs have a name of their own
}

// combo is several SKUs sold as one.
type combo struct {
	sku        string
	components []component
}

type component struct {
	rank int
	qty  int64
}

// skuOf and priceOf are of what a line sells.
func (g *goods) skuOf(l line) string {
	if l.combo {
		return g.combos[l.rank].sku
	}
	return g.skus[l.rank]
}

func (g *goods) priceOf(l line) (sum int64) {
	if !l.combo {
		return g.prices[l.rank]
	}
	for _, c := range g.combos[l.rank].components {
		sum += c.qty * g.prices[c.rank]
	}
	return sum * 9 / 10
}

// tepid draws a SKU that neither sells out nor lies about.
func (g *goods) tepid(rnd *rand.Rand) int { return len(g.skus)/20 + rnd.IntN(max(1, len(g.skus)/20)) }

// combine makes combos of two or three tepid SKUs.
func (g *goods) combine(cfg *Config, rnd *rand.Rand) {
	for i := range len(g.skus) / 100 {
		c := combo{sku: ofRun(cfg, fmt.Sprintf("SET-%04d", i+1))}
		for range 2 + rnd.IntN(2) {
			rank := g.tepid(rnd)
			if !slices.ContainsFunc(c.components, func(o component) bool { return o.rank == rank }) {
				c.components = append(c.components, component{rank, 1 + int64(rnd.IntN(2))})
			}
		}
		if len(c.components) > 1 {
			g.combos = append(g.combos, c)
		}
	}
}

// placed is a stock of a SKU.
type placed struct {
	warehouse int
	qty       int64
}

func newGoods(cfg *Config, warehouses []warehouse, rnd *rand.Rand) *goods {
	g := &goods{skus: make([]string, cfg.SKUs), prices: make([]int64, cfg.SKUs), upTo: make([]float64, cfg.SKUs), share: make([]float64, cfg.SKUs), stock: make([][]placed, cfg.SKUs), shaped: cfg.Shape != nil}
	kinds := []string{"TEE", "POLO", "JEAN", "DRESS", "BAG", "CAP", "SHOE", "SOCK", "COAT", "BELT"}
	colours := []string{"RED", "BLUE", "BLACK", "WHITE", "GREEN"}
	sizes := []string{"S", "M", "L", "XL"}
	total := 0.0
	// The hot SKUs are anywhere in the order of names.
	for rank, i := range rnd.Perm(cfg.SKUs) {
		g.skus[rank] = ofRun(cfg, fmt.Sprintf("%s-%s-%s-%04d", kinds[i%10], colours[i/10%5], sizes[i/50%4], i/200+1))
		g.prices[rank] = int64(19+rnd.IntN(480)) * 1000
		g.share[rank] = math.Pow(float64(rank+1+hotShift), -cfg.Skew)
		total += g.share[rank]
	}
	if cfg.Shape != nil {
		g.nameHot(cfg, &total)
	}
	sum := 0.0
	for rank := range g.share {
		g.share[rank] /= total
		sum += g.share[rank]
		g.upTo[rank] = sum
	}
	for rank := range g.stock {
		g.stock[rank] = g.place(g.units(cfg, rank, rnd), g.hot(rank), warehousesFor(warehouses, rank < g.named), rnd)
	}
	g.combine(cfg, rnd)
	return g
}

// nameHot gives the first ranks their names and shares. The others share the rest
// by their law.
func (g *goods) nameHot(cfg *Config, total *float64) {
	g.named = len(cfg.Shape.Hot)
	named, others := 0.0, 0.0
	for rank, hot := range cfg.Shape.Hot {
		g.skus[rank], g.share[rank] = ofRun(cfg, hot.SKU), hot.Share
		named += hot.Share
	}
	for _, share := range g.share[g.named:] {
		others += share
	}
	for rank := g.named; rank < len(g.share); rank++ {
		g.share[rank] *= (1 - named) / others
	}
	if *total = 1; g.named == len(g.share) {
		*total = named
	}
}

// pick draws a SKU's rank.
func (g *goods) pick(rnd *rand.Rand) int {
	return min(sort.SearchFloat64s(g.upTo, rnd.Float64()), len(g.upTo)-1)
}

// hot SKUs get less than what will be asked for.
func (g *goods) hot(rank int) bool {
	if g.shaped {
		return rank < g.named
	}
	return rank < max(1, len(g.skus)/200)
}

// demand is the expected number of units asked for.
func (g *goods) demand(cfg *Config, rank int) float64 {
	lines := linesMean
	if cfg.Shape != nil {
		lines = cfg.Shape.linesMean()
	}
	return float64(cfg.Orders) * lines * unitsMean * g.share[rank]
}

func (g *goods) units(cfg *Config, rank int, rnd *rand.Rand) int64 {
	demand := g.demand(cfg, rank)
	switch h := cfg.Shape; {
	case rank < g.named:
		return h.Hot[rank].Units
	case h != nil && h.Units > 0:
		return h.Units
	case h != nil:
		return max(1, int64(math.Ceil(h.Cover*demand)))
	case g.hot(rank):
		return max(1, int64(0.4*demand))
	case rank < len(g.skus)/20:
		return 1 + int64((0.9+0.4*rnd.Float64())*demand)
	}
	return 3 + int64((1.5+1.5*rnd.Float64())*demand)
}

// warehousesFor returns where a SKU may lie. What has a name of its own is for
// every channel to the last unit, so it lies nowhere that serves only some.
func warehousesFor(all []warehouse, named bool) []warehouse {
	if !named {
		return all
	}
	out := slices.Clone(all)
	for i := range out {
		out[i].closed = out[i].store || out[i].row.Serves != nil
	}
	return out
}

// place spreads units over a few warehouses; the first one is never a store, so
// that every channel can be served from it.
func (g *goods) place(units int64, hot bool, warehouses []warehouse, rnd *rand.Rand) []placed {
	n := 1 + rnd.IntN(3)
	if hot {
		n = 4 + rnd.IntN(3)
	}
	n = min(n, len(warehouses), int(units))
	first := rnd.IntN(len(warehouses))
	for warehouses[first].store || warehouses[first].row.Serves != nil {
		first = (first + 1) % len(warehouses)
	}
	out := []placed{{warehouse: first}}
	for _, w := range rnd.Perm(len(warehouses)) {
		if len(out) < n && w != first && !warehouses[w].closed {
			out = append(out, placed{warehouse: w})
		}
	}
	each := units / int64(2*len(out))
	for i := range out {
		out[i].qty = max(1, each)
		units -= out[i].qty
	}
	out[0].qty += max(0, units)
	return out
}

// Setup returns what comes before the sale: the tables, then the stock.
func (s *Sale) Setup() []Message {
	var out []Message
	for i := range s.warehouses {
		row := &s.warehouses[i].row
		out = append(out, tableMessage("warehouses", string(row.ID), row))
	}
	for _, shop := range shops() {
		if s.has(shop.Channel) {
			out = append(out, tableMessage("channels", shop.Channel+"/"+shop.Shop, shop))
		}
	}
	out = append(out, s.combos()...)
	for rank, stock := range s.goods.stock {
		for _, p := range stock {
			kind := "stock.receive"
			if (rank+p.warehouse)%10 == 0 {
				kind = "stock.count"
			}
			out = append(out, s.stockMessage(0, kind, rank, p.warehouse, p.qty, 0))
		}
	}
	if h := s.cfg.Shape; h != nil && !h.StockPolicy {
		return out
	}
	return append(out, s.policies()...)
}

func (s *Sale) combos() (out []Message) {
	for _, c := range s.goods.combos {
		row := record.CatalogItem{SKU: record.SKU(c.sku)}
		for _, part := range c.components {
			row.Components = append(row.Components, record.Component{SKU: record.SKU(s.goods.skus[part.rank]), Qty: record.Quantity(part.qty)})
		}
		out = append(out, tableMessage("catalog", c.sku, row))
	}
	return out
}

// policies returns who may sell how much: every fourth hot SKU has a tenth of its
// stock fenced off for Shopee until the sale is half over, and a few others have
// safety stock, a company's buffer or one for a channel.
func (s *Sale) policies() (out []Message) {
	policy := func(rank int, in record.StockInput) {
		in.Holdfast, in.Type, in.SKU = 1, "stock.policy", record.SKU(s.goods.skus[rank])
		in.EventID = fmt.Sprintf("%s-policy", in.SKU)
		value, err := json.Marshal(in)
		if err != nil {
			panic("BUG: policy: " + err.Error())
		}
		out = append(out, Message{Topic: "stock.feed", Key: []byte(in.SKU), Value: value})
	}
	set := func(q int64) record.SettingInput {
		return record.SettingInput{Present: true, Value: record.Quantity(q)}
	}
	half := s.cfg.Start + record.Millis(s.Duration().Milliseconds()/2)
	for rank := 0; s.has("shopee") && s.goods.hot(rank); rank += 4 {
		units := int64(0)
		for _, p := range s.goods.stock[rank] {
			units += p.qty
		}
		policy(rank, record.StockInput{Channel: "shopee", Quota: set(units / 10), Until: half})
	}
	for i := range s.cfg.SKUs / 100 {
		rank := s.cfg.SKUs/10 + i
		switch i % 3 {
		case 0:
			policy(rank, record.StockInput{Warehouse: s.warehouses[s.goods.stock[rank][0].warehouse].row.ID, Safety: set(2)})
		case 1:
			policy(rank, record.StockInput{Buffer: set(1)})
		case 2:
			if !s.has("lazada") {
				continue
			}
			policy(rank, record.StockInput{Channel: "lazada/main", Buffer: set(3), Cap: set(40)})
		}
	}
	return out
}

// has tells whether the sale is on that channel.
func (s *Sale) has(name string) bool {
	return slices.ContainsFunc(s.channels, func(c channel) bool { return c.name == name })
}

func shops() []record.Shop {
	limit := record.Quantity(500)
	return []record.Shop{
		{Channel: "shopee", Shop: "main", Kind: "marketplace", IDs: []string{"727720001"}, Buffer: 2},
		{Channel: "lazada", Shop: "main", Kind: "marketplace", IDs: []string{"1000042"}, Buffer: 1, Cap: &limit},
		{Channel: "tiktok", Shop: "main", Kind: "marketplace", IDs: []string{"7494000000000000001"}, Buffer: 1},
		{Channel: "shopify", Shop: "main", Kind: "own", IDs: []string{shopifyDomain}},
		{Channel: "web", Shop: "main", Kind: "own"},
		{Channel: "pos", Shop: "main", Kind: "own"},
	}
}
