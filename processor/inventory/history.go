package inventory

import (
	"fmt"
	"math"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// history sums up what physically came to and left a warehouse in the last day,
// by when that happened: a count that is heard of late needs to know what moved
// after it. The sums are per minute for the last hour, which is when most counts
// come, and per quarter of an hour before that: at most 168 of them, a few bytes
// each. Only movements write it, never a claim.
//
// What a decision makes of it depends on the movements and the log's time alone,
// not on when the sums were last merged: merging at one time and again at a
// later one gives the same as merging at the later one.
type history struct {
	buckets []bucket // by minute
	// forgotten is where the latest forgotten sum began; 0: none was forgotten
	// that a count could still need.
	forgotten minute
	merged    minute // up to here all are per quarter; not kept in state
}

// bucket is a sum of units that came (above zero) and left (below).
type bucket struct {
	begin minute
	qty   record.Quantity
}

// minute is one of the log's time: milliseconds divided.
type minute int64

const (
	minuteMillis   = 60_000
	quarterMinutes = 15
	fineMinutes    = 60      // summed per minute
	keptMinutes    = 24 * 60 // summed at all
)

func minuteOf(at record.Millis) minute { return minute(at / minuteMillis) }

func (m minute) quarter() minute { return m - m%quarterMinutes }

// fineFrom is where sums per minute begin. It is a full quarter, so that no
// quarter is half merged.
func fineFrom(now record.Millis) minute { return (minuteOf(now) - fineMinutes).quarter() }

// keptFrom is where sums begin that aren't forgotten.
func keptFrom(now record.Millis) minute { return (minuteOf(now) - keptMinutes).quarter() }

// bucketOf returns where the sum begins that a movement belongs to.
func bucketOf(at, now record.Millis) minute {
	if m := minuteOf(at); m >= fineFrom(now) {
		return m
	}
	return minuteOf(at).quarter()
}

// happened returns when something happened that a record tells of: not later
// than the log's time, or a wrong clock would shut out every right one.
func happened(occurred, now record.Millis) record.Millis {
	if occurred <= 0 {
		return now
	}
	return min(occurred, now)
}

// age merges and forgets what is due.
func (h *history) age(now record.Millis) {
	fine, kept := fineFrom(now), keptFrom(now)
	if h.merged >= fine {
		return // the rest is due at the same times
	}
	h.merged = fine
	to := 0
	for _, b := range h.buckets {
		if b.begin < fine {
			b.begin = b.begin.quarter()
		}
		switch {
		case b.begin < kept:
			h.forgotten = max(h.forgotten, b.begin)
		case to > 0 && h.buckets[to-1].begin == b.begin:
			h.buckets[to-1].qty += b.qty
		default:
			h.buckets[to] = b
			to++
		}
	}
	h.buckets = h.buckets[:to]
}

// add notes a movement. counted is when the last count took place, 0: never;
// what was before it is of no use, for an older count is ignored.
func (h *history) add(qty record.Quantity, at, now, counted record.Millis) {
	h.age(now)
	begin := bucketOf(at, now)
	switch {
	case counted != 0 && begin <= bucketOf(counted, now):
		return
	case begin < keptFrom(now):
		h.forgotten = max(h.forgotten, begin)
		return
	}
	i := len(h.buckets)
	for i > 0 && h.buckets[i-1].begin > begin {
		i--
	}
	if i > 0 && h.buckets[i-1].begin == begin {
		h.buckets[i-1].qty += qty
		return
	}
	h.buckets = append(h.buckets, bucket{})
	copy(h.buckets[i+1:], h.buckets[i:])
	h.buckets[i] = bucket{begin: begin, qty: qty}
}

// after returns what moved in sums that begin after the one that the time
// belongs to: what moved in the same minute, or quarter, was counted. known
// tells that nothing of it has been forgotten.
func (h *history) after(at, now record.Millis) (qty record.Quantity, known bool) {
	h.age(now)
	own := bucketOf(at, now)
	for _, b := range h.buckets {
		if b.begin > own {
			qty += b.qty
		}
	}
	return qty, h.forgotten <= own
}

// counted drops what no later count can need.
func (h *history) counted(at, now record.Millis) {
	own := bucketOf(at, now)
	n := 0
	for n < len(h.buckets) && h.buckets[n].begin <= own {
		n++
	}
	h.buckets = h.buckets[:copy(h.buckets, h.buckets[n:])]
	if h.forgotten <= own {
		h.forgotten = 0
	}
}

func (h *history) empty() bool { return len(h.buckets) == 0 && h.forgotten == 0 }

func (h *history) reset() { *h = history{buckets: h.buckets[:0], merged: math.MinInt64} }

// rowHistory is the history of a warehouse in the open transaction.
type rowHistory struct {
	history
	warehouse record.WarehouseID
	stored    bool // the state has a value for it
	dirty     bool // to be written
}

// history returns the warehouse's history, from state at its first touch in the
// transaction. It is good until the next call.
func (s *Stage) history(tx stage.Tx, it *cached, w record.WarehouseID) *rowHistory {
	for i := range it.histories {
		if it.histories[i].warehouse == w {
			return &it.histories[i]
		}
	}
	if n := len(it.histories); n < cap(it.histories) {
		it.histories = it.histories[:n+1] // with the memory it had
	} else {
		it.histories = append(it.histories, rowHistory{})
	}
	h := &it.histories[len(it.histories)-1]
	h.reset()
	h.warehouse, h.stored, h.dirty = w, false, false
	s.key = appendHistoryKey(s.key[:0], it.SKU, w)
	if value, ok := tx.Get(s.key); ok {
		if err := h.decode(value); err != nil {
			panic(fmt.Sprintf("BUG: state of %q at %q: %v", it.SKU, w, err))
		}
		h.stored = true
	}
	return h
}

// noteMovements adds what the decision moved physically to the histories. Units
// that a shipment found have been there at any time before, so they aren't in.
func (s *Stage) noteMovements(tx stage.Tx, it *cached, occurred record.Millis) {
	d := &s.decision
	now := tx.Now()
	for i := range d.Moves {
		m := &d.Moves[i]
		qty := m.After.OnHand - m.Before.OnHand
		found := qty > 0 && (d.Verb == record.VerbShip || d.Verb == record.VerbShipUnclaimed)
		if qty == 0 || found {
			continue
		}
		h := s.history(tx, it, m.Warehouse)
		h.add(qty, happened(occurred, now), now, it.Rows[it.mustFind(m.Warehouse)].CountedAt)
		h.dirty = true
	}
}

func (s *Stage) writeHistories(tx stage.Tx, it *cached) {
	for i := range it.histories {
		h := &it.histories[i]
		if !h.dirty {
			continue
		}
		s.key = appendHistoryKey(s.key[:0], it.SKU, h.warehouse)
		if !h.empty() {
			s.value = appendHistory(s.value[:0], &h.history)
			tx.Put(s.key, s.value)
		} else if h.stored {
			tx.Delete(s.key)
		}
	}
}

const historyVersion = 1

// appendHistory appends the state value: [version, forgotten, [minutes since the one before, units, …]]
func appendHistory(b []byte, h *history) []byte {
	b = pack.AppendUint(pack.AppendArray(b, 3), historyVersion)
	b = pack.AppendInt(b, int64(h.forgotten))
	b = pack.AppendArray(b, len(h.buckets)*2)
	last := minute(0)
	for _, k := range h.buckets {
		b = pack.AppendInt(pack.AppendInt(b, int64(k.begin-last)), int64(k.qty))
		last = k.begin
	}
	return b
}

// decode reads what appendHistory wrote into h, whose slice is used again.
func (h *history) decode(value []byte) error {
	h.reset()
	r := pack.NewReader(value)
	r.Form("history", historyVersion, 3, 3)
	h.forgotten = minute(r.Int())
	last := minute(0)
	for n := readPairs(&r); n > 0 && r.Err() == nil; n-- {
		since, qty := minute(r.Int()), record.Quantity(r.Int())
		if since <= 0 && len(h.buckets) > 0 || since < 0 || last+since < last {
			r.Fail(pack.ErrForm)
		}
		last += since
		h.buckets = append(h.buckets, bucket{begin: last, qty: qty})
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}
