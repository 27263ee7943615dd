package sale

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"holdfast/topology/record"
)

// write makes the message of what is due.
func (s *Sale) write(d *due) Message {
	switch d.what {
	case restocked:
		s.counts.Stock++
		qty := max(1, int64(0.05*s.goods.demand(&s.cfg, d.number)))
		return s.stockMessage(d.at, "stock.receive", d.number, s.goods.stock[d.number][0].warehouse, qty, s.counts.Stock)
	case damaged:
		s.counts.Stock++
		return s.stockMessage(d.at, "stock.damage", d.number, s.goods.stock[d.number][0].warehouse, 1, s.counts.Stock)
	case counted:
		s.counts.Stock++
		at := s.goods.stock[d.number][0]
		return s.stockMessage(d.at, "stock.count", d.number, at.warehouse, at.qty, s.counts.Stock)
	case closed, opened:
		row, open := s.warehouses[d.number].row, d.what == opened
		row.Active = &open
		return tableMessage("warehouses", string(row.ID), row)
	case adjusted:
		s.counts.Stock++
		at, qty := s.goods.stock[d.number][0], int64(-1)
		if at.qty < 10 {
			qty = 1 // the last one may be gone already
		}
		return s.stockMessage(d.at, "stock.adjust", d.number, at.warehouse, qty, s.counts.Stock)
	case broken:
		s.counts.Broken++
		return s.brokenMessage(d)
	}
	s.count(d)
	o := d.o
	m := Message{Topic: o.channel.topic, Key: []byte(o.key), OrderKey: o.key}
	if !o.first && hasOrder(d) {
		o.first, m.First = true, true
	}
	switch {
	case kindOfFulfilment(d.what) != "":
		m.Topic = "fulfilment.feed"
		m.Value = s.fulfilment(d)
	case d.what == lessened, d.what == returned:
		m.Value = s.canonicalEvent(d)
	case o.format == shopee && d.what == pushed:
		m.Value = s.shopeePush(d)
	case o.format == shopee:
		m.Value = s.shopeeOrder(d)
	case o.format == shopify:
		m.Value, m.Headers = s.shopifyOrder(d)
	default:
		m.Value = s.canonicalEvent(d)
	}
	return m
}

// hasOrder tells the messages that create an order that isn't known: the
// formats of channels always send it whole.
func hasOrder(d *due) bool {
	switch d.what {
	case created:
		return true
	case paid, cancelled:
		return d.o.format != canonical
	}
	return false
}

func (s *Sale) count(d *due) {
	switch d.what {
	case created:
		s.counts.Orders++
		s.counts.Lines += len(d.o.lines)
		for _, l := range d.o.lines {
			s.counts.Units += int(l.qty)
			if l.combo {
				s.counts.Combos++
			}
		}
		if d.o.allow == "backorder" {
			s.counts.Backorders++
		}
		if d.o.format != canonical {
			s.counts.Own++
		}
	case paid:
		s.counts.Paid++
	case cancelled:
		s.counts.Cancelled++
	case lessened:
		s.counts.Lessened++
	case delivered:
		s.counts.Delivered++
	case shipped:
		s.counts.Shipped++
	case pushed:
		if d.state == "SHIPPED" {
			s.counts.Shipped++
		}
	}
}

// canonicalEvent writes what every channel accepts.
func (s *Sale) canonicalEvent(d *due) []byte {
	o := d.o
	kind, tag := "order.created", "c"
	switch d.what {
	case paid:
		kind, tag = "order.paid", "p"
	case cancelled:
		kind, tag = "order.cancelled", "x"
	case lessened:
		kind, tag = "order.cancelled", "l"
	case returned:
		kind, tag = "return.received", "r"
	}
	b := make([]byte, 0, 640+96*len(o.lines))
	b = append(b, `{"holdfast":1,"event_id":"`...)
	b = append(b, o.id...)
	b = append(b, '-')
	b = append(b, tag...)
	b = append(b, `","type":"`...)
	b = append(b, kind...)
	b = append(b, `","channel":"`...)
	b = append(b, o.channel.name...)
	b = append(b, `","shop":"main","order_id":"`...)
	b = append(b, o.id...)
	b = append(b, `","occurred_at":"`...)
	b = s.appendTime(b, d.happened)
	b = append(b, '"')
	switch d.what {
	case cancelled:
		b = append(b, `,"by":"buyer"`...)
	case lessened:
		b = append(b, `,"by":"buyer","lines":[{"line":"1","qty":1}]`...)
	case returned:
		restock := [...]string{"sellable", "unavailable", "none"}[o.n%3]
		b = append(b, `,"lines":[{"line":"`...)
		b = append(b, s.lineID(o, 0)...)
		b = append(b, `","qty":1,"restock":"`...)
		b = append(b, restock...)
		b = append(b, `"}]`...)
	case created:
		b = append(b, `,"order":`...)
		b = s.appendOrder(b, o)
	}
	return append(b, '}')
}

func (s *Sale) appendOrder(b []byte, o *order) []byte {
	b = append(b, `{"payment":"`...)
	b = append(b, [...]string{record.PaymentUnpaid: "unpaid", record.PaymentPrepaid: "prepaid", record.PaymentCOD: "cod"}[o.payment]...)
	b = append(b, `","currency":"VND","total_minor":`...)
	b = strconv.AppendInt(b, s.total(o), 10)
	if o.hold > 0 {
		b = append(b, `,"hold_seconds":`...)
		b = strconv.AppendInt(b, int64(o.hold), 10)
	}
	if o.allow != "" {
		b = append(b, `,"allow":"`...)
		b = append(b, o.allow...)
		b = append(b, '"')
	}
	b = append(b, `,"customer":{"id":"C-`...)
	b = strconv.AppendInt(b, int64(o.buyer), 10)
	b = append(b, `","name":"`...)
	b = append(b, buyerName(o.buyer)...)
	b = append(b, `","phone":"+84`...)
	b = strconv.AppendInt(b, 900_000_000+int64(o.buyer), 10)
	b = append(b, `","email":"c`...)
	b = strconv.AppendInt(b, int64(o.buyer), 10)
	b = append(b, `@example.vn","vip":`...)
	b = strconv.AppendBool(b, o.vip)
	b = append(b, `},"ship_to":{"lat":`...)
	b = strconv.AppendFloat(b, o.lat, 'f', 5, 64)
	b = append(b, `,"lng":`...)
	b = strconv.AppendFloat(b, o.lng, 'f', 5, 64)
	b = append(b, `,"region":"`...)
	b = append(b, o.city.region...)
	b = append(b, `","address":"12 Lê Lợi, `...)
	b = append(b, o.city.name...)
	b = append(b, `"},"ship_by":"`...)
	b = s.appendTime(b, o.ordered+36*time.Hour)
	b = append(b, `","lines":[`...)
	for i, l := range o.lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"line":"`...)
		b = strconv.AppendInt(b, int64(i+1), 10)
		b = append(b, `","sku":"`...)
		b = append(b, s.goods.skuOf(l)...)
		b = append(b, `","qty":`...)
		b = strconv.AppendInt(b, l.qty, 10)
		b = append(b, `,"unit_price_minor":`...)
		b = strconv.AppendInt(b, s.goods.priceOf(l), 10)
		b = append(b, '}')
	}
	return append(b, `]}`...)
}

// lineID is how the order's own format calls a line.
func (s *Sale) lineID(o *order, i int) string {
	switch o.format {
	case shopee:
		return fmt.Sprintf("%d/%d", shopeeItem(o.lines[i]), shopeeModel(o.lines[i]))
	case shopify:
		return strconv.FormatInt(shopifyLine(o, i), 10)
	}
	return strconv.Itoa(i + 1)
}

// kindOfFulfilment is what fulfilment.feed calls it; "" for what isn't its own.
func kindOfFulfilment(w what) string {
	switch w {
	case picked:
		return "picked"
	case packed:
		return "packed"
	case shipped:
		return "shipped"
	case delivered:
		return "delivered"
	}
	return ""
}

// fulfilment writes a record of fulfilment.feed about all that is allocated.
func (s *Sale) fulfilment(d *due) []byte {
	kind := kindOfFulfilment(d.what)
	b := make([]byte, 0, 256)
	b = append(b, `{"holdfast":1,"event_id":"`...)
	b = append(b, d.o.id...)
	b = append(b, '-')
	b = append(b, kind...)
	b = append(b, `","type":"fulfilment.`...)
	b = append(b, kind...)
	b = append(b, `","order_key":"`...)
	b = append(b, d.o.key...)
	b = append(b, `","carrier":"ghn","tracking":"G`...)
	b = strconv.AppendInt(b, int64(100_000_000+d.o.n), 10)
	b = append(b, `","occurred_at":"`...)
	b = s.appendTime(b, d.happened)
	return append(b, `"}`...)
}

// stockMessage writes a record of stock.feed; n tells events of one SKU and
// warehouse apart.
func (s *Sale) stockMessage(at time.Duration, kind string, rank, warehouse int, qty int64, n int) Message {
	sku, id := s.goods.skus[rank], s.warehouses[warehouse].row.ID
	b := make([]byte, 0, 200)
	b = append(b, `{"holdfast":1,"event_id":"`...)
	b = append(b, sku...)
	b = append(b, '-')
	b = append(b, id...)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(n), 10)
	b = append(b, `","type":"`...)
	b = append(b, kind...)
	b = append(b, `","sku":"`...)
	b = append(b, sku...)
	b = append(b, `","warehouse":"`...)
	b = append(b, id...)
	b = append(b, `","qty":`...)
	b = strconv.AppendInt(b, qty, 10)
	b = append(b, `,"occurred_at":"`...)
	b = s.appendTime(b, at)
	b = append(b, `"}`...)
	return Message{Topic: "stock.feed", Key: []byte(sku), Value: b, AtOffset: at}
}

func tableMessage(topic, key string, row any) Message {
	value, err := json.Marshal(row)
	if err != nil {
		panic("BUG: table row: " + err.Error())
	}
	return Message{Topic: topic, Key: []byte(key), Value: value}
}

func (s *Sale) total(o *order) (sum int64) {
	for _, l := range o.lines {
		sum += l.qty * s.goods.priceOf(l)
	}
	return sum
}

// appendTime appends a time of the sale in Vietnam's zone.
func (s *Sale) appendTime(b []byte, at time.Duration) []byte {
	return (s.cfg.Start + record.Millis(at.Milliseconds())).Time().Add(7*time.Hour).AppendFormat(b, "2006-01-02T15:04:05.000+07:00")
}

func (s *Sale) unix(at time.Duration) int64 { return (int64(s.cfg.Start) + at.Milliseconds()) / 1000 }

func buyerName(n int) string {
	return [...]string{"Nguyễn Thị Lan", "Trần Văn Minh", "Lê Thu Hà", "Phạm Quốc Bảo", "Võ Ngọc Anh", "Đặng Gia Huy", "Bùi Thanh Mai", "Hoàng Đức Long"}[n%8]
}
