package channels

import (
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// A pass goes over all SKUs after a change of a table, because the change may
// be felt by any of them. It is done in chunks, and where it stands is state.
//
// Another change while it is on sends it round once more, from where it stands:
// on to the last SKU, and then from the first one up to there. Sent back to the
// start it would never come to the end as long as rows keep changing.
type pass struct {
	next  record.SKU // the first SKU that it hasn't looked at
	until record.SKU // where the second part ends; "": there is none
	again bool       // in the second part
}

const passVersion = 2

// startPass sees to it that every SKU is looked at from now on.
func (s *Stage) startPass(tx stage.Tx) {
	p, _ := loadPass(tx)
	p.until, p.again = p.next, false
	p.save(tx)
}

func loadPass(tx stage.Tx) (p pass, ok bool) {
	value, ok := tx.Get([]byte(keyPass))
	if !ok {
		return pass{}, false
	}
	p, err := decodePass(value)
	if err != nil {
		panic(fmt.Sprintf("BUG: state: %v", err))
	}
	return p, true
}

func decodePass(value []byte) (pass, error) {
	r := pack.NewReader(value)
	r.Form("pass", passVersion, 4, 4)
	p := pass{next: record.SKU(r.String()), until: record.SKU(r.String()), again: r.Bool()}
	return p, r.Close()
}

func (p *pass) save(tx stage.Tx) {
	b := pack.AppendUint(pack.AppendArray(nil, 4), passVersion)
	b = pack.AppendString(pack.AppendString(b, p.next), p.until)
	tx.Put([]byte(keyPass), pack.AppendBool(b, p.again))
}

// goOn takes the next chunk of the pass, if there is one.
func (s *Stage) goOn(tx stage.Tx, room int) {
	p, ok := loadPass(tx)
	if !ok {
		return
	}
	to := []byte{prefixItem + 1}
	if p.again {
		to = appendItemKey(nil, p.until)
	}
	s.chunk = s.chunk[:0]
	s.key = appendItemKey(s.key[:0], p.next)
	tx.Scan(s.key, to, func(key, _ []byte) bool {
		s.chunk = append(s.chunk, record.SKU(key[1:]))
		return len(s.chunk) < room
	})
	for _, sku := range s.chunk {
		s.look(tx, sku)
	}
	switch {
	case len(s.chunk) == room:
		p.next = s.chunk[room-1] + "\x00" // the smallest key after it
	case p.again || p.until == "":
		tx.Delete([]byte(keyPass))
		return
	default:
		p.next, p.again = "", true
	}
	p.save(tx)
}
