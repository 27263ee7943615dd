package shopee

import (
	"encoding/json"
	"errors"
	"fmt"

	"holdfast/topology/record"
)

// ordersMax is how many orders get_order_detail gives at most.
const ordersMax = 50

// pushOrderStatus is the code of the only push that is about an order's state.
const pushOrderStatus = 3

// envelope is what tells the forms apart.
type envelope struct {
	Code     *int64          `json:"code"`
	ShopID   json.Number     `json:"shop_id"`
	Data     json.RawMessage `json:"data"`
	Error    string          `json:"error"`
	Message  string          `json:"message"`
	OrderSN  *string         `json:"order_sn"`
	Response *struct {
		OrderList []json.RawMessage `json:"order_list"`
	} `json:"response"`
}

// Parse implements record.Adapter.
func Parse(value []byte, _ func(string) string) ([]record.ChannelBody, *record.Refusal) {
	var e envelope
	if err := json.Unmarshal(value, &e); err != nil {
		return nil, refuseJSON("", err)
	}
	shop := e.ShopID.String()
	switch {
	case e.Response != nil && e.Response.OrderList == nil:
		return nil, refuse(record.RefuseUnknownFormat, "response: there is no order_list in it")
	case e.Response != nil:
		return orders(e.Response.OrderList, shop)
	case e.OrderSN != nil:
		return orders([]json.RawMessage{value}, shop)
	case e.Code != nil:
		return push(*e.Code, e.Data, shop)
	case e.Error != "":
		return nil, refuse(record.RefuseUnknownFormat, "an answer with error %.100q, %.200q and no orders", e.Error, e.Message)
	}
	return nil, refuse(record.RefuseUnknownFormat, "neither orders of get_order_detail nor a push")
}

func orders(list []json.RawMessage, shop string) ([]record.ChannelBody, *record.Refusal) {
	if len(list) == 0 {
		return nil, refuse(record.RefuseMalformed, "order_list is empty")
	}
	if len(list) > ordersMax {
		return nil, refuse(record.RefuseMalformed, "order_list has %d orders, the most is %d", len(list), ordersMax)
	}
	out := make([]record.ChannelBody, len(list))
	for i, raw := range list {
		var o order
		if err := json.Unmarshal(raw, &o); err != nil {
			return nil, refuseJSON(fmt.Sprintf("order %d: ", i+1), err)
		}
		body, refusal := o.body()
		if refusal != nil {
			return nil, refuse(refusal.Reason, "order %d, %.100q: %s", i+1, o.OrderSN, refusal.Message)
		}
		if body.ShopID == "" {
			body.ShopID = shop
		}
		out[i] = body
	}
	return out, nil
}

func refuse(reason, format string, args ...any) *record.Refusal {
	return &record.Refusal{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// refuseJSON tells JSON that can't be read from JSON that is something else.
func refuseJSON(where string, err error) *record.Refusal {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return refuse(record.RefuseMalformed, "%s%s: a JSON %.40s can't be read there", where, wrong.Field, wrong.Value)
	}
	return refuse(record.RefuseMalformed, "%s%v", where, err)
}

// millis converts Shopee's seconds; 0 and null are none.
func millis(what string, seconds int64) (record.Millis, *record.Refusal) {
	const year3000 = 32_503_680_000
	if seconds < 0 || seconds > year3000 {
		return 0, refuse(record.RefuseBadTime, "%s: %d isn't a time in seconds", what, seconds)
	}
	return record.Millis(seconds * 1000), nil
}
