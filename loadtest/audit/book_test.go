package audit

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"holdfast/topology/record"
)

// fact is one record of a log that a test makes up: readable until it is
// rendered, so that a doctor can change it.
type fact struct {
	TopicPartition
	offset  record.Offset
	at      record.Millis
	key     string
	entries []factEntry // internal logs
	value   any         // all else: becomes JSON
	headers []Header
}

type factEntry struct {
	kind   record.Kind
	key    string
	origin record.Origin
	body   any
}

// book is the logs of an application. Every internal log has two partitions.
type book struct {
	facts  []*fact
	next   map[TopicPartition]record.Offset
	clock  record.Millis
	cut    Cut
	config Config
	from   int // of facts: find begins there
}

func newBook() *book {
	return &book{
		next: map[TopicPartition]record.Offset{}, clock: 1_762_790_400_000,
		cut: Cut{Committed: map[TopicPartition]record.Offset{}, Ends: map[TopicPartition]record.Offset{}, Starts: map[TopicPartition]record.Offset{}},
	}
}

// write appends a record. Every third offset is left out, as markers are.
func (b *book) write(topic string, partition int, key string, value any, entries ...factEntry) *fact {
	tp := TopicPartition{topic, record.Partition(partition)}
	b.clock++
	f := &fact{TopicPartition: tp, offset: b.next[tp], at: b.clock, key: key, value: value, entries: entries}
	b.next[tp]++
	if b.next[tp]%3 == 0 {
		b.next[tp]++
	}
	b.facts = append(b.facts, f)
	return f
}

// origin names a fact as public records are named inside others.
func (f *fact) origin() record.Origin {
	return record.Origin{Topic: "holdfast." + f.Topic, Partition: f.Partition, Offset: f.offset}
}

func (f *fact) render() Record {
	r := Record{Topic: f.Topic, Partition: f.Partition, Offset: f.offset, At: f.at, Key: []byte(f.key), Headers: f.headers}
	if f.entries == nil {
		value, err := json.Marshal(f.value)
		if err != nil {
			panic(err)
		}
		r.Value = value
		return r
	}
	var envelope record.EnvelopeBuilder
	for _, e := range f.entries {
		envelope.Add(e.kind, []byte(e.key), e.origin, renderBody(e.body))
	}
	r.Value = envelope.Close()
	return r
}

func renderBody(body any) []byte {
	switch body := body.(type) {
	case *record.OrderEvent:
		return record.AppendOrderEvent(nil, body)
	case *record.Command:
		return record.AppendCommand(nil, body)
	case *record.StockCommand:
		return record.AppendStockCommand(nil, body)
	case *record.Decision:
		return record.AppendDecision(nil, body)
	case *record.Availability:
		return record.AppendAvailability(nil, body)
	case *record.TableRow:
		return record.AppendTableRow(nil, body)
	case nil:
		return nil
	}
	panic(fmt.Sprintf("BUG: body %T", body))
}

// audit folds the book. Without a cut of its own everything is consumed.
func (b *book) audit(order func(facts []*fact)) (Report, error) {
	for tp, next := range b.next {
		if _, ok := b.cut.Ends[tp]; !ok {
			b.cut.Ends[tp] = next
		}
		if _, ok := b.cut.Committed[tp]; !ok {
			b.cut.Committed[tp] = next
		}
	}
	a := New(b.config, b.cut)
	facts := append([]*fact(nil), b.facts...)
	if order != nil {
		order(facts)
	}
	var value []byte
	for _, f := range facts {
		r := f.render()
		value = append(value[:0], r.Value...) // the audit must keep nothing of it
		r.Value = value
		if err := a.Add(r); err != nil {
			return Report{}, err
		}
	}
	return a.Report(), nil
}

// byTopic reads one partition after the other, in a random order of partitions.
func byTopic(rnd *rand.Rand) func([]*fact) {
	return func(facts []*fact) {
		parts := map[TopicPartition][]*fact{}
		var tps []TopicPartition
		for _, f := range facts {
			if parts[f.TopicPartition] == nil {
				tps = append(tps, f.TopicPartition)
			}
			parts[f.TopicPartition] = append(parts[f.TopicPartition], f)
		}
		rnd.Shuffle(len(tps), func(i, j int) { tps[i], tps[j] = tps[j], tps[i] })
		facts = facts[:0]
		for _, tp := range tps {
			facts = append(facts, parts[tp]...)
		}
	}
}

// find returns the n-th fact, from 0, that matches.
func (b *book) find(n int, match func(*fact) bool) *fact {
	for _, f := range b.facts[b.from:] {
		if match(f) {
			if n == 0 {
				return f
			}
			n--
		}
	}
	panic("BUG: no such fact")
}

func (b *book) remove(f *fact) {
	for i := range b.facts {
		if b.facts[i] == f {
			b.facts = append(b.facts[:i:i], b.facts[i+1:]...)
			return
		}
	}
}

// decision returns the n-th decision that matches, with its fact.
func (b *book) decision(n int, match func(*record.Decision) bool) (*record.Decision, *fact) {
	f := b.find(n, func(f *fact) bool {
		d := f.decision()
		return d != nil && match(d)
	})
	return f.decision(), f
}

func (f *fact) decision() *record.Decision {
	for _, e := range f.entries {
		if d, ok := e.body.(*record.Decision); ok {
			return d
		}
	}
	return nil
}

func (f *fact) stand() *record.Availability {
	for _, e := range f.entries {
		if v, ok := e.body.(*record.Availability); ok {
			return v
		}
	}
	return nil
}

func (f *fact) event() *record.OrderEvent {
	for _, e := range f.entries {
		if v, ok := e.body.(*record.OrderEvent); ok {
			return v
		}
	}
	return nil
}

func (f *fact) command() *record.Command {
	for _, e := range f.entries {
		if c, ok := e.body.(*record.Command); ok {
			return c
		}
	}
	return nil
}

func (f *fact) update() *record.OrderUpdate {
	u, _ := f.value.(*record.OrderUpdate)
	return u
}
