package audit

import (
	"maps"
	"slices"
	"strings"

	"holdfast/topology/record"
)

// toyRules is who may sell how much of a SKU.
type toyRules struct {
	fed             bool
	buffer          record.Quantity
	safety          map[string]record.Quantity // by warehouse
	buffers, quotas map[string]record.Quantity // by channel
}

func (t *toy) rulesOf(sku string) *toyRules {
	if t.rules[sku] == nil {
		t.rules[sku] = &toyRules{safety: map[string]record.Quantity{}, buffers: map[string]record.Quantity{}, quotas: map[string]record.Quantity{}}
	}
	return t.rules[sku]
}

// combo makes a SKU of others.
func (t *toy) combo(sku string, version record.Offset, parts ...record.Component) {
	t.combos[sku] = parts
	t.row(record.KindCatalog, sku, version, record.CatalogItem{SKU: record.SKU(sku), Components: parts})
	t.changed[sku] = true
}

// policy is a record of the stock feed that says who may sell.
func (t *toy) policy(sku string, change func(r *toyRules)) {
	t.begin()
	id := t.event()
	public := t.write("stock.feed", half(sku), sku, record.StockInput{Holdfast: 1, EventID: id, Type: "stock.policy"})
	t.write("log.inventory", half(sku), "", nil, factEntry{record.KindStock, sku, public.origin(), &record.StockCommand{
		Verb: record.VerbPolicy, EventID: id, SKU: record.SKU(sku)}})
	t.rulesOf(sku).fed = true
	change(t.rulesOf(sku))
	t.changed[sku] = true
	t.decide("log.availability", sku, public.origin(), &record.Decision{Verb: record.VerbPolicy, Outcome: record.OutcomeDone, SKU: record.SKU(sku), Cause: id})
}

// publish tells the channels what changed since the last time, and the combos of it.
func (t *toy) publish() {
	t.begin()
	for _, sku := range slices.Sorted(maps.Keys(t.changed)) {
		for combo, parts := range t.combos {
			if slices.ContainsFunc(parts, func(c record.Component) bool { return string(c.SKU) == sku }) {
				t.changed[combo] = true
			}
		}
	}
	for _, sku := range slices.Sorted(maps.Keys(t.changed)) {
		t.publishSKU(sku)
	}
	clear(t.changed)
}

func (t *toy) publishSKU(sku string) {
	r := t.rulesOf(sku)
	v := &record.Availability{SKU: record.SKU(sku), Fed: r.fed, Buffer: r.buffer}
	for _, w := range toyWarehouses {
		i, ok := t.items[[2]string{sku, w}]
		if !ok || i.number == 0 {
			continue
		}
		t.version++
		v.Rows = append(v.Rows, record.AvailabilityRow{Warehouse: record.WarehouseID(w), Number: i.number, Safety: r.safety[w], Counters: i.Counters})
		t.write("stock.events", half(sku), sku, &record.StockUpdate{SKU: record.SKU(sku), Warehouse: record.WarehouseID(w), OnHand: i.OnHand, Unavailable: i.Unavailable,
			Held: i.Held, Allocated: i.Allocated, Available: i.Available(), Version: t.version, At: t.clock})
	}
	for _, c := range slices.Sorted(maps.Keys(r.buffers)) {
		v.Policies = append(v.Policies, record.ChannelPolicy{Channel: c, Buffer: record.Setting(r.buffers[c]), Cap: record.SettingKeep})
	}
	for _, c := range slices.Sorted(maps.Keys(r.quotas)) {
		v.Quotas = append(v.Quotas, record.QuotaLeft{Channel: c, Left: r.quotas[c]})
	}
	t.write("log.availability", half(sku), "", nil, factEntry{kind: record.KindAvailability, key: sku, body: v})
	fed := r.fed
	for _, part := range t.combos[sku] {
		fed = fed || t.rulesOf(string(part.SKU)).fed
	}
	for _, s := range t.shops {
		if !fed {
			return
		}
		t.version++
		t.write("channel."+s.Channel+".stock", half(sku), sku, &record.ChannelStock{Channel: s.Channel, Shop: s.Shop, SKU: record.SKU(sku),
			Sellable: t.sellable(sku, &s), Version: t.version, At: t.clock})
	}
}

func (t *toy) sellable(sku string, s *record.Shop) record.Quantity {
	r := t.rulesOf(sku)
	n := t.fenced(t.free(sku), sku, s.Channel)
	if parts := t.combos[sku]; len(parts) > 0 {
		n = 1 << 40
		for _, part := range parts {
			n = min(n, max(0, t.fenced(t.free(string(part.SKU)), string(part.SKU), s.Channel))/part.Qty)
		}
		n = t.fenced(n-r.buffer, sku, s.Channel)
	}
	buffer := s.Buffer
	for key, b := range r.buffers {
		if channel, _, _ := strings.Cut(key, "/"); channel == s.Channel {
			buffer = b
		}
	}
	n -= buffer
	if s.Cap != nil {
		n = min(n, *s.Cap)
	}
	return max(0, n)
}

// fenced is what the SKU's quotas leave the channel of n units.
func (t *toy) fenced(n record.Quantity, sku, channel string) record.Quantity {
	if left, ok := t.rulesOf(sku).quotas[channel]; ok {
		return min(n, left)
	}
	for _, left := range t.rulesOf(sku).quotas {
		n -= left
	}
	return n
}

func (t *toy) free(sku string) (sum record.Quantity) {
	for _, w := range toyWarehouses {
		if i, ok := t.items[[2]string{sku, w}]; ok {
			sum += max(0, i.Available()-t.rulesOf(sku).safety[w])
		}
	}
	return sum - t.rulesOf(sku).buffer
}
