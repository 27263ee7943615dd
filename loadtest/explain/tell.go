package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"holdfast/topology/record"
)

// moment is something that happened, in sentences.
type moment struct {
	at   record.Millis
	text string
}

// tellBuyer tells the story so that it can be read out to who bought: what is,
// then what happened. Places in logs aren't in it.
func (s *Story) tellBuyer(t *teller) {
	channel, shop, id, _ := s.OrderKey.Cut()
	from := channelWords(channel)
	if shop != "main" {
		from += ", " + shop + ","
	}
	t.line("Order %s from %s %s.", id, from, s.standing())
	if now := s.now(); now != "" {
		t.line("Now: %s.", now)
	}
	t.line("")
	t.line("What happened (times are %s)", zoneName(t.zone))
	for _, m := range s.moments() {
		t.wrapped(m.at, m.text)
	}
}

// standing finishes the sentence "The order …".
func (s *Story) standing() string {
	text := statusWords(s.Status)
	if n := len(s.Events); n > 0 {
		switch last := &s.Events[n-1]; {
		case s.Status == "cancelled" && last.Reason == "expired", s.Status == "rejected" && last.Reason != "":
			text += ", because " + reasonWords(last.Reason)
		}
	} else if s.created() == nil {
		text = "hasn't come in yet; what came in about it is kept for a day"
	}
	return text
}

// now says where all units stand.
func (s *Story) now() string {
	if len(s.Events) == 0 {
		return ""
	}
	var parts []string
	lines := slices.Clone(s.Events[len(s.Events)-1].Lines)
	for i := range lines {
		if l := &lines[i]; l.State != record.LineHeld && l.State != record.LineAllocated {
			l.Warehouse = "" // where it was matters no longer
		}
	}
	for _, g := range groupLines(lines) {
		text := g.words() + " " + lineWords(g.state) + s.house(g.warehouse)
		if g.state == record.LineHeld {
			text += " until it is paid"
		}
		if g.state == record.LineShort && s.waits(g.skus) {
			text += ", first in line for new stock"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// moments returns what happened, in order.
func (s *Story) moments() (out []moment) {
	var before []record.OrderUpdateLine
	for i := range s.Events {
		e := &s.Events[i]
		out = append(out, moment{e.At, s.eventWords(e, before)})
		before = e.Lines
	}
	for i := range s.Inputs {
		in := &s.Inputs[i]
		switch {
		case in.Refused != "":
			why := " It couldn't be read." // why exactly is for who sent it: the details say so
			if in.Refused == record.ReasonEventIDConflict {
				why = " It changed nothing, because " + reasonWords(in.Refused) + "."
			}
			out = append(out, moment{in.At, sentence(s.inputWords(in)) + why})
		case len(s.Events) == 0:
			out = append(out, moment{in.At, sentence(s.inputWords(in))})
		}
	}
	slices.SortStableFunc(out, func(x, y moment) int { return cmp.Compare(x.at, y.at) })
	if len(out) == 0 {
		out = append(out, moment{0, "Nothing was said about it yet."})
	}
	return out
}

// created returns the order as it came in first, or nil.
func (s *Story) created() *Input {
	for i := range s.Inputs {
		if in := &s.Inputs[i]; in.Refused == "" && (in.Type == record.OrderCreated.String() || in.Type == record.OrderSnapshot.String()) {
			return in
		}
	}
	return nil
}

// causeOf returns the input that led to an event, or nil where time or stock did.
func (s *Story) causeOf(e *Event) *Input {
	for i := range s.Inputs {
		if in := &s.Inputs[i]; in.EventID == e.Cause && in.Refused == "" && in.EventID != "" {
			return in
		}
	}
	return nil
}

// waits tells whether units of one of the SKUs wait for stock.
func (s *Story) waits(skus []record.SKU) bool {
	for i := len(s.Decisions) - 1; i >= 0; i-- {
		d := &s.Decisions[i]
		if slices.Contains(skus, d.SKU) && (d.Verb == record.VerbReserve.String() || d.Verb == record.VerbFill.String() || d.Verb == record.VerbReduce.String() || d.Verb == record.VerbRelease.String()) {
			return d.Waiting > 0
		}
	}
	return false
}

// house names a warehouse, for the end of a phrase.
func (s *Story) house(w record.WarehouseID) string {
	if w == "" {
		return ""
	}
	if name := s.Names[w]; name != "" {
		return " at " + name
	}
	return " at " + string(w)
}

// units are parts of lines that stand alike.
type units struct {
	state     string
	warehouse record.WarehouseID
	list      []string // "2 x TEE"
	skus      []record.SKU
	qty       record.Quantity
}

func (u *units) words() string { return enumerate(u.list) }

func (u *units) are() string {
	if u.qty == 1 {
		return "is"
	}
	return "are"
}

// groupLines puts parts of lines together that stand alike, in order.
func groupLines(lines []record.OrderUpdateLine) []units {
	type key struct {
		state     string
		warehouse record.WarehouseID
	}
	var out []units
	index := map[key]int{}
	for i := range lines {
		l := &lines[i]
		k := key{l.State, l.Warehouse}
		at, ok := index[k]
		if !ok {
			at = len(out)
			index[k] = at
			out = append(out, units{state: l.State, warehouse: l.Warehouse})
		}
		text := fmt.Sprintf("%d x %s", l.Qty, l.SKU)
		if l.Combo != "" {
			text += " (for " + string(l.Combo) + ")"
		}
		u := &out[at]
		u.list, u.skus, u.qty = append(u.list, text), append(u.skus, l.SKU), u.qty+l.Qty
	}
	return out
}

// gained returns the units that are in one of the states now and weren't before.
func gained(before, after []record.OrderUpdateLine, states ...string) []units {
	var out []record.OrderUpdateLine
	for _, l := range after {
		if !slices.Contains(states, l.State) {
			continue
		}
		for _, b := range before {
			if b.Line == l.Line && b.SKU == l.SKU && b.State == l.State && b.Warehouse == l.Warehouse {
				l.Qty -= b.Qty
			}
		}
		if l.Qty > 0 {
			out = append(out, l)
		}
	}
	return groupLines(out)
}

// allWords enumerates units over all warehouses.
func allWords(list []units) string {
	var all []string
	for i := range list {
		all = append(all, list[i].list...)
	}
	return enumerate(all)
}

// placedWords enumerates units with the warehouse where they are.
func (s *Story) placedWords(list []units) string {
	var parts []string
	for i := range list {
		parts = append(parts, list[i].words()+s.house(list[i].warehouse))
	}
	return enumerate(parts)
}

// unbroken stands for " x " while a text is cut into lines: "2 x TEE" isn't cut.
const unbroken = "\x00"

const (
	momentWidth = 22 // of a time, with what separates it
	textWidth   = 78
)

// wrapped prints sentences beside their time.
func (t *teller) wrapped(at record.Millis, text string) {
	head := ""
	if at != 0 {
		head = at.Time().In(t.zone).Format("2 Jan 2006, 15:04:05")
	}
	line := ""
	flush := func() {
		t.line("  %-*s %s", momentWidth, head, line)
		head, line = "", ""
	}
	for _, word := range strings.Fields(strings.ReplaceAll(text, " x ", unbroken)) {
		word = strings.ReplaceAll(word, unbroken, " x ")
		if line != "" && len(line)+1+len(word) > textWidth {
			flush()
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	flush()
}

// holdWords says for how long units are set aside.
func holdWords(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case seconds <= 0:
		return ""
	case d%time.Hour == 0:
		return fmt.Sprintf(", for %s", countWords(int64(d/time.Hour), "hour"))
	case d%time.Minute == 0:
		return fmt.Sprintf(", for %s", countWords(int64(d/time.Minute), "minute"))
	}
	return fmt.Sprintf(", for %s", countWords(seconds, "second"))
}

func countWords(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
