package channels

import (
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// A pass goes over all SKUs after a change of a table, because the change may
// be felt by any of them. It is done in chunks, and where it stands is state:
// the first SKU that it hasn't looked at. Another change sends it back to the
// start.

const passVersion = 1

func (s *Stage) startPass(tx stage.Tx) { s.putPass(tx, "") }

func (s *Stage) putPass(tx stage.Tx, next record.SKU) {
	b := pack.AppendUint(pack.AppendArray(nil, 2), passVersion)
	tx.Put([]byte(keyPass), pack.AppendString(b, next))
}

func pass(tx stage.Tx) (next record.SKU, ok bool) {
	value, ok := tx.Get([]byte(keyPass))
	if !ok {
		return "", false
	}
	r := pack.NewReader(value)
	r.ArrayOf(2)
	version := r.Uint()
	next = record.SKU(r.String())
	if err := r.Close(); err != nil || version != passVersion {
		panic(fmt.Sprintf("BUG: pass in state: version %d, %v", version, err))
	}
	return next, true
}

// goOn takes the next chunk of the pass, if there is one.
func (s *Stage) goOn(tx stage.Tx, room int) {
	next, ok := pass(tx)
	if !ok || room <= 0 {
		return
	}
	s.chunk = s.chunk[:0]
	s.key = appendItemKey(s.key[:0], next)
	tx.Scan(s.key, []byte{prefixItem + 1}, func(key, _ []byte) bool {
		s.chunk = append(s.chunk, record.SKU(key[1:]))
		return len(s.chunk) < room
	})
	for _, sku := range s.chunk {
		s.look(tx, sku)
	}
	if len(s.chunk) < room {
		tx.Delete([]byte(keyPass))
		return
	}
	// The smallest key after the last one.
	s.putPass(tx, s.chunk[len(s.chunk)-1]+"\x00")
}
