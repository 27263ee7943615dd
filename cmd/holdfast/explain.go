package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/explain"
	"holdfast/topology"
	"holdfast/topology/record"
)

type explainCmd struct {
	clusterFlags
	outputFlag
	Key   string `arg:"" optional:"" help:"An order, as channel/shop/order_id; or a SKU." placeholder:"ORDER_KEY|SKU"`
	SKU   string `name:"sku" help:"A SKU, whatever it looks like: one with two slashes would be taken for an order." placeholder:"SKU"`
	Limit int    `help:"Of a SKU, the newest so many entries." default:"50"`
}

func (c *explainCmd) Help() string {
	return `The story of one order: first as it can be read out to who bought, then every record that came in, each decision with the stock before and after, and what was told, with their places in the logs.

The story of a SKU, by warehouse, newest last: what came in, who took it, counts and damage.

Times are in this machine's zone (TZ).`
}

func (c *explainCmd) Run(ctx context.Context, a *app) error {
	_, _, _, isOrder := record.OrderKey(c.Key).Cut()
	switch {
	case (c.Key == "") == (c.SKU == ""):
		return usageErrorf("one of them: an order key (channel/shop/order_id), a SKU, or --sku SKU")
	case c.Limit < 1:
		return usageErrorf("--limit %d: must be above 0", c.Limit)
	}
	l, err := a.openLogs(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	if c.SKU == "" && isOrder {
		return c.order(ctx, a, l)
	}
	return c.sku(ctx, a, l)
}

func (c *explainCmd) order(ctx context.Context, a *app, l *logs) error {
	e := explain.New(record.OrderKey(c.Key), l.topology.AppID)
	owner := logPartitions{}
	l.addOwner(owner, topology.LogOrders, c.Key)
	if err := l.read(ctx, owner, "explain: records of orders read", e.Add); err != nil {
		return err
	}
	rest := logPartitions{}
	for _, sku := range e.SKUs() {
		l.addOwner(rest, topology.LogAvailability, string(sku))
	}
	l.addHome(rest, topology.OrderEvents, c.Key)
	l.addAll(rest, topology.DeadLetters)
	if err := l.read(ctx, rest, "explain: records read", e.Add); err != nil {
		return err
	}
	if e.HasGap() {
		// A topic that was given more partitions has its older records elsewhere.
		others := logPartitions{}
		l.addAll(others, topology.OrderEvents)
		for tp := range rest {
			delete(others, tp)
		}
		if err := l.read(ctx, others, "explain: older events read", e.Add); err != nil {
			return err
		}
	}
	story, ok := e.Story()
	if !ok {
		return fmt.Errorf("no order %s in the logs (an order key is channel/shop/order_id; ids are taken as they are, capitals count)", c.Key)
	}
	if c.json() {
		return a.printJSON(story)
	}
	var err error
	if story.Names, err = l.warehouseNames(ctx); err != nil {
		return err
	}
	return story.WriteText(a.Stdout, time.Local)
}

func (c *explainCmd) sku(ctx context.Context, a *app, l *logs) error {
	sku := c.SKU
	if sku == "" {
		sku = c.Key
	}
	f := explain.NewSKUFold(record.SKU(sku), c.Limit)
	decisions := logPartitions{}
	l.addAll(decisions, topology.LogOrders) // who took it: by order
	l.addOwner(decisions, topology.LogAvailability, sku)
	if err := l.read(ctx, decisions, "explain: records read", f.Add); err != nil {
		return err
	}
	fed := logPartitions{}
	l.addOwner(fed, topology.LogInventory, sku)
	if err := l.read(ctx, fed, "explain: commands read", f.Add); err != nil {
		return err
	}
	story, ok := f.Story()
	if !ok {
		return fmt.Errorf("no SKU %s in the logs: neither the stock feed nor an order has named it (ids are taken as they are, capitals count; an order key is channel/shop/order_id)", sku)
	}
	if c.json() {
		return a.printJSON(story)
	}
	return story.WriteText(a.Stdout, time.Local)
}

// warehouseNames returns what people call the warehouses.
func (l *logs) warehouseNames(ctx context.Context) (map[record.WarehouseID]string, error) {
	names := map[record.WarehouseID]string{}
	err := readCommitted(ctx, l.client, false, []string{l.topology.Name(topology.Warehouses)}, func(r *kgo.Record) error {
		var row record.Warehouse
		if len(r.Value) == 0 || json.Unmarshal(r.Value, &row) == nil {
			names[record.WarehouseID(r.Key)] = row.Name
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the warehouses: %w", err)
	}
	return names, nil
}
