package inventory

import (
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// When a receipt brings units for two hundred thousand orders that wait, one
// transaction hands out some, notes where it stopped, and says that more is due
// at once; the next ones go on from there, at their end.
//
//	receive ─> serve … no room left ─> b sku: from, cause ─> catchUp of this and the next transactions ─> end of the line: key gone
//
// Until then the SKU is behind: there are units that somebody in line will get.
// Nobody jumps the line meanwhile: who comes new may only have what is beyond
// all that waits (picker.spared), and when more units come free, or a fact joins
// that goes before who is served next, serving goes back to that place.

// behind is where serving goes on, and on whose account.
type behind struct {
	from   place
	cause  string
	origin record.Origin
}

// behindRead is how many SKUs share a transaction's room.
const behindRead = 16

// room returns how many of those that wait the transaction may still look at.
func (s *Stage) room() int { return max(0, s.cfg.ServeMax-s.looked) }

// fallBehind leaves the rest of the line for later.
func (s *Stage) fallBehind(tx stage.Tx, it *cached, b behind) {
	it.Behind = true
	s.key = appendBehindKey(s.key[:0], it.SKU)
	if _, ok := tx.Get(s.key); !ok {
		s.countBehind(tx, 1)
	}
	s.writeBehind(tx, it.SKU, b)
}

// backTo lets serving go on from a place, if it is before the one where it would.
func (s *Stage) backTo(tx stage.Tx, it *cached, from place) {
	b := s.readBehind(tx, it.SKU)
	if from.before(b.from) {
		b.from = from
		s.writeBehind(tx, it.SKU, b)
	}
}

// catchUp goes on where earlier decisions, of this transaction or others, found
// no room.
func (s *Stage) catchUp(tx stage.Tx) {
	for s.behindSKUs(tx) > 0 && s.room() > 0 {
		skus := s.nextBehind(tx)
		share := max(1, s.room()/len(skus))
		done := 0
		for _, sku := range skus {
			if s.catchUpSKU(tx, sku, min(share, s.room())) {
				done++
			}
		}
		if done == 0 {
			return
		}
	}
}

// catchUpSKU looks at no more of those that wait than most, and tells whether
// the SKU is no longer behind.
func (s *Stage) catchUpSKU(tx stage.Tx, sku record.SKU, most int) (done bool) {
	it := s.load(tx, sku)
	b := s.readBehind(tx, sku)
	if s.noteOpen(it) {
		next, done := s.serveFrom(tx, it, b.from, most, b.cause, b.origin)
		if !done {
			b.from = next
			s.writeBehind(tx, sku, b)
			return false
		}
	}
	it.Behind = false
	s.key = appendBehindKey(s.key[:0], sku)
	tx.Delete(s.key)
	s.countBehind(tx, -1)
	return true
}

// noteOpen remembers the rows that have units which somebody in line wants, and
// may have.
func (s *Stage) noteOpen(it *cached) bool {
	s.gained = s.gained[:0]
	if !it.opens() {
		return false
	}
	for i := range it.Rows {
		if it.Rows[i].Available() > 0 && it.wants(it.Rows[i].Warehouse) {
			s.gained = append(s.gained, i)
		}
	}
	return len(s.gained) > 0
}

// nextBehind returns the first SKUs that are behind.
func (s *Stage) nextBehind(tx stage.Tx) []record.SKU {
	var skus []record.SKU
	tx.Scan([]byte{prefixBehind, 1}, []byte{prefixBehind + 1}, func(key, _ []byte) bool {
		skus = append(skus, record.SKU(key[1:]))
		return len(skus) < behindRead
	})
	if len(skus) == 0 {
		panic("BUG: no SKU is behind, and some are counted")
	}
	return skus
}

// behindSKUs returns how many SKUs are behind: one key to read for a transaction
// that has nothing to do with it.
func (s *Stage) behindSKUs(tx stage.Tx) int64 {
	s.key = append(s.key[:0], prefixBehind)
	value, ok := tx.Get(s.key)
	if !ok {
		return 0
	}
	r := pack.NewReader(value)
	n := r.Int()
	if err := r.Close(); err != nil || n <= 0 {
		panic(fmt.Sprintf("BUG: state of the number of SKUs that are behind: %d, %v", n, err))
	}
	return n
}

func (s *Stage) countBehind(tx stage.Tx, by int64) {
	n := s.behindSKUs(tx) + by // leaves the key
	if n > 0 {
		s.value = pack.AppendInt(s.value[:0], n)
		tx.Put(s.key, s.value)
	} else {
		tx.Delete(s.key)
	}
}

func (s *Stage) readBehind(tx stage.Tx, sku record.SKU) behind {
	s.key = appendBehindKey(s.key[:0], sku)
	value, ok := tx.Get(s.key)
	if !ok {
		panic(fmt.Sprintf("BUG: %q is behind, and it isn't known where", sku))
	}
	b, err := decodeBehind(value)
	if err != nil {
		panic(fmt.Sprintf("BUG: state of %q: %v", sku, err))
	}
	return b
}

func (s *Stage) writeBehind(tx stage.Tx, sku record.SKU, b behind) {
	s.key = appendBehindKey(s.key[:0], sku)
	s.value = appendBehind(s.value[:0], &b)
	tx.Put(s.key, s.value)
}

const behindVersion = 1

// appendBehind appends the state value: [version, from, cause, topic, partition, offset]
func appendBehind(b []byte, v *behind) []byte {
	b = pack.AppendUint(pack.AppendArray(b, 6), behindVersion)
	b = pack.AppendString(pack.AppendUint(b, v.from.pack()), v.cause)
	b = pack.AppendInt(pack.AppendString(b, v.origin.Topic), int64(v.origin.Partition))
	return pack.AppendInt(b, int64(v.origin.Offset))
}

// decodeBehind reads what appendBehind wrote. The strings are views of value.
func decodeBehind(value []byte) (behind, error) {
	var v behind
	r := pack.NewReader(value)
	r.Form("waiters behind", behindVersion, 6, 6)
	v.from, v.cause = unpackPlace(r.Uint()), r.View()
	v.origin = record.Origin{Topic: r.View(), Partition: record.Partition(r.Int()), Offset: record.Offset(r.Int())}
	if err := r.Close(); err != nil {
		return v, fmt.Errorf("behind: %w", err)
	}
	return v, nil
}
