package shopify

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"holdfast/topology/record"
)

// order is the REST resource Order; only what is used is read.
type order struct {
	ID              int64         `json:"id"`
	CreatedAt       record.Millis `json:"created_at"`
	UpdatedAt       record.Millis `json:"updated_at"`
	CancelledAt     record.Millis `json:"cancelled_at"`
	CancelReason    string        `json:"cancel_reason"`
	FinancialStatus string        `json:"financial_status"`
	Fulfilled       string        `json:"fulfillment_status"`
	Gateway         string        `json:"gateway"`
	Gateways        []string      `json:"payment_gateway_names"`
	Currency        string        `json:"currency"`
	TotalPrice      json.Number   `json:"total_price"`
	Test            bool          `json:"test"`
	Customer        struct {
		ID json.Number `json:"id"`
	} `json:"customer"`
	ShippingAddress *address   `json:"shipping_address"`
	LineItems       []lineItem `json:"line_items"`
	Refunds         []struct {
		RefundLineItems []refundLineItem `json:"refund_line_items"`
	} `json:"refunds"`
	Fulfillments []fulfillment `json:"fulfillments"`
}

type address struct {
	ProvinceCode string   `json:"province_code"`
	CountryCode  string   `json:"country_code"`
	Latitude     *float64 `json:"latitude"`
	Longitude    *float64 `json:"longitude"`
}

type lineItem struct {
	ID        int64           `json:"id"`
	VariantID int64           `json:"variant_id"`
	SKU       string          `json:"sku"`
	Quantity  record.Quantity `json:"quantity"`
	Price     json.Number     `json:"price"`
	GiftCard  bool            `json:"gift_card"`
}

type refundLineItem struct {
	LineItemID  int64           `json:"line_item_id"`
	Quantity    record.Quantity `json:"quantity"`
	RestockType string          `json:"restock_type"`
}

// event brings the order into the normal form.
func (o *order) event() (*record.OrderEvent, *record.Refusal) {
	e := &record.OrderEvent{Type: record.OrderSnapshot, OccurredAt: o.UpdatedAt, Text: o.CancelReason}
	if e.OccurredAt == 0 {
		e.OccurredAt = o.CreatedAt
	}
	if e.OccurredAt <= 0 {
		return nil, refuse(record.RefuseBadTime, "updated_at: missing, or before 1970")
	}
	state, payment, ok := o.state()
	if !ok {
		return nil, refuse(record.RefuseUnknownStatus, "financial_status: %.60q isn't known", o.FinancialStatus)
	}
	if e.State = state; state == record.StateCancelled {
		e.By = "seller"
		if o.CancelReason == "customer" {
			e.By = "buyer"
		}
	}
	total, refusal := minor("total_price", o.TotalPrice, o.Currency)
	if refusal != nil {
		return nil, refusal
	}
	e.Order = &record.OrderBody{
		Payment: payment, Allow: record.AllowPartial, Currency: o.Currency, TotalMinor: total, CustomerID: o.Customer.ID.String(),
	}
	if a := o.ShippingAddress; a != nil {
		e.Order.Region = a.region()
		e.Order.HasPlace, e.Order.LatE6, e.Order.LngE6 = a.place()
	}
	if e.Order.Lines, refusal = o.lines(); refusal != nil {
		return nil, refusal
	}
	if len(e.Order.Lines) == 0 {
		e.State = record.StateRecorded // gift cards alone: nothing that could be in stock
	}
	return e, nil
}

// state maps the order's state and how it is paid.
func (o *order) state() (state record.ChannelState, payment record.Payment, ok bool) {
	state, payment = record.StatePaid, record.PaymentPrepaid
	switch o.FinancialStatus {
	case "paid", "authorized", "partially_paid", "partially_refunded":
	case "pending":
		if o.isCashOnDelivery() {
			payment = record.PaymentCOD
		} else {
			state, payment = record.StateUnpaid, record.PaymentUnpaid
		}
	case "refunded", "voided", "expired":
		state = record.StateRecorded
	default:
		return record.StateNone, 0, false
	}
	if o.CancelledAt != 0 {
		state = record.StateCancelled
	}
	return state, payment, true
}

// isCashOnDelivery goes by the gateway's name, which the shop's owner can write
// as they like; Shopify's own is "Cash on Delivery (COD)".
func (o *order) isCashOnDelivery() bool {
	for _, name := range append([]string{o.Gateway}, o.Gateways...) {
		name = strings.ToLower(name)
		if strings.Contains(name, "cash on delivery") || strings.Contains(name, "cash_on_delivery") {
			return true
		}
		for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r < 'a' || r > 'z' }) {
			if word == "cod" {
				return true
			}
		}
	}
	return false
}

func (o *order) lines() ([]record.OrderLine, *record.Refusal) {
	var lines []record.OrderLine
	cancelled := o.cancelled()
	for i := range o.LineItems {
		l := &o.LineItems[i]
		if l.GiftCard {
			continue
		}
		price, refusal := minor(fmt.Sprintf("line item %d: price", i+1), l.Price, o.Currency)
		if refusal != nil {
			return nil, refusal
		}
		lines = append(lines, record.OrderLine{
			Line: strconv.FormatInt(l.ID, 10), SKU: l.sku(), Qty: l.Quantity, UnitPriceMinor: price, Cancelled: min(cancelled[l.ID], l.Quantity),
		})
	}
	return lines, nil
}

// sku is the seller's, else Shopify's id of the variant; what was typed in by
// hand has neither.
func (l *lineItem) sku() record.SKU {
	switch {
	case l.SKU != "":
		return record.SKU(l.SKU)
	case l.VariantID != 0:
		return record.SKU("shopify:" + strconv.FormatInt(l.VariantID, 10))
	}
	return record.SKU("shopify:line-" + strconv.FormatInt(l.ID, 10))
}

// cancelled adds up the units by line that were cancelled before fulfilment.
func (o *order) cancelled() map[int64]record.Quantity {
	sums := map[int64]record.Quantity{}
	for _, refund := range o.Refunds {
		for _, l := range refund.RefundLineItems {
			if l.RestockType == "cancel" && l.Quantity <= record.LineQtyMax {
				sums[l.LineItemID] += max(l.Quantity, 0)
			}
		}
	}
	return sums
}

// region is the ISO 3166-2 code; some shops' province codes have the country in
// front already.
func (a *address) region() string {
	switch {
	case a.ProvinceCode == "":
		return a.CountryCode
	case a.CountryCode == "" || strings.HasPrefix(a.ProvinceCode, a.CountryCode+"-"):
		return a.ProvinceCode
	}
	return a.CountryCode + "-" + a.ProvinceCode
}

// place returns the coordinates; Shopify guesses them from the address, so what
// isn't on earth is left out, and doesn't cost the order.
func (a *address) place() (ok bool, latE6, lngE6 int64) {
	if a.Latitude == nil || a.Longitude == nil || math.Abs(*a.Latitude) > 90 || math.Abs(*a.Longitude) > 180 {
		return false, 0, 0
	}
	return true, int64(math.Round(*a.Latitude * 1e6)), int64(math.Round(*a.Longitude * 1e6))
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
