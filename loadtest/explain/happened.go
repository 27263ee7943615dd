package explain

import (
	"fmt"
	"strings"

	"holdfast/topology/record"
)

// eventWords says what an event told, in sentences: what led to it, and what
// changed against the event before.
func (s *Story) eventWords(e *Event, before []record.OrderUpdateLine) string {
	in := s.causeOf(e)
	var text []string
	say := func(format string, args ...any) {
		if line := fmt.Sprintf(format, args...); line != "" {
			text = append(text, sentence(line))
		}
	}
	switch e.Type {
	case record.UpdateAccepted:
		say("%s", s.cameIn(in))
		text = append(text, s.placedSentences(e, in)...)
	case record.UpdateRejected:
		say("%s", s.cameIn(in))
		say("we couldn't take it%s. Nothing is reserved", because(lackWords(e)))
	case record.UpdateConfirmed:
		say("the payment came in time")
		text = append(text, s.placedSentences(e, nil)...)
	case record.UpdateExpired:
		say("the payment didn't come in time, so the order was cancelled and the goods went back on sale")
	case record.UpdateRevived:
		say("the payment came after the time for it was over, so we looked again for what was ordered")
		text = append(text, s.placedSentences(e, nil)...)
	case record.UpdateFilled:
		say("new stock came: %s reserved for this order", s.nowAre(gained(before, e.Lines, record.LineAllocated, record.LineHeld)))
	case record.UpdateCancelled:
		text = append(text, s.cancelSentences(e, in, before)...)
	case record.UpdatePicking:
		say("the warehouse has begun to pick the goods")
	case record.UpdatePacked:
		say("the goods are packed")
	case record.UpdateShipped:
		text = append(text, s.shippedSentences(e, in, before)...)
	case record.UpdateDelivered:
		say("%s delivered", s.were(gained(before, e.Lines, record.LineDelivered), "the goods were"))
	case record.UpdateCompleted:
		say("%s has closed the order: it is complete", s.sender())
	case record.UpdateReturned:
		say("%s came back", s.orAll(allWords(gained(before, e.Lines, record.LineReturned)), "the goods"))
	case record.UpdateRefused:
		text = append(text, s.refusedSentences(e, in)...)
	default:
		say("%s: the order %s", e.Type, statusWords(e.Status))
	}
	if e.Refund {
		say("a refund is proposed")
	}
	return strings.Join(text, " ")
}

func (s *Story) sender() string {
	channel, _, _, _ := s.OrderKey.Cut()
	return channelWords(channel)
}

// cameIn says how the order came.
func (s *Story) cameIn(in *Input) string {
	if in == nil {
		in = s.created()
	}
	if in == nil {
		return "the order came in from " + s.sender()
	}
	return s.inputWords(in)
}

// inputWords says what came in, without an end.
func (s *Story) inputWords(in *Input) string {
	var b strings.Builder
	switch in.Type {
	case record.OrderCreated.String():
		b.WriteString("the order came in from " + s.sender())
	case record.OrderSnapshot.String():
		b.WriteString(s.sender() + " sent the order")
		if in.State != "" && in.State != "paid" && in.State != "unpaid" && in.State != "recorded" {
			b.WriteString(" as " + in.State)
		}
	case record.OrderStatus.String():
		fmt.Fprintf(&b, "%s said that the order is %s", s.sender(), in.State)
	case record.OrderPaid.String():
		b.WriteString("the payment came")
	case record.OrderCancelled.String():
		b.WriteString(s.cancelledBy(in) + " cancelled")
	case record.OrderShipped.String():
		b.WriteString("the shipment was reported")
	case record.OrderPicked.String():
		b.WriteString("the warehouse reported that it picked the goods")
	case record.OrderPacked.String():
		b.WriteString("the warehouse reported that it packed the goods")
	case record.OrderDelivered.String():
		b.WriteString("the delivery was reported")
	case record.OrderReturned.String():
		b.WriteString("a return was reported")
	case typeUnreadable:
		return "a message about the order came in"
	case record.OrderNotSupported.String():
		fmt.Fprintf(&b, "a message of the kind %s came in", in.Text)
	default:
		fmt.Fprintf(&b, "a message of the kind %s came in", in.Type)
	}
	if in.Payment != "" {
		b.WriteString(", " + paymentWords(in.Payment))
	}
	var lines []string
	for _, l := range in.Lines {
		if sku := s.soldAs(&l); sku != "" {
			lines = append(lines, fmt.Sprintf("%d x %s", l.Qty, sku))
		} else {
			lines = append(lines, fmt.Sprintf("%d of line %s", l.Qty, l.Line))
		}
	}
	if len(lines) > 0 {
		b.WriteString(": " + enumerate(lines))
	}
	return b.String()
}

// soldAs returns the SKU of a line as it was ordered, or "" where the order isn't
// known.
func (s *Story) soldAs(l *InputLine) record.SKU {
	if l.SKU != "" {
		return l.SKU
	}
	if order := s.created(); order != nil {
		for i := range order.Lines {
			if order.Lines[i].Line == l.Line {
				return order.Lines[i].SKU
			}
		}
	}
	return ""
}

// placedSentences says what became of what was ordered.
func (s *Story) placedSentences(e *Event, in *Input) (text []string) {
	by := map[string][]units{}
	for _, g := range groupLines(e.Lines) {
		by[g.state] = append(by[g.state], g)
	}
	if held := by[record.LineHeld]; len(held) > 0 {
		until := "we set aside %s until the payment comes"
		hold := int64(0)
		if in != nil {
			hold = in.HoldSeconds
		}
		text = append(text, sentence(fmt.Sprintf(until, s.placedWords(held))+holdWords(hold)))
	}
	if allocated := by[record.LineAllocated]; len(allocated) > 0 {
		text = append(text, sentence("we reserved "+s.placedWords(allocated)))
	}
	for i := range by[record.LineShort] {
		g := &by[record.LineShort][i]
		line := fmt.Sprintf("%s %s not to be had%s", g.words(), g.are(), because(reasonOr(e.Reason)))
		if s.waited(g.skus) {
			line += "; new stock goes to this order first"
		}
		text = append(text, sentence(line))
	}
	for i := range by[record.LineBackordered] {
		g := &by[record.LineBackordered][i]
		text = append(text, sentence(fmt.Sprintf("%s will be reserved as soon as new stock comes", g.words())))
	}
	return text
}

// waited tells whether units of one of the SKUs were put in line at first.
func (s *Story) waited(skus []record.SKU) bool {
	for i := range s.Decisions {
		d := &s.Decisions[i]
		for _, sku := range skus {
			if d.SKU == sku && d.Verb == record.VerbReserve.String() && d.Waiting > 0 {
				return true
			}
		}
	}
	return false
}

func (s *Story) cancelSentences(e *Event, in *Input, before []record.OrderUpdateLine) (text []string) {
	what := "the order"
	if e.Status != "cancelled" {
		what = s.orAll(allWords(gained(before, e.Lines, record.LineCancelled)), "a part of the order")
	}
	if in == nil {
		return []string{sentence(what + " was cancelled" + because(reasonOr(e.Reason)))}
	}
	line := s.cancelledBy(in) + " cancelled " + what
	if in.Text != "" {
		line += fmt.Sprintf(" (reason given: %s)", in.Text)
	}
	return []string{sentence(line)}
}

func (s *Story) cancelledBy(in *Input) string {
	switch in.By {
	case "buyer":
		return "the buyer"
	case "seller":
		return "the seller"
	}
	return s.sender()
}

func (s *Story) shippedSentences(e *Event, in *Input, before []record.OrderUpdateLine) []string {
	list := gained(before, e.Lines, record.LineShipped)
	var parts []string
	for i := range list {
		from := ""
		if w := s.house(list[i].warehouse); w != "" {
			from = " from " + strings.TrimPrefix(w, " at ")
		}
		parts = append(parts, list[i].words()+from)
	}
	line := s.orAll(enumerate(parts), "the goods") + " left"
	if in != nil && in.Carrier != "" {
		line += " with " + in.Carrier
	}
	if in != nil && in.Tracking != "" {
		line += ", tracking number " + in.Tracking
	}
	text := []string{sentence(line)}
	if e.Reason != "" {
		text = append(text, sentence("to be looked at: "+reasonWords(e.Reason)))
	}
	return text
}

func (s *Story) refusedSentences(e *Event, in *Input) []string {
	what := "something was asked for"
	if in != nil {
		what = s.inputWords(in)
	}
	return []string{sentence(what), sentence("it changed nothing" + because(reasonOr(e.Reason)))}
}

// nowAre is "1 x A is now", "2 x A are now".
func (s *Story) nowAre(list []units) string {
	return s.withVerb(list, "what waited is", " is now", " are now")
}

// were is "1 x A was", "2 x A were".
func (s *Story) were(list []units, otherwise string) string {
	return s.withVerb(list, otherwise, " was", " were")
}

func (s *Story) withVerb(list []units, otherwise, one, many string) string {
	qty := record.Quantity(0)
	for i := range list {
		qty += list[i].qty
	}
	switch qty {
	case 0:
		return otherwise
	case 1:
		return s.placedWords(list) + one
	}
	return s.placedWords(list) + many
}

func (s *Story) orAll(words, otherwise string) string {
	if words == "" {
		return otherwise
	}
	return words
}

// lackWords says what a rejected order lacked.
func lackWords(e *Event) string {
	var lacks []string
	for _, g := range groupLines(e.Lines) {
		if g.state == record.LineShort {
			lacks = append(lacks, g.words())
		}
	}
	if len(lacks) == 0 || e.Reason == "" {
		return reasonOr(e.Reason)
	}
	return fmt.Sprintf("of %s: %s", enumerate(lacks), reasonWords(e.Reason))
}

func reasonOr(reason string) string {
	if reason == "" {
		return ""
	}
	return reasonWords(reason)
}

// because ends a sentence with its reason, if there is one.
func because(words string) string {
	if words == "" {
		return ""
	}
	return ", because " + words
}
