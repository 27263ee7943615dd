package channels_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/channels"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// The equation of what a shop may sell, once more and without a thought of speed.

// free is what a channel may sell of a SKU before shops come into it.
func (m *model) free(a *record.Availability, channel string) record.Quantity {
	if a == nil {
		return 0
	}
	sum := record.Quantity(0)
	for _, row := range a.Rows {
		beyondSafety := row.OnHand - row.Unavailable - row.Held - row.Allocated - row.Safety
		if w := m.houses[string(row.Warehouse)]; w != nil && w.IsActive() && w.ServesChannel(channel) && beyondSafety > 0 {
			sum += beyondSafety
		}
	}
	return fenced(sum-a.Buffer, a, channel)
}

// fenced is what quotas leave a channel of sum units.
func fenced(sum record.Quantity, a *record.Availability, channel string) record.Quantity {
	left, fencedOff := map[string]record.Quantity{}, record.Quantity(0)
	for _, q := range a.Quotas {
		left[q.Channel] = q.Left
		fencedOff += q.Left
	}
	if own, has := left[channel]; has {
		if own < sum {
			return own
		}
		return sum
	}
	return sum - fencedOff
}

// combo is what a channel may sell of a combo: whole sets.
func (m *model) combo(sku record.SKU, parts []record.Component, channel string) record.Quantity {
	fewest := record.Quantity(1 << 60)
	for _, part := range parts {
		sets := record.Quantity(0)
		for units := m.free(m.heard[sku][part.SKU], channel); units >= part.Qty; units -= part.Qty {
			sets++
		}
		fewest = min(fewest, sets)
	}
	return fewest
}

func (m *model) sellable(sku record.SKU, shop *record.Shop) record.Quantity {
	if shop == nil || !shop.IsActive() {
		return 0
	}
	own := m.stock[sku]
	if own == nil {
		own = &record.Availability{}
	}
	units := record.Quantity(0)
	if parts := m.parts(sku); len(parts) > 0 {
		units = fenced(m.combo(sku, parts, shop.Channel)-own.Buffer, own, shop.Channel)
	} else {
		units = m.free(own, shop.Channel)
	}
	buffer, most := shop.Buffer, record.Quantity(1<<60)
	if shop.Cap != nil {
		most = *shop.Cap
	}
	for _, of := range []string{shop.Channel, shop.Channel + "/" + shop.Shop} {
		for _, p := range own.Policies {
			if p.Channel == of && p.Buffer >= 0 {
				buffer = record.Quantity(p.Buffer)
			}
			if p.Channel == of && p.Cap >= 0 {
				most = record.Quantity(p.Cap)
			}
		}
	}
	return max(0, min(units-buffer, most))
}

// 4 shops × (25 − 5) = 80, less the company's buffer of 10, less the channel's of 50 = 20.
func TestWorkedExample(t *testing.T) {
	a := &record.Availability{SKU: "TEE", Fed: true, Buffer: 10, Policies: []record.ChannelPolicy{{Channel: "shopee", Buffer: 50, Cap: record.SettingKeep}}}
	m := newModel(t, []string{"shopee", "web"})
	m.stock[a.SKU] = a
	var rows []record.Entry
	for _, id := range []record.WarehouseID{"S1", "S2", "S3", "S4"} {
		a.Rows = append(a.Rows, record.AvailabilityRow{Warehouse: id, Number: 1, Safety: 5, Counters: record.Counters{OnHand: 25}})
		m.houses[string(id)] = &record.Warehouse{ID: id}
		row := record.TableRow{Key: string(id), Version: 1, JSON: []byte(`{"id":"` + id + `","kind":"store"}`)}
		rows = append(rows, record.Entry{Kind: record.KindWarehouse, Key: []byte(id), Body: record.AppendTableRow(nil, &row)})
	}
	require.Equal(t, record.Quantity(20), m.sellable("TEE", &record.Shop{Channel: "shopee", Shop: "main"}))
	require.Equal(t, record.Quantity(70), m.sellable("TEE", &record.Shop{Channel: "web", Shop: "main"}))

	task := stagetest.NewTask(channels.New(channels.Config{Channels: m.channels}))
	task.Entries(1000, append(rows, record.Entry{Kind: record.KindAvailability, Key: []byte("TEE"), Body: record.AppendAvailability(nil, a)})...)
	task.Tick(2000)
	told := map[string]record.Quantity{}
	for _, p := range task.Published {
		if p.Topic != "stock.events" {
			u := decodeStrict[record.ChannelStock](t, p.Value)
			told[u.Channel] = u.Sellable
		}
	}
	require.Equal(t, map[string]record.Quantity{"shopee": 20, "web": 70}, told)
}
