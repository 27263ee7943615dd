package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"holdfast/loadtest/audit"
	"holdfast/topology"
	"holdfast/topology/record"
)

// Explain collects what the logs hold of one order. Records have to be given in
// this order: log.orders first, then the rest, since which SKUs the order is about
// and which dead letters are its own follows from the first; within each in any
// interleaving of partitions. It isn't safe for use by several goroutines.
type Explain struct {
	key    []byte
	prefix string

	inputs    []Input
	origins   map[record.Origin]bool // of inputs
	decisions []decision
	events    []event
	skus      map[record.SKU]bool
	refused   map[record.Origin]refusal // public records of the order that a dead letter names
}

// refusal is what a dead letter says.
type refusal struct {
	reason, message string
	at              place
	appended        record.Millis
}

// decision is a Decision with what puts it in order.
type decision struct {
	Decision
	verb    record.Verb
	attempt uint32
	number  uint64 // of the movement
}

// event is an update with its place.
type event struct {
	record.OrderUpdate
	at     place
	logged record.Millis
}

// place is where a record stands.
type place struct {
	topic     string
	partition record.Partition
	offset    record.Offset
}

// String formats as topic/partition@offset.
func (p place) String() string { return fmt.Sprintf("%s/%d@%d", p.topic, p.partition, p.offset) }

// New returns an Explain of one order. appID is the prefix of topic names inside
// records; "holdfast" when empty.
func New(key record.OrderKey, appID string) *Explain {
	if appID == "" {
		appID = "holdfast"
	}
	return &Explain{key: []byte(key), prefix: appID + ".", origins: map[record.Origin]bool{}, skus: map[record.SKU]bool{}, refused: map[record.Origin]refusal{}}
}

// SKUs returns what the order is about, as far as is known: its decisions lie
// with these. Of a combo the components are known once they were asked for.
func (e *Explain) SKUs() []record.SKU { return slices.Sorted(maps.Keys(e.skus)) }

// HasGap tells that an event of the order is missing: its events count up from 1.
func (e *Explain) HasGap() bool {
	seen := map[int64]bool{}
	last := int64(0)
	for i := range e.events {
		seen[e.events[i].Seq] = true
		last = max(last, e.events[i].Seq)
	}
	return int64(len(seen)) < last || last == 0 && len(e.decisions) > 0
}

// Add takes the next record of its partition. Nothing of it is kept but what
// belongs to the order.
func (e *Explain) Add(r audit.Record) error {
	at := place{r.Topic, r.Partition, r.Offset}
	var err error
	switch r.Topic {
	case topology.LogOrders, topology.LogAvailability:
		// Most records hold nothing of the order: their bytes tell.
		if bytes.Contains(r.Value, e.key) {
			err = record.Entries(r.Value, func(x record.Entry) error { return e.entry(at, r.At, x) })
		}
	case topology.OrderEvents:
		if bytes.Equal(r.Key, e.key) {
			err = e.update(at, r)
		}
	case topology.DeadLetters:
		e.deadLetter(at, &r)
	}
	if err != nil {
		return fmt.Errorf("reading %s/%d@%d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	return nil
}

func (e *Explain) entry(at place, appended record.Millis, x record.Entry) error {
	switch x.Kind {
	case record.KindOrderEvent:
		if bytes.Equal(x.Key, e.key) {
			return e.orderEvent(at, appended, x)
		}
	case record.KindDecision:
		return e.decision(at, appended, x)
	}
	return nil
}

func (e *Explain) orderEvent(at place, appended record.Millis, x record.Entry) error {
	event, err := record.DecodeOrderEvent(x.Body)
	if err != nil {
		return err
	}
	in := Input{
		Type: event.Type.String(), EventID: event.EventID, At: appended, OccurredAt: event.OccurredAt,
		Topic: strings.TrimPrefix(x.Origin.Topic, e.prefix), Partition: x.Origin.Partition, Offset: x.Origin.Offset,
		Log:   at.String(),
		State: nameOf(event.State, stateNames), By: event.By, Text: event.Text, Tracking: event.Tracking, Carrier: event.Carrier,
		Warehouse: event.Warehouse, Lines: []InputLine{},
		origin: record.Origin{Topic: strings.Clone(x.Origin.Topic), Partition: x.Origin.Partition, Offset: x.Origin.Offset},
	}
	in.Topic = strings.Clone(in.Topic)
	if o := event.Order; o != nil {
		in.Payment, in.HoldSeconds, in.Allow = nameOf(o.Payment, paymentNames), o.HoldSeconds, nameOf(o.Allow, allowNames)
		for i := range o.Lines {
			l := &o.Lines[i]
			in.Lines = append(in.Lines, InputLine{Line: l.Line, SKU: l.SKU, Qty: l.Qty, Cancelled: l.Cancelled})
			e.skus[l.SKU] = true
		}
	}
	for _, l := range event.Lines {
		line := InputLine{Line: l.Line, Qty: l.Qty}
		if event.Type == record.OrderReturned {
			line.Restock = l.Restock.String()
		}
		in.Lines = append(in.Lines, line)
	}
	e.origins[in.origin] = true
	e.inputs = append(e.inputs, in)
	return nil
}

func (e *Explain) decision(at place, appended record.Millis, x record.Entry) error {
	var d record.Decision
	if err := d.Decode(bytes.Clone(x.Body)); err != nil { // its strings are views
		return err
	}
	if string(d.OrderKey) != string(e.key) {
		return nil
	}
	e.skus[d.SKU] = true
	out := decision{verb: d.Verb, attempt: d.Attempt, Decision: Decision{
		Verb: d.Verb.String(), SKU: d.SKU, Outcome: d.Outcome.String(), Rule: d.Rule, Reason: d.Reason, Cause: d.Cause, Attempt: d.Attempt,
		Requested: d.Requested, Missing: d.Missing, Waiting: d.Waiting, Quota: d.Quota, Allocated: d.Allocated,
		Topic: at.topic, Partition: at.partition, Offset: at.offset, At: appended,
	}}
	if len(d.Moves) == 0 {
		e.decisions = append(e.decisions, out)
	}
	for i := range d.Moves {
		m := &d.Moves[i]
		out.Warehouse, out.Qty, out.number = m.Warehouse, m.Qty, m.Number
		out.Before, out.After = countersOf(m.Before), countersOf(m.After)
		e.decisions = append(e.decisions, out)
	}
	return nil
}

func (e *Explain) update(at place, r audit.Record) error {
	u := event{at: at, logged: r.At}
	if err := json.Unmarshal(r.Value, &u.OrderUpdate); err != nil {
		return err
	}
	e.events = append(e.events, u)
	return nil
}

// deadLetter notes what wasn't taken of the order: by its origin where that is
// known, else by its key, which is the order's where the sender keeps to that.
func (e *Explain) deadLetter(at place, r *audit.Record) {
	var o record.Origin
	said := refusal{at: at, appended: r.At}
	for _, h := range r.Headers {
		switch h.Key {
		case record.HeaderErrorTopic:
			o.Topic = string(h.Value)
		case record.HeaderErrorPartition:
			n, _ := strconv.ParseInt(string(h.Value), 10, 32)
			o.Partition = record.Partition(n)
		case record.HeaderErrorOffset:
			n, _ := strconv.ParseInt(string(h.Value), 10, 64)
			o.Offset = record.Offset(n)
		case record.HeaderErrorException:
			said.reason = string(h.Value)
		case record.HeaderErrorMessage:
			said.message = string(h.Value)
		}
	}
	if o.Topic != "" && (e.origins[o] || bytes.Equal(r.Key, e.key)) {
		e.refused[o] = said
	}
}
