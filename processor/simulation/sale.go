package simulation

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"

	"holdfast/processor"
	"holdfast/processor/channels"
	"holdfast/processor/intake"
	"holdfast/processor/inventory"
	"holdfast/processor/order"
	"holdfast/processor/stage"
	"holdfast/topology"
	"holdfast/topology/record"
)

// dueChunk is what the orders stage works off in a transaction.
const dueChunk = 2

// SaleStages are all stages, with times so short that everything that is ever
// due falls into a run, and chunks so small that it takes several transactions.
func SaleStages() Stages {
	names := []string{"shopee", "web"}
	orders := order.DefaultConfig()
	orders.KeepClosedMillis, orders.AcceptAgeMillis = 20_000, 20_000
	orders.MarketplaceHoldMillis, orders.DecideWithinMillis, orders.InboxMillis = 6_000, 3_000, 4_000
	orders.InboxEventsMax, orders.DueChunk = 4, dueChunk
	return Stages{
		topology.StageIntake:    func(processor.TopicPartition) stage.Stage { return intake.New(intake.Config{Channels: names}) },
		topology.StageOrders:    func(processor.TopicPartition) stage.Stage { return order.New(orders) },
		topology.StageInventory: func(processor.TopicPartition) stage.Stage { return inventory.New(inventory.Config{ForgetMax: 2}) },
		topology.StageChannels: func(processor.TopicPartition) stage.Stage {
			return channels.New(channels.Config{Channels: names, ChunkMax: 2})
		},
	}
}

// Sale is a small sale in which everything happens: a few hot SKUs sell out and
// a combo of them is sold, orders are paid late or never, cancelled whole or in
// part, picked, packed, shipped, delivered and returned, told twice and out of
// order; stock is counted, damaged, fenced off. Records are made when they are
// fed, so that their times fit.
type Sale struct {
	random  *rand.Rand
	orders  int // still to be created
	made    int
	waiting []func(now record.Millis) Input // sent next, in any order
	head    []func(now record.Millis) Input // sent first
	again   []Input                         // may be sent once more
}

const saleSKUs = 5

// NewSale returns a sale of some orders.
func NewSale(seed uint64, orders int) *Sale {
	s := &Sale{random: rand.New(rand.NewPCG(seed, 0x73616c65)), orders: orders}
	for i := range 3 {
		s.head = append(s.head, s.warehouse(i, true))
	}
	s.head = append(s.head, s.combo(1))
	for sku := range saleSKUs {
		for w := range 3 {
			if s.random.IntN(3) > 0 {
				s.head = append(s.head, s.stock("stock.count", sku, w, s.random.IntN(24)))
			}
		}
	}
	return s
}

// Next returns the next record; ok is false when there is none left.
func (s *Sale) Next(now record.Millis) (in Input, ok bool) {
	switch {
	case len(s.head) > 0:
		in, s.head = s.head[0](now), s.head[1:]
	case len(s.again) > 0 && s.random.IntN(12) == 0:
		i := s.random.IntN(len(s.again))
		in = s.again[i]
		s.again = slices.Delete(s.again, i, i+1)
	case len(s.waiting) > 0 && (s.orders == 0 || s.random.IntN(2) == 0):
		i := s.random.IntN(len(s.waiting))
		in = s.waiting[i](now)
		s.waiting = slices.Delete(s.waiting, i, i+1)
	case s.orders > 0:
		if in, ok = s.other(now); !ok {
			s.orders--
			in = s.order(now)
		}
	default:
		return Input{}, false
	}
	if s.random.IntN(8) == 0 {
		s.again = append(s.again, in)
	}
	if s.random.IntN(6) == 0 {
		in.Partition = int32(s.random.IntN(2)) // whoever sends it partitions by something else
	}
	return in, true
}

// other now and then returns something that isn't an order.
func (s *Sale) other(now record.Millis) (Input, bool) {
	sku, w := s.random.IntN(saleSKUs), s.random.IntN(3)
	switch s.random.IntN(36) {
	case 0:
		return s.stock("stock.receive", sku, w, 1+s.random.IntN(9))(now), true
	case 1:
		return s.stock("stock.adjust", sku, w, []int{-3, -1, 2}[s.random.IntN(3)])(now), true
	case 2:
		return s.stock("stock.count", sku, w, s.random.IntN(12))(now), true
	case 3:
		return s.warehouse(w, s.random.IntN(3) > 0)(now), true
	case 4:
		return Input{Topic: topology.ChannelOrders("web"), Partition: -1, Value: []byte(`{"holdfast":1,"type":`)}, true
	case 5:
		return s.stock("stock.damage", sku, w, []int{-1, 1, 2}[s.random.IntN(3)])(now), true
	case 6, 7:
		return s.policy(sku, w)(now), true
	case 8:
		return s.combo(1 + s.random.IntN(2))(now), true
	case 9:
		return s.shop(s.random.IntN(4) > 0)(now), true
	}
	return Input{}, false
}

func jsonInput(topic, key string, value any) Input {
	b, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("BUG: %v", err))
	}
	return Input{Topic: topic, Partition: -1, Key: []byte(key), Value: b}
}

func (s *Sale) event() string {
	s.made++
	return fmt.Sprintf("e%d", s.made)
}

func warehouseID(n int) record.WarehouseID { return record.WarehouseID(fmt.Sprintf("W%d", n)) }
func skuID(n int) record.SKU               { return record.SKU(fmt.Sprintf("SKU-%d", n)) }

func (s *Sale) warehouse(n int, active bool) func(record.Millis) Input {
	row := record.Warehouse{ID: warehouseID(n), Active: &active}
	if n == 2 {
		row.Serves = []string{"web"}
	}
	return func(record.Millis) Input { return jsonInput(topology.Warehouses, string(row.ID), row) }
}

func (s *Sale) stock(kind string, sku, w, qty int) func(record.Millis) Input {
	return func(now record.Millis) Input {
		q := record.Quantity(qty)
		return jsonInput(topology.StockFeed, string(skuID(sku)), record.StockInput{
			Holdfast: 1, EventID: s.event(), Type: kind, SKU: skuID(sku), Warehouse: warehouseID(w), Qty: &q, OccurredAt: now,
		})
	}
}

// order makes a create, or what comes before it where things are out of order,
// and what will follow.
func (s *Sale) order(now record.Millis) Input {
	channel := []string{"web", "web", "shopee"}[s.random.IntN(3)]
	id := fmt.Sprintf("O%d", s.orders)
	hold := int64(1 + s.random.IntN(6))
	o := record.OrderInputOrder{
		Payment: []string{"unpaid", "unpaid", "prepaid", "prepaid", "cod"}[s.random.IntN(5)],
		Allow:   []string{"all", "all", "partial", "backorder"}[s.random.IntN(4)], HoldSeconds: &hold,
	}
	for range 1 + s.random.IntN(3) {
		// The square of chance makes some SKUs hot.
		sku := s.random.IntN(1 + s.random.IntN(saleSKUs))
		o.Lines = append(o.Lines, record.OrderLineInput{SKU: skuID(sku), Qty: record.Quantity(1 + s.random.IntN(2))})
	}
	if s.random.IntN(5) == 0 {
		o.Lines[0].SKU = comboSKU
	}
	create := s.orderEvent("order.created", channel, id, &o)(now)
	var follow []func(record.Millis) Input
	if o.Payment == "unpaid" && s.random.IntN(3) > 0 {
		follow = append(follow, s.orderEvent("order.paid", channel, id, nil))
	}
	if s.random.IntN(4) == 0 {
		follow = append(follow, s.orderEvent("order.cancelled", channel, id, nil))
	}
	follow = append(follow, s.afterwards(channel, id)...)
	if len(follow) > 0 && s.random.IntN(10) == 0 {
		early := follow[0](now)
		follow[0] = func(record.Millis) Input { return create }
		create = early
	}
	s.waiting = append(s.waiting, follow...)
	return create
}

func (s *Sale) orderEvent(kind, channel, id string, o *record.OrderInputOrder) func(record.Millis) Input {
	return func(now record.Millis) Input {
		in := record.OrderInput{Holdfast: 1, EventID: s.event(), Type: kind, Channel: channel, OrderID: id, OccurredAt: now, Order: o}
		if kind == "order.cancelled" {
			in.By = "buyer"
		}
		return jsonInput(topology.ChannelOrders(channel), channel+"/main/"+id, in)
	}
}
