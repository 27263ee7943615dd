package sale

import (
	"fmt"
	"strconv"
	"time"

	"holdfast/topology/record"
)

const (
	shopifyDomain     = "demo-shop.myshopify.com"
	shopifyFirstOrder = 5_100_000_000_000
	shopifyRunOrders  = 100_000_000 // how many numbers a run has for itself
)

// shopifyOrder writes a webhook: always the whole order, with its topic in a
// header.
func (s *Sale) shopifyOrder(d *due) ([]byte, []Header) {
	o := d.o
	topic, financial, gateway := "orders/create", "paid", "vnpay"
	if o.payment == record.PaymentCOD {
		financial, gateway = "pending", "Cash on Delivery (COD)"
	}
	if o.payment == record.PaymentUnpaid && d.what == created {
		financial = "pending"
	}
	switch d.what {
	case paid:
		topic = "orders/paid"
	case cancelled:
		topic = "orders/cancelled"
	}
	b := make([]byte, 0, 1400+400*len(o.lines))
	b = append(b, `{"id":`...)
	b = append(b, o.id...)
	b = append(b, `,"admin_graphql_api_id":"gid://shopify/Order/`...)
	b = append(b, o.id...)
	b = append(b, `","name":"#`...)
	b = strconv.AppendInt(b, int64(1000+o.n), 10)
	b = append(b, `","order_number":`...)
	b = strconv.AppendInt(b, int64(1000+o.n), 10)
	b = append(b, `,"created_at":"`...)
	b = s.appendSeconds(b, o.ordered)
	b = append(b, `","updated_at":"`...)
	b = s.appendSeconds(b, d.happened)
	if d.what == cancelled {
		b = append(b, `","cancelled_at":"`...)
		b = s.appendSeconds(b, d.happened)
		b = append(b, `","cancel_reason":"customer"`...)
	} else {
		b = append(b, `","cancelled_at":null,"cancel_reason":null`...)
	}
	b = append(b, `,"financial_status":"`...)
	b = append(b, financial...)
	b = append(b, `","fulfillment_status":null,"gateway":"`...)
	b = append(b, gateway...)
	b = append(b, `","payment_gateway_names":["`...)
	b = append(b, gateway...)
	b = append(b, `"],"currency":"VND","total_price":"`...)
	b = strconv.AppendInt(b, s.total(o), 10)
	b = append(b, `","source_name":"web","location_id":null,"test":false,"customer":{"id":`...)
	b = strconv.AppendInt(b, 7_000_000_000_000+int64(o.buyer), 10)
	b = append(b, `},"line_items":[`...)
	for i, l := range o.lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendShopifyLine(b, o, i, l)
	}
	b = append(b, `],"shipping_address":{"name":"`...)
	b = append(b, buyerName(o.buyer)...)
	b = append(b, `","address1":"12 Lê Lợi","city":"`...)
	b = append(b, o.city.name...)
	b = append(b, `","province":"`...)
	b = append(b, o.city.name...)
	b = append(b, `","province_code":"`...)
	b = append(b, o.city.region...)
	b = append(b, `","zip":"700000","country_code":"VN","phone":"+84900000000","latitude":`...)
	b = strconv.AppendFloat(b, o.lat, 'f', 5, 64)
	b = append(b, `,"longitude":`...)
	b = strconv.AppendFloat(b, o.lng, 'f', 5, 64)
	b = append(b, `},"shipping_lines":[],"refunds":[],"fulfillments":[]}`...)
	return b, s.shopifyHeaders(d, topic)
}

func shopifyLine(o *order, i int) int64 { return 13_000_000_000_000 + int64(o.n)*10 + int64(i) }

func (s *Sale) appendShopifyLine(b []byte, o *order, i int, l line) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, shopifyLine(o, i), 10)
	b = append(b, `,"variant_id":`...)
	b = strconv.AppendInt(b, 43_000_000_000_000+int64(l.rank), 10)
	b = append(b, `,"product_id":`...)
	b = strconv.AppendInt(b, 8_000_000_000_000+int64(l.rank), 10)
	b = append(b, `,"sku":"`...)
	b = append(b, s.goods.skus[l.rank]...)
	b = append(b, `","title":"Demo goods","variant_title":"","quantity":`...)
	b = strconv.AppendInt(b, l.qty, 10)
	b = append(b, `,"fulfillable_quantity":`...)
	b = strconv.AppendInt(b, l.qty, 10)
	b = append(b, `,"price":"`...)
	b = strconv.AppendInt(b, s.goods.prices[l.rank], 10)
	return append(b, `","fulfillment_status":null,"requires_shipping":true,"gift_card":false,"properties":[]}`...)
}

func (s *Sale) shopifyHeaders(d *due, topic string) []Header {
	id := fmt.Sprintf("%08x-1111-4000-8000-%012x", d.o.n, uint64(d.what)+1)
	return []Header{
		{"X-Shopify-Topic", []byte(topic)},
		{"X-Shopify-Shop-Domain", []byte(shopifyDomain)},
		{"X-Shopify-API-Version", []byte("2026-04")},
		{"X-Shopify-Webhook-Id", []byte("b" + id[1:])},
		{"X-Shopify-Event-Id", []byte(id)},
		{"X-Shopify-Triggered-At", s.appendTime(nil, d.happened)},
	}
}

// appendSeconds appends a time as Shopify's bodies have it.
func (s *Sale) appendSeconds(b []byte, at time.Duration) []byte {
	return time.Unix(s.unix(at), 0).UTC().Add(7*time.Hour).AppendFormat(b, "2006-01-02T15:04:05+07:00")
}
