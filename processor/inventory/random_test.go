package inventory

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"holdfast/topology/record"
)

// seed returns a seed and prints it. A failing run is repeated by writing the
// seed here.
func seed(t testing.TB) int64 {
	s := time.Now().UnixNano()
	t.Logf("seed %d", s)
	return s
}

// step is one random entry of log.inventory: a command, a stock event or a row.
type step struct {
	at      record.Millis
	command *record.Command
	stock   *record.StockCommand
	row     *record.TableRow // of the catalog
}

func (s *step) entry() record.Entry {
	if s.command != nil {
		return command(*s.command)
	}
	if s.row != nil {
		return catalogEntry(s.row)
	}
	return stockEvent(*s.stock)
}

func (s *step) sku() record.SKU {
	if s.command != nil {
		return s.command.SKU
	}
	if s.row != nil {
		return record.SKU(s.row.Key)
	}
	return s.stock.SKU
}

func (s *step) String() string {
	if s.command != nil {
		return fmt.Sprintf("at %d: %s %+v", s.at, s.command.Verb, *s.command)
	}
	if s.row != nil {
		return fmt.Sprintf("at %d: catalog row %+v", s.at, *s.row)
	}
	return fmt.Sprintf("at %d: %s %+v", s.at, s.stock.Verb, *s.stock)
}

// generator makes random steps over a few SKUs, warehouses and orders, so few
// that everything meets everything.
type generator struct {
	*rand.Rand
	now      record.Millis
	n        int
	attempts map[string]uint32
	past     []step
	// maxStep is the most that time moves on between two steps, and round what
	// all times are cut to.
	maxStep, round record.Millis
	// model has been given all steps: it knows what can be asked for without
	// breaking what the orders stage promises.
	model *model
}

var (
	randomSKUs       = []record.SKU{"TEE", "TEE-RED", "MUG", "CAP", "PEN"}
	randomWarehouses = []record.WarehouseID{"HCM", "HN", "DN", "CT"}
	randomChannels   = []string{"shopee", "lazada", "tiktok", "shopify", "web", "pos"}
)

func newGenerator(seed int64, cfg Config, maxStep record.Millis) *generator {
	return &generator{
		Rand: rand.New(rand.NewSource(seed)), now: hourMillis, attempts: map[string]uint32{}, maxStep: maxStep, round: 1,
		model: newModel(cfg.withDefaults().RememberMillis),
	}
}

func (g *generator) next() step {
	g.n++
	g.now += record.Millis(g.Int63n(int64(g.maxStep)))
	s := g.draw(g.now / g.round * g.round)
	for s.command != nil && !g.model.allows(s.command) {
		s = g.draw(s.at)
	}
	g.model.step(s)
	return s
}

func (g *generator) draw(now record.Millis) step {
	s := step{at: now}
	switch p := g.Intn(100); {
	case p < 4 && len(g.past) > 0: // a repetition
		s = g.past[g.Intn(len(g.past))]
		s.at = now
		if s.stock != nil && g.Intn(4) == 0 { // with other content
			c := *s.stock
			c.Qty++
			s.stock = &c
		}
	case p < 24:
		s.stock = g.stock()
	case p < 30:
		s.stock = g.policy()
	case p < 31:
		s.row = g.catalogRow()
	default:
		s.command = g.command(p)
	}
	if g.past = append(g.past, s); len(g.past) > 40 {
		g.past = g.past[1:]
	}
	return s
}

func (g *generator) stock() *record.StockCommand {
	c := &record.StockCommand{
		SKU: pick(g, randomSKUs), Warehouse: pick(g, randomWarehouses), EventID: fmt.Sprintf("s-%d", g.n),
		OccurredAt: g.occurred(),
	}
	switch g.Intn(5) {
	case 0:
		c.Verb, c.Qty = record.VerbCount, record.Quantity(g.Intn(12))
		if g.Intn(8) == 0 {
			c.OccurredAt = 0
		}
	case 1:
		c.Verb, c.Qty = record.VerbAdjust, record.Quantity(g.Intn(9)-6)
	case 2:
		c.Verb, c.Qty = record.VerbDamage, record.Quantity(g.Intn(7)-3)
	default:
		c.Verb, c.Qty = record.VerbReceive, record.Quantity(1+g.Intn(14))
	}
	if g.Intn(200) == 0 {
		c.Qty = record.OnHandMax - 3
	}
	return c
}

func (g *generator) command(p int) *record.Command {
	c := &record.Command{
		SKU: pick(g, randomSKUs), OrderKey: record.OrderKey(fmt.Sprintf("%s/main/%d", pick(g, randomChannels), g.Intn(3))),
		Cause: fmt.Sprintf("e-%d", g.n), OccurredAt: g.occurred(),
	}
	saga := string(c.OrderKey) + string(c.SKU)
	if g.Intn(6) == 0 {
		g.attempts[saga]++
	}
	c.Attempt = g.attempts[saga] + 1
	if g.Intn(12) == 0 {
		c.Attempt = uint32(max(0, int(c.Attempt)+g.Intn(3)-1))
	}
	switch {
	case p < 54:
		c.Verb, c.Qty = record.VerbReserve, record.Quantity(1+g.Intn(6))
		c.Allocate, c.Whole, c.Wait, c.Fact = g.Intn(2) == 0, g.Intn(3) == 0, g.Intn(2) == 0, g.Intn(2) == 0
		rank := uint16(0)
		for _, at := range g.Perm(len(randomWarehouses))[:g.Intn(len(randomWarehouses)+1)] {
			c.Ranked = append(c.Ranked, record.Ranked{Warehouse: randomWarehouses[at], Rank: rank})
			rank += uint16(g.Intn(2))
		}
		if len(c.Ranked) > 0 && g.Intn(20) == 0 { // out of order, and twice
			c.Ranked = append(c.Ranked, c.Ranked[0])
		}
	case p < 62:
		c.Verb = record.VerbConfirm
	case p < 70:
		c.Verb = record.VerbRelease
	case p < 80:
		c.Verb = record.VerbReduce
		if c.Qty = record.Quantity(g.Intn(3)); c.Qty == 0 || g.Intn(2) == 0 {
			g.parts(c)
		}
	default:
		c.Verb = record.VerbShip
		if p >= 98 {
			c.Verb = record.VerbShipUnclaimed
		} else if p >= 96 {
			c.Verb, c.Unavailable = record.VerbReturn, g.Intn(2) == 0
		}
		g.parts(c)
	}
	return c
}

// parts names units at warehouses; those that are to be given back are mostly
// the order's.
func (g *generator) parts(c *record.Command) {
	h := g.model.sku(c.SKU).claims[c.OrderKey]
	if c.Verb != record.VerbReduce || h == nil || h.attempt != c.Attempt {
		for _, at := range g.Perm(len(randomWarehouses))[:1+g.Intn(2)] {
			c.Parts = append(c.Parts, record.WarehouseQty{Warehouse: randomWarehouses[at], Qty: record.Quantity(1 + g.Intn(2))})
		}
		return
	}
	for _, w := range h.warehouses() {
		if g.Intn(3) > 0 {
			c.Parts = append(c.Parts, record.WarehouseQty{Warehouse: w, Qty: record.Quantity(1 + g.Int63n(h.at[w]))})
		}
	}
}

// occurred is mostly a little while ago, may be a day and more, or to come.
func (g *generator) occurred() record.Millis {
	back := int64(100 * g.maxStep)
	if g.Intn(10) == 0 {
		back = int64(30 * hourMillis)
	}
	return max(0, g.now-record.Millis(g.Int63n(back))+5*g.maxStep)
}

func pick[T any](g *generator, of []T) T { return of[g.Intn(len(of))] }
