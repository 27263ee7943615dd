package explain

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"holdfast/topology/record"
)

// Story is an order from its first word to its last.
type Story struct {
	OrderKey  record.OrderKey `json:"order_key"`
	Status    string          `json:"status"` // of the last event; statusUndecided without one
	Inputs    []Input         `json:"inputs"`
	Decisions []Decision      `json:"decisions"`
	Events    []Event         `json:"events"`

	// Names are what people call the warehouses, where they have a name.
	Names map[record.WarehouseID]string `json:"-"`
}

// statusUndecided is the status of an order without an event.
const statusUndecided = "undecided"

// Input is an event of the order that came in. Topic, Partition and Offset are
// the public record's; At is when the orders stage's log took it.
type Input struct {
	Type        string             `json:"type"` // "unreadable": what ended with the dead letters before it became an event
	EventID     string             `json:"event_id"`
	Topic       string             `json:"topic"`
	Partition   record.Partition   `json:"partition"`
	Offset      record.Offset      `json:"offset"`
	At          record.Millis      `json:"at"`
	OccurredAt  record.Millis      `json:"occurred_at,omitzero"`
	Log         string             `json:"log"`
	State       string             `json:"state,omitempty"` // on its marketplace
	Payment     string             `json:"payment,omitempty"`
	HoldSeconds int64              `json:"hold_seconds,omitempty"`
	Allow       string             `json:"allow,omitempty"`
	By          string             `json:"by,omitempty"`
	Text        string             `json:"text,omitempty"`
	Warehouse   record.WarehouseID `json:"warehouse,omitempty"`
	Carrier     string             `json:"carrier,omitempty"`
	Tracking    string             `json:"tracking,omitempty"`
	Lines       []InputLine        `json:"lines"`             // none: the event is about all of them
	Refused     string             `json:"refused,omitempty"` // reason of its dead letter
	Message     string             `json:"message,omitempty"` // and what the dead letter says

	origin record.Origin
}

// InputLine is a line of an order, or units of one that an event is about.
type InputLine struct {
	Line      string          `json:"line"`
	SKU       record.SKU      `json:"sku,omitempty"`
	Qty       record.Quantity `json:"qty"`
	Cancelled record.Quantity `json:"cancelled,omitempty"` // so far, where a marketplace says so
	Restock   string          `json:"restock,omitempty"`   // of what came back
}

const typeUnreadable = "unreadable"

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
	Quota     record.Quantity    `json:"quota,omitempty"`     // of the whole decision: out of its channel's quota, or back into it
	Allocated bool               `json:"allocated,omitempty"` // claimed for good, not only held
	Before    *Counters          `json:"before"`              // null where nothing moved
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
	s := Story{OrderKey: record.OrderKey(e.key), Status: statusUndecided, Inputs: slices.Clone(e.inputs), Decisions: []Decision{}, Events: []Event{}}
	if s.Inputs == nil {
		s.Inputs = []Input{}
	}
	e.addRefused(&s)
	slices.SortStableFunc(s.Inputs, func(x, y Input) int { return cmp.Compare(x.At, y.At) })
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

// addRefused marks the inputs that dead letters name, and adds what never became
// an event.
func (e *Explain) addRefused(s *Story) {
	left := maps.Clone(e.refused)
	for i := range s.Inputs {
		if r, ok := e.refused[s.Inputs[i].origin]; ok {
			s.Inputs[i].Refused, s.Inputs[i].Message = r.reason, r.message
			delete(left, s.Inputs[i].origin)
		}
	}
	for o, r := range left {
		s.Inputs = append(s.Inputs, Input{Type: typeUnreadable, At: r.appended, Log: r.at.String(), Lines: []InputLine{}, Refused: r.reason, Message: r.message,
			Topic: strings.TrimPrefix(o.Topic, e.prefix), Partition: o.Partition, Offset: o.Offset})
	}
	slices.SortFunc(s.Inputs[len(e.inputs):], func(x, y Input) int {
		return cmp.Or(cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition), cmp.Compare(x.Offset, y.Offset))
	})
}

// stepOf orders verbs as an order's life does.
func stepOf(v record.Verb) int {
	return slices.Index([]record.Verb{record.VerbReserve, record.VerbFill, record.VerbConfirm, record.VerbReduce,
		record.VerbShip, record.VerbShipUnclaimed, record.VerbReturn, record.VerbRelease}, v)
}
