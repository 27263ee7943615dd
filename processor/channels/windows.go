package channels

import (
	"fmt"
	"math"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// Windows that are open are a queue in state. All windows that open in one
// transaction are over at the same time, and time doesn't go back, so the queue
// is in the order of due times by itself: one record for a transaction's SKUs,
// appended at its tail and taken from its head, and no key per SKU that would
// have to be written, found by a scan, and deleted.
//
//	d number: [version, due, sku, sku, …]          number: head ≤ … < tail
//	q:        [version, head, tail, due of head]   absent: never anything queued
//
// A SKU that was published before its window was over stays in the queue; its
// item says that no window is open, or a later one, and it is passed over.
// (Where a shorter window was configured meanwhile, windows that opened before
// keep their time and later ones wait behind them.)
type queue struct {
	head, tail uint64
	due        record.Millis // of the window at head; 0 when there is none
}

const (
	queueVersion  = 1
	windowVersion = 1
	// windowSKUsMax bounds a record of the queue: at most some 130 KB.
	windowSKUsMax = 1000
)

func loadQueue(tx stage.Tx) queue {
	value, ok := tx.Get([]byte(keyQueue))
	if !ok {
		return queue{}
	}
	q, err := decodeQueue(value)
	if err != nil {
		panic(fmt.Sprintf("BUG: state: %v", err))
	}
	return q
}

func decodeQueue(value []byte) (queue, error) {
	r := pack.NewReader(value)
	r.Form("queue of windows", queueVersion, 4, 4)
	q := queue{head: r.Uint(), tail: r.Uint(), due: record.Millis(r.Int())}
	err := r.Close()
	if err == nil && q.head > q.tail {
		err = fmt.Errorf("queue of windows: %d to %d: %w", q.head, q.tail, pack.ErrForm)
	}
	return q, err
}

func (q *queue) save(tx stage.Tx) {
	b := pack.AppendUint(pack.AppendArray(nil, 4), queueVersion)
	b = pack.AppendUint(pack.AppendUint(b, q.head), q.tail)
	tx.Put([]byte(keyQueue), pack.AppendInt(b, int64(q.due)))
}

// closeWindows publishes the SKUs whose window is over, the oldest first, about
// room of them, and returns how many.
func (s *Stage) closeWindows(tx stage.Tx, q *queue, room int) (done int) {
	for q.head < q.tail && q.due <= tx.Now() && done < room {
		s.key = appendWindowKey(s.key[:0], q.head)
		value, ok := tx.Get(s.key)
		if !ok {
			break // the read failed: this transaction is going to be aborted
		}
		due := s.readWindow(value)
		tx.Delete(s.key)
		for _, sku := range s.chunk {
			s.closeWindow(tx, sku, due)
		}
		done += len(s.chunk)
		q.head++
		q.due = s.dueOfWindow(tx, q)
	}
	return done
}

func (s *Stage) closeWindow(tx stage.Tx, sku record.SKU, due record.Millis) {
	if old := s.load(tx, sku); s.item.due == due {
		s.settle(tx, sku)
		s.save(tx, sku, old)
	}
}

// dueOfWindow returns when the window at the head is over.
func (s *Stage) dueOfWindow(tx stage.Tx, q *queue) record.Millis {
	if q.head == q.tail {
		return 0
	}
	s.key = appendWindowKey(s.key[:0], q.head)
	value, ok := tx.Get(s.key)
	if !ok {
		return tx.Now() // as above
	}
	r := pack.NewReader(value)
	r.Form("window", windowVersion, 2, math.MaxInt)
	due := record.Millis(r.Int())
	if err := r.Err(); err != nil {
		panic(fmt.Sprintf("BUG: window in state: %v", err))
	}
	return due
}

// openWindows queues the SKUs whose window this transaction has opened.
func (s *Stage) openWindows(tx stage.Tx, q *queue) {
	if q.head == q.tail && len(s.opened) > 0 {
		q.due = s.windowEnd(tx)
	}
	for rest := s.opened; len(rest) > 0; {
		n := min(len(rest), windowSKUsMax)
		s.value = pack.AppendUint(pack.AppendArray(s.value[:0], 2+n), windowVersion)
		s.value = pack.AppendInt(s.value, int64(s.windowEnd(tx)))
		for _, sku := range rest[:n] {
			s.value = pack.AppendString(s.value, sku)
		}
		s.key = appendWindowKey(s.key[:0], q.tail)
		tx.Put(s.key, s.value)
		q.tail++
		rest = rest[n:]
	}
}

func (s *Stage) windowEnd(tx stage.Tx) record.Millis { return tx.Now() + s.config.WindowMillis }

// readWindow reads a record of the queue into s.chunk.
func (s *Stage) readWindow(value []byte) (due record.Millis) {
	s.chunk = s.chunk[:0]
	r := pack.NewReader(value)
	n := r.Form("window", windowVersion, 2, math.MaxInt)
	due = record.Millis(r.Int())
	for i := 2; i < n && r.Err() == nil; i++ {
		s.chunk = append(s.chunk, record.SKU(r.String()))
	}
	if err := r.Close(); err != nil {
		panic(fmt.Sprintf("BUG: window in state: %v", err))
	}
	return due
}
