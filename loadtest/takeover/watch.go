package main

import "time"

// watch follows when something of each partition was decided. It is told of what
// is seen, in order, and owns no clock.
type watch struct {
	parts []watched
	begun time.Time // of the time that is looked at
}

type watched struct {
	last time.Time // seen
	sent time.Time // the newest line's of those seen
	// longest is the longest time without anything seen, of those that ended
	// after begun, or that has lasted until now.
	longest time.Duration
	ended   time.Time // when longest did
	again   time.Time // when the first line was seen that was sent after begun
}

func newWatch(partitions int) *watch { return &watch{parts: make([]watched, partitions)} }

// begin forgets what was before. A standstill that goes on counts from its
// beginning.
func (w *watch) begin(now time.Time) {
	w.begun = now
	for i := range w.parts {
		w.parts[i].longest, w.parts[i].again = 0, time.Time{}
	}
}

// saw is told of a line that was decided; sent is zero where nobody knows.
func (w *watch) saw(partition int, now, sent time.Time) {
	p := &w.parts[partition]
	if d := now.Sub(p.last); !p.last.IsZero() && d > p.longest {
		p.longest, p.ended = d, now
	}
	p.last = now
	if sent.After(p.sent) {
		p.sent = sent
	}
	if p.again.IsZero() && sent.After(w.begun) {
		p.again = now
	}
}

// standstill is the longest of all partitions, and how many stood still for more
// than limit.
func (w *watch) standstill(now time.Time, limit time.Duration) (longest time.Duration, stopped int) {
	for i := range w.parts {
		p := &w.parts[i]
		d := max(p.longest, now.Sub(p.last))
		longest = max(longest, d)
		if d > limit {
			stopped++
		}
	}
	return longest, stopped
}

// again is how long after begun the last partition had decided a line that was
// sent since; false while one hasn't.
func (w *watch) again() (time.Duration, bool) {
	var longest time.Duration
	for i := range w.parts {
		if w.parts[i].again.IsZero() {
			return 0, false
		}
		longest = max(longest, w.parts[i].again.Sub(w.begun))
	}
	return longest, true
}

// behind is how long ago the partition furthest behind was sent what was seen of
// it last.
func (w *watch) behind(now time.Time) time.Duration {
	var longest time.Duration
	for i := range w.parts {
		longest = max(longest, now.Sub(w.parts[i].sent))
	}
	return longest
}
