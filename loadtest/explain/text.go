package explain

import (
	"fmt"
	"io"
	"strings"
	"time"

	"holdfast/topology/record"
)

var (
	stateNames = map[record.ChannelState]string{record.StateRecorded: "recorded", record.StateUnpaid: "unpaid", record.StatePaid: "paid",
		record.StateCancelled: "cancelled", record.StateShipped: "shipped", record.StateCompleted: "completed"}
	paymentNames = map[record.Payment]string{record.PaymentUnpaid: "unpaid", record.PaymentPrepaid: "prepaid", record.PaymentCOD: "cod"}
)

// nameOf returns "" for a value without a name that means nothing was said.
func nameOf[K ~uint8](k K, names map[K]string) string {
	if name, ok := names[k]; ok || k == 0 {
		return name
	}
	return fmt.Sprintf("unknown (%d)", k)
}

// WriteText tells the story in words, with times in the given place.
func (s Story) WriteText(w io.Writer, zone *time.Location) error {
	t := teller{w: w, zone: zone}
	t.line("Order %s is %s. Times are %s.", s.OrderKey, strings.ReplaceAll(s.Status, "_", " "), zoneName(zone))
	t.line("")
	t.line("What came in")
	for _, in := range s.Inputs {
		t.line("  %s  %s", t.time(in.At), in.words())
		t.line("%s%s/%d@%d, event %s%s", indent, in.Topic, in.Partition, in.Offset, in.EventID, t.happened(in.OccurredAt, in.At))
		if in.Refused != "" {
			t.line("%snot taken: %s (see the dead letters)", indent, in.Refused)
		}
	}
	t.none(len(s.Inputs))
	t.line("")
	t.line("What was decided")
	for _, d := range s.Decisions {
		t.line("  %s  %s", t.time(d.At), d.words())
		if d.Before != nil {
			t.line("%sstock before: %s", indent, d.Before.words())
			t.line("%sstock after:  %s", indent, d.After.words())
		}
		t.line("%s%s/%d@%d%s", indent, d.Topic, d.Partition, d.Offset, ruleWords(d.Rule))
	}
	t.none(len(s.Decisions))
	t.line("")
	t.line("What was said")
	for _, e := range s.Events {
		t.line("  %s  %d. %s: %s%s", t.time(e.At), e.Seq, e.Type, strings.ReplaceAll(e.Status, "_", " "), because(e.Reason))
		for _, l := range e.Lines {
			t.line("%sline %s: %d x %s %s%s", indent, l.Line, l.Qty, l.SKU, l.State, at(l.Warehouse))
		}
		if e.Refund {
			t.line("%sa refund is proposed", indent)
		}
		t.line("%s%s/%d@%d, cause %s", indent, e.Topic, e.Partition, e.Offset, e.Cause)
	}
	t.none(len(s.Events))
	return t.err
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

func (in *Input) words() string {
	var b strings.Builder
	switch in.Type {
	case record.OrderCreated.String():
		b.WriteString("The order came in")
	case record.OrderSnapshot.String():
		fmt.Fprintf(&b, "The marketplace sent the order as %s", in.State)
	case record.OrderStatus.String():
		fmt.Fprintf(&b, "The marketplace said that it is %s", in.State)
	case record.OrderPaid.String():
		b.WriteString("It was paid")
	case record.OrderCancelled.String():
		b.WriteString("It was cancelled")
		if in.By != "" {
			b.WriteString(" by the " + in.By)
		}
	case record.OrderShipped.String():
		b.WriteString("It was shipped")
		if in.Carrier != "" || in.Tracking != "" {
			b.WriteString(" with " + strings.TrimSpace(in.Carrier+" "+in.Tracking))
		}
	default:
		b.WriteString("An event of type " + in.Type + " came in")
	}
	if in.Payment != "" {
		b.WriteString(", " + in.Payment)
	}
	for i, l := range in.Lines {
		fmt.Fprintf(&b, "%s%d x %s", separator(i), l.Qty, l.SKU)
	}
	for i, l := range in.Parts {
		fmt.Fprintf(&b, "%s%d of line %s", separator(i), l.Qty, l.Line)
	}
	if in.Text != "" {
		fmt.Fprintf(&b, " (%s)", in.Text)
	}
	b.WriteString(".")
	return b.String()
}

func separator(i int) string {
	if i == 0 {
		return ": "
	}
	return ", "
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
	b.WriteString(because(d.Reason))
	b.WriteString(".")
	return b.String()
}

func (s *Counters) words() string {
	return fmt.Sprintf("on hand %d, held %d, allocated %d, available %d", s.OnHand, s.Held, s.Allocated, s.Available)
}

func at(w record.WarehouseID) string {
	if w == "" {
		return ""
	}
	return " at " + string(w)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ", because: " + strings.ReplaceAll(reason, "_", " ")
}

func ruleWords(rule string) string {
	if rule == "" {
		return ""
	}
	return ", chosen by " + strings.ReplaceAll(rule, "_", " ")
}
