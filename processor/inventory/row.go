package inventory

import (
	"bytes"
	"encoding/binary"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// ReadRow takes a row of the stage's state apart, for people who look at one.
func ReadRow(key, value []byte) stage.Row {
	row, of := stage.Row{Kind: "unknown"}, []byte(nil)
	var err error
	switch rest := key[1:]; key[0] {
	case prefixItem:
		it := &Item{}
		row.Kind, of, row.Row, err = "item", rest, it, it.decode(value)
	case prefixHold:
		h := &Hold{}
		sku, order, _ := bytes.Cut(rest, []byte{0})
		row.Kind, of, err = "hold", sku, h.decode(value)
		row.Row = struct {
			OrderKey string
			*Hold
		}{string(order), h}
	case prefixWaiter:
		w := &waiter{}
		row.Kind, row.Row, err = "waiter", w, w.decode(value)
		of, _, _ = bytes.Cut(rest, []byte{0})
	case prefixBehind:
		row.Kind, of = "behind", rest
		if len(rest) == 0 {
			row.Row, err = readCount(value)
			break
		}
		var b behind
		b, err = decodeBehind(value)
		row.Row = struct {
			Cause, Origin string
		}{b.cause, b.origin.String()}
	case prefixHistory:
		h := &history{}
		row.Kind, err = "history", h.decode(value)
		of, _, _ = bytes.Cut(rest, []byte{0})
		moved := map[int64]record.Quantity{}
		for _, b := range h.buckets {
			moved[int64(b.begin)] = b.qty
		}
		row.Row = struct{ UnitsByMinute map[int64]record.Quantity }{moved}
	case prefixEvent:
		hash, end, e := decodeEvent(value)
		of, _, _ = bytes.Cut(rest, []byte{0})
		row.Kind, err = "event", e
		row.Row = struct {
			Hash uint64
			End  record.Millis
		}{hash, end}
	case prefixForget, prefixQuota:
		row.Kind = map[byte]string{prefixForget: "event_end", prefixQuota: "quota_end"}[key[0]]
		if len(rest) < 8 {
			err = pack.ErrForm
			break
		}
		of, _, _ = bytes.Cut(rest[8:], []byte{0})
		row.Row = struct{ At record.Millis }{record.Millis(binary.BigEndian.Uint64(rest))}
	case prefixCombo:
		var c comboRow
		c, err = decodeCombo(value)
		row.Kind, of = "combo", rest
		row.Row = struct {
			Version    record.Offset
			Components []record.SKU
		}{c.version, c.components}
	case prefixCatalog, prefixEnds, prefixPurge:
		row.Kind = map[byte]string{prefixCatalog: "catalog_changes", prefixEnds: "first_quota_end", prefixPurge: "first_event_end"}[key[0]]
		row.Row, err = readCount(value)
	}
	row.Of = string(of)
	if err != nil {
		row.Row, row.Err = nil, err.Error()
	}
	return row
}

func readCount(value []byte) (int64, error) {
	r := pack.NewReader(value)
	n := r.Int()
	return n, r.Close()
}
