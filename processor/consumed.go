package processor

import (
	"sync/atomic"

	"holdfast/topology/record"
)

// consumed is how far a task has come on its input: written by its worker after
// each transaction, read by whoever measures how far behind it is.
type consumed struct {
	next atomic.Int64 // the offset to decide next, plus one; 0: not known yet
	at   atomic.Int64 // append time of the last record decided; 0: none, or not known
}

func (c *consumed) note(next record.Offset, at record.Millis) {
	c.next.Store(int64(next) + 1)
	if at > 0 {
		c.at.Store(int64(at))
	}
}

func (c *consumed) known() bool { return c.next.Load() > 0 }

// read returns -1 for an offset that isn't known yet.
func (c *consumed) read() (next record.Offset, at record.Millis) {
	return record.Offset(c.next.Load() - 1), record.Millis(c.at.Load())
}
