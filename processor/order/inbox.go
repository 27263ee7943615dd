package order

import (
	"cmp"
	"fmt"
	"slices"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// inbox holds events of an order that can't be applied yet: because the order
// isn't known (then it has a time to live), or because it isn't decided.
type inbox struct {
	// Due is when the events of an unknown order are given up; 0 while the order
	// is known.
	Due    record.Millis
	Events []waitingEvent
}

// waitingEvent is an event with the public record it came from.
type waitingEvent struct {
	*record.OrderEvent
	Origin record.Origin
}

const (
	inboxVersion = 1
	inboxFields  = 3 // an order has more (stored.go)
)

// appendInbox appends the state value:
//
//	[version, due, [topic, partition, offset, event bin, …]]
func appendInbox(b []byte, in *inbox) []byte {
	b = pack.AppendArray(b, inboxFields)
	b = pack.AppendUint(b, inboxVersion)
	b = pack.AppendInt(b, int64(in.Due))
	b = pack.AppendArray(b, len(in.Events)*4)
	for _, e := range in.Events {
		b = pack.AppendString(b, e.Origin.Topic)
		b = pack.AppendInt(b, int64(e.Origin.Partition))
		b = pack.AppendInt(b, int64(e.Origin.Offset))
		b = pack.AppendBytes(b, record.AppendOrderEvent(nil, e.OrderEvent))
	}
	return b
}

// decode reads what appendInbox wrote. Strings are views of value.
func (in *inbox) decode(value []byte) error {
	in.Events = in.Events[:0]
	r := pack.NewReader(value)
	r.Form("waiting events", inboxVersion, inboxFields, inboxFields)
	in.Due = record.Millis(r.Int())
	for n := readMultiple(&r, 4); n > 0 && r.Err() == nil; n-- {
		origin := record.Origin{Topic: r.View(), Partition: record.Partition(r.Int()), Offset: record.Offset(r.Int())}
		body := r.Bytes()
		if r.Err() != nil {
			break
		}
		e := &record.OrderEvent{}
		if err := e.Decode(body); err != nil {
			return fmt.Errorf("inbox: %w", err)
		}
		in.Events = append(in.Events, waitingEvent{e, origin})
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	return nil
}

func (in *inbox) reset() {
	clear(in.Events)
	in.Due, in.Events = 0, in.Events[:0]
}

// has tells that the same event waits already.
func (in *inbox) has(e *record.OrderEvent) bool {
	return slices.ContainsFunc(in.Events, func(w waitingEvent) bool {
		return w.EventID == e.EventID && w.ContentHash == e.ContentHash && w.Type == e.Type
	})
}

func (in *inbox) any(is func(*record.OrderEvent) bool) bool {
	return slices.ContainsFunc(in.Events, func(w waitingEvent) bool { return is(w.OrderEvent) })
}

// sort puts the events in the order in which they are applied: by rank, then by
// their own time, then as they came.
func (in *inbox) sort() {
	slices.SortStableFunc(in.Events, func(a, b waitingEvent) int {
		return cmp.Or(cmp.Compare(rankOf(a.OrderEvent), rankOf(b.OrderEvent)), cmp.Compare(a.OccurredAt, b.OccurredAt))
	})
}

// rankOf puts a shipment before a cancel: shipped outranks cancelled, and what
// has shipped is no longer there to be cancelled. Only a shipment that doesn't
// say of what means what the cancels of parts have left. What moves nothing comes
// last.
func rankOf(e *record.OrderEvent) int {
	named := len(e.Lines) > 0
	switch {
	case e.Type == record.OrderPicked:
		return 2
	case e.Type == record.OrderPacked:
		return 3
	case e.Type == record.OrderShipped && named:
		return 4
	case e.Type == record.OrderCancelled && named:
		return 5
	case e.Type == record.OrderDelivered:
		return 7
	case e.Type == record.OrderReturned:
		return 8
	case isShipment(e):
		return 6
	case isCancel(e):
		return 9
	case isPayment(e):
		return 1
	case isMarketplaceWord(e):
		return 0
	}
	return 10
}

// keep puts the event into the inbox, unless it is there already.
func (t *turn) keep(e *record.OrderEvent) {
	if t.inbox.has(e) {
		return
	}
	if len(t.inbox.Events) >= t.cfg.InboxEventsMax {
		t.deadLetter(e, t.origin, "inbox_full", fmt.Sprintf("%d events of the order wait for it already", len(t.inbox.Events)))
		return
	}
	if t.o == nil && len(t.inbox.Events) == 0 {
		t.inbox.Due = t.now + record.Millis(t.cfg.InboxMillis)
	}
	t.inbox.Events = append(t.inbox.Events, waitingEvent{e, t.origin})
	t.inboxChanged = true
}

// giveUp ends the wait of events whose order didn't come. A cancel has nothing
// to cancel; anything else is somebody's order that we don't know.
func (t *turn) giveUp() {
	for _, e := range t.inbox.Events {
		if !isCancel(e.OrderEvent) {
			t.deadLetter(e.OrderEvent, e.Origin, "order_unknown", "no order came within the time that its events are kept for")
		}
	}
	t.inbox.reset()
	t.inboxChanged = true
}

// drain applies what has waited for the order to be decided. A payment among it
// may make the order pending again; then the rest goes on waiting.
func (t *turn) drain() {
	if t.o == nil || t.o.Phase == PhasePending || len(t.inbox.Events) == 0 {
		return
	}
	origin, cause := t.origin, t.cause
	t.inbox.sort()
	for len(t.inbox.Events) > 0 && t.o.Phase != PhasePending {
		e := t.inbox.Events[0]
		t.inbox.Events = slices.Delete(t.inbox.Events, 0, 1)
		t.inboxChanged = true
		t.origin, t.cause = e.Origin, e.EventID
		t.apply(e.OrderEvent)
	}
	t.origin, t.cause = origin, cause
}

// deadLetter gives an event back to people, in its canonical form.
func (t *turn) deadLetter(e *record.OrderEvent, origin record.Origin, reason, message string) {
	t.dead = append(t.dead, stage.DeadLetter{
		Origin: origin, Reason: reason, Message: fmt.Sprintf("%s %q of order %q: %s", e.Type, e.EventID, e.OrderKey, message),
		Key: []byte(e.OrderKey), Value: canonical(e),
	})
}
