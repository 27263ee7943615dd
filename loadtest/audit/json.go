package audit

import (
	"encoding/json"
	"math"
	"unicode/utf8"
	"unsafe"

	"holdfast/topology/record"
)

// The public records make up most of what is read, and encoding/json took half
// of the time. So the forms that the stages write are read by hand: an object of
// known fields, without white space, escapes, null or fractions. Whatever looks
// different in any way is left to encoding/json, whose word it is then, be it an
// error: a reader here is never more lenient, only faster.

// plain reads such a form. The zero value of b is at its start; once something
// looks different, odd stays set and all results are worthless.
type plain struct {
	b   []byte
	i   int
	odd bool
}

func (p *plain) take(c byte) bool {
	if p.i < len(p.b) && p.b[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *plain) must(c byte) {
	if !p.take(c) {
		p.odd = true
	}
}

// text reads a string as a view of the bytes.
func (p *plain) text() string {
	p.must('"')
	start, ascii := p.i, true
	for p.i < len(p.b) && p.b[p.i] != '"' && !p.odd {
		c := p.b[p.i]
		p.odd = c < ' ' || c == '\\'
		ascii = ascii && c < utf8.RuneSelf
		p.i++
	}
	end := p.i
	p.must('"')
	if p.odd || start == end {
		return ""
	}
	if !ascii && !utf8.Valid(p.b[start:end]) {
		p.odd = true
		return ""
	}
	return unsafe.String(&p.b[start], end-start)
}

// number reads an integer.
func (p *plain) number() int64 {
	negative := p.take('-')
	start, n := p.i, int64(0)
	for p.i < len(p.b) && p.b[p.i] >= '0' && p.b[p.i] <= '9' {
		if n > (math.MaxInt64-9)/10 {
			p.odd = true
			return 0
		}
		n = n*10 + int64(p.b[p.i]-'0')
		p.i++
	}
	if digits := p.i - start; digits == 0 || digits > 1 && p.b[start] == '0' {
		p.odd = true
	}
	if p.i < len(p.b) && p.b[p.i] != ',' && p.b[p.i] != '}' {
		p.odd = true // a fraction or an exponent
	}
	if negative {
		return -n
	}
	return n
}

// flag reads true or false.
func (p *plain) flag() {
	for _, word := range [...]string{"true", "false"} {
		if p.i+len(word) <= len(p.b) && string(p.b[p.i:p.i+len(word)]) == word {
			p.i += len(word)
			return
		}
	}
	p.odd = true
}

// object calls field for every field of an object; it must read the value, or
// say that it doesn't know the name.
func (p *plain) object(field func(name string) bool) {
	p.must('{')
	if p.take('}') {
		return
	}
	for !p.odd {
		name := p.text()
		p.must(':')
		if p.odd || !field(name) {
			p.odd = true
			return
		}
		if p.take('}') {
			return
		}
		p.must(',')
	}
}

// array calls element for each element.
func (p *plain) array(element func()) {
	p.must('[')
	if p.take(']') {
		return
	}
	for !p.odd {
		element()
		if p.take(']') {
			return
		}
		p.must(',')
	}
}

// done tells that all was read, and nothing of it was odd.
func (p *plain) done() bool { return !p.odd && p.i == len(p.b) }

// clockText reads times; most are in the second of the one before.
type clockText struct {
	second [19]byte
	millis record.Millis
}

const timeForm = "2006-01-02T15:04:05.000Z"

func (c *clockText) read(p *plain) record.Millis {
	s := p.text()
	if len(s) != len(timeForm) || s[19] != '.' || s[23] != 'Z' {
		p.odd = true
		return 0
	}
	millis := record.Millis(0)
	for _, d := range []byte(s[20:23]) {
		if d < '0' || d > '9' {
			p.odd = true
			return 0
		}
		millis = millis*10 + record.Millis(d-'0')
	}
	if string(c.second[:]) != s[:19] {
		var at record.Millis
		if err := at.UnmarshalText([]byte(s[:19] + "Z")); err != nil {
			p.odd = true
			return 0
		}
		copy(c.second[:], s)
		c.millis = at
	}
	return c.millis + millis
}

// updateSeen is what the audit reads of a record.OrderUpdate.
type updateSeen struct {
	OrderKey string        `json:"order_key"`
	Seq      int64         `json:"seq"`
	Type     string        `json:"type"`
	At       record.Millis `json:"at"`
	Lines    []lineSeen    `json:"lines"`
}

type lineSeen struct {
	Line      string          `json:"line"`
	SKU       string          `json:"sku"`
	Combo     string          `json:"combo"`
	Qty       record.Quantity `json:"qty"`
	State     string          `json:"state"`
	Warehouse string          `json:"warehouse"`
}

// statusSeen is what the audit reads of a record.StatusUpdate.
type statusSeen struct {
	OrderKey string `json:"order_key"`
	Seq      int64  `json:"seq"`
}

// stockSeen is what the audit reads of a record.StockUpdate.
type stockSeen struct {
	SKU         string          `json:"sku"`
	Warehouse   string          `json:"warehouse"`
	OnHand      record.Quantity `json:"on_hand"`
	Unavailable record.Quantity `json:"unavailable"`
	Held        record.Quantity `json:"held"`
	Allocated   record.Quantity `json:"allocated"`
	Available   record.Quantity `json:"available"`
	Version     int64           `json:"version"`
}

// sellableSeen is what the audit reads of a record.ChannelStock.
type sellableSeen struct {
	Channel  string          `json:"channel"`
	Shop     string          `json:"shop"`
	SKU      string          `json:"sku"`
	Sellable record.Quantity `json:"sellable"`
	Version  int64           `json:"version"`
}

// publicReader reads public records. What it returns is good until its next call
// and as long as the record.
type publicReader struct {
	p     plain
	clock clockText
	lines []lineSeen
}

func (r *publicReader) update(value []byte) (u updateSeen, err error) {
	p := &r.p
	*p = plain{b: value}
	r.lines = r.lines[:0]
	arrays := 0
	p.object(func(name string) bool {
		switch name {
		case "order_key":
			u.OrderKey = p.text()
		case "seq":
			u.Seq = p.number()
		case "type":
			u.Type = p.text()
		case "at":
			u.At = r.clock.read(p)
		case "lines":
			arrays++
			p.array(func() { r.line(p) })
		case "holdfast":
			p.number()
		case "status", "cause", "reason":
			p.text()
		case "refund_proposed":
			p.flag()
		default:
			return false
		}
		return arrays < 2
	})
	if p.done() {
		u.Lines = r.lines
		return u, nil
	}
	var slow updateSeen
	err = json.Unmarshal(value, &slow)
	return slow, err
}

func (r *publicReader) line(p *plain) {
	var l lineSeen
	p.object(func(name string) bool {
		switch name {
		case "line":
			l.Line = p.text()
		case "sku":
			l.SKU = p.text()
		case "combo":
			l.Combo = p.text()
		case "qty":
			l.Qty = record.Quantity(p.number())
		case "state":
			l.State = p.text()
		case "warehouse":
			l.Warehouse = p.text()
		default:
			return false
		}
		return true
	})
	r.lines = append(r.lines, l)
}

// status reads a record of channel.<name>.status. Its lines, which the audit
// doesn't look at, are mostly few, and skipped by form.
func (r *publicReader) status(value []byte) (u statusSeen, err error) {
	p := &r.p
	*p = plain{b: value}
	p.object(func(name string) bool {
		switch name {
		case "order_key":
			u.OrderKey = p.text()
		case "seq":
			u.Seq = p.number()
		case "holdfast":
			p.number()
		case "channel", "shop", "order_id", "status", "reason", "at":
			p.text()
		case "lines":
			p.array(func() { skipStatusLine(p) })
		default:
			return false
		}
		return true
	})
	if p.done() {
		return u, nil
	}
	var slow statusSeen
	err = json.Unmarshal(value, &slow)
	return slow, err
}

func skipStatusLine(p *plain) {
	p.object(func(name string) bool {
		switch name {
		case "line", "action", "warehouse", "tracking", "carrier":
			p.text()
		case "qty":
			p.number()
		default:
			return false
		}
		return true
	})
}

func (r *publicReader) stock(value []byte) (u stockSeen, err error) {
	p := &r.p
	*p = plain{b: value}
	p.object(func(name string) bool {
		switch name {
		case "sku":
			u.SKU = p.text()
		case "warehouse":
			u.Warehouse = p.text()
		case "on_hand":
			u.OnHand = record.Quantity(p.number())
		case "unavailable":
			u.Unavailable = record.Quantity(p.number())
		case "held":
			u.Held = record.Quantity(p.number())
		case "allocated":
			u.Allocated = record.Quantity(p.number())
		case "available":
			u.Available = record.Quantity(p.number())
		case "version":
			u.Version = p.number()
		case "holdfast", "incoming":
			p.number()
		case "at":
			p.text()
		default:
			return false
		}
		return true
	})
	if p.done() {
		return u, nil
	}
	var slow stockSeen
	err = json.Unmarshal(value, &slow)
	return slow, err
}

func (r *publicReader) sellable(value []byte) (u sellableSeen, err error) {
	p := &r.p
	*p = plain{b: value}
	p.object(func(name string) bool {
		switch name {
		case "channel":
			u.Channel = p.text()
		case "shop":
			u.Shop = p.text()
		case "sku":
			u.SKU = p.text()
		case "sellable":
			u.Sellable = record.Quantity(p.number())
		case "version":
			u.Version = p.number()
		case "holdfast":
			p.number()
		case "at":
			p.text()
		case "urgent":
			p.flag()
		default:
			return false
		}
		return true
	})
	if p.done() {
		return u, nil
	}
	var slow sellableSeen
	err = json.Unmarshal(value, &slow)
	return slow, err
}
