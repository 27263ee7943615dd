package explain

import (
	"fmt"
	"io"
	"strings"
	"time"

	"holdfast/topology/record"
)

// WriteText tells the story twice: as it can be read out to who bought, and with
// every number and place in the logs. Times are in the given place.
func (s Story) WriteText(w io.Writer, zone *time.Location) error {
	t := &teller{w: w, zone: zone}
	s.tellBuyer(t)
	t.line("")
	t.line("Details")
	t.line("")
	t.line("What came in")
	for i := range s.Inputs {
		s.tellInput(t, &s.Inputs[i])
	}
	t.none(len(s.Inputs))
	t.line("")
	t.line("What was decided")
	for i := range s.Decisions {
		s.Decisions[i].tell(t)
	}
	t.none(len(s.Decisions))
	t.line("")
	t.line("What was said")
	for i := range s.Events {
		s.Events[i].tell(t)
	}
	t.none(len(s.Events))
	return t.err
}

func (s *Story) tellInput(t *teller, in *Input) {
	t.line("  %s  %s", t.time(in.At), s.detailWords(in))
	event := ""
	if in.EventID != "" {
		event = ", event " + in.EventID
	}
	t.line("%s%s/%d@%d%s%s", indent, in.Topic, in.Partition, in.Offset, event, t.happened(in.OccurredAt, in.At))
	if in.Refused != "" {
		t.line("%snot taken: %s%s (see the dead letters)", indent, in.Refused, colon(in.Message))
	}
}

func (d *Decision) tell(t *teller) {
	t.line("  %s  %s", t.time(d.At), d.words())
	if d.Before != nil {
		t.line("%sstock before: %s", indent, d.Before.words())
		t.line("%sstock after:  %s", indent, d.After.words())
	}
	t.line("%s%s/%d@%d%s", indent, d.Topic, d.Partition, d.Offset, ruleWords(d.Rule))
}

func (e *Event) tell(t *teller) {
	t.line("  %s  %d. %s: %s%s", t.time(e.At), e.Seq, e.Type, plain(e.Status), colon(plain(e.Reason)))
	for _, l := range e.Lines {
		of := ""
		if l.Combo != "" {
			of = " of " + string(l.Combo)
		}
		t.line("%sline %s: %d x %s%s %s%s", indent, l.Line, l.Qty, l.SKU, of, l.State, at(l.Warehouse))
	}
	if e.Refund {
		t.line("%sa refund is proposed", indent)
	}
	t.line("%s%s/%d@%d, cause %s", indent, e.Topic, e.Partition, e.Offset, e.Cause)
}

func colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

func zoneName(zone *time.Location) string { return time.Unix(0, 0).In(zone).Format("UTC-07:00") }

const indent = "                           " // as wide as a time

// teller writes lines and keeps the first error.
type teller struct {
	w    io.Writer
	zone *time.Location
	err  error
}

func (t *teller) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

func (t *teller) none(n int) {
	if n == 0 {
		t.line("  nothing yet")
	}
}

func (t *teller) time(m record.Millis) string {
	return m.Time().In(t.zone).Format("2006-01-02 15:04:05.000")
}

// happened tells when an event happened, where the log took it much later.
func (t *teller) happened(at, logged record.Millis) string {
	if at == 0 || logged-at < 1000 && at-logged < 1000 {
		return ""
	}
	return ", happened " + at.Time().In(t.zone).Format("2006-01-02 15:04:05")
}

// detailWords says what came in with all that it carried.
func (s *Story) detailWords(in *Input) string {
	text := s.inputWords(in)
	for _, more := range []string{strings.TrimSpace(in.Carrier + " " + in.Tracking), in.Text} {
		if more != "" && in.Type != record.OrderNotSupported.String() {
			text += " (" + more + ")"
		}
	}
	for _, l := range in.Lines {
		if l.Restock != "" {
			text += fmt.Sprintf(", line %s: restock %s", l.Line, l.Restock)
		}
	}
	return sentence(text)
}

func (d *Decision) words() string {
	var b strings.Builder
	what := fmt.Sprintf("%d x %s%s", d.Qty, d.SKU, at(d.Warehouse))
	switch {
	case d.Before == nil:
		fmt.Fprintf(&b, "Nothing moved: %s of %s, %s", d.Verb, d.SKU, strings.ReplaceAll(d.Outcome, "_", " "))
	case d.Verb == record.VerbReserve.String() && d.After.Allocated > d.Before.Allocated:
		b.WriteString("Allocated " + what)
	case d.Verb == record.VerbReserve.String():
		b.WriteString("Held " + what)
	case d.Verb == record.VerbFill.String():
		b.WriteString("Stock came: filled " + what)
	case d.Verb == record.VerbConfirm.String():
		b.WriteString("Turned the hold into an allocation: " + what)
	case d.Verb == record.VerbRelease.String():
		b.WriteString("Gave back " + what)
	case d.Verb == record.VerbShip.String() && d.After.OnHand > d.Before.OnHand:
		b.WriteString("Booked in, found by the shipment: " + what)
	case d.Verb == record.VerbShip.String():
		b.WriteString("Shipped " + what)
	case d.Verb == record.VerbReduce.String():
		b.WriteString("Gave back a part: " + what)
	case d.Verb == record.VerbShipUnclaimed.String() && d.After.OnHand > d.Before.OnHand:
		b.WriteString("Booked in, found by the shipment: " + what)
	case d.Verb == record.VerbShipUnclaimed.String():
		b.WriteString("Shipped without a claim: " + what)
	case d.Verb == record.VerbReturn.String() && d.After.Unavailable > d.Before.Unavailable:
		b.WriteString("Came back, not for sale until somebody has looked: " + what)
	case d.Verb == record.VerbReturn.String():
		b.WriteString("Came back, for sale: " + what)
	default:
		fmt.Fprintf(&b, "%s %s", d.Verb, what)
	}
	switch {
	case d.Requested == 0 || d.Qty == d.Requested:
	case d.Before == nil:
		fmt.Fprintf(&b, ", %d asked for", d.Requested)
	default:
		fmt.Fprintf(&b, ", of %d asked for", d.Requested)
	}
	if d.Missing > 0 {
		fmt.Fprintf(&b, ", %d missing", d.Missing)
	}
	if d.Waiting > 0 {
		fmt.Fprintf(&b, ", %d wait for stock", d.Waiting)
	}
	if d.Quota > 0 {
		fmt.Fprintf(&b, ", %d of the channel's quota", d.Quota)
	}
	b.WriteString(colon(plain(d.Reason)))
	b.WriteString(".")
	return b.String()
}

func (s *Counters) words() string {
	unavailable := ""
	if s.Unavailable > 0 {
		unavailable = fmt.Sprintf(", unavailable %d", s.Unavailable)
	}
	return fmt.Sprintf("on hand %d%s, held %d, allocated %d, available %d", s.OnHand, unavailable, s.Held, s.Allocated, s.Available)
}

func at(w record.WarehouseID) string {
	if w == "" {
		return ""
	}
	return " at " + string(w)
}

func ruleWords(rule string) string {
	if rule == "" {
		return ""
	}
	return ", chosen by " + strings.ReplaceAll(rule, "_", " ")
}
