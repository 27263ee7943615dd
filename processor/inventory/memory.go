package inventory

import (
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

const hourMillis record.Millis = 3_600_000

// Event ids of the stock feed are remembered per SKU and warehouse, with the
// hash of the event, until an end: the full hour after RememberMillis. An index
// by that end lets them be forgotten in order, and one key holds the index's
// smallest end, so that a transaction with nothing to forget reads one key.
//
// An id counts as forgotten from its end on, also while its keys still stand:
// how far forgetting has come, which depends on where transactions were cut,
// must not change a decision.

const eventVersion = 1

// forgetValue is all that the index holds: its version.
var forgetValue = [...]byte{1}

// recall returns the hash of the event with this id, if it is remembered.
func (s *Stage) recall(tx stage.Tx, c *record.StockCommand) (hash uint64, seen bool) {
	s.key = appendEventKey(s.key[:0], c)
	value, ok := tx.Get(s.key)
	if !ok {
		return 0, false
	}
	hash, end := readEvent(value)
	return hash, tx.Now() < end
}

// remember keeps the id of an event that was decided.
func (s *Stage) remember(tx stage.Tx, c *record.StockCommand) {
	end := (tx.Now() + s.cfg.RememberMillis + hourMillis - 1) / hourMillis * hourMillis
	s.value = appendEvent(s.value[:0], c.ContentHash, end)
	s.key = appendEventKey(s.key[:0], c)
	tx.Put(s.key, s.value)
	s.key = appendForgetKey(s.key[:0], end, c)
	tx.Put(s.key, forgetValue[:])
	// Ends only grow with the log's time: an index that has a smallest end has
	// none after this one.
	if _, ok := s.nextForget(tx); !ok {
		s.setNextForget(tx, end)
	}
}

// forget removes event ids whose end has come, at most ForgetMax of them.
func (s *Stage) forget(tx stage.Tx) {
	now := tx.Now()
	if at, ok := s.nextForget(tx); !ok || now < at {
		return
	}
	var keys [][]byte
	next, more := record.Millis(0), false
	tx.Scan([]byte{prefixForget}, []byte{prefixForget + 1}, func(key, _ []byte) bool {
		if end, _ := cutForgetKey(key); end > now || len(keys) == s.cfg.ForgetMax {
			next, more = end, true
			return false
		}
		keys = append(keys, append([]byte(nil), key...))
		return true
	})
	for _, key := range keys {
		end, tail := cutForgetKey(key)
		tx.Delete(key)
		s.key = append(append(s.key[:0], prefixEvent), tail...)
		// The id may have come again after its end: then it has a later one.
		if value, ok := tx.Get(s.key); ok {
			if _, e := readEvent(value); e == end {
				tx.Delete(s.key)
			}
		}
	}
	if more {
		s.setNextForget(tx, next)
	} else {
		tx.Delete([]byte{prefixPurge})
	}
}

// nextForget returns the smallest end in the index.
func (s *Stage) nextForget(tx stage.Tx) (at record.Millis, ok bool) {
	s.key = append(s.key[:0], prefixPurge)
	value, ok := tx.Get(s.key)
	if !ok {
		return 0, false
	}
	r := pack.NewReader(value)
	at = record.Millis(r.Int())
	if err := r.Close(); err != nil {
		panic(fmt.Sprintf("BUG: state of the index of event ids: %v", err))
	}
	return at, true
}

func (s *Stage) setNextForget(tx stage.Tx, at record.Millis) {
	s.key = append(s.key[:0], prefixPurge)
	s.value = pack.AppendInt(s.value[:0], int64(at))
	tx.Put(s.key, s.value)
}

// appendEvent appends the state value: [version, hash, end]
func appendEvent(b []byte, hash uint64, end record.Millis) []byte {
	b = pack.AppendUint(pack.AppendArray(b, 3), eventVersion)
	return pack.AppendInt(pack.AppendUint(b, hash), int64(end))
}

func readEvent(value []byte) (hash uint64, end record.Millis) {
	hash, end, err := decodeEvent(value)
	if err != nil {
		panic(fmt.Sprintf("BUG: state of an event id: %v", err))
	}
	return hash, end
}

func decodeEvent(value []byte) (hash uint64, end record.Millis, err error) {
	r := pack.NewReader(value)
	r.Form("event", eventVersion, 3, 3)
	hash, end = r.Uint(), record.Millis(r.Int())
	if err := r.Close(); err != nil {
		return 0, 0, fmt.Errorf("event: %w", err)
	}
	return hash, end, nil
}
