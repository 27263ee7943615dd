package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"holdfast/topology/record"
)

// WriteText tells the story by warehouse, newest last, with times in the given
// place.
func (s *SKUStory) WriteText(w io.Writer, zone *time.Location) error {
	t := &teller{w: w, zone: zone}
	t.line("%s: %s%s. Times are %s.", s.SKU, entriesWords(len(s.Entries)), s.leftOut(), zoneName(zone))
	if s.Refused > 0 {
		t.line("Orders that asked for it and got nothing: %d.", s.Refused)
	}
	var houses []record.WarehouseID
	for i := range s.Warehouses {
		houses = append(houses, s.Warehouses[i].Warehouse)
	}
	for i := range s.Entries {
		if w := s.Entries[i].Warehouse; !slices.Contains(houses, w) {
			houses = append(houses, w)
		}
	}
	for _, house := range houses {
		s.tellHouse(t, house)
	}
	return t.err
}

func (s *SKUStory) leftOut() string {
	if s.Omitted == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d older ones that --limit leaves out", s.Omitted)
}

func (s *SKUStory) tellHouse(t *teller, house record.WarehouseID) {
	t.line("")
	title := string(house)
	if house == "" {
		title = "At no warehouse"
	}
	for i := range s.Warehouses {
		if p := &s.Warehouses[i]; p.Warehouse == house {
			title += ", now: " + p.Counters.words()
		}
	}
	t.line("%s", title)
	n := 0
	for i := range s.Entries {
		e := &s.Entries[i]
		if e.Warehouse != house {
			continue
		}
		n++
		after := ""
		if e.After != nil {
			after = " -> " + e.After.words()
		}
		t.line("  %s  %s%s", t.time(e.At), e.storyWords(), after)
		t.line("%s%s/%d@%d%s", indent, e.Topic, e.Partition, e.Offset, t.happened(e.OccurredAt, e.At))
	}
	if n == 0 {
		t.line("  nothing among these entries")
	}
}

// storyWords says what moved, in the eyes of the SKU.
func (e *SKUEntry) storyWords() string {
	if e.OrderKey != "" {
		return e.orderWords()
	}
	var what string
	switch e.verb {
	case record.VerbReceive:
		what = fmt.Sprintf("Received %d", e.Qty)
	case record.VerbAdjust:
		what = fmt.Sprintf("Adjusted by %+d", e.Qty)
	case record.VerbCount:
		what = fmt.Sprintf("Counted: %+d", e.Qty)
		if e.After != nil {
			what = fmt.Sprintf("Counted %d (%+d)", e.After.OnHand, e.Qty)
		}
	case record.VerbDamage:
		what = fmt.Sprintf("Damaged %d", e.Qty)
		if e.Qty < 0 {
			what = fmt.Sprintf("For sale again %d", -e.Qty)
		}
	case record.VerbPolicy:
		what = "Policy: " + e.Policy.words()
	default:
		what = fmt.Sprintf("%s %d", e.Verb, e.Qty)
	}
	what += ", event " + e.Cause
	if e.Text != "" {
		what += " (" + e.Text + ")"
	}
	if e.Outcome != record.OutcomeDone.String() {
		what += ", " + plain(e.Outcome) + colon(plain(e.Reason))
	}
	return what
}

// words lists what a policy changes.
func (p *PolicyEntry) words() string {
	if p == nil {
		return "changed"
	}
	var parts []string
	for _, x := range []struct {
		name string
		s    record.SettingInput
	}{{"safety", p.Safety}, {"buffer", p.Buffer}, {"cap", p.Cap}, {"quota", p.Quota}} {
		switch {
		case x.s.Null:
			parts = append(parts, "no "+x.name)
		case x.s.Present:
			parts = append(parts, fmt.Sprintf("%s %d", x.name, x.s.Value))
		}
	}
	text := strings.Join(parts, ", ")
	if p.Channel != "" {
		text += " for " + p.Channel
	}
	if p.Until != 0 {
		text += " until " + p.Until.String()
	}
	return text
}

func (e *SKUEntry) orderWords() string {
	what := e.Verb
	switch e.verb {
	case record.VerbReserve:
		switch {
		case e.Before == nil:
			what = fmt.Sprintf("Nothing for %s, %d wait in line", e.OrderKey, e.Waiting)
			return what + colon(plain(e.Reason))
		case e.After.Allocated > e.Before.Allocated:
			what = fmt.Sprintf("Allocated %d to", e.Qty)
		default:
			what = fmt.Sprintf("Held %d for", e.Qty)
		}
	case record.VerbFill:
		what = fmt.Sprintf("Filled %d of", e.Qty)
	case record.VerbConfirm:
		what = fmt.Sprintf("Paid, %d allocated to", e.Qty)
	case record.VerbRelease, record.VerbReduce:
		what = fmt.Sprintf("%d given back by", e.Qty)
	case record.VerbShip, record.VerbShipUnclaimed:
		what = fmt.Sprintf("Shipped %d of", e.Qty)
		if e.After != nil && e.After.OnHand > e.Before.OnHand {
			what = fmt.Sprintf("Booked in %d, found by the shipment of", e.Qty)
		} else if e.verb == record.VerbShipUnclaimed {
			what = fmt.Sprintf("Shipped %d without a claim of", e.Qty)
		}
	case record.VerbReturn:
		what = fmt.Sprintf("%d came back of", e.Qty)
	}
	what += " " + string(e.OrderKey)
	if e.Waiting > 0 {
		what += fmt.Sprintf(", %d more wait in line", e.Waiting)
	}
	return what + colon(plain(e.Reason))
}

func entriesWords(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
