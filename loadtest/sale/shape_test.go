package sale

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

func shaped(orders float64) Config {
	c := small(5)
	c.Profile = NewProfile([]Slope{{For: 5 * time.Second, From: orders / 5, To: orders / 5}})
	c.Orders, c.Run, c.Stop = c.Profile.Orders(), "r1", 9*time.Second
	c.Shape = &Shape{
		Channels: []Weight{{"callcentre", 1}, {"shopee", 2}, {"web", 1}}, Regions: []Weight{{"VN-DN", 1}, {"VN-HN", 3}},
		Baskets: [3]float64{1, 1, 2}, Payments: [3]float64{5, 3, 2}, Hold: 2 * time.Second, PaidLate: 0.1, NeverPaid: 0.3,
		Partial: 0.1, Backorder: 0.1, Combos: 0.1, Cancelled: 0.2, InPart: 0.5, Shipped: 0.5, Delivered: 0.5, Returned: 0.5,
		Hot: []HotSKU{{"FLASH", 100, 0.2}}, Cover: 2,
	}
	return c
}

// A shape's shares are those of the sale.
func TestShape(t *testing.T) {
	c := shaped(4000)
	s := newSale(t, c)
	channel, region, payment, lines := map[string]int{}, map[string]int{}, map[record.Payment]int{}, map[int]int{}
	flash, all := 0, 0
	for n := range c.Orders {
		o := s.draw(n, s.orderAt(n))
		channel[o.channel.name]++
		region[o.city.region]++
		payment[o.payment]++
		lines[min(3, len(o.lines))]++
		for _, l := range o.lines {
			if all++; s.goods.skuOf(l) == "FLASH-r1" {
				flash++
			}
		}
	}
	share := func(want float64, n int) {
		t.Helper()
		require.InDelta(t, want, float64(n)/float64(c.Orders), 0.03)
	}
	share(0.25, channel["callcentre"])
	share(0.5, channel["shopee"])
	require.Len(t, channel, 3)
	share(0.25, region["VN-DN"])
	require.Len(t, region, 2)
	share(0.5, payment[record.PaymentPrepaid])
	share(0.2, payment[record.PaymentUnpaid])
	share(0.5, lines[3])
	require.InDelta(t, 0.2, float64(flash)/float64(all), 0.1, "a SKU is in an order once")
	require.InDelta(t, c.Shape.linesMean(), float64(all)/float64(c.Orders), 0.4)
}

// What a shape sends is sent in order, in time, under the names of its run, and
// the same for the same seed.
func TestShapedSale(t *testing.T) {
	c := shaped(2000)
	setup, messages, counts := all(t, c)
	again, messagesAgain, _ := all(t, c)
	require.Equal(t, setup, again)
	require.Equal(t, messages, messagesAgain)
	require.Equal(t, c.Orders, counts.Orders)
	stock := int64(0)
	for _, m := range setup {
		var in record.StockInput
		switch m.Topic {
		case "stock.feed":
			require.NoError(t, json.Unmarshal(m.Value, &in))
			require.True(t, strings.HasSuffix(string(in.SKU), "-r1"), in.SKU)
			if in.SKU == "FLASH-r1" {
				stock += int64(*in.Qty)
			}
		case "channels":
			require.Contains(t, []string{"shopee/main", "web/main"}, string(m.Key))
		}
	}
	require.Equal(t, int64(100), stock)
	last := time.Duration(0)
	for _, m := range messages {
		require.GreaterOrEqual(t, m.AtOffset, last)
		last = m.AtOffset
		requireForm(t, m)
		if strings.HasPrefix(m.Topic, "channel.") {
			require.Contains(t, []string{"channel.callcentre.orders", "channel.shopee.orders", "channel.web.orders"}, m.Topic)
		}
	}
	require.LessOrEqual(t, last, c.Stop)
	for _, n := range []int{counts.Paid, counts.PaidLate, counts.NeverPaid, counts.Cancelled, counts.Lessened, counts.Shipped, counts.Delivered, counts.Returned,
		counts.Combos, counts.Backorders, counts.OutOfOrder, counts.Own, counts.Duplicates, counts.Broken} {
		require.Positive(t, n, "%+v", counts)
	}
	other := c
	other.Run = "r2"
	_, others, _ := all(t, other)
	keys := map[record.OrderKey]bool{}
	for _, m := range messages {
		keys[m.OrderKey] = m.OrderKey != ""
	}
	for _, m := range others {
		require.False(t, keys[m.OrderKey], "two runs share %s", m.OrderKey)
	}
}

// One channel that is everything, one SKU that all want.
func TestNarrowShape(t *testing.T) {
	for _, name := range []string{"lazada", "facebook", "mine"} {
		c := shaped(100)
		c.SKUs = 10
		c.Shape.Channels, c.Shape.Regions = []Weight{{name, 1}}, nil
		c.Shape.Hot, c.Shape.Units = []HotSKU{{"FLASH", 7, 1}}, 1
		c.Shape.StockMoves, c.Shape.StockPolicy = true, true
		_, messages, counts := all(t, c)
		require.Equal(t, 100, counts.Orders)
		for _, m := range messages {
			if m.OrderKey != "" && m.First {
				require.Contains(t, string(m.Value), `"sku":"FLASH-r1"`)
			}
			if strings.HasPrefix(m.Topic, "channel.") {
				require.Equal(t, "channel."+name+".orders", m.Topic)
			}
		}
	}
}

func TestShapeTellsAllThatIsWrong(t *testing.T) {
	c := shaped(100)
	c.Run, c.Stop, c.Orders = "a b", time.Second, 3
	c.Shape = &Shape{Channels: []Weight{{"Web", 1}}, Regions: []Weight{{"X", -1}}, Partial: 2, Hot: []HotSKU{{"", 0, 2}}}
	_, err := New(c)
	for _, want := range []string{`run "a b"`, "stop after 1s", "3 orders, and the profile has 100", `"Web" can't be`, `nobody lives in "X"`, "weight -1",
		"baskets: the weights add up to nothing", "hold of 0s", "there is no stock", "partial is 2", `hot SKU ""`, "0 units", "all hot SKUs together is 2"} {
		require.ErrorContains(t, err, want)
	}
}
