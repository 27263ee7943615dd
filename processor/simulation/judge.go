package simulation

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/cockroachdb/pebble/v2/vfs"

	"holdfast/processor"
	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/state"
	"holdfast/topology"
	"holdfast/topology/record"
)

// Judge compares what the run left behind with what must have come of it. All
// that is committed must be what stages without a run time make of the same
// logs: for every committed transaction, in their order, the records that it
// consumed are decided by a stage over a map, and what that emits must be on the
// logs, no more and no less. So a record decided twice, skipped, decided on
// state of the past or of an aborted transaction shows in the first record that
// came of it.
//
// Where a transaction ended was chance: to inventory the same records, each in a
// transaction of its own, must lead to the same state.
//
// Then every store on every disk, and one restored from nothing, must hold what
// that map holds. The processes must have stopped.
func (s *Simulation) Judge() {
	if s.failed() {
		return
	}
	j := &judge{s: s, tasks: map[processor.TopicPartition]*stagetest.Task{}, single: map[processor.TopicPartition]*stagetest.Task{}}
	for _, t := range s.Broker.committed {
		j.transaction(t)
		if len(s.failures) > 0 {
			return
		}
	}
	for _, st := range s.Topology.Stages {
		if st.Changelog == "" || s.Stages[st.Name] == nil {
			continue
		}
		for p := range s.options.Partitions {
			j.stores(&st, record.Partition(p))
		}
	}
}

type judge struct {
	s     *Simulation
	tasks map[processor.TopicPartition]*stagetest.Task
	// single are tasks that have decided every record in a transaction of its own.
	single map[processor.TopicPartition]*stagetest.Task
}

func (j *judge) fail(rule Rule, format string, args ...any) { j.s.fail(rule, format, args...) }

// task returns the stage that has decided a partition so far.
func (j *judge) task(tp processor.TopicPartition) (*stagetest.Task, *topology.Stage) {
	short, _ := j.s.Topology.Short(tp.Topic)
	for i := range j.s.Topology.Stages {
		st := &j.s.Topology.Stages[i]
		if slices.Contains(st.Inputs, short) {
			if j.tasks[tp] == nil {
				j.tasks[tp] = stagetest.NewTask(j.s.Stages[st.Name](tp))
				j.single[tp] = stagetest.NewTask(j.s.Stages[st.Name](tp))
			}
			return j.tasks[tp], st
		}
	}
	panic("BUG: no stage reads " + tp.Topic)
}

// transaction decides again what a transaction consumed.
func (j *judge) transaction(t *transaction) {
	if len(t.offsets) == 0 {
		j.fail(RuleDecided, "transaction %d of %s consumed nothing: the group fenced it from nobody", t.id, t.producer.id)
		return
	}
	want := map[processor.TopicPartition][]string{}
	changelogs := map[processor.TopicPartition]bool{}
	for _, c := range t.offsets {
		task, st := j.task(c.tp)
		if st.Changelog != "" {
			changelogs[processor.TopicPartition{Topic: j.s.Topology.Name(st.Changelog), Partition: c.tp.Partition}] = true
		}
		if !j.decide(t, c, task) {
			return
		}
		j.expect(want, task)
	}
	have := map[processor.TopicPartition][]string{}
	for _, l := range t.logs {
		if changelogs[l.tp] {
			delete(changelogs, l.tp)
			continue
		}
		have[l.tp] = j.written(t, l)
	}
	for tp := range changelogs {
		j.fail(RuleDecided, "transaction %d of %s consumed from a task and wrote no delta to %s/%d", t.id, t.producer.id, tp.Topic, tp.Partition)
	}
	for _, l := range j.s.Broker.order {
		// Several tasks share a transaction, and take turns in it.
		w, h := want[l.tp], have[l.tp]
		if len(t.offsets) > 1 {
			sort.Strings(w)
			sort.Strings(h)
		}
		if !slices.Equal(w, h) {
			j.fail(RuleDecided, "transaction %d of %s wrote to %s/%d\n  have %s\n  want %s", t.id, t.producer.id, l.tp.Topic, l.tp.Partition, describe(h, w), describe(w, h))
		}
	}
}

// decide decides again what a transaction consumed of a partition. What no stage
// can decide halts its partition; committed, it is lost.
func (j *judge) decide(t *transaction, c consumed, task *stagetest.Task) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			j.fail(RuleDecided, "transaction %d of %s consumed %s/%d from %d to %d, where something can't be decided: %v",
				t.id, t.producer.id, c.tp.Topic, c.tp.Partition, c.first, c.next, v)
		}
	}()
	task.Records(j.consumed(c)...)
	for _, r := range j.consumed(c) {
		j.single[c.tp].Records(r)
	}
	return true
}

// consumed returns the records that a transaction consumed of a partition.
func (j *judge) consumed(c consumed) []*stage.Record {
	l := j.s.Broker.log(c.tp)
	var out []*stage.Record
	for o := l.firstVisible(c.first, c.next); o < c.next; o = l.firstVisible(o+1, c.next) {
		e := &l.entries[o]
		out = append(out, &stage.Record{
			Topic: c.tp.Topic, Short: l.short, Partition: c.tp.Partition, Offset: o, At: e.at,
			Key: bytes.Clone(e.key), Value: bytes.Clone(e.value), Headers: e.headers,
		})
	}
	return out
}

// expect adds what the task has emitted.
func (j *judge) expect(want map[processor.TopicPartition][]string, task *stagetest.Task) {
	shorts := map[stage.Log]string{stage.LogOrders: topology.LogOrders, stage.LogInventory: topology.LogInventory, stage.LogAvailability: topology.LogAvailability}
	add := func(short string, p int32, text string) {
		tp := processor.TopicPartition{Topic: j.s.Topology.Name(short), Partition: record.Partition(p)}
		want[tp] = append(want[tp], text)
	}
	for _, sent := range task.Take() {
		short := shorts[sent.Log]
		if !sent.All {
			add(short, j.s.slots[short].Partition(sent.Entry.Key), entryText(&sent.Entry))
			continue
		}
		for p := range j.s.options.Partitions {
			add(short, p, entryText(&sent.Entry))
		}
	}
	for _, p := range task.Published {
		add(p.Topic, topology.KafkaPartition([]byte(p.Key), j.s.options.Public), recordText([]byte(p.Key), p.Value))
	}
	for _, d := range task.Dead {
		add(topology.DeadLetters, topology.KafkaPartition(d.Key, j.s.options.Public), recordText(d.Key, d.Value))
	}
	task.Published, task.Dead = nil, nil
}

// written returns what a transaction wrote to a partition: the entries of its
// envelopes, or its records.
func (j *judge) written(t *transaction, l *partitionLog) []string {
	var out []string
	internal := j.s.slots[l.short] != nil
	for o := t.first[l]; o < l.end(); o++ {
		e := &l.entries[o]
		if e.transaction != t || e.control {
			continue
		}
		if !internal {
			out = append(out, recordText(e.key, e.value))
			continue
		}
		err := record.Entries(e.value, func(e record.Entry) error {
			out = append(out, entryText(&e))
			return nil
		})
		if err != nil {
			j.fail(RuleDecided, "%s/%d offset %d: %v", l.tp.Topic, l.tp.Partition, o, err)
		}
	}
	return out
}

func entryText(e *record.Entry) string {
	return fmt.Sprintf("%s %q %s %q", e.Kind, e.Key, e.Origin, e.Body)
}

func recordText(key, value []byte) string { return fmt.Sprintf("%q %q", key, value) }

// describe shows the first of a that isn't in b, for people.
func describe(a, b []string) string {
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("%d, of which number %d is %s", len(a), i, a[i])
		}
	}
	return fmt.Sprintf("%d", len(a))
}

// stores compares all stores of a task, wherever they are.
func (j *judge) stores(st *topology.Stage, p record.Partition) {
	input := processor.TopicPartition{Topic: j.s.Topology.Name(st.Log), Partition: p}
	task := j.tasks[input]
	if task == nil {
		return // nothing was ever decided
	}
	name := fmt.Sprintf("%s/%d", st.Name, p)
	if st.Name == topology.StageInventory {
		// The others may differ: orders does so much of what is due in each
		// transaction, channels keeps what it has told at the end of one.
		j.compare(name+" decided one by one", j.single[input].State, task.State)
	}
	where := func(fs vfs.FS) state.Config {
		return j.s.storeConfig(fs, st, p)
	}
	j.store(name+" restored from nothing", where(vfs.NewMem()), st, p, task)
	for _, m := range j.s.machines {
		c := where(m.disk)
		if _, err := m.disk.Stat(c.Dir); err == nil {
			j.store(name+" on "+m.instance, c, st, p, task)
		}
	}
}

// store rolls a store forward and compares it with what the task holds.
func (j *judge) store(name string, c state.Config, st *topology.Stage, p record.Partition, task *stagetest.Task) {
	store, err := state.Open(c)
	if err != nil {
		j.fail(RuleStore, "%s: %v", name, err)
		return
	}
	defer store.Abandon()
	l := j.s.Broker.log(processor.TopicPartition{Topic: j.s.Topology.Name(st.Changelog), Partition: p})
	before := store.Position()
	if record.Offset(before.Changelog) > l.end() {
		j.fail(RuleStore, "%s: is at %+v, beyond the changelog's end %d", name, before, l.end())
		return
	}
	if err := rollForward(store, l); err != nil {
		j.fail(RuleStore, "%s: %v", name, err)
		return
	}
	input := processor.TopicPartition{Topic: j.s.Topology.Name(st.Log), Partition: p}
	if at, want := store.Position().Input, j.s.Broker.group(st.Group).offsets[input]; record.Offset(at) != want {
		j.fail(RuleStore, "%s: its input offset is %d, the group's %d", name, at, want)
	}
	if !j.s.halted[input] {
		j.length(name, store, l)
	}
	have, err := contents(store)
	if err != nil {
		j.fail(RuleStore, "%s: %v", name, err)
	}
	j.compare(fmt.Sprintf("%s (opened at %+v)", name, before), have, task.State)
}

// rollForward brings a store to the end of its changelog.
func rollForward(store *state.Store, l *partitionLog) error {
	restore := store.NewRestore()
	if err := restore.LogStart(state.Offset(l.start)); err != nil {
		return err
	}
	for o := l.firstVisible(record.Offset(restore.Next()), l.end()); o < l.end(); o = l.firstVisible(o+1, l.end()) {
		if err := restore.Feed(state.Offset(o), l.entries[o].value); err != nil {
			return err
		}
	}
	if ok, reason := restore.Complete(); !ok {
		return fmt.Errorf("incomplete at the changelog's end: %s", reason)
	}
	return nil
}

func contents(store *state.Store) (map[string][]byte, error) {
	have := map[string][]byte{}
	err := store.Each(func(k, v []byte) bool {
		have[string(k)] = bytes.Clone(v)
		return true
	})
	return have, err
}

// length checks that the sweep has worked, and that all was deleted that it made
// redundant: at rest nothing is left to flush, to trim or to sweep.
func (j *judge) length(name string, store *state.Store, l *partitionLog) {
	const recordOverheadBytes = 150 // as stores count it
	bytes := int64(0)
	for o := l.firstVisible(l.start, l.end()); o < l.end(); o = l.firstVisible(o+1, l.end()) {
		bytes += int64(len(l.entries[o].value)) + recordOverheadBytes
	}
	if needed := store.Log(); bytes > needed.Bytes {
		j.fail(RuleLength, "%s: the changelog has %d bytes at rest, needed are %d: %+v", name, bytes, needed.Bytes, needed)
	}
	if store.WantsSweep() {
		j.fail(RuleLength, "%s: the changelog isn't swept at rest: %+v", name, store.Log())
	}
}

// compare reports the first key at which two states differ.
func (j *judge) compare(name string, have, want map[string][]byte) {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(have)), maps.Keys(want))
	slices.Sort(keys)
	for _, k := range keys {
		h, inHave := have[k]
		w, inWant := want[k]
		if inHave != inWant || !bytes.Equal(h, w) {
			j.fail(RuleStore, "%s: key %q is %q (%v), want %q (%v)", name, k, h, inHave, w, inWant)
			return
		}
	}
}
