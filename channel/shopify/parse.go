package shopify

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"holdfast/topology/record"
)

// Headers of a webhook.
const (
	headerTopic      = "X-Shopify-Topic"
	headerEventID    = "X-Shopify-Event-Id"
	headerShopDomain = "X-Shopify-Shop-Domain"
)

// Parse implements record.Adapter.
func Parse(value []byte, header func(string) string) ([]record.ChannelBody, *record.Refusal) {
	// Products, customers and deleted orders have no order in their body.
	if topic := header(headerTopic); topic != "" && (!strings.HasPrefix(topic, "orders/") || topic == "orders/delete") {
		return nil, refuse(record.RefuseUnknownType, "%s: %.60q brings no order; orders/updated tells what it changes of one", headerTopic, topic)
	}
	var o order
	if err := json.Unmarshal(value, &o); err != nil {
		return nil, refuseJSON(err)
	}
	if o.ID == 0 || o.LineItems == nil {
		return nil, refuse(record.RefuseUnknownFormat, "not an order: it has no id or no line_items")
	}
	if o.Test {
		return nil, refuse(record.RefuseTestOrder, "order %d is a test", o.ID)
	}
	event, refusal := o.event()
	if refusal != nil {
		return nil, refuse(refusal.Reason, "order %d: %s", o.ID, refusal.Message)
	}
	if event.EventID = header(headerEventID); event.EventID == "" {
		event.EventID = o.eventID()
	}
	events := append([]record.OrderEvent{*event}, o.shipments()...)
	if event.State == record.StateCancelled {
		// What has left can't be cancelled any more: it is told before the cancel.
		events = append(events[1:], events[0])
	}
	bodies := make([]record.ChannelBody, len(events))
	for i := range events {
		bodies[i] = record.ChannelBody{Event: events[i], OrderID: strconv.FormatInt(o.ID, 10), ShopID: header(headerShopDomain)}
	}
	return bodies, nil
}

// eventID stands in where the header is missing (an order that was fetched): a
// hash of what makes one state of the order differ from another.
func (o *order) eventID() string {
	h := xxhash.New()
	write := func(parts ...string) {
		for _, p := range parts {
			_, _ = h.WriteString(strconv.Itoa(len(p)) + ":" + p) // a hash takes all
		}
	}
	write(strconv.FormatInt(o.ID, 10), o.FinancialStatus, o.Fulfilled, o.UpdatedAt.String(), o.CancelledAt.String())
	cancelled := o.cancelled()
	for i := range o.LineItems {
		l := &o.LineItems[i]
		write(strconv.FormatInt(l.ID, 10), strconv.FormatInt(int64(l.Quantity), 10), strconv.FormatInt(int64(cancelled[l.ID]), 10))
	}
	return fmt.Sprintf("shopify-%016x", h.Sum64())
}

func refuse(reason, format string, args ...any) *record.Refusal {
	return &record.Refusal{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

func refuseJSON(err error) *record.Refusal {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, record.ErrTime):
		return refuse(record.RefuseBadTime, "%v", err)
	case errors.As(err, &wrong):
		return refuse(record.RefuseMalformed, "%s: a JSON %.40s can't be read there", wrong.Field, wrong.Value)
	}
	return refuse(record.RefuseMalformed, "%v", err)
}
