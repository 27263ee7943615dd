package shopee

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"holdfast/topology/record"
)

// order is an order of get_order_detail; only what is used is read.
type order struct {
	OrderSN         string      `json:"order_sn"`
	ShopID          json.Number `json:"shop_id"` // not in the documentation; taken where it is given
	Currency        string      `json:"currency"`
	COD             bool        `json:"cod"`
	OrderStatus     string      `json:"order_status"`
	CreateTime      int64       `json:"create_time"`
	UpdateTime      int64       `json:"update_time"`
	ShipByDate      int64       `json:"ship_by_date"`
	TotalAmount     json.Number `json:"total_amount"`
	FulfillmentFlag string      `json:"fulfillment_flag"`
	CancelBy        string      `json:"cancel_by"`
	CancelReason    string      `json:"cancel_reason"`
	BuyerUserID     json.Number `json:"buyer_user_id"`
	Recipient       struct {
		Region string `json:"region"`
	} `json:"recipient_address"`
	Items []item `json:"item_list"`
}

type item struct {
	ItemID           int64           `json:"item_id"`
	ItemSKU          string          `json:"item_sku"`
	ModelID          int64           `json:"model_id"`
	ModelSKU         string          `json:"model_sku"`
	Qty              record.Quantity `json:"model_quantity_purchased"`
	DiscountedPrice  json.Number     `json:"model_discounted_price"`
	OrderItemID      int64           `json:"order_item_id"`
	PromotionGroupID int64           `json:"promotion_group_id"`
	CancelledQty     record.Quantity `json:"cancelled_qty"`
}

// body brings the order into the normal form.
func (o *order) body() (record.ChannelBody, *record.Refusal) {
	none := record.ChannelBody{}
	state, ok := stateOf(o.OrderStatus)
	if !ok {
		return none, refuse(record.RefuseUnknownStatus, "order_status: %.60q isn't known", o.OrderStatus)
	}
	updated := o.UpdateTime
	if updated == 0 {
		updated = o.CreateTime
	}
	if updated == 0 {
		return none, refuse(record.RefuseBadTime, "update_time: missing")
	}
	at, refusal := millis("update_time", updated)
	if refusal != nil {
		return none, refusal
	}
	e := record.OrderEvent{
		EventID: o.eventID(), Type: record.OrderSnapshot, OccurredAt: at, State: state, Text: o.CancelReason,
		Order: &record.OrderBody{Allow: record.AllowPartial, Currency: o.Currency, CustomerID: o.BuyerUserID.String(), Region: o.Recipient.Region},
	}
	if state == record.StateCancelled {
		e.By = cancelledBy(o.CancelBy)
	}
	b := e.Order
	switch {
	case state == record.StateUnpaid:
		b.Payment = record.PaymentUnpaid
	case o.COD:
		b.Payment = record.PaymentCOD
	default:
		b.Payment = record.PaymentPrepaid
	}
	if b.ShipBy, refusal = millis("ship_by_date", o.ShipByDate); refusal != nil {
		return none, refusal
	}
	if b.TotalMinor, refusal = minor("total_amount", o.TotalAmount, o.Currency); refusal != nil {
		return none, refusal
	}
	if !o.bySeller() {
		e.State = record.StateRecorded
		return record.ChannelBody{Event: e, OrderID: o.OrderSN, ShopID: o.ShopID.String()}, nil
	}
	if b.Lines, refusal = o.lines(); refusal != nil {
		return none, refusal
	}
	return record.ChannelBody{Event: e, OrderID: o.OrderSN, ShopID: o.ShopID.String()}, nil
}

// bySeller tells whether the goods come out of the seller's stock, not out of
// Shopee's own warehouses.
func (o *order) bySeller() bool {
	return o.FulfillmentFlag == "" || strings.HasSuffix(o.FulfillmentFlag, "_seller")
}

func (o *order) lines() ([]record.OrderLine, *record.Refusal) {
	lines := make([]record.OrderLine, len(o.Items))
	for i := range o.Items {
		it := &o.Items[i]
		price, refusal := minor(fmt.Sprintf("item %d: model_discounted_price", i+1), it.DiscountedPrice, o.Currency)
		if refusal != nil {
			return nil, refusal
		}
		lines[i] = record.OrderLine{Line: it.line(), SKU: it.sku(), Qty: it.Qty, UnitPriceMinor: price, Cancelled: it.CancelledQty}
	}
	return lines, nil
}

// line is the line's id: the same item can be in an order several times, in
// other models or by other promotions.
func (it *item) line() string {
	id := strconv.FormatInt(it.OrderItemID, 10) + "/" + strconv.FormatInt(it.ModelID, 10)
	if it.PromotionGroupID != 0 {
		id += "/" + strconv.FormatInt(it.PromotionGroupID, 10)
	}
	return id
}

// sku is the seller's. The item's own stands for an item without models only:
// for one with models it would be the same for all of them.
func (it *item) sku() record.SKU {
	switch {
	case it.ModelSKU != "":
		return record.SKU(it.ModelSKU)
	case it.ModelID != 0:
		return record.SKU("shopee:" + strconv.FormatInt(it.ModelID, 10))
	case it.ItemSKU != "":
		return record.SKU(it.ItemSKU)
	}
	return record.SKU("shopee:" + strconv.FormatInt(it.ItemID, 10))
}

// eventID is a hash of what makes one state of the order differ from another:
// Shopee gives no event ids, and sends the same state again and again.
func (o *order) eventID() string {
	h := xxhash.New()
	write(h, "detail", o.OrderSN, o.OrderStatus, strconv.FormatInt(o.UpdateTime, 10))
	for i := range o.Items {
		it := &o.Items[i]
		write(h, it.line(), strconv.FormatInt(int64(it.Qty), 10), strconv.FormatInt(int64(it.CancelledQty), 10))
	}
	return fmt.Sprintf("shopee-%016x", h.Sum64())
}

// write adds the parts so that no two lists of parts look the same.
func write(h *xxhash.Digest, parts ...string) {
	for _, p := range parts {
		_, _ = h.WriteString(strconv.Itoa(len(p)) + ":" + p) // a hash takes all
	}
}

// minor converts an amount; absent, or without a currency, it is 0: amounts are
// shown, nothing is decided by them.
func minor(what string, amount json.Number, currency string) (int64, *record.Refusal) {
	if amount == "" || currency == "" {
		return 0, nil
	}
	v, err := record.ParseMoney(amount.String(), currency)
	if err != nil {
		return 0, refuse(record.RefuseBadMoney, "%s: %v", what, err)
	}
	return v, nil
}
