package simulation

import (
	"holdfast/topology"
	"holdfast/topology/record"
)

// comboSKU is the one combo of the sale.
const comboSKU record.SKU = "COMBO"

// combo is its row: of the second SKU and of one or two of the first.
func (s *Sale) combo(qty int) func(record.Millis) Input {
	row := record.CatalogItem{SKU: comboSKU, Components: []record.Component{{SKU: skuID(0), Qty: record.Quantity(qty)}, {SKU: skuID(1), Qty: 1}}}
	return func(record.Millis) Input { return jsonInput(topology.Catalog, string(comboSKU), row) }
}

// shop is a row of the marketplace's shop.
func (s *Sale) shop(active bool) func(record.Millis) Input {
	row := record.Shop{Channel: "shopee", Shop: "main", Buffer: record.Quantity(s.random.IntN(3)), Active: &active}
	return func(record.Millis) Input { return jsonInput(topology.ChannelTable, "shopee/main", row) }
}

// policy fences units off for some seconds, hides some, or takes that back.
func (s *Sale) policy(sku, w int) func(record.Millis) Input {
	kind, value := s.random.IntN(4), record.SettingInput{Present: true, Value: record.Quantity(s.random.IntN(6)), Null: s.random.IntN(5) == 0}
	if value.Null {
		value.Value = 0
	}
	lasts := record.Millis(500 + s.random.IntN(6_000))
	return func(now record.Millis) Input {
		in := record.StockInput{Holdfast: 1, EventID: s.event(), Type: "stock.policy", SKU: skuID(sku), OccurredAt: now}
		switch kind {
		case 0:
			in.Warehouse, in.Safety = warehouseID(w), value
		case 1:
			in.Buffer = value
		case 2:
			in.Channel, in.Buffer, in.Cap = "shopee/main", value, value
		case 3:
			in.Channel, in.Quota, in.Until = "shopee", value, now+lasts
		}
		return jsonInput(topology.StockFeed, string(in.SKU), in)
	}
}

// afterwards is what may come of an order once it is decided.
func (s *Sale) afterwards(channel, id string) (follow []func(record.Millis) Input) {
	add := func(chance int, f func(record.Millis) Input) {
		if s.random.IntN(chance) == 0 {
			follow = append(follow, f)
		}
	}
	add(4, s.partly("order.cancelled", channel, id))
	add(8, s.fulfilment("picked", channel, id))
	add(8, s.fulfilment("packed", channel, id))
	add(2, s.fulfilment("shipped", channel, id))
	add(6, s.fulfilment("delivered", channel, id))
	add(8, s.partly("return.received", channel, id))
	add(20, s.fulfilment("returned", channel, id))
	add(30, s.fulfilment("failed", channel, id)) // nothing takes it yet: it is refused
	return follow
}

// partly is an event about one unit of the first line.
func (s *Sale) partly(kind, channel, id string) func(record.Millis) Input {
	restock := []string{"sellable", "unavailable", "none"}[s.random.IntN(3)]
	return func(now record.Millis) Input {
		line := record.LineQtyInput{Line: "1", Qty: 1}
		in := record.OrderInput{Holdfast: 1, EventID: s.event(), Type: kind, Channel: channel, OrderID: id, OccurredAt: now}
		if kind == "order.cancelled" {
			in.By = "seller"
		} else {
			line.Restock = restock
		}
		in.Lines = []record.LineQtyInput{line}
		return jsonInput(topology.ChannelOrders(channel), channel+"/main/"+id, in)
	}
}

func (s *Sale) fulfilment(kind, channel, id string) func(record.Millis) Input {
	return func(now record.Millis) Input {
		return jsonInput(topology.FulfilmentFeed, channel+"/main/"+id, record.FulfilmentInput{
			Holdfast: 1, EventID: s.event(), Type: "fulfilment." + kind, OrderKey: record.MakeOrderKey(channel, "main", id), OccurredAt: now,
		})
	}
}
