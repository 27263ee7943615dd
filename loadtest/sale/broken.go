package sale

import (
	"fmt"
	"strings"

	"holdfast/topology"
)

// brokenMessage writes a record that can't be taken, of one of several kinds.
// All of them end with the dead letters.
func (s *Sale) brokenMessage(d *due) Message {
	id := ofRun(&s.cfg, fmt.Sprintf("BAD-%d", d.number))
	on, other := "web", "lazada"
	if !s.has(on) {
		on = s.channels[0].name
	}
	if on == other {
		other = "web"
	}
	at := string(s.appendTime(nil, d.at))
	order := func(kind, channel, line string) string {
		return fmt.Sprintf(`{"holdfast":1,"event_id":"%s-c","type":"%s","channel":"%s","shop":"main","order_id":"%s","occurred_at":"%s","order":{"payment":"prepaid","currency":"VND","lines":[%s]}}`,
			id, kind, channel, id, at, line)
	}
	sku := s.goods.skus[0]
	line := fmt.Sprintf(`{"line":"1","sku":"%s","qty":1}`, sku)
	m := Message{Topic: topology.ChannelOrders(on), Key: []byte(on + "/main/" + id)}
	value := ""
	switch d.number % 9 {
	case 0:
		value = order("order.created", on, line)[:80]
	case 1:
		value = order("order.created", on, fmt.Sprintf(`{"line":"1","sku":"%s","qty":-3}`, sku))
	case 2:
		value = order("order.wished", on, line)
	case 3:
		value = strings.Replace(order("order.created", on, line), `"event_id":"`+id+`-c",`, "", 1)
	case 4:
		value = order("order.created", on, manyLines(sku))
	case 5:
		value = order("order.created", other, line)
	case 6:
		value = order("order.created", on, line+","+line)
	case 7:
		m.Topic, m.Key = "stock.feed", []byte(sku)
		value = fmt.Sprintf(`{"holdfast":1,"event_id":"%s","type":"stock.receive","sku":"%s","warehouse":"HCM-1","qty":0,"occurred_at":"%s"}`, id, sku, at)
	case 8:
		m.Topic, m.Key = "stock.feed", []byte(sku)
		value = fmt.Sprintf(`{"holdfast":1,"event_id":"%s","type":"stock.guess","sku":"%s","warehouse":"HCM-1","qty":1,"occurred_at":"%s"}`, id, sku, at)
	}
	m.Value = []byte(value)
	return m
}

// manyLines is one line more than an order may have.
func manyLines(sku string) string {
	var b strings.Builder
	for i := range 1001 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"line":"%d","sku":"%s","qty":1}`, i+1, sku)
	}
	return b.String()
}
