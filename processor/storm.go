package processor

import (
	"context"
	"fmt"
	"time"

	"holdfast/topology"
	"holdfast/topology/record"
)

// storm tells a source partition that delivers little else but dead letters (a
// sender's new version that is broken, say) from one that has some now and then. Its
// level follows the log alone, records and their times, never a clock:
//
//	a dead letter      + 1
//	any other record   − 1, not below 0
//	a second           − 1, not below 0
//
// So a partition on which every other record is good never gets there, whatever its
// rate, nor does one with a dead letter a second and nothing else.
type storm struct {
	level int
	at    record.Millis // up to which seconds have been taken off
	// passTo is the offset below which an operator has let everything through.
	passTo record.Offset
}

// note adds records that were decided together, of which so many are dead letters.
func (s *storm) note(records, dead int, last record.Offset, at record.Millis) {
	if seconds := int64(at-s.at) / 1000; seconds > 0 {
		s.level = int(max(0, int64(s.level)-seconds))
		s.at += record.Millis(seconds * 1000)
	}
	if last < s.passTo {
		return
	}
	s.level = max(0, s.level+dead-(records-dead))
}

// lookResumeEvery is how soon a paused partition goes on after somebody said so.
const lookResumeEvery = time.Second

// stormOver tells whether the task's partition is to be paused.
func (w *worker) stormOver(t *task) bool {
	return w.cfg.DeadLettersMax > 0 && t.storm.level >= w.cfg.DeadLettersMax
}

// weather notes what a task without state has just decided. Stages behind intake
// are left alone: what they refuse is one shop's, and their partitions are
// everybody's.
//
// It doesn't stop at the very record: what was polled is committed, and good records
// among it go on. The partition is paused at once, so there is one poll too much at
// most.
func (w *worker) weather(t *task, records int) {
	t.storm.note(records, t.tx.dead, t.next-1, t.tx.now)
	t.tx.dead = 0
	if w.stormOver(t) {
		w.session.Pause(t.tp)
		w.batch.full = true
	}
}

// pause stops a partition until an operator lets it go on. What was decided of it is
// committed. Its place is the group's committed offset, so nothing else needs to be
// remembered: another life, or another node, decides as many dead letters again at
// most before it pauses too.
func (w *worker) pause(t *task) {
	t.phase = phasePaused
	t.reason = fmt.Sprintf("too many dead letters: %d more than good records (and than one a second), the last before offset %d; nothing of it is lost: mend the sender, then `holdfast dlq resume %s/%d` lets what is there through", t.storm.level, t.next, t.tp.Topic, t.tp.Partition)
	t.resume = resumeLook{}
	w.session.Pause(t.tp)
	w.log.Error("partition paused", "topic", t.tp.Topic, "partition", t.tp.Partition, "reason", t.reason)
	w.status.set(w.stage.Name, t)
}

// resumeLook is a paused task's search for somebody's word that it may go on. Notes
// that were read once aren't read again.
type resumeLook struct {
	next  record.Offset // of the notes
	at    time.Time
	found chan resumed
}

type resumed struct {
	next   record.Offset
	passTo record.Offset // 0: nobody said anything
	err    error
}

// lookResume lets a paused task go on when an operator has said so.
func (w *worker) lookResume(t *task) {
	r, now := &t.resume, w.cfg.Env.Now()
	if r.found == nil {
		if now.Before(r.at) {
			return
		}
		found := make(chan resumed, 1)
		r.found, r.at = found, now.Add(lookResumeEvery)
		tp, next := t.tp, r.next
		notes := TopicPartition{Topic: w.cfg.Topology.Name(topology.DeadLettersDone)}
		w.cfg.Env.Spawn(func() { found <- readResumed(w.cfg.Cluster, notes, next, tp) })
	}
	select {
	case f := <-r.found:
		r.found = nil
		r.next = f.next
		if f.err != nil {
			w.log.Debug("looking whether a paused partition may go on", "err", f.err)
		}
		if f.passTo <= t.committed {
			return
		}
		w.log.Warn("partition goes on", "topic", t.tp.Topic, "partition", t.tp.Partition, "dead_letters_pass_before", f.passTo)
		t.storm = storm{passTo: f.passTo}
		t.stormBefore = t.storm
		t.reason = ""
		w.restore(t)
	default:
	}
}

// readResumed reads the notes from an offset on, for a word about one partition.
func readResumed(c Cluster, notes TopicPartition, from record.Offset, about TopicPartition) (out resumed) {
	ctx, cancel := context.WithTimeout(context.Background(), gateAskWithin)
	defer cancel()
	out.next = from
	start, end, err := c.Bounds(ctx, notes)
	if err != nil {
		out.err = err
		return out
	}
	out.next = max(from, start)
	if out.next >= end {
		return out
	}
	reader, err := c.Read(ctx, notes, out.next)
	if err != nil {
		out.err = err
		return out
	}
	defer reader.Close()
	for out.next < end {
		records, err := reader.Read(ctx)
		if err != nil {
			out.err = err
			return out
		}
		for i := range records {
			out.next = records[i].Offset + 1
			if records[i].Control {
				continue
			}
			if n, err := record.DecodeResumeNote(records[i].Value); err == nil && n.Topic == about.Topic && n.Partition == about.Partition {
				out.passTo = max(out.passTo, n.PassTo)
			}
		}
	}
	return out
}
