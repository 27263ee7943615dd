package explain

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"holdfast/topology/record"
)

// waitersTold is how many orders are listed in words; JSON has all of them.
const waitersTold = 20

// WriteText tells where the SKU stands, with times in the given place.
func (s *Stock) WriteText(w io.Writer, zone *time.Location) error {
	t := teller{w: w, zone: zone}
	t.line("%s", s.headline())
	t.line("Times are %s.", zoneName(zone))
	if s.Combo {
		t.line("")
		t.line("It is a combo: one is made of")
		for i := range s.Components {
			c := &s.Components[i]
			t.line("  %d x %s, of which %d can be promised", c.Qty, c.SKU, c.available())
		}
	}
	s.tellPlaces(&t)
	s.tellShops(&t)
	s.tellWaiting(&t)
	for i := range s.Components {
		c := &s.Components[i]
		t.line("")
		t.line("%s", c.headline())
		c.tellPlaces(&t)
		c.tellWaiting(&t)
	}
	if s.Topic != "" {
		t.line("")
		t.line("Counters as of %s (%s/%d@%d).", t.time(s.At), s.Topic, s.Partition, s.Offset)
	}
	return t.err
}

func (s *Stock) headline() string {
	switch {
	case s.Combo:
		return fmt.Sprintf("%s has no stock of its own.", s.SKU)
	case !s.Fed:
		return fmt.Sprintf("%s: orders asked for it, but no stock has ever been reported for it.", s.SKU)
	}
	text := fmt.Sprintf("%s: %d can be promised", s.SKU, s.available())
	if n := s.Waiting.Units; n > 0 {
		text += fmt.Sprintf(", and orders wait for %d", n)
	}
	return text + "."
}

// available is what can be promised, over all warehouses.
func (s *Stock) available() record.Quantity {
	var n record.Quantity
	for i := range s.Warehouses {
		n += max(0, s.Warehouses[i].Available)
	}
	return n
}

// tellPlaces prints the table of warehouses and what is kept back.
func (s *Stock) tellPlaces(t *teller) {
	if len(s.Warehouses) == 0 {
		return
	}
	t.line("")
	rows := [][]string{{"WAREHOUSE", "ON HAND", "UNAVAILABLE", "HELD", "ALLOCATED", "AVAILABLE", "SAFETY", "PUBLISHED"}}
	for i := range s.Warehouses {
		p := &s.Warehouses[i]
		published := "not yet"
		if p.Version > 0 {
			published = t.time(p.Published)
		}
		rows = append(rows, []string{string(p.Warehouse), number(p.OnHand), number(p.Unavailable), number(p.Held), number(p.Allocated), number(p.Available), number(p.Safety), published})
	}
	t.table(rows)
	for i := range s.Warehouses {
		if p := &s.Warehouses[i]; p.Available < 0 {
			t.line("  %s lacks %d: more is promised there than it has. Stock that comes covers this first.", p.Warehouse, -p.Available)
		}
	}
	if s.Buffer > 0 {
		t.line("  %d are kept back from all channels (company buffer).", s.Buffer)
	}
	for _, q := range s.Quotas {
		t.line("  %d are fenced off for %s (what is left of its quota).", q.Left, q.Channel)
	}
	for _, p := range s.Policies {
		if p.Buffer != nil {
			t.line("  %d are kept back from %s (buffer for this SKU).", *p.Buffer, p.Channel)
		}
		if p.Cap != nil {
			t.line("  %s is never shown more than %d (cap for this SKU).", p.Channel, *p.Cap)
		}
	}
}

func (s *Stock) tellShops(t *teller) {
	t.line("")
	if len(s.Sellable) == 0 {
		t.line("No channel has been told of it yet.")
		return
	}
	rows := [][]string{{"CHANNEL", "SHOP", "MAY SELL", "VERSION", "TOLD AT"}}
	for _, x := range s.Sellable {
		rows = append(rows, []string{x.Channel, x.Shop, number(x.Sellable), strconv.FormatInt(x.Version, 10), t.time(x.At)})
	}
	t.table(rows)
}

func (s *Stock) tellWaiting(t *teller) {
	if s.Waiting.Units == 0 {
		return
	}
	t.line("")
	t.line("Who waits for %s, first served first:", s.SKU)
	for i, w := range s.Waiting.Orders {
		if i == waitersTold {
			t.line("  … and %d orders more", len(s.Waiting.Orders)-i)
			break
		}
		kind := "backorder"
		if w.Fact {
			kind = "sold already"
		}
		t.line("  %d x %s since %s (%s)", w.Units, w.OrderKey, t.time(w.Since), kind)
	}
}

func number(q record.Quantity) string { return strconv.FormatInt(int64(q), 10) }

// table prints rows in columns, indented.
func (t *teller) table(rows [][]string) {
	w := tabwriter.NewWriter(t.w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			switch {
			case i == 0:
				cell = "  " + cell
			default:
				cell = "\t" + cell
			}
			if t.err == nil {
				_, t.err = io.WriteString(w, cell)
			}
		}
		if t.err == nil {
			_, t.err = io.WriteString(w, "\n")
		}
	}
	if t.err == nil {
		t.err = w.Flush()
	}
}
