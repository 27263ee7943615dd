package scenario

import (
	"time"

	"holdfast/loadtest/sale"
)

// Scenario is a rehearsal. Shares are from 0 to 1; weights only count against
// each other; rates are orders a second.
type Scenario struct {
	Name       string             `yaml:"name"`
	Seed       uint64             `yaml:"seed"`
	Phases     []Phase            `yaml:"phases"`
	Spikes     []Spike            `yaml:"spikes"`
	Tail       Span               `yaml:"tail"` // how long payments, cancels and parcels are still sent after the last phase
	Channels   map[string]float64 `yaml:"channels"`
	OwnFormat  float64            `yaml:"own_format"` // share of Shopee's and Shopify's orders in their own bodies
	Regions    map[string]float64 `yaml:"regions"`
	Baskets    Baskets            `yaml:"baskets"`
	SKUs       SKUs               `yaml:"skus"`
	Stock      Stock              `yaml:"stock"`
	Warehouses Warehouses         `yaml:"warehouses"`
	Payments   Payments           `yaml:"payments"`
	Orders     Orders             `yaml:"orders"`
	Noise      Noise              `yaml:"noise"`
	Faults     []Fault            `yaml:"faults"`
	Rota       Rota               `yaml:"rota"`
	Nodes      []Node             `yaml:"nodes"` // that are looked at every second
	BrokerDisk bool               `yaml:"broker_disk"`
	// ScaleTo multiplies all rates, so that the highest is this one; 0: as they are.
	ScaleTo    float64            `yaml:"scale_to"`
	Thresholds map[string]float64 `yaml:"thresholds"`
	Audit      bool               `yaml:"audit"`
	Drain      Drain              `yaml:"drain"`

	// Text is the YAML that the scenario was read from, with its changes.
	Text string `yaml:"-"`
}

// Phase is a stretch of time with one rate, or one that goes evenly from one
// value to another.
type Phase struct {
	Name string   `yaml:"name"`
	For  Span     `yaml:"for"`
	Rate *float64 `yaml:"rate"`
	From *float64 `yaml:"from"`
	To   *float64 `yaml:"to"`
}

// Rates are the phase's at its begin and at its end.
func (p *Phase) Rates() (from, to float64) {
	if p.Rate != nil {
		return *p.Rate, *p.Rate
	}
	return value(p.From), value(p.To)
}

// Spike comes on top of the phases: a rate for some time, or so many orders at
// one instant.
type Spike struct {
	At     Span    `yaml:"at"`
	For    Span    `yaml:"for"`
	Rate   float64 `yaml:"rate"`
	Orders int     `yaml:"orders"`
}

// Baskets are weights of orders by their lines.
type Baskets struct {
	One  float64 `yaml:"one"`
	Two  float64 `yaml:"two"`
	More float64 `yaml:"more"` // three to five
}

// SKUs is what is sold.
type SKUs struct {
	Count  int     `yaml:"count"`
	Zipf   float64 `yaml:"zipf"`   // exponent of the demand's law; 0 is even
	Combos float64 `yaml:"combos"` // share of canonical orders with one
	Hot    []Hot   `yaml:"hot"`
}

// Hot is a SKU that everybody wants.
type Hot struct {
	SKU   string  `yaml:"sku"`
	Units int64   `yaml:"units"`
	Share float64 `yaml:"share"` // of all lines
}

// Stock is how much there is of the SKUs that aren't hot.
type Stock struct {
	Cover    float64 `yaml:"cover"`    // units for each unit of expected demand
	Units    int64   `yaml:"units"`    // or so many of each
	Moves    bool    `yaml:"moves"`    // counts, damage, restocks, a shop that closes and opens
	Policies bool    `yaml:"policies"` // quotas, safety stock, buffers, caps
}

// Warehouses are where it lies.
type Warehouses struct {
	Count           int   `yaml:"count"`
	CapacityPerHour int64 `yaml:"capacity_per_hour"` // 0: no limit
}

// Payments are weights of how orders are paid, and shares of what becomes of the
// unpaid.
type Payments struct {
	Prepaid float64 `yaml:"prepaid"`
	COD     float64 `yaml:"cod"`
	Unpaid  float64 `yaml:"unpaid"`
	Hold    Span    `yaml:"hold"`  // until an unpaid order expires
	Late    float64 `yaml:"late"`  // paid after that
	Never   float64 `yaml:"never"` // not paid
}

// Orders are shares of what buyers accept and what becomes of orders.
type Orders struct {
	Partial         float64 `yaml:"partial"`
	Backorder       float64 `yaml:"backorder"`
	Cancelled       float64 `yaml:"cancelled"`
	CancelledInPart float64 `yaml:"cancelled_in_part"` // of canonical orders whose first line has several units
	Shipped         float64 `yaml:"shipped"`
	Delivered       float64 `yaml:"delivered"` // of the shipped
	Returned        float64 `yaml:"returned"`  // of the delivered
}

// Noise is what goes wrong on the way, as shares.
type Noise struct {
	Duplicates float64 `yaml:"duplicates"`   // of records, sent twice
	OutOfOrder float64 `yaml:"out_of_order"` // of orders, whose events overtake them
	Broken     float64 `yaml:"broken"`       // records that can't be read, for each order
}

// Fault is something that is done to the system at a time: one of Run, Signal
// and Pause.
type Fault struct {
	At      Span     `yaml:"at"`
	Name    string   `yaml:"name"`
	Run     []string `yaml:"run"`    // a program and its arguments; no shell
	Signal  string   `yaml:"signal"` // KILL, TERM, INT, STOP, CONT, HUP, USR1, USR2
	Pause   Span     `yaml:"pause"`  // STOP, and after so long CONT
	PID     int      `yaml:"pid"`    // whom to signal or to pause
	PIDFile string   `yaml:"pid_file"`
	Restore bool     `yaml:"restore"` // it mends what another one broke
	Timeout Span     `yaml:"timeout"` // of Run
	// Outage is how long from At on what waits is judged by OutageMax alone.
	Outage Span `yaml:"outage"`
}

// Drain is how long to wait for the end.
type Drain struct {
	Timeout Span `yaml:"timeout"`
}

// Defaults are what a scenario that says nothing else has: the demo's mix,
// without its quotas.
func Defaults() Scenario {
	return Scenario{
		Seed: 1111, Tail: Span(15 * time.Second), OwnFormat: 0.6,
		Channels:   map[string]float64{"shopee": 34, "tiktok": 22, "lazada": 14, "shopify": 8, "web": 16, "pos": 6},
		Baskets:    Baskets{One: 0.6, Two: 0.25, More: 0.15},
		SKUs:       SKUs{Count: 10_000, Zipf: 1.1, Combos: 0.05},
		Stock:      Stock{Cover: 1.5},
		Warehouses: Warehouses{Count: 20},
		Payments:   Payments{Prepaid: 40, COD: 40, Unpaid: 20, Hold: Span(5 * time.Second), Late: 0.08, Never: 0.12},
		Orders:     Orders{Partial: 0.15, Backorder: 0.07, Cancelled: 0.04, CancelledInPart: 0.15, Shipped: 0.25, Delivered: 0.5, Returned: 0.1},
		Noise:      Noise{Duplicates: 0.02, OutOfOrder: 0.01, Broken: 0.0002},
		Audit:      true,
		Drain:      Drain{Timeout: Span(2 * time.Minute)},
	}
}

// Duration returns how long the phases are together.
func (s *Scenario) Duration() (d time.Duration) {
	for i := range s.Phases {
		d += time.Duration(s.Phases[i].For)
	}
	return d
}

// Outage is a time in which a fault may make orders wait, since the beginning.
type Outage struct{ From, To time.Duration }

// Outages returns those that the faults have.
func (s *Scenario) Outages() (list []Outage) {
	all := s.Schedule()
	for i := range all {
		if f := &all[i]; f.Outage > 0 {
			list = append(list, Outage{time.Duration(f.At), time.Duration(f.At + f.Outage)})
		}
	}
	return list
}

// Sale returns what the scenario sends. Run makes its names differ from those of
// other runs; the caller adds the start.
func (s *Scenario) Sale(run string) sale.Config {
	p := s.Profile()
	c := sale.Config{
		Seed: s.Seed, Orders: p.Orders(), SKUs: s.SKUs.Count, Warehouses: s.Warehouses.Count, Skew: s.SKUs.Zipf,
		Duplicates: s.Noise.Duplicates, Late: s.Noise.OutOfOrder, Own: s.OwnFormat, Broken: int(s.Noise.Broken*float64(p.Orders()) + 0.5),
		Run: run, Profile: p, Stop: p.Duration() + time.Duration(s.Tail), Shape: s.shape(),
	}
	return c
}

func (s *Scenario) shape() *sale.Shape {
	h := &sale.Shape{
		Channels: weights(s.Channels), Regions: weights(s.Regions), Baskets: [3]float64{s.Baskets.One, s.Baskets.Two, s.Baskets.More},
		Payments: [3]float64{s.Payments.Prepaid, s.Payments.COD, s.Payments.Unpaid},
		Hold:     time.Duration(s.Payments.Hold), PaidLate: s.Payments.Late, NeverPaid: s.Payments.Never,
		Partial: s.Orders.Partial, Backorder: s.Orders.Backorder, Combos: s.SKUs.Combos,
		Cancelled: s.Orders.Cancelled, InPart: s.Orders.CancelledInPart, Shipped: s.Orders.Shipped, Delivered: s.Orders.Delivered, Returned: s.Orders.Returned,
		Cover: s.Stock.Cover, Units: s.Stock.Units, Capacity: s.Warehouses.CapacityPerHour, StockMoves: s.Stock.Moves, StockPolicy: s.Stock.Policies,
	}
	for _, hot := range s.SKUs.Hot {
		h.Hot = append(h.Hot, sale.HotSKU(hot))
	}
	return h
}
