package simulation

import (
	"holdfast/processor"
	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// partitionLog is one partition. Offsets are the indexes of entries; what was
// trimmed is kept for the judge and never shown.
type partitionLog struct {
	tp      processor.TopicPartition
	short   string
	start   record.Offset
	entries []entry
}

// entry is a record, or the marker that ended a transaction.
type entry struct {
	at          record.Millis
	key, value  []byte
	headers     []stage.Header
	transaction *transaction // nil: written outside any
	control     bool
}

func (l *partitionLog) append(e entry) record.Offset {
	l.entries = append(l.entries, e)
	return record.Offset(len(l.entries) - 1)
}

// end is the high watermark.
func (l *partitionLog) end() record.Offset { return record.Offset(len(l.entries)) }

// visible tells whether a read_committed reader is given the record.
func (e *entry) visible() bool {
	return !e.control && (e.transaction == nil || e.transaction.state == transactionCommitted)
}

// stableEnd is the last stable offset: where the first open transaction begins.
func (l *partitionLog) stableEnd(open []*transaction) record.Offset {
	end := l.end()
	for _, t := range open {
		if first, ok := t.first[l]; ok {
			end = min(end, first)
		}
	}
	return end
}

// firstVisible returns the offset of the first record at or behind from that a
// read_committed reader is given, or the end.
func (l *partitionLog) firstVisible(from, end record.Offset) record.Offset {
	for from < end && !l.entries[from].visible() {
		from++
	}
	return from
}

// trim moves the start up.
func (l *partitionLog) trim(before record.Offset) {
	l.start = max(l.start, min(before, l.end()))
}
