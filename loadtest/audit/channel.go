package audit

import (
	"fmt"

	"holdfast/topology/record"
)

type shopSKU struct{ shop, sku uint32 }

// shown is the last ChannelStock of a shop and SKU.
type shown struct {
	at       place
	version  int64
	sellable record.Quantity
}

// countersShown is the last StockUpdate of a SKU and warehouse.
type countersShown struct {
	at        place
	version   int64
	counters  record.Counters
	available record.Quantity
}

func (a *Audit) channelStock(at place, value []byte) error {
	u, err := a.public.sellable(value)
	if err != nil {
		return err
	}
	k := shopSKU{a.shops.number(u.Channel + "/" + u.Shop), a.skus.number(u.SKU)}
	if last, ok := a.shown[k]; ok && u.Version <= last.version {
		a.found.add(RuleVersionNotGrowing, u.Channel+"/"+u.Shop+" "+u.SKU, fmt.Sprintf("version %d after %d", u.Version, last.version), last.at, at)
	}
	a.shown[k] = shown{at: at, version: u.Version, sellable: u.Sellable}
	return nil
}

func (a *Audit) stockUpdate(at place, value []byte) error {
	u, err := a.public.stock(value)
	if err != nil {
		return err
	}
	k := skuWarehouse{a.skus.number(u.SKU), a.warehouses.number(u.Warehouse)}
	if last, ok := a.counted[k]; ok && u.Version <= last.version {
		a.found.add(RuleVersionNotGrowing, stockKey(u.SKU, u.Warehouse), fmt.Sprintf("version %d after %d", u.Version, last.version), last.at, at)
	}
	a.counted[k] = countersShown{at: at, version: u.Version, available: u.Available,
		counters: record.Counters{OnHand: u.OnHand, Unavailable: u.Unavailable, Held: u.Held, Allocated: u.Allocated}}
	return nil
}
