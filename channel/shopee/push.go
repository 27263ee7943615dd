package shopee

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"holdfast/topology/record"
)

// pushData is the data of a push with code 3.
type pushData struct {
	OrderSN    string `json:"ordersn"`
	Status     string `json:"status"`
	UpdateTime int64  `json:"update_time"`
}

func push(code int64, data json.RawMessage, shop string) ([]record.ChannelBody, *record.Refusal) {
	if code != pushOrderStatus {
		return nil, refuse(record.RefuseUnknownType, "code: %d; only pushes with code %d, order status, are orders", code, pushOrderStatus)
	}
	var d pushData
	if len(data) == 0 {
		return nil, refuse(record.RefuseMalformed, "data: missing")
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, refuseJSON("data: ", err)
	}
	state, ok := stateOf(d.Status)
	if !ok {
		return nil, refuse(record.RefuseUnknownStatus, "data.status: %.60q isn't known", d.Status)
	}
	if d.UpdateTime == 0 {
		return nil, refuse(record.RefuseBadTime, "data.update_time: missing")
	}
	at, refusal := millis("data.update_time", d.UpdateTime)
	if refusal != nil {
		return nil, refusal
	}
	h := xxhash.New()
	write(h, "push", d.OrderSN, d.Status, strconv.FormatInt(d.UpdateTime, 10))
	e := record.OrderEvent{
		EventID: fmt.Sprintf("shopee-%016x", h.Sum64()), Type: record.OrderStatus, OccurredAt: at, State: state,
	}
	if state == record.StateCancelled {
		e.By = "marketplace" // a push doesn't say who
	}
	return []record.ChannelBody{{Event: e, OrderID: d.OrderSN, ShopID: shop}}, nil
}
