package explain

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"holdfast/loadtest/audit"
	"holdfast/topology"
	"holdfast/topology/record"
)

// Stock is where a SKU stands, as the logs told last.
type Stock struct {
	SKU   record.SKU    `json:"sku"`
	Fed   bool          `json:"fed"` // the stock feed has named it
	At    record.Millis `json:"at"`  // of the last change of its stock
	Combo bool          `json:"combo"`
	// Components are what a combo is made of; it has no stock of its own.
	Components []Component      `json:"components,omitempty"`
	Warehouses []Place          `json:"warehouses"`
	Buffer     record.Quantity  `json:"buffer"` // of the company
	Policies   []ShopPolicy     `json:"policies"`
	Quotas     []QuotaLeft      `json:"quotas"`
	Sellable   []Sellable       `json:"sellable"`
	Waiting    Waiting          `json:"waiting"`
	Topic      string           `json:"topic"` // where the counters are from
	Partition  record.Partition `json:"partition"`
	Offset     record.Offset    `json:"offset"`
}

// Component is a part of a combo.
type Component struct {
	Qty record.Quantity `json:"qty"` // for each combo
	Stock
}

// Place is a SKU's part at one warehouse.
type Place struct {
	Warehouse record.WarehouseID `json:"warehouse"`
	Counters
	Safety   record.Quantity `json:"safety"`
	Incoming record.Quantity `json:"incoming"`
	// Version and Published are those of the last stock event; 0 and none where
	// there was none yet.
	Version   int64         `json:"version"`
	Published record.Millis `json:"published_at"`
}

// ShopPolicy replaces a shop's own buffer and cap; null: the shop's own applies.
type ShopPolicy struct {
	Channel string           `json:"channel"` // "shopee" or "shopee/main"
	Buffer  *record.Quantity `json:"buffer"`
	Cap     *record.Quantity `json:"cap"`
}

// QuotaLeft is what is still fenced off for a channel.
type QuotaLeft struct {
	Channel string          `json:"channel"`
	Left    record.Quantity `json:"left"`
}

// Sellable is what a shop was told last.
type Sellable struct {
	Channel  string          `json:"channel"`
	Shop     string          `json:"shop"`
	Sellable record.Quantity `json:"sellable"`
	Version  int64           `json:"version"`
	At       record.Millis   `json:"at"`
}

// Waiting is who waits for the SKU, in the order in which they are served.
type Waiting struct {
	Units  record.Quantity `json:"units"`
	Orders []Waiter        `json:"orders"`
}

// Waiter is an order that waits.
type Waiter struct {
	OrderKey record.OrderKey `json:"order_key"`
	Units    record.Quantity `json:"units"`
	Fact     bool            `json:"fact"` // sold already: served before backorders
	Since    record.Millis   `json:"since"`

	attempt uint32
	offset  record.Offset // of its reserve in log.inventory
}

// StockFold collects where a SKU stands. Who waits follows from several logs, so
// records have to be given in this order: log.orders, then log.inventory, then
// the rest; within each in any interleaving of partitions.
type StockFold struct {
	sku      []byte
	stock    Stock
	places   map[record.WarehouseID]*Place
	sellable map[string]Sellable
	waiters  map[record.OrderKey]*Waiter
	decoded  record.Decision
	avail    record.Availability
}

// NewStockFold returns the fold of one SKU.
func NewStockFold(sku record.SKU) *StockFold {
	return &StockFold{sku: []byte(sku), stock: Stock{SKU: sku}, places: map[record.WarehouseID]*Place{}, sellable: map[string]Sellable{},
		waiters: map[record.OrderKey]*Waiter{}}
}

// Add takes the next record.
func (f *StockFold) Add(r audit.Record) error {
	at := place{r.Topic, r.Partition, r.Offset}
	var err error
	switch r.Topic {
	case topology.LogOrders, topology.LogAvailability, topology.LogInventory:
		if bytes.Contains(r.Value, f.sku) {
			err = record.Entries(r.Value, func(x record.Entry) error { return f.entry(at, r.At, &x) })
		}
	default:
		if bytes.Equal(r.Key, f.sku) {
			err = f.published(&r)
		}
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", at, err)
	}
	return nil
}

func (f *StockFold) entry(at place, appended record.Millis, x *record.Entry) error {
	switch {
	case x.Kind == record.KindDecision:
		if err := f.decoded.Decode(x.Body); err != nil {
			return err
		}
		if string(f.decoded.SKU) == string(f.sku) {
			f.decision(&f.decoded, appended)
		}
	case x.Kind == record.KindAvailability && bytes.Equal(x.Key, f.sku):
		return f.availability(at, appended, x.Body)
	case x.Kind == record.KindCommand && bytes.Equal(x.Key, f.sku) && len(f.waiters) > 0:
		var c record.Command
		if err := c.Decode(x.Body); err != nil {
			return err
		}
		if w := f.waiters[c.OrderKey]; w != nil && c.Verb == record.VerbReserve && c.Attempt == w.attempt {
			w.Fact, w.offset = c.Fact, at.offset
		}
	}
	return nil
}

// decision notes who waits. Within an attempt what waits only gets less; a
// release ends it.
func (f *StockFold) decision(d *record.Decision, appended record.Millis) {
	if d.OrderKey == "" {
		return
	}
	w := f.waiters[d.OrderKey]
	left := d.Waiting
	switch d.Verb {
	case record.VerbReserve:
		if left > 0 && (d.Outcome == record.OutcomeGranted || d.Outcome == record.OutcomePartial || d.Outcome == record.OutcomeRefused) && (w == nil || d.Attempt > w.attempt) {
			key := record.OrderKey(strings.Clone(string(d.OrderKey)))
			f.waiters[key] = &Waiter{OrderKey: key, Units: left, Since: appended, attempt: d.Attempt}
		}
		return
	case record.VerbFill, record.VerbReduce:
		if d.Outcome == record.OutcomeStale || d.Outcome == record.OutcomeNoClaim {
			return
		}
	case record.VerbRelease: // of this attempt or any before
		if w != nil && d.Attempt >= w.attempt && d.Outcome != record.OutcomeStale {
			delete(f.waiters, d.OrderKey)
		}
		return
	default:
		return
	}
	if w == nil || d.Attempt != w.attempt {
		return
	}
	if w.Units = min(w.Units, left); w.Units <= 0 {
		delete(f.waiters, d.OrderKey)
	}
}

func (f *StockFold) availability(at place, appended record.Millis, body []byte) error {
	a := &f.avail
	if err := a.Decode(bytes.Clone(body)); err != nil { // its strings are views
		return err
	}
	if string(a.SKU) != string(f.sku) {
		return nil // a component's, under the combo's key
	}
	s := &f.stock
	s.Fed, s.Buffer, s.At = a.Fed, a.Buffer, appended
	s.Topic, s.Partition, s.Offset = at.topic, at.partition, at.offset
	for i := range a.Rows {
		row := &a.Rows[i]
		p := f.place(row.Warehouse)
		p.Counters, p.Safety = *countersOf(row.Counters), row.Safety
	}
	s.Policies, s.Quotas = nil, nil
	for _, p := range a.Policies {
		s.Policies = append(s.Policies, ShopPolicy{Channel: p.Channel, Buffer: valueOf(p.Buffer), Cap: valueOf(p.Cap)})
	}
	for _, q := range a.Quotas {
		s.Quotas = append(s.Quotas, QuotaLeft{Channel: q.Channel, Left: q.Left})
	}
	return nil
}

func valueOf(s record.Setting) *record.Quantity {
	if v, ok := s.Value(); ok {
		return &v
	}
	return nil
}

func (f *StockFold) place(w record.WarehouseID) *Place {
	p := f.places[w]
	if p == nil {
		p = &Place{Warehouse: w}
		f.places[w] = p
	}
	return p
}

// published takes a record of stock.events or of a channel's stock.
func (f *StockFold) published(r *audit.Record) error {
	if r.Topic == topology.StockEvents {
		var u record.StockUpdate
		if err := json.Unmarshal(r.Value, &u); err != nil {
			return err
		}
		if p := f.place(u.Warehouse); u.Version > p.Version {
			p.Version, p.Published, p.Incoming = u.Version, u.At, u.Incoming
		}
		return nil
	}
	var u record.ChannelStock
	if err := json.Unmarshal(r.Value, &u); err != nil {
		return err
	}
	key := u.Channel + "/" + u.Shop
	if u.Version > f.sellable[key].Version {
		f.sellable[key] = Sellable{Channel: u.Channel, Shop: u.Shop, Sellable: u.Sellable, Version: u.Version, At: u.At}
	}
	return nil
}

// Stock returns what was collected; ok is false when no log knows the SKU.
func (f *StockFold) Stock() (s Stock, ok bool) {
	s = f.stock
	s.Warehouses, s.Sellable, s.Waiting.Orders = []Place{}, []Sellable{}, []Waiter{}
	if s.Policies == nil {
		s.Policies = []ShopPolicy{}
	}
	if s.Quotas == nil {
		s.Quotas = []QuotaLeft{}
	}
	for _, p := range f.places {
		s.Warehouses = append(s.Warehouses, *p)
	}
	slices.SortFunc(s.Warehouses, func(x, y Place) int { return cmp.Compare(x.Warehouse, y.Warehouse) })
	for _, x := range f.sellable {
		s.Sellable = append(s.Sellable, x)
	}
	slices.SortFunc(s.Sellable, func(x, y Sellable) int { return cmp.Or(cmp.Compare(x.Channel, y.Channel), cmp.Compare(x.Shop, y.Shop)) })
	for _, w := range f.waiters {
		s.Waiting.Orders = append(s.Waiting.Orders, *w)
		s.Waiting.Units += w.Units
	}
	slices.SortFunc(s.Waiting.Orders, func(x, y Waiter) int {
		switch {
		case x.Fact && !y.Fact:
			return -1
		case y.Fact && !x.Fact:
			return 1
		}
		return cmp.Or(cmp.Compare(x.offset, y.offset), cmp.Compare(x.Since, y.Since), cmp.Compare(x.OrderKey, y.OrderKey))
	})
	return s, s.Topic != "" || len(s.Warehouses)+len(s.Sellable)+len(s.Waiting.Orders) > 0
}

// Waits tells whether anybody was found to wait so far.
func (f *StockFold) Waits() bool { return len(f.waiters) > 0 }
