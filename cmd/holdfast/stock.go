package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/audit"
	"holdfast/loadtest/explain"
	"holdfast/topology"
	"holdfast/topology/record"
)

type stockCmd struct {
	clusterFlags
	outputFlag
	SKU string `arg:"" help:"SKU, as the channels spell it."`
}

func (c *stockCmd) Help() string {
	return `Where a SKU stands: its counters by warehouse, what is kept back (safety, buffers, quotas), what each shop was told last that it may sell, and who waits for it. A combo shows its components.

It is read from the logs, so it is as new as what the stages have committed. Who waits is looked for in all of log.orders, which can take a while.`
}

func (c *stockCmd) Run(ctx context.Context, a *app) error {
	l, err := a.openLogs(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	sku := record.SKU(c.SKU)
	item, err := l.catalogItem(ctx, sku)
	if err != nil {
		return err
	}
	skus := []record.SKU{sku}
	if item != nil {
		for _, part := range item.Components {
			skus = append(skus, part.SKU)
		}
	}
	folds, err := l.stock(ctx, skus)
	if err != nil {
		return err
	}
	s, known := folds[0].Stock()
	for i, f := range folds[1:] {
		known, s.Combo = true, true
		of, _ := f.Stock()
		s.Components = append(s.Components, explain.Component{Qty: item.Components[i].Qty, Stock: of})
	}
	if !known {
		return fmt.Errorf("no SKU %s in the logs: neither the stock feed nor an order has named it (ids are taken as they are, capitals count)", c.SKU)
	}
	if c.json() {
		return a.printJSON(s)
	}
	return s.WriteText(a.Stdout, time.Local)
}

// stock folds what the logs say of some SKUs, in one pass over each log.
func (l *logs) stock(ctx context.Context, skus []record.SKU) ([]*explain.StockFold, error) {
	var folds []*explain.StockFold
	for _, sku := range skus {
		folds = append(folds, explain.NewStockFold(sku))
	}
	add := func(r audit.Record) error {
		for _, f := range folds {
			if err := f.Add(r); err != nil {
				return err
			}
		}
		return nil
	}
	asked, ordered, told := logPartitions{}, logPartitions{}, logPartitions{}
	l.addAll(asked, topology.LogOrders)
	if err := l.read(ctx, asked, "stock: records of orders read", add); err != nil {
		return nil, err
	}
	for i, sku := range skus {
		if folds[i].Waits() {
			l.addOwner(ordered, topology.LogInventory, string(sku))
		}
		l.addOwner(told, topology.LogAvailability, string(sku))
		l.addHome(told, topology.StockEvents, string(sku))
		for _, channel := range l.app.loaded.Channels {
			l.addHome(told, topology.ChannelStock(channel), string(sku))
		}
	}
	if err := l.read(ctx, ordered, "stock: commands read", add); err != nil {
		return nil, err
	}
	return folds, l.read(ctx, told, "stock: records read", add)
}

// catalogItem returns the row of a SKU, or nil. A row that can't be read was
// refused by intake too.
func (l *logs) catalogItem(ctx context.Context, sku record.SKU) (item *record.CatalogItem, err error) {
	err = readCommitted(ctx, l.client, false, []string{l.topology.Name(topology.Catalog)}, func(r *kgo.Record) error {
		if string(r.Key) != string(sku) {
			return nil
		}
		var row record.CatalogItem
		switch {
		case len(r.Value) == 0:
			item = nil
		case json.Unmarshal(r.Value, &row) == nil:
			item = &row
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the catalog: %w", err)
	}
	return item, nil
}
