package processor

import (
	"fmt"
	"strings"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// Place names a record.
type Place struct {
	TopicPartition
	Offset record.Offset
}

func (p Place) String() string { return fmt.Sprintf("%s/%d@%d", p.Topic, p.Partition, p.Offset) }

// skip is a record that somebody has allowed to be passed over, should it be what
// halts its partition. Everything in it that can be decided is; the rest becomes
// dead letters, in the transaction that moves the offset past it. So it is fenced,
// and done once, like any decision, and does nothing where there is nothing to
// skip:
//
//	decide the record   it fails    transaction abandoned
//	  entry by entry    #7 fails    transaction abandoned, 7 noted
//	  entry by entry    but 7       committed, 7 is a dead letter
//
// What was found in it is forgotten with the task, and found again by the next.
type skip struct {
	began   bool           // it has failed: entry by entry from now on
	at      int            // the entry that is being decided; -1: none
	whole   string         // why the record can't be taken apart, or isn't made of entries
	entries map[int]string // why entries can't be decided, by their number
}

// ReasonSkipped is of dead letters that somebody allowed instead of a halt. Their
// place is the record's that was skipped.
const ReasonSkipped = "skipped"

// Headers of a skipped entry's dead letter, which has the entry's own key and body.
const (
	headerSkippedEntry  = "holdfast-skipped-entry"  // its number in the record, from 0, and its kind
	headerSkippedOrigin = "holdfast-skipped-origin" // the public record that led to it
)

// skipWhyBytesMax bounds what a dead letter says of a panic.
const skipWhyBytesMax = 1000

func (t *task) skipsFrom(places []Place) {
	for _, p := range places {
		if p.TopicPartition == t.tp {
			if t.skips == nil {
				t.skips = map[record.Offset]*skip{}
			}
			t.skips[p.Offset] = &skip{at: -1, entries: map[int]string{}}
		}
	}
}

// skippable tells whether a failure to decide the record at t.next is to be worked
// round, and notes what it was. Not one that came of a read that failed: that is
// the store's.
func (t *task) skippable(p any) bool {
	s := t.skips[t.next]
	if s == nil || t.tx.err != nil {
		return false
	}
	why := fmt.Sprint(p)
	why = why[:min(len(why), skipWhyBytesMax)]
	switch {
	case !t.hasState(): // a public record, which is one thing
		s.whole = why
	case !s.began:
	case s.at >= 0:
		s.entries[s.at] = why
	default:
		s.whole = why
	}
	s.began = true
	return true
}

// decide decides what of the record can be.
func (s *skip) decide(t *task, r *stage.Record) {
	s.at = -1
	if s.whole != "" {
		t.tx.DeadLetter(stage.DeadLetter{Origin: r.Origin(), Reason: ReasonSkipped, Message: s.whole, Key: r.Key, Value: r.Value, Headers: r.Headers})
		return
	}
	number := -1
	err := record.Entries(r.Value, func(e record.Entry) error {
		number++
		if why, bad := s.entries[number]; bad {
			t.tx.DeadLetter(stage.DeadLetter{Origin: r.Origin(), Reason: ReasonSkipped, Message: why, Key: e.Key, Value: e.Body, Headers: []stage.Header{
				{Key: headerSkippedEntry, Value: fmt.Appendf(nil, "%d %s", number, e.Kind)},
				{Key: headerSkippedOrigin, Value: []byte(e.Origin.String())},
			}})
			return nil
		}
		var b record.EnvelopeBuilder
		b.Add(e.Kind, e.Key, e.Origin, e.Body)
		one := *r
		one.Value = b.Close()
		s.at = number
		t.stage.Decide(&t.tx, &one)
		s.at = -1
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("BUG: %s: %v", r.Origin(), err))
	}
}

// skipError ends a transaction that is done again without what can't be decided.
type skipError struct {
	at    Place
	cause error
}

func (e *skipError) Error() string {
	why, _, _ := strings.Cut(e.cause.Error(), "\n")
	return fmt.Sprintf("what can't be decided of %s becomes dead letters, as was asked: %s", e.at, why)
}
