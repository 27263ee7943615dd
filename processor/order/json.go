package order

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"holdfast/topology/record"
)

// The public records are written by hand, because there is one for every
// change of every order. What comes out is byte for byte what encoding/json
// makes of record.OrderUpdate and record.StatusUpdate.

// appendUpdate appends a record of order.events.
func (t *turn) appendUpdate(b []byte, u *update, status string) []byte {
	o := t.o
	b = append(b, `{"holdfast":1,"order_key":`...)
	b = appendString(b, string(t.key))
	b = append(b, `,"seq":`...)
	b = strconv.AppendInt(b, o.Seq, 10)
	b = appendField(b, "type", u.Type)
	b = appendField(b, "status", status)
	b = appendField(b, "at", t.at)
	b = appendField(b, "cause", t.cause)
	b = append(b, `,"lines":[`...)
	first := true
	for i := range o.Lines {
		l := &o.Lines[i]
		for j := range l.Parts {
			state, at, qty := o.entry(l, j)
			if qty == 0 {
				continue
			}
			b = appendComma(b, &first)
			b = append(b, `{"line":`...)
			b = appendString(b, l.ID)
			b = appendField(b, "sku", string(o.Items[l.Item].SKU))
			b = appendOptional(b, "combo", string(l.Combo))
			b = append(b, `,"qty":`...)
			b = strconv.AppendInt(b, int64(qty), 10)
			b = appendField(b, "state", state)
			b = appendOptional(b, "warehouse", string(at))
			b = append(b, '}')
		}
	}
	b = append(b, ']')
	b = appendField(b, "reason", u.Reason)
	if u.Refund {
		b = append(b, `,"refund_proposed":true`...)
	}
	return append(b, '}')
}

// entry is what others see of a part of a line: its state, its place and the
// units of all parts that look the same; none where an earlier part told them.
func (o *Order) entry(l *Line, part int) (state string, at record.WarehouseID, qty record.Quantity) {
	state, at = o.shown(l.Parts[part])
	for i, p := range l.Parts {
		if s, w := o.shown(p); s != state || w != at {
			continue
		}
		if i < part {
			return state, at, 0
		}
		qty += p.Qty
	}
	return state, at, qty
}

// appendStatus appends a record of channel.<name>.status.
func (t *turn) appendStatus(b []byte, u *update, status string) []byte {
	o := t.o
	channel, rest, _ := strings.Cut(string(t.key), "/")
	shop, id, _ := strings.Cut(rest, "/")
	b = append(b, `{"holdfast":1,"order_key":`...)
	b = appendString(b, string(t.key))
	b = appendField(b, "channel", channel)
	b = appendField(b, "shop", shop)
	b = appendField(b, "order_id", id)
	b = append(b, `,"seq":`...)
	b = strconv.AppendInt(b, o.Seq, 10)
	b = appendField(b, "status", status)
	b = appendField(b, "reason", u.Reason)
	b = append(b, `,"lines":[`...)
	first := true
	t.eachSoldAction(u, func(line string, qty record.Quantity, action string, at record.WarehouseID) {
		b = appendComma(b, &first)
		b = append(b, `{"line":`...)
		b = appendString(b, line)
		b = append(b, `,"qty":`...)
		b = strconv.AppendInt(b, int64(qty), 10)
		b = appendField(b, "action", action)
		b = appendOptional(b, "warehouse", string(at))
		if action == actionShip {
			b = appendOptional(b, "tracking", u.Tracking)
			b = appendOptional(b, "carrier", u.Carrier)
		}
		b = append(b, '}')
	})
	b = append(b, ']')
	b = appendField(b, "at", t.at)
	return append(b, '}')
}

func appendComma(b []byte, first *bool) []byte {
	if *first {
		*first = false
		return b
	}
	return append(b, ',')
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

func appendOptional(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendField(b, name, value)
}

const hexDigits = "0123456789abcdef"

// appendString quotes as encoding/json does: what could end a script or a line
// in HTML or JavaScript is escaped, bytes that aren't UTF-8 are replaced.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				if r != '\u2028' && r != '\u2029' {
					i += size
					continue
				}
			}
		}
		b = append(b, s[from:i]...)
		b = appendEscape(b, s[i:i+size])
		i += size
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

// appendEscape appends a character that can't stand for itself.
func appendEscape(b []byte, c string) []byte {
	if len(c) > 1 {
		return append(b, '\\', 'u', '2', '0', '2', hexDigits[c[2]&0xf])
	}
	switch c[0] {
	case '"', '\\':
		return append(b, '\\', c[0])
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	if c[0] >= utf8.RuneSelf {
		return append(b, `\ufffd`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c[0]>>4], hexDigits[c[0]&0xf])
}
