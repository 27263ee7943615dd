package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// A checkpoint is what a passing audit knew at its cut: the next audit starts
// from it and reads what came after, even when what came before has been
// deleted. It holds balances, claims and waits, the orders (of those whose story
// is complete only what their next event is held against), versions, offsets,
// and what was in flight.
//
//	"holdfast audit checkpoint\n" | format | cluster | application | model | SHA-256 of all that

const (
	checkpointMagic  = "holdfast audit checkpoint\n"
	checkpointFormat = 2
)

// Identity says whose logs a checkpoint is of.
type Identity struct{ Cluster, AppID string }

// ErrCheckpoint means that a checkpoint can't be used; the text says why.
var ErrCheckpoint = errors.New("the checkpoint can't be used")

// WriteCheckpoint writes what the audit knows. It must have passed.
func (a *Audit) WriteCheckpoint(w io.Writer, id Identity) error {
	if a.report == nil || a.report.Verdict != Pass {
		return errors.New("a checkpoint is written of an audit that passed, and only of such a one")
	}
	sum := sha256.New()
	c := &coder{w: bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<20)}
	if _, err := c.w.WriteString(checkpointMagic); err != nil {
		return err
	}
	format := checkpointFormat
	num(c, &format)
	text(c, &id.Cluster)
	text(c, &id.AppID)
	a.model(c)
	if c.err == nil {
		c.err = c.w.Flush()
	}
	if c.err == nil {
		_, c.err = w.Write(sum.Sum(nil))
	}
	return c.err
}

// Resume returns an Audit that knows what the checkpoint says, and sets cut.From
// to where it stopped. It fails with ErrCheckpoint for a file that isn't one, is
// damaged, of other logs or another format, or older than what is left of them.
func Resume(cfg Config, cut *Cut, file []byte, id Identity) (*Audit, error) {
	if !bytes.HasPrefix(file, []byte(checkpointMagic)) {
		return nil, fmt.Errorf("%w: it isn't one", ErrCheckpoint)
	}
	body := len(file) - sha256.Size
	if body < len(checkpointMagic) {
		return nil, fmt.Errorf("%w: it is cut off", ErrCheckpoint)
	}
	c := &coder{r: bufio.NewReader(bytes.NewReader(file[len(checkpointMagic):body]))}
	format := 0
	if num(c, &format); format != checkpointFormat {
		return nil, fmt.Errorf("%w: it has format %d, this program knows %d; begin a new one with another file", ErrCheckpoint, format, checkpointFormat)
	}
	if sum := sha256.Sum256(file[:body]); !bytes.Equal(sum[:], file[body:]) {
		return nil, fmt.Errorf("%w: it is damaged, its checksum isn't that of its content", ErrCheckpoint)
	}
	var of Identity
	text(c, &of.Cluster)
	text(c, &of.AppID)
	if of != id {
		return nil, fmt.Errorf("%w: it is of application %q on cluster %q, and this is %q on %q", ErrCheckpoint, of.AppID, of.Cluster, id.AppID, id.Cluster)
	}
	a := New(cfg, *cut)
	a.model(c)
	if c.err != nil {
		return nil, fmt.Errorf("%w: reading it: %w", ErrCheckpoint, c.err)
	}
	return a, a.resume(cut)
}

// resume sets what it knows against the new cut.
func (a *Audit) resume(cut *Cut) error {
	from := map[TopicPartition]int64{}
	for tp, p := range a.partitions {
		if !p.resumed {
			continue
		}
		if p.bounded && p.end < p.start {
			return fmt.Errorf("%w: it knows %s up to offset %d, and that ends at %d now: the topic was made anew", ErrCheckpoint, tp, p.start, p.end)
		}
		if first := cut.Starts[tp]; first > p.start && p.role != roleNone {
			return fmt.Errorf("%w: it knows %s up to offset %d, and what came after is deleted up to %d", ErrCheckpoint, tp, p.start, first)
		}
		from[tp] = int64(p.start)
		if p.committed >= p.start {
			p.unread, p.unreadSince = 0, 0
		}
	}
	cut.from(from)
	waiting := a.unconsumed
	a.unconsumed = nil
	for _, p := range waiting {
		if !p.consumed() {
			a.notConsumed(p)
			continue
		}
		if p.command != (commandKey{}) {
			a.opened(p.command.order).ask(p.command, func(t *tally) { t.consumed++ })
			a.close(p.command.order)
		}
		if p.feed != (feedKey{}) {
			t := a.feed[p.feed]
			t.consumed++
			a.feed[p.feed] = t
		}
	}
	return nil
}

// notConsumed notes an entry that crosses the cut.
func (a *Audit) notConsumed(p pending) {
	a.inFlight++
	a.unconsumed = append(a.unconsumed, p)
	if p.order != 0 {
		a.opened(p.order).inFlight = true
	}
}
