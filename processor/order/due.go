package order

import (
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// dueTimers is a stretch of timers, copied out of a scan.
type dueTimers struct {
	keys []byte
	ends []int
	next []byte // the first one that isn't in it; empty: there is none
}

// workOff does what is due by now, in order of due, at most a chunk in a
// transaction. The rest goes on with the next one.
func (s *Stage) workOff(tx stage.Tx) {
	s.next.load(tx)
	for s.next.at != 0 && s.next.at <= tx.Now() && s.next.worked < s.cfg.DueChunk {
		s.readDue(tx, s.cfg.DueChunk-s.next.worked)
		s.next.set(s.due.next)
		from := 0
		for _, to := range s.due.ends {
			s.workOffOne(tx, s.due.keys[from:to])
			from = to
		}
		s.next.worked += len(s.due.ends)
	}
}

// readDue reads at most most timers that are due.
func (s *Stage) readDue(tx stage.Tx, most int) {
	d, now := &s.due, tx.Now()
	d.keys, d.ends, d.next = d.keys[:0], d.ends[:0], d.next[:0]
	s.key = s.next.appendFrom(s.key[:0])
	tx.Scan(s.key, []byte{keyTimer + 1}, func(key, _ []byte) bool {
		due, _ := cutTimerKey(key)
		if due > now || len(d.ends) == most {
			d.next = append(d.next, key...)
			return false
		}
		d.keys = append(d.keys, key...)
		d.ends = append(d.ends, len(d.keys))
		return true
	})
}

// workOffOne does what is due for the order of a timer, up to the timer's own
// due: what is due later has its place after that of other orders.
func (s *Stage) workOffOne(tx stage.Tx, timer []byte) {
	due, key := cutTimerKey(timer)
	s.begin(tx, record.OrderKey(key), record.Origin{}, due)
	s.end(tx)
	if _, ok := tx.Get(timer); ok {
		panic(fmt.Sprintf("BUG: timer %q has no order that is due", timer))
	}
}

// doDue does what is due for the turn's order until a time, in order of due.
func (t *turn) doDue(until record.Millis) {
	for {
		d := t.dues()
		kind, at := d.first()
		if kind == 0 || at > until {
			return
		}
		switch kind {
		case timerExpiry:
			t.expire()
		case timerDeadline:
			t.deadline()
		case timerDrop:
			t.drop()
		case timerInbox:
			t.giveUp()
		}
		t.drain()
		t.tidy()
	}
}
