package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"holdfast/topology/record"
)

// versioned is a row of a table with the version that it was sent with.
type versioned[T any] struct {
	version record.Offset
	deleted bool
	row     T
}

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

// addRow keeps the newest version of a table's row. Rows are sent to every
// partition, so the same one comes several times.
func addRow[T any](table map[string]versioned[T], body []byte) error {
	r, err := record.DecodeTableRow(body)
	if err != nil {
		return err
	}
	if old, ok := table[r.Key]; ok && old.version >= r.Version {
		return nil
	}
	v := versioned[T]{version: r.Version, deleted: r.Deleted}
	if !r.Deleted {
		if err := json.Unmarshal(r.JSON, &v.row); err != nil {
			return fmt.Errorf("row %q: %w", r.Key, err)
		}
	}
	table[r.Key] = v
	return nil
}

func (a *Audit) channelStock(at place, value []byte) error {
	var u struct {
		Channel  string          `json:"channel"`
		Shop     string          `json:"shop"`
		SKU      string          `json:"sku"`
		Sellable record.Quantity `json:"sellable"`
		Version  int64           `json:"version"`
	}
	if err := json.Unmarshal(value, &u); err != nil {
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
	var u struct {
		SKU         string          `json:"sku"`
		Warehouse   string          `json:"warehouse"`
		OnHand      record.Quantity `json:"on_hand"`
		Unavailable record.Quantity `json:"unavailable"`
		Held        record.Quantity `json:"held"`
		Allocated   record.Quantity `json:"allocated"`
		Available   record.Quantity `json:"available"`
		Version     int64           `json:"version"`
	}
	if err := json.Unmarshal(value, &u); err != nil {
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

// judgeChannels holds what the channels were told last against the model. It is
// right only for a settled system: what is pending in a window isn't published.
func (a *Audit) judgeChannels() {
	for i := range a.chains {
		c := &a.chains[i]
		if a.trim && c.last < a.vouches+trimSlack {
			continue // movements after it may be trimmed
		}
		last, ok := a.counted[c.skuWarehouse]
		switch {
		case !ok && c.next > 1:
			a.found.add(RuleChannelNotConverged, a.chainKey(c), "stock.events never told of it")
		case ok && (last.counters != c.model || last.available != c.model.Available()):
			a.found.add(RuleChannelNotConverged, a.chainKey(c), fmt.Sprintf("stock.events said last %s, available %d; the model has %s, available %d",
				counters(last.counters), last.available, counters(c.model), c.model.Available()), last.at)
		}
	}
	if a.trim {
		return // other warehouses' chains may be trimmed altogether
	}
	bySKU := make([][]*chain, len(a.skus.texts))
	for i := range a.chains {
		c := &a.chains[i]
		bySKU[c.sku] = append(bySKU[c.sku], c)
	}
	for key, shop := range a.shopsToJudge() {
		a.judgeShop(a.shops.number(key), key, shop, bySKU)
	}
}

// shopsToJudge returns the rows of the channels table, and for a channel without
// one its default shop. Rows of channels that aren't configured count for nothing.
func (a *Audit) shopsToJudge() map[string]record.Shop {
	out := map[string]record.Shop{}
	hasRow := map[string]bool{}
	for key, v := range a.shopRows {
		channel, _, _ := strings.Cut(key, "/")
		if v.deleted || len(a.cfg.Channels) > 0 && !slices.Contains(a.cfg.Channels, channel) {
			continue
		}
		v.row.Channel = channel
		out[key] = v.row
		hasRow[channel] = true
	}
	for _, channel := range a.cfg.Channels {
		if !hasRow[channel] && a.served(channel) {
			out[channel+"/main"] = record.Shop{Channel: channel, Shop: "main"}
		}
	}
	return out
}

func (a *Audit) served(channel string) bool {
	for _, w := range a.warehouseRows {
		if !w.deleted && w.row.ServesChannel(channel) {
			return true
		}
	}
	return false
}

func (a *Audit) judgeShop(n uint32, key string, shop record.Shop, bySKU [][]*chain) {
	for sku, chains := range bySKU {
		k := shopSKU{n, uint32(sku)}
		last, ok := a.shown[k]
		want := a.sellable(shop, chains)
		switch {
		case ok && last.sellable != want:
			a.found.add(RuleChannelNotConverged, key+" "+a.skus.text(k.sku), fmt.Sprintf("was told %d last, the model has %d to sell", last.sellable, want), last.at)
		case !ok && len(chains) > 0 && shop.IsActive():
			a.found.add(RuleChannelNotConverged, key+" "+a.skus.text(k.sku), fmt.Sprintf("was never told; the model has %d to sell", want))
		}
	}
}

// sellable is what a shop may show: the free units of the warehouses that serve
// it, less its buffer, up to its cap.
func (a *Audit) sellable(shop record.Shop, chains []*chain) record.Quantity {
	if !shop.IsActive() {
		return 0
	}
	sum := record.Quantity(0)
	for _, c := range chains {
		w, ok := a.warehouseRows[a.warehouses.text(c.warehouse)]
		if ok && !w.deleted && w.row.IsActive() && w.row.ServesChannel(shop.Channel) {
			sum += max(0, c.model.Available())
		}
	}
	sum -= shop.Buffer
	if shop.Cap != nil {
		sum = min(sum, *shop.Cap)
	}
	return max(0, sum)
}
