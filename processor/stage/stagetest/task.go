package stagetest

import (
	"bytes"
	"fmt"
	"sort"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// Sent is an entry that a stage sent to an internal log.
type Sent struct {
	Log   stage.Log
	All   bool // to every partition
	Entry record.Entry
}

// Published is a record that a stage wrote to a public topic.
type Published struct {
	Topic string
	Key   string
	Value []byte
}

// Task is a stage with its state in a map, and what it has written. It is a
// stage.Tx: every Record or Entries call is one transaction.
type Task struct {
	Stage     stage.Stage
	State     map[string][]byte
	Clock     record.Millis
	Sent      []Sent
	Published []Published
	Dead      []stage.DeadLetter
	Counted   map[int]int // how often an outcome was counted

	offset record.Offset
}

// NewTask returns a task with empty state.
func NewTask(s stage.Stage) *Task { return &Task{Stage: s, State: map[string][]byte{}} }

// Entries decides one envelope with these entries at the given time and ends
// the transaction.
func (t *Task) Entries(now record.Millis, entries ...record.Entry) {
	var e record.EnvelopeBuilder
	for _, x := range entries {
		e.Add(x.Kind, x.Key, x.Origin, x.Body)
	}
	t.Records(&stage.Record{Topic: "log", Short: "log", At: now, Value: e.Close()})
}

// Tick lets time pass.
func (t *Task) Tick(now record.Millis) {
	t.Records(&stage.Record{Topic: "log", Short: "log", At: now, Value: record.Tick()})
}

// Records decides the records in one transaction. Records without an offset get
// the next one.
func (t *Task) Records(rs ...*stage.Record) {
	for _, r := range rs {
		if r.Offset == 0 {
			r.Offset = t.offset
		}
		t.offset = r.Offset + 1
		t.Clock = max(t.Clock, r.At)
		t.Stage.Decide(t, r)
	}
	t.Stage.Finish(t)
	t.Stage.Reset()
}

// Take returns what was sent since the last call.
func (t *Task) Take() []Sent {
	s := t.Sent
	t.Sent = nil
	return s
}

// Now is part of stage.Tx.
func (t *Task) Now() record.Millis { return t.Clock }

// Get is part of stage.Tx. It hands out a copy that is spoilt by nobody, so a
// stage that keeps views too long isn't caught here but by the run time's tests.
func (t *Task) Get(key []byte) ([]byte, bool) {
	v, ok := t.State[string(key)]
	return v, ok
}

// Put is part of stage.Tx.
func (t *Task) Put(key, value []byte) { t.State[string(key)] = bytes.Clone(value) }

// Delete is part of stage.Tx.
func (t *Task) Delete(key []byte) { delete(t.State, string(key)) }

// Scan is part of stage.Tx.
func (t *Task) Scan(from, to []byte, fn func(key, value []byte) bool) {
	var keys []string
	for k := range t.State {
		if k >= string(from) && (to == nil || k < string(to)) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		if !fn([]byte(k), t.State[k]) {
			return
		}
	}
}

// Send is part of stage.Tx.
func (t *Task) Send(log stage.Log, kind record.Kind, key []byte, origin record.Origin, body []byte) {
	t.Sent = append(t.Sent, Sent{Log: log, Entry: record.Entry{Kind: kind, Key: bytes.Clone(key), Origin: origin, Body: bytes.Clone(body)}})
}

// Broadcast is part of stage.Tx.
func (t *Task) Broadcast(log stage.Log, kind record.Kind, key []byte, origin record.Origin, body []byte) {
	t.Send(log, kind, key, origin, body)
	t.Sent[len(t.Sent)-1].All = true
}

// Publish is part of stage.Tx.
func (t *Task) Publish(topic string, key, value []byte) {
	t.Published = append(t.Published, Published{Topic: topic, Key: string(key), Value: bytes.Clone(value)})
}

// DeadLetter is part of stage.Tx.
func (t *Task) DeadLetter(d stage.DeadLetter) {
	d.Key, d.Value = bytes.Clone(d.Key), bytes.Clone(d.Value)
	t.Dead = append(t.Dead, d)
}

// Count is part of stage.Tx.
func (t *Task) Count(i int) {
	if t.Counted == nil {
		t.Counted = map[int]int{}
	}
	t.Counted[i]++
}

// String shows the state's keys, for failing tests.
func (t *Task) String() string {
	s := ""
	t.Scan(nil, nil, func(k, v []byte) bool {
		s += fmt.Sprintf("%q = %d bytes\n", k, len(v))
		return true
	})
	return s
}
