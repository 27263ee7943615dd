package inventory

import (
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// lineMax is how many of those that wait are read at once. Usually the first
// one takes all, so not many; a scan costs more than the entries it reads, so
// not one by one.
const lineMax = 32

// line is a stretch of those that wait for a SKU, copied out of a scan.
type line struct {
	values []byte
	ends   []int
	places []place
	from   []byte
	to     []byte
	waiter waiter
}

func (l *line) value(i int) []byte {
	if i == 0 {
		return l.values[:l.ends[0]]
	}
	return l.values[l.ends[i-1]:l.ends[i]]
}

func (l *line) reset() {
	clear(l.waiter.Ranked[:cap(l.waiter.Ranked)])
	l.waiter = waiter{Ranked: l.waiter.Ranked[:0]}
}

// serve hands the units that the last decision set free to those that wait, in
// order: facts first, then backorders, in each class as the log had them, each
// along its own ranked list. The decisions' cause is kind and id together.
//
// Only warehouses that gained units, and that somebody in line wants, are looked
// at: elsewhere nobody who waits could be served before, or would have been.
//
// One decision may set units free for any number of those that wait. What a
// transaction has no room for is handed out by the next ones; see behind.go.
func (s *Stage) serve(tx stage.Tx, it *cached, kind, id string, origin record.Origin) {
	if it.Waiting == 0 || !s.noteGains(it) {
		return
	}
	from := it.firstOpen(s.gained)
	if it.Behind {
		s.backTo(tx, it, from)
		return
	}
	// The first in line is free: a release that serves one is as much work as a
	// release, and must not leave anything for later.
	cause := kind + id
	if next, done := s.serveFrom(tx, it, from, 1+s.room(), cause, origin); !done {
		s.fallBehind(tx, it, behind{from: next, cause: cause, origin: origin})
	}
}

// serveFrom goes through the line from a place on, and looks at no more of those
// that wait than most. It tells where it stopped, and whether it is done.
func (s *Stage) serveFrom(tx stage.Tx, it *cached, from place, most int, cause string, origin record.Origin) (next place, done bool) {
	l := &s.line
	l.to = appendWaiterEnd(l.to[:0], it.SKU)
	for {
		l.from = appendWaiterKey(l.from[:0], it.SKU, from)
		more := s.readLine(tx)
		for i, at := range l.places {
			if most--; most < 0 {
				it.advance(s.gained, at)
				it.dirty = true
				return at, false
			}
			s.looked++
			if err := l.waiter.decode(l.value(i)); err != nil {
				panic(fmt.Sprintf("BUG: state of %q: %v", it.SKU, err))
			}
			if !canServe(&it.Item, l.waiter.OrderKey, at, l.waiter.Ranked) {
				continue
			}
			it.advance(s.gained, at)
			s.serveOne(tx, it, at, cause, origin)
			if !s.anyGainLeft(it) {
				return place{}, true
			}
		}
		if !more {
			return place{}, true
		}
		from = l.places[len(l.places)-1]
		from.seq++
	}
}

// serveOne decides for one order that waits.
func (s *Stage) serveOne(tx stage.Tx, it *cached, at place, cause string, origin record.Origin) {
	w, h := &s.line.waiter, &s.other
	if !s.loadHold(tx, it, w.OrderKey, h) || h.Waiting == 0 || h.Place != at {
		panic(fmt.Sprintf("BUG: %q stands in line for %q at %+v, and its hold is %+v", w.OrderKey, it.SKU, at, *h))
	}
	d := s.begin(record.VerbFill, it.SKU, cause)
	d.OrderKey = w.OrderKey
	if !fill(&it.Item, h, w.Ranked, d, &s.picker) {
		return
	}
	check(&it.Item, h, d)
	it.changed(d, origin)
	s.writeHold(tx, it.SKU, w.OrderKey, h, true)
	if h.Waiting == 0 {
		s.deleteWaiter(tx, it.SKU, at)
	}
	s.send(tx, origin)
}

// noteGains remembers the rows in which the last decision set units free that
// somebody in line wants, and may have.
func (s *Stage) noteGains(it *cached) bool {
	s.gained = s.gained[:0]
	if !it.opens() {
		return false
	}
	if it.opened(&s.decision) {
		for i := range it.Rows {
			if it.Rows[i].Available() > 0 && it.wants(it.Rows[i].Warehouse) {
				s.gained = append(s.gained, i)
			}
		}
		return len(s.gained) > 0
	}
	for i := range s.decision.Moves {
		m := &s.decision.Moves[i]
		if m.After.Available() > max(m.Before.Available(), 0) && it.wants(m.Warehouse) {
			s.gained = append(s.gained, it.mustFind(m.Warehouse))
		}
	}
	return len(s.gained) > 0
}

func (s *Stage) anyGainLeft(it *cached) bool {
	for _, row := range s.gained {
		if it.Rows[row].Available() > 0 && it.wants(it.Rows[row].Warehouse) {
			return it.opens()
		}
	}
	return false
}

// readLine copies the next stretch of the line, from l.from on, and tells
// whether there may be more. Nothing may be written during a scan.
func (s *Stage) readLine(tx stage.Tx) (more bool) {
	l := &s.line
	l.values, l.ends, l.places = l.values[:0], l.ends[:0], l.places[:0]
	tx.Scan(l.from, l.to, func(key, value []byte) bool {
		l.places = append(l.places, cutWaiterKey(key))
		l.values = append(l.values, value...)
		l.ends = append(l.ends, len(l.values))
		more = len(l.places) == lineMax
		return !more
	})
	return more
}
