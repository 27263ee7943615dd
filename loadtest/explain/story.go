package explain

import (
	"cmp"
	"slices"

	"holdfast/topology/record"
)

// Story is an order from its first word to its last.
type Story struct {
	OrderKey  record.OrderKey `json:"order_key"`
	Status    string          `json:"status"` // of the last event; "undecided" without one
	Inputs    []Input         `json:"inputs"`
	Decisions []Decision      `json:"decisions"`
	Events    []Event         `json:"events"`
}

// Input is an event of the order that came in. Topic, Partition and Offset are
// the public record's; At is when the orders stage's log took it.
type Input struct {
	Type       string             `json:"type"`
	EventID    string             `json:"event_id"`
	Topic      string             `json:"topic"`
	Partition  record.Partition   `json:"partition"`
	Offset     record.Offset      `json:"offset"`
	At         record.Millis      `json:"at"`
	OccurredAt record.Millis      `json:"occurred_at,omitzero"`
	Log        string             `json:"log"`
	State      string             `json:"state,omitempty"` // on its marketplace
	Payment    string             `json:"payment,omitempty"`
	By         string             `json:"by,omitempty"`
	Text       string             `json:"text,omitempty"`
	Carrier    string             `json:"carrier,omitempty"`
	Tracking   string             `json:"tracking,omitempty"`
	Lines      []record.OrderLine `json:"-"`
	Parts      []record.LineQty   `json:"-"`
	Refused    string             `json:"refused,omitempty"` // reason of its dead letter

	origin record.Origin
}

// Decision is one movement of stock for the order, or an answer that moved none.
type Decision struct {
	Verb      string             `json:"verb"`
	SKU       record.SKU         `json:"sku"`
	Warehouse record.WarehouseID `json:"warehouse"`
	Qty       record.Quantity    `json:"qty"` // moved
	Requested record.Quantity    `json:"requested"`
	Missing   record.Quantity    `json:"missing,omitempty"`
	Waiting   record.Quantity    `json:"waiting,omitempty"`
	Outcome   string             `json:"outcome"`
	Reason    string             `json:"reason,omitempty"`
	Rule      string             `json:"rule"`
	Cause     string             `json:"cause,omitempty"`
	Attempt   uint32             `json:"attempt"`
	Before    *Counters          `json:"before"` // null where nothing moved
	After     *Counters          `json:"after"`
	Topic     string             `json:"topic"`
	Partition record.Partition   `json:"partition"`
	Offset    record.Offset      `json:"offset"`
	At        record.Millis      `json:"at"`
}

// Counters are a SKU's counters at a warehouse.
type Counters struct {
	OnHand      record.Quantity `json:"on_hand"`
	Unavailable record.Quantity `json:"unavailable"`
	Held        record.Quantity `json:"held"`
	Allocated   record.Quantity `json:"allocated"`
	Available   record.Quantity `json:"available"`
}

func countersOf(c record.Counters) *Counters {
	return &Counters{OnHand: c.OnHand, Unavailable: c.Unavailable, Held: c.Held, Allocated: c.Allocated, Available: c.Available()}
}

// Event is a record of order.events with its place.
type Event struct {
	record.OrderUpdate
	Topic     string           `json:"topic"`
	Partition record.Partition `json:"partition"`
	Offset    record.Offset    `json:"offset"`
}

// Story returns what was collected; ok is false when no log knows the order.
func (e *Explain) Story() (story Story, ok bool) {
	s := Story{OrderKey: record.OrderKey(e.key), Status: "undecided", Inputs: slices.Clone(e.inputs), Decisions: []Decision{}, Events: []Event{}}
	if s.Inputs == nil {
		s.Inputs = []Input{}
	}
	slices.SortStableFunc(s.Inputs, func(x, y Input) int { return cmp.Compare(x.At, y.At) })
	for i := range s.Inputs {
		s.Inputs[i].Refused = e.refused[s.Inputs[i].origin]
	}
	// Decisions of one SKU come from one writer, but lie in two logs: those of
	// one millisecond are told in the order that an order's life has.
	slices.SortStableFunc(e.decisions, func(x, y decision) int {
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.attempt, y.attempt), cmp.Compare(stepOf(x.verb), stepOf(y.verb)),
			cmp.Compare(x.SKU, y.SKU), cmp.Compare(x.number, y.number))
	})
	for _, d := range e.decisions {
		s.Decisions = append(s.Decisions, d.Decision)
	}
	slices.SortStableFunc(e.events, func(x, y event) int { return cmp.Compare(x.Seq, y.Seq) })
	for _, u := range e.events {
		s.Events = append(s.Events, Event{OrderUpdate: u.OrderUpdate, Topic: u.at.topic, Partition: u.at.partition, Offset: u.at.offset})
		s.Status = u.Status
	}
	return s, len(s.Inputs)+len(s.Decisions)+len(s.Events) > 0
}

// stepOf orders verbs as an order's life does.
func stepOf(v record.Verb) int {
	return slices.Index([]record.Verb{record.VerbReserve, record.VerbFill, record.VerbConfirm, record.VerbShip, record.VerbRelease}, v)
}
