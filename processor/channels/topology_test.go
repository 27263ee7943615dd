package channels_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/channels"
	"holdfast/processor/intake"
	"holdfast/processor/inventory"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// From public JSON to public JSON, through intake and inventory: rows and stock
// come in, updates go out.
func TestFromFeedToChannel(t *testing.T) {
	names := []string{"web", "shopee"}
	d := stagetest.NewDriver(
		intake.New(intake.Config{Channels: names}), nil,
		inventory.New(inventory.Config{}), channels.New(channels.Config{Channels: names}),
	)
	d.Clock = 1000
	d.Public("warehouses", []byte("HCM-1"), []byte(`{"id":"HCM-1","serves":["web"]}`))
	d.Public("warehouses", []byte("HN-1"), []byte(`{"id":"HN-1"}`))
	d.Public("channels", []byte("shopee/main"), []byte(`{"channel":"shopee","shop":"main","buffer":3}`))
	d.Public("stock.feed", []byte("TEE"), []byte(`{"holdfast":1,"event_id":"s-1","type":"stock.receive","sku":"TEE","warehouse":"HCM-1","qty":10}`))
	d.Public("stock.feed", []byte("TEE"), []byte(`{"holdfast":1,"event_id":"s-2","type":"stock.receive","sku":"TEE","warehouse":"HN-1","qty":20}`))
	require.Empty(t, d.Published("channel.web.stock"), "the window is open")
	d.Advance(1250)
	require.Empty(t, d.Dead())
	last := func(topic string) record.ChannelStock {
		published := d.Published(topic)
		require.NotEmpty(t, published, topic)
		return decodeStrict[record.ChannelStock](t, published[len(published)-1].Value)
	}
	require.Equal(t, record.Quantity(30), last("channel.web.stock").Sellable)
	require.Equal(t, record.Quantity(17), last("channel.shopee.stock").Sellable)
	require.Len(t, d.Published("stock.events"), 2, "one for each warehouse")

	// A count near zero is out before its window is over.
	d.Public("stock.feed", []byte("TEE"), []byte(`{"holdfast":1,"event_id":"s-3","type":"stock.count","sku":"TEE","warehouse":"HN-1","qty":4}`))
	require.Equal(t, record.Quantity(1), last("channel.shopee.stock").Sellable)
	require.True(t, last("channel.shopee.stock").Urgent)
	require.False(t, last("channel.web.stock").Urgent)

	// A warehouse that goes takes its units along.
	d.Public("warehouses", []byte("HN-1"), nil)
	require.Equal(t, record.Quantity(0), last("channel.shopee.stock").Sellable)
	d.Advance(2000)
	require.Equal(t, record.Quantity(10), last("channel.web.stock").Sellable)
}

// The worked example of the equation, and a quota until its end, from what a
// shop's people send to what the channels are told.
func TestPoliciesFromFeedToChannel(t *testing.T) {
	names := []string{"web", "shopee"}
	d := stagetest.NewDriver(
		intake.New(intake.Config{Channels: names}), nil,
		inventory.New(inventory.Config{}), channels.New(channels.Config{Channels: names}),
	)
	d.Clock = 1000
	feed := func(format string, args ...any) { d.Public("stock.feed", nil, fmt.Appendf(nil, format, args...)) }
	told := func(channel string, at record.Millis) record.Quantity {
		d.Advance(at)
		d.Advance(at + 250) // the window
		published := d.Published("channel." + channel + ".stock")
		require.NotEmpty(t, published, channel)
		return decodeStrict[record.ChannelStock](t, published[len(published)-1].Value).Sellable
	}
	for i := range 4 {
		id := fmt.Sprintf("S%d", i)
		d.Public("warehouses", []byte(id), fmt.Appendf(nil, `{"id":%q,"kind":"store"}`, id))
		feed(`{"event_id":"s-1","type":"stock.receive","sku":"TEE","warehouse":%q,"qty":25}`, id)
		feed(`{"event_id":"p-1","type":"stock.policy","sku":"TEE","warehouse":%q,"safety":5}`, id)
	}
	feed(`{"event_id":"p-2","type":"stock.policy","sku":"TEE","buffer":10}`)
	feed(`{"event_id":"p-3","type":"stock.policy","sku":"TEE","channel":"shopee","buffer":50}`)
	require.Equal(t, record.Quantity(20), told("shopee", 2000))
	require.Equal(t, record.Quantity(70), told("web", 2000))

	feed(`{"event_id":"p-4","type":"stock.policy","sku":"TEE","channel":"shopee","buffer":null,"cap":25,"quota":30,"until":"1970-01-01T00:00:10Z"}`)
	require.Equal(t, record.Quantity(25), told("shopee", 3000), "30, clipped by its cap")
	require.Equal(t, record.Quantity(40), told("web", 3000))
	require.Equal(t, record.Quantity(70), told("web", 11_000), "its end gives all back")
	feed(`{"event_id":"p-5","type":"stock.policy","sku":"TEE","channel":"shopee","cap":null}`)
	require.Equal(t, record.Quantity(70), told("shopee", 12_000))
	require.Empty(t, d.Dead())
}

// A combo through the stages: what its components do is told of it, and a row
// that comes after the stock needs nobody to wait for the next sale.
func TestCombosFromFeedToChannel(t *testing.T) {
	names := []string{"web"}
	d := stagetest.NewDriver(
		intake.New(intake.Config{Channels: names}), nil,
		inventory.New(inventory.Config{}), channels.New(channels.Config{Channels: names}),
	)
	d.Clock = 1000
	told := func(sku record.SKU) record.Quantity {
		d.Advance(d.Clock + 250)
		last := record.Quantity(-1)
		for _, p := range d.Published("channel.web.stock") {
			if u := decodeStrict[record.ChannelStock](t, p.Value); u.SKU == sku {
				last = u.Sellable
			}
		}
		return last
	}
	row := func(json string) {
		var value []byte
		if json != "" {
			value = []byte(json)
		}
		d.Public("catalog", []byte("SET"), value)
	}
	receive := func(id, sku string, qty int) {
		d.Public("stock.feed", nil, fmt.Appendf(nil, `{"event_id":%q,"type":"stock.adjust","sku":%q,"warehouse":"H","qty":%d}`, id, sku, qty))
	}
	d.Public("warehouses", []byte("H"), []byte(`{"id":"H"}`))
	receive("s-1", "TEE", 9)
	require.Equal(t, record.Quantity(-1), told("SET"))
	row(`{"sku":"SET","components":[{"sku":"TEE","qty":2},{"sku":"CAP","qty":1}]}`)
	require.Equal(t, record.Quantity(0), told("SET"), "there is no cap")
	receive("s-2", "CAP", 3)
	require.Equal(t, record.Quantity(3), told("SET"))
	receive("s-3", "TEE", -5)
	require.Equal(t, record.Quantity(2), told("SET"))
	require.Equal(t, record.Quantity(4), told("TEE"))
	row(`{"sku":"SET","components":[{"sku":"CAP","qty":1}]}`)
	require.Equal(t, record.Quantity(3), told("SET"))
	row("")
	require.Equal(t, record.Quantity(0), told("SET"))
	receive("s-4", "CAP", 5)
	require.Equal(t, record.Quantity(0), told("SET"), "it has nothing to do with caps any more")
	for _, p := range d.Published("stock.events") {
		require.NotEqual(t, "SET", p.Key, "a combo has no stock of its own")
	}
	require.Empty(t, d.Dead())
}
