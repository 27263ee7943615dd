package audit

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/topology/record"
)

// judgeChannels holds what the channels were told last against the model. It is
// right only for a settled system: what is pending in a window isn't published.
func (a *Audit) judgeChannels() {
	bySKU := make([][]*chain, len(a.skus.texts))
	for i := range a.chains {
		c := &a.chains[i]
		bySKU[c.sku] = append(bySKU[c.sku], c)
		a.judgeCounted(c)
	}
	if a.trim {
		return // other warehouses' chains may be trimmed altogether
	}
	m := market{a: a, bySKU: bySKU}
	for key, shop := range a.shopsToJudge() {
		for sku := 1; sku < len(a.skus.texts); sku++ {
			m.judge(key, &shop, uint32(sku))
		}
	}
}

// judgeCounted holds the last of stock.events against the model.
func (a *Audit) judgeCounted(c *chain) {
	if a.trim && c.last < a.vouches+trimSlack {
		return // movements after it may be trimmed
	}
	last, ok := a.counted[c.skuWarehouse]
	switch {
	case !ok && c.next > 1 && a.supplies[c.sku].fed:
		a.found.add(RuleChannelNotConverged, a.chainKey(c), "stock.events never told of it")
	case ok && (last.counters != c.model || last.available != c.model.Available()):
		a.found.add(RuleChannelNotConverged, a.chainKey(c), fmt.Sprintf("stock.events said last %s, available %d; the model has %s, available %d",
			counters(last.counters), last.available, counters(c.model), c.model.Available()), last.at)
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

// market works out what each shop should show.
type market struct {
	a     *Audit
	bySKU [][]*chain
}

func (m *market) judge(key string, shop *record.Shop, sku uint32) {
	a := m.a
	text := a.skus.text(sku)
	parts := a.combos.components(text)
	own := a.supplies[sku]
	_, wasCombo := a.combos[text]
	last, told := a.shown[shopSKU{a.shops.number(key), sku}]
	fed := own.fed && len(parts) == 0
	for _, part := range parts {
		fed = fed || a.supplies[a.skus.numbers[string(part.SKU)]].fed
	}
	if !told && (!fed || !shop.IsActive()) || told && !fed && wasCombo {
		return // nobody has to be told, or what was told of a combo that is none any more
	}
	want := m.sellable(shop, sku, parts)
	switch {
	case !told:
		a.found.add(RuleChannelNotConverged, key+" "+text, fmt.Sprintf("was never told; the model has %d to sell", want))
	case last.sellable != want:
		a.found.add(RuleChannelNotConverged, key+" "+text, fmt.Sprintf("was told %d last, the model has %d to sell", last.sellable, want), last.at)
	}
}

// sellable is what a shop may show: what is free for its channel, less the
// channel's buffer, up to its cap.
func (m *market) sellable(shop *record.Shop, sku uint32, parts []record.Component) record.Quantity {
	if !shop.IsActive() {
		return 0
	}
	own := m.a.supplies[sku]
	var sum record.Quantity
	if len(parts) == 0 {
		sum = own.fenced(shop.Channel, m.free(shop.Channel, sku))
	} else {
		for i, part := range parts {
			number := m.a.skus.numbers[string(part.SKU)]
			supply := m.a.supplies[number]
			sets := max(0, supply.fenced(shop.Channel, m.free(shop.Channel, number))) / part.Qty
			if i == 0 || sets < sum {
				sum = sets
			}
		}
		sum = own.fenced(shop.Channel, sum-own.buffer)
	}
	buffer, most := own.policy(shop)
	sum -= buffer
	if most != nil {
		sum = min(sum, *most)
	}
	return max(0, sum)
}

// free is what the warehouses that serve the channel have of a plain SKU beyond
// their safety, less the company's buffer.
func (m *market) free(channel string, sku uint32) record.Quantity {
	own := m.a.supplies[sku]
	sum := -own.buffer
	for _, c := range m.bySKU[sku] {
		w, ok := m.a.warehouseRows[m.a.warehouses.text(c.warehouse)]
		if ok && !w.deleted && w.row.IsActive() && w.row.ServesChannel(channel) {
			sum += max(0, c.model.Available()-own.safety[c.warehouse])
		}
	}
	return sum
}
