package explain

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"holdfast/loadtest/audit"
	"holdfast/topology"
	"holdfast/topology/record"
)

// SKUStory is what moved the stock of a SKU, newest last.
type SKUStory struct {
	SKU        record.SKU `json:"sku"`
	Warehouses []Place    `json:"warehouses"` // as they are now
	Entries    []SKUEntry `json:"entries"`
	// Omitted are older entries than those; Refused are requests of orders that
	// got nothing, which aren't listed.
	Omitted int64 `json:"omitted"`
	Refused int64 `json:"refused"`
}

// SKUEntry is one movement, or a word of the stock feed that moved nothing.
type SKUEntry struct {
	Decision
	OrderKey   record.OrderKey `json:"order_key,omitempty"` // "" of the stock feed
	Text       string          `json:"text,omitempty"`      // the reason that the feed gave
	OccurredAt record.Millis   `json:"occurred_at,omitzero"`
	Policy     *PolicyEntry    `json:"policy,omitempty"`

	verb   record.Verb
	number uint64
}

// PolicyEntry is a change of who may sell how much; null removes, absent keeps.
type PolicyEntry struct {
	Channel string              `json:"channel,omitempty"`
	Safety  record.SettingInput `json:"safety,omitzero"`
	Buffer  record.SettingInput `json:"buffer,omitzero"`
	Cap     record.SettingInput `json:"cap,omitzero"`
	Quota   record.SettingInput `json:"quota,omitzero"`
	Until   record.Millis       `json:"until,omitzero"`
}

// SKUFold collects the story of a SKU. Records have to be given in this order:
// log.orders and log.availability, then log.inventory; within each in any
// interleaving of partitions. Of a SKU that sells there are millions of entries,
// so only the newest are kept.
type SKUFold struct {
	sku     []byte
	limit   int
	entries []SKUEntry // at most twice the limit
	story   SKUStory
	places  map[record.WarehouseID]*Place
	at      map[record.WarehouseID]uint64 // number of the newest movement seen
	byEvent map[string][]int              // entries of the stock feed, by event id; made when the commands come
	decoded record.Decision
	avail   record.Availability
	known   bool
}

// NewSKUFold returns the fold of one SKU that keeps the newest entries.
func NewSKUFold(sku record.SKU, limit int) *SKUFold {
	return &SKUFold{sku: []byte(sku), limit: max(1, limit), story: SKUStory{SKU: sku}, places: map[record.WarehouseID]*Place{}, at: map[record.WarehouseID]uint64{}}
}

// Add takes the next record.
func (f *SKUFold) Add(r audit.Record) error {
	if !bytes.Contains(r.Value, f.sku) {
		return nil
	}
	at := place{r.Topic, r.Partition, r.Offset}
	if r.Topic == topology.LogInventory && f.byEvent == nil {
		f.index()
	}
	err := record.Entries(r.Value, func(x record.Entry) error {
		switch {
		case x.Kind == record.KindDecision:
			return f.decision(at, r.At, x.Body)
		case x.Kind == record.KindAvailability && bytes.Equal(x.Key, f.sku):
			return f.availability(x.Body)
		case x.Kind == record.KindStock && bytes.Equal(x.Key, f.sku):
			return f.command(x.Body)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading %s: %w", at, err)
	}
	return nil
}

func (f *SKUFold) decision(at place, appended record.Millis, body []byte) error {
	d := &f.decoded
	if err := d.Decode(body); err != nil {
		return err
	}
	if string(d.SKU) != string(f.sku) {
		return nil
	}
	f.known = true
	if len(d.Moves) == 0 && d.OrderKey != "" {
		if d.Verb == record.VerbReserve && d.Outcome == record.OutcomeRefused {
			f.story.Refused++
		}
		if d.Waiting == 0 || d.Verb != record.VerbReserve || d.Outcome == record.OutcomeExists {
			return nil
		}
	}
	e := SKUEntry{OrderKey: record.OrderKey(strings.Clone(string(d.OrderKey))), verb: d.Verb, Decision: Decision{
		Verb: d.Verb.String(), SKU: f.story.SKU, Outcome: d.Outcome.String(), Rule: strings.Clone(d.Rule), Reason: strings.Clone(d.Reason), Cause: strings.Clone(d.Cause),
		Attempt: d.Attempt, Requested: d.Requested, Missing: d.Missing, Waiting: d.Waiting, Quota: d.Quota, Allocated: d.Allocated,
		Topic: at.topic, Partition: at.partition, Offset: at.offset, At: appended,
	}}
	if len(d.Moves) == 0 {
		f.keep(e)
	}
	for i := range d.Moves {
		m := &d.Moves[i]
		e.Warehouse, e.Qty, e.number = record.WarehouseID(strings.Clone(string(m.Warehouse))), m.Qty, m.Number
		e.Before, e.After = countersOf(m.Before), countersOf(m.After)
		f.keep(e)
		if m.Number >= f.at[e.Warehouse] {
			f.at[e.Warehouse] = m.Number
			f.place(e.Warehouse).Counters = *e.After
		}
	}
	return nil
}

func (f *SKUFold) place(w record.WarehouseID) *Place {
	p := f.places[w]
	if p == nil {
		p = &Place{Warehouse: w}
		f.places[w] = p
	}
	return p
}

// keep adds an entry, and lets the oldest go now and then.
func (f *SKUFold) keep(e SKUEntry) {
	f.entries = append(f.entries, e)
	if len(f.entries) >= 2*f.limit {
		f.cut()
	}
}

// cut keeps the newest entries, in the order of the log's time. Movements of a
// warehouse are numbered, which settles those of one millisecond.
func (f *SKUFold) cut() {
	slices.SortStableFunc(f.entries, func(x, y SKUEntry) int {
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.Warehouse, y.Warehouse), cmp.Compare(x.number, y.number))
	})
	if n := len(f.entries) - f.limit; n > 0 {
		f.story.Omitted += int64(n)
		f.entries = slices.Delete(f.entries, 0, n)
	}
}

func (f *SKUFold) availability(body []byte) error {
	a := &f.avail
	if err := a.Decode(body); err != nil {
		return err
	}
	if string(a.SKU) != string(f.sku) {
		return nil // a component's, under the combo's key
	}
	f.known = true
	for i := range a.Rows {
		w := record.WarehouseID(strings.Clone(string(a.Rows[i].Warehouse)))
		f.place(w).Safety = a.Rows[i].Safety
	}
	return nil
}

// index finds the stock feed's entries by event id.
func (f *SKUFold) index() {
	f.cut()
	f.byEvent = map[string][]int{}
	for i := range f.entries {
		if e := &f.entries[i]; e.OrderKey == "" {
			f.byEvent[e.Cause] = append(f.byEvent[e.Cause], i)
		}
	}
}

// command adds what the stock feed said to the entries that it led to.
func (f *SKUFold) command(body []byte) error {
	var c record.StockCommand
	if err := c.Decode(bytes.Clone(body)); err != nil { // its strings are views
		return err
	}
	for _, i := range f.byEvent[c.EventID] {
		e := &f.entries[i]
		if e.verb != c.Verb || e.Warehouse != "" && e.Warehouse != c.Warehouse {
			continue
		}
		e.Warehouse, e.Text, e.OccurredAt = c.Warehouse, c.Reason, c.OccurredAt
		if c.Verb == record.VerbPolicy {
			p := &c.Policy
			e.Policy = &PolicyEntry{Channel: p.Channel, Safety: p.Safety.Input(), Buffer: p.Buffer.Input(), Cap: p.Cap.Input(), Quota: p.Quota.Input(), Until: p.Until}
		} else if e.Before == nil {
			e.Qty = c.Qty // asked for: nothing moved
		}
	}
	return nil
}

// Story returns what was collected; ok is false when no log knows the SKU.
func (f *SKUFold) Story() (s SKUStory, ok bool) {
	f.cut()
	s = f.story
	s.Entries, s.Warehouses = slices.Clone(f.entries), []Place{}
	if s.Entries == nil {
		s.Entries = []SKUEntry{}
	}
	for _, p := range f.places {
		s.Warehouses = append(s.Warehouses, *p)
	}
	slices.SortFunc(s.Warehouses, func(x, y Place) int { return cmp.Compare(x.Warehouse, y.Warehouse) })
	return s, f.known
}
