package sale

import (
	"strconv"

	"holdfast/topology/record"
)

// shopeeRunOrders is how many numbers a run has for itself, of which there are
// 1.7 million million.
const shopeeRunOrders = 1_700_000

// shopeeShop is the id of the demo's shop.
const shopeeShop = 727720001

// shopeeNumber is an order_sn: the day and eight letters and digits.
func shopeeNumber(n int) string {
	const digits = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	// Any odd factor spreads the numbers without making two the same, as long
	// as there are fewer than 34^8.
	x := uint64(n)*1_234_577 + 7_654_321
	sn := []byte("251111--------")
	for i := len(sn) - 1; i > 5; i-- {
		sn[i] = digits[x%uint64(len(digits))]
		x /= uint64(len(digits))
	}
	return string(sn)
}

// shopeeOrder writes the answer of get_order_detail for one order.
func (s *Sale) shopeeOrder(d *due) []byte {
	o := d.o
	cod := o.payment == record.PaymentCOD
	b := make([]byte, 0, 1200+640*len(o.lines))
	b = append(b, `{"error":"","message":"","request_id":"r-`...)
	b = strconv.AppendInt(b, int64(o.n), 10)
	b = append(b, `","response":{"order_list":[{"order_sn":"`...)
	b = append(b, o.id...)
	b = append(b, `","region":"VN","currency":"VND","cod":`...)
	b = strconv.AppendBool(b, cod)
	b = append(b, `,"order_status":"`...)
	b = append(b, d.state...)
	b = append(b, `","create_time":`...)
	b = strconv.AppendInt(b, s.unix(o.ordered), 10)
	b = append(b, `,"update_time":`...)
	b = strconv.AppendInt(b, s.unix(d.happened), 10)
	b = append(b, `,"pay_time":`...)
	if cod || d.state == "UNPAID" {
		b = append(b, `null`...)
	} else {
		b = strconv.AppendInt(b, s.unix(d.happened), 10)
	}
	b = append(b, `,"days_to_ship":2,"ship_by_date":`...)
	b = strconv.AppendInt(b, s.unix(o.ordered)+2*24*3600, 10)
	b = append(b, `,"total_amount":`...)
	b = strconv.AppendInt(b, s.total(o), 10)
	if cod {
		b = append(b, `,"payment_method":"Cash on Delivery"`...)
	} else {
		b = append(b, `,"payment_method":"ShopeePay Balance"`...)
	}
	b = append(b, `,"fulfillment_flag":"fulfilled_by_local_seller","split_up":false`...)
	if d.what == cancelled {
		b = append(b, `,"cancel_by":"buyer","cancel_reason":"Others"`...)
	} else {
		b = append(b, `,"cancel_by":"","cancel_reason":""`...)
	}
	b = append(b, `,"recipient_address":{"name":"N******A","phone":"******12","district":"","city":"`...)
	b = append(b, o.city.name...)
	b = append(b, `","state":"`...)
	b = append(b, o.city.name...)
	b = append(b, `","region":"VN","zipcode":"","full_address":"******"},"item_list":[`...)
	for i, l := range o.lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendShopeeItem(b, l)
	}
	return append(b, `],"package_list":[]}]}}`...)
}

func shopeeItem(l line) int64  { return 2_600_000_000 + int64(l.rank) }
func shopeeModel(l line) int64 { return 10_000_000_000 + int64(l.rank) }

func (s *Sale) appendShopeeItem(b []byte, l line) []byte {
	item, model := shopeeItem(l), shopeeModel(l)
	number := func(name string, v int64) {
		b = append(b, name...)
		b = strconv.AppendInt(b, v, 10)
	}
	number(`{"item_id":`, item)
	b = append(b, `,"item_name":"Demo goods","item_sku":"`...)
	b = append(b, s.goods.skus[l.rank]...)
	number(`","model_id":`, model)
	b = append(b, `,"model_name":"","model_sku":"`...)
	b = append(b, s.goods.skus[l.rank]...)
	number(`","model_quantity_purchased":`, l.qty)
	number(`,"model_original_price":`, s.goods.prices[l.rank])
	number(`,"model_discounted_price":`, s.goods.prices[l.rank])
	b = append(b, `,"add_on_deal":false,"main_item":false,"add_on_deal_id":0,"promotion_type":"flash_sale","promotion_id":779222207758537`...)
	number(`,"order_item_id":`, item)
	b = append(b, `,"promotion_group_id":0,"product_location_id":["VN10XX2UZ"]`...)
	number(`,"active_qty":`, l.qty)
	return append(b, `,"cancel_requested_qty":0,"cancelled_qty":0,"return_requested_qty":0,"returned_qty":0}`...)
}

// shopeePush writes an order status push: it has the state, and no order.
func (s *Sale) shopeePush(d *due) []byte {
	b := make([]byte, 0, 256)
	b = append(b, `{"msg_id":"m-`...)
	b = append(b, d.o.id...)
	b = append(b, '-')
	b = append(b, d.state...)
	b = append(b, `","shop_id":`...)
	b = strconv.AppendInt(b, shopeeShop, 10)
	b = append(b, `,"code":3,"timestamp":`...)
	b = strconv.AppendInt(b, s.unix(d.happened), 10)
	b = append(b, `,"data":{"items":[],"ordersn":"`...)
	b = append(b, d.o.id...)
	b = append(b, `","status":"`...)
	b = append(b, d.state...)
	b = append(b, `","completed_scenario":"","update_time":`...)
	b = strconv.AppendInt(b, s.unix(d.happened), 10)
	return append(b, `}}`...)
}
