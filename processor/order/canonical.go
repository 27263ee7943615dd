package order

import (
	"encoding/json"
	"fmt"
	"strings"

	"holdfast/topology/record"
)

// canonical writes an event as its public record would look: for dead letters,
// whose original bytes stand at the origin that goes along.
func canonical(e *record.OrderEvent) []byte {
	typ := e.Type.String()
	if e.Type == record.OrderNotSupported && e.Text != "" {
		typ = e.Text
	}
	if strings.HasPrefix(typ, "fulfilment.") {
		return marshal(&record.FulfilmentInput{Holdfast: 1, EventID: e.EventID, Type: typ, OrderKey: e.OrderKey,
			Warehouse: e.Warehouse, Lines: linesInput(e), Carrier: e.Carrier, Tracking: e.Tracking, OccurredAt: e.OccurredAt})
	}
	channel, shop, id, _ := e.OrderKey.Cut()
	in := &record.OrderInput{Holdfast: 1, EventID: e.EventID, Type: typ, Channel: channel, Shop: shop, OrderID: id,
		OccurredAt: e.OccurredAt, By: e.By, Reason: e.Text, Lines: linesInput(e), Warehouse: e.Warehouse, Order: bodyInput(e.Order)}
	switch {
	case e.Type == record.OrderNotSupported:
		in.Reason = ""
	case isMarketplaceWord(e):
		in.Reason = stateName(e.State)
	}
	return marshal(in)
}

func bodyInput(b *record.OrderBody) *record.OrderInputOrder {
	if b == nil {
		return nil
	}
	in := &record.OrderInputOrder{Currency: b.Currency, TotalMinor: b.TotalMinor, ShipBy: b.ShipBy}
	switch b.Payment {
	case record.PaymentUnpaid:
		in.Payment = "unpaid"
		if hold := b.HoldSeconds; hold > 0 {
			in.HoldSeconds = &hold
		}
	case record.PaymentPrepaid:
		in.Payment = "prepaid"
	case record.PaymentCOD:
		in.Payment = "cod"
	}
	switch b.Allow {
	case record.AllowAll:
		in.Allow = "all"
	case record.AllowPartial:
		in.Allow = "partial"
	case record.AllowBackorder:
		in.Allow = "backorder"
	}
	if b.CustomerID != "" || b.VIP {
		in.Customer = &record.CustomerInput{ID: b.CustomerID, VIP: b.VIP}
	}
	if b.HasPlace || b.Region != "" {
		in.ShipTo = &record.ShipToInput{Region: b.Region}
		if b.HasPlace {
			lat, lng := float64(b.LatE6)/1e6, float64(b.LngE6)/1e6
			in.ShipTo.Lat, in.ShipTo.Lng = &lat, &lng
		}
	}
	if at := string(b.PickupAt); at != "" {
		in.PickupAt = &at
	}
	in.Lines = make([]record.OrderLineInput, len(b.Lines))
	for i := range b.Lines {
		l := &b.Lines[i]
		in.Lines[i] = record.OrderLineInput{Line: l.Line, SKU: l.SKU, Qty: l.Qty, UnitPriceMinor: l.UnitPriceMinor}
	}
	return in
}

func linesInput(e *record.OrderEvent) []record.LineQtyInput {
	out := make([]record.LineQtyInput, len(e.Lines))
	for i, l := range e.Lines {
		out[i] = record.LineQtyInput{Line: l.Line, Qty: l.Qty}
		if e.Type == record.OrderReturned {
			out[i].Restock = l.Restock.String()
		}
	}
	return out
}

func stateName(s record.ChannelState) string {
	names := [...]string{"none", "recorded", "unpaid", "paid", "cancelled", "shipped", "completed"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("BUG: writing a canonical record: %v", err))
	}
	return b
}
