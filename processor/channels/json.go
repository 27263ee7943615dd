package channels

import (
	"encoding/json"
	"strconv"

	"holdfast/topology/record"
)

// appendChannelStock appends u as encoding/json writes it. at is u.At in quotes:
// all records of a transaction have the same.
func appendChannelStock(b []byte, u *record.ChannelStock, at []byte) []byte {
	b = append(b, `{"holdfast":1,"channel":`...)
	b = appendString(b, u.Channel)
	b = append(b, `,"shop":`...)
	b = appendString(b, u.Shop)
	b = append(b, `,"sku":`...)
	b = appendString(b, string(u.SKU))
	b = append(b, `,"sellable":`...)
	b = strconv.AppendInt(b, int64(u.Sellable), 10)
	b = append(b, `,"version":`...)
	b = strconv.AppendInt(b, u.Version, 10)
	b = append(b, `,"at":`...)
	b = append(b, at...)
	b = append(b, `,"urgent":`...)
	b = strconv.AppendBool(b, u.Urgent)
	return append(b, '}')
}

// appendStockUpdate appends u as encoding/json writes it.
func appendStockUpdate(b []byte, u *record.StockUpdate, at []byte) []byte {
	b = append(b, `{"holdfast":1,"sku":`...)
	b = appendString(b, string(u.SKU))
	b = append(b, `,"warehouse":`...)
	b = appendString(b, string(u.Warehouse))
	for _, n := range [...]struct {
		name  string
		value int64
	}{
		{`,"on_hand":`, int64(u.OnHand)}, {`,"unavailable":`, int64(u.Unavailable)}, {`,"held":`, int64(u.Held)},
		{`,"allocated":`, int64(u.Allocated)}, {`,"incoming":`, int64(u.Incoming)}, {`,"available":`, int64(u.Available)},
		{`,"version":`, u.Version},
	} {
		b = strconv.AppendInt(append(b, n.name...), n.value, 10)
	}
	b = append(b, `,"at":`...)
	b = append(b, at...)
	return append(b, '}')
}

// appendString appends s in quotes. Plain ASCII, which ids nearly always are,
// goes as it is; all else is left to the library.
func appendString(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic("BUG: a string that can't be JSON: " + err.Error())
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
