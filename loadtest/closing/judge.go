package closing

import (
	"fmt"
	"strings"

	"holdfast/topology/record"
)

// judge compares each changelog with its bound after every transaction.
type judge struct {
	share       float64 // of the sweep, as the bound has it
	logBytesMin int64
	logs        []judged // by partition
	commits     int64
	err         error // the first *TooLongError
}

// judged is what is known of one changelog.
type judged struct {
	watch    *watch
	sizes    []sizeAt // from the last one before the changelog's start on
	written  int64    // bytes of the changelog, as of the last transaction
	deltaMax int64

	peak         int64   // bytes of the changelog
	peakRatio    float64 // to its bound
	peakRatioNow float64 // to what the bound would be with the state as it is now
	peakFactor   float64 // to the largest state: bytes of changelog for each byte of it
	trims        int64   // how often the start moved
	start        record.Offset
}

// sizeAt is the state's size after the delta that ends before an offset.
type sizeAt struct {
	offset record.Offset
	bytes  int64
}

// TooLongError says that a changelog is longer than its bound.
type TooLongError struct {
	Partition    int
	Transaction  int64 // counted from 1
	Bytes, Bound int64
	StateBytes   int64 // the largest since the changelog's start
	StateNow     int64
	DeltaMax     int64
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("partition %d, transaction %d: the changelog has %d bytes, the bound is %d (state up to %d bytes, now %d, largest delta %d)",
		e.Partition, e.Transaction, e.Bytes, e.Bound, e.StateBytes, e.StateNow, e.DeltaMax)
}

// transaction judges the changelogs that a transaction wrote to.
func (j *judge) transaction(changelogs []*partition) {
	j.commits++
	for _, p := range changelogs {
		g := &j.logs[p.tp.Partition]
		g.deltaMax = max(g.deltaMax, p.written-g.written)
		g.written = p.written
		if p.start != g.start {
			g.start = p.start
			g.trims++
		}
		g.sizes = append(g.sizes, sizeAt{p.end(), g.watch.bytes})
		// The state right before the changelog's first delta is part of what was
		// to be repeated since; it is the size that was noted at its start.
		for len(g.sizes) > 1 && g.sizes[1].offset <= p.start {
			g.sizes = g.sizes[1:]
		}
		largest := int64(0)
		for _, s := range g.sizes {
			largest = max(largest, s.bytes)
		}
		bound := j.bound(largest, g.deltaMax)
		g.peak = max(g.peak, p.bytes)
		g.peakRatio = max(g.peakRatio, float64(p.bytes)/float64(bound))
		g.peakRatioNow = max(g.peakRatioNow, float64(p.bytes)/float64(j.bound(g.watch.bytes, g.deltaMax)))
		g.peakFactor = max(g.peakFactor, float64(p.bytes)/float64(largest))
		if p.bytes > bound && j.err == nil {
			j.err = &TooLongError{
				Partition: int(p.tp.Partition), Transaction: j.commits, Bytes: p.bytes, Bound: bound,
				StateBytes: largest, StateNow: g.watch.bytes, DeltaMax: g.deltaMax,
			}
		}
	}
}

// bound is how long the changelog of a state may be; see the package's comment.
func (j *judge) bound(stateBytes, deltaMax int64) int64 {
	return int64(2*float64(stateBytes)*(1+1/j.share)) + j.logBytesMin + deltaMax
}

// tally counts the decisions that the stage sends on, by verb and outcome.
type tally map[string]int64

func (t tally) add(envelope []byte, d *record.Decision) error {
	return record.Entries(envelope, func(e record.Entry) error {
		if e.Kind != record.KindDecision {
			return nil
		}
		if err := d.Decode(e.Body); err != nil {
			return err
		}
		t[d.Verb.String()+" "+d.Outcome.String()]++
		return nil
	})
}

func (t tally) check(want tally) error {
	var wrong []string
	for name, n := range t {
		if want[name] != n {
			wrong = append(wrong, fmt.Sprintf("%s %d times, should be %d", name, n, want[name]))
		}
	}
	for name, n := range want {
		if t[name] == 0 && n > 0 {
			wrong = append(wrong, fmt.Sprintf("%s never, should be %d times", name, n))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("decisions: %s", strings.Join(wrong, "; "))
	}
	return nil
}
