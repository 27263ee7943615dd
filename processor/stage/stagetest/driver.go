package stagetest

import (
	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// Driver is the whole topology with one partition per log, run to rest after
// every input. A stage that is nil swallows what is sent to it.
type Driver struct {
	Intake *Task
	// ByLog holds the tasks of orders, inventory and channels.
	ByLog [3]*Task
	Clock record.Millis

	offsets map[string]record.Offset
	queues  [3][]record.Entry
}

// NewDriver wires the stages; each may be nil.
func NewDriver(intake, orders, inventory, channels stage.Stage) *Driver {
	d := &Driver{offsets: map[string]record.Offset{}, Clock: 1}
	if intake != nil {
		d.Intake = NewTask(intake)
	}
	for i, s := range []stage.Stage{orders, inventory, channels} {
		if s != nil {
			d.ByLog[i] = NewTask(s)
		}
	}
	return d
}

// Public lets intake decide one public record, and runs to rest.
func (d *Driver) Public(topic string, key, value []byte, headers ...stage.Header) {
	d.offsets[topic]++ // from 1: a record at 0 would be given the task's next offset, and a row another version
	r := &stage.Record{Topic: "holdfast." + topic, Short: topic, Offset: d.offsets[topic], At: d.Clock, Key: key, Value: value, Headers: headers}
	d.Intake.Records(r)
	d.collect(d.Intake)
	d.Settle()
}

// Entry puts an entry on a log, as another stage would, and runs to rest.
func (d *Driver) Entry(log stage.Log, e record.Entry) {
	d.queues[log] = append(d.queues[log], e)
	d.Settle()
}

// Advance moves the clock and gives every task a tick, and again as long as a
// task has something due.
func (d *Driver) Advance(to record.Millis) {
	d.Clock = max(d.Clock, to)
	for _, t := range d.ByLog {
		if t == nil {
			continue
		}
		t.Tick(d.Clock)
		d.collect(t)
		for {
			due, ok := t.Stage.Due(t)
			t.Stage.Reset()
			if !ok || due > d.Clock {
				break
			}
			t.Tick(d.Clock)
			d.collect(t)
		}
	}
	d.Settle()
}

// Settle runs until every queue is empty.
func (d *Driver) Settle() {
	for busy := true; busy; {
		busy = false
		for log, t := range d.ByLog {
			entries := d.queues[log]
			if len(entries) == 0 {
				continue
			}
			d.queues[log] = nil
			if t == nil {
				continue
			}
			busy = true
			t.Entries(d.Clock, entries...)
			d.collect(t)
		}
	}
}

// Published returns all that was published, by topic, in order.
func (d *Driver) Published(topic string) []Published {
	var out []Published
	for _, t := range append([]*Task{d.Intake}, d.ByLog[:]...) {
		if t == nil {
			continue
		}
		for _, p := range t.Published {
			if p.Topic == topic {
				out = append(out, p)
			}
		}
	}
	return out
}

// Dead returns all dead letters.
func (d *Driver) Dead() []stage.DeadLetter {
	var out []stage.DeadLetter
	for _, t := range append([]*Task{d.Intake}, d.ByLog[:]...) {
		if t != nil {
			out = append(out, t.Dead...)
		}
	}
	return out
}

func (d *Driver) collect(t *Task) {
	for _, s := range t.Take() {
		d.queues[s.Log] = append(d.queues[s.Log], s.Entry)
	}
}
