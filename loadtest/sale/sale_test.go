package sale

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

func small(seed uint64) Config {
	c := Defaults()
	c.Seed, c.Start, c.Orders, c.SKUs = seed, 1_762_794_000_000, 5_000, 1_000
	return c
}

func newSale(t testing.TB, c Config) *Sale {
	s, err := New(c)
	require.NoError(t, err)
	return s
}

func all(t testing.TB, c Config) (setup, messages []Message, counts Counts) {
	s := newSale(t, c)
	setup = s.Setup()
	for {
		m, ok := s.Next()
		if !ok {
			return setup, messages, s.Counts()
		}
		messages = append(messages, m)
	}
}

// The stream of a seed never changes without a reason: runs can be compared.
func TestGolden(t *testing.T) {
	setup, messages, counts := all(t, small(1))
	sum := sha256.New()
	for _, m := range append(setup, messages...) {
		fmt.Fprintf(sum, "%s %s %s %d %v\n%s\n", m.Topic, m.Key, m.OrderKey, m.AtOffset, m.First, m.Value)
		for _, h := range m.Headers {
			fmt.Fprintf(sum, "%s: %s\n", h.Key, h.Value)
		}
	}
	require.Equal(t, Counts{Messages: 9153, Orders: 5000, Lines: 7930, Units: 9919, Own: 1316, Paid: 905, PaidLate: 27, NeverPaid: 50,
		Cancelled: 246, Lessened: 112, Shipped: 1247, Delivered: 564, Returned: 65, ShippedAfterCancel: 1, Combos: 205, Backorders: 354,
		OutOfOrder: 30, Duplicates: 190, Broken: 20, Stock: 9}, counts)
	require.Equal(t, "4add23b377c720423434e0dc9d07388a83efb68067e5002c0a4bc00f06935182", hex.EncodeToString(sum.Sum(nil)))
}

func TestSameSeedSameSale(t *testing.T) {
	setup1, messages1, counts1 := all(t, small(7))
	setup2, messages2, counts2 := all(t, small(7))
	require.Equal(t, setup1, setup2)
	require.Equal(t, messages1, messages2)
	require.Equal(t, counts1, counts2)
	_, messages3, _ := all(t, small(8))
	require.NotEqual(t, messages1, messages3)
}

func TestProperties(t *testing.T) {
	for seed := range uint64(3) {
		c := small(seed)
		setup, messages, counts := all(t, c)
		require.Equal(t, len(messages), counts.Messages)
		require.Equal(t, c.Orders, counts.Orders)
		require.Equal(t, c.Broken, counts.Broken)

		first := map[record.OrderKey]int{}
		sent := map[string]int{} // how often each value
		topics := map[string]int{}
		last := time.Duration(0)
		repeated, unreadable := 0, 0
		for _, m := range messages {
			if m.AtOffset < last {
				require.Fail(t, "back in time", "%s", m.Value)
			}
			last = m.AtOffset
			if m.First {
				first[m.OrderKey]++
				require.Zero(t, sent[string(m.Value)])
			}
			sent[m.Topic+string(m.Value)]++
			topics[m.Topic]++
			if m.Again {
				repeated++
			}
			if m.Broken {
				unreadable++
			}
			requireForm(t, m)
		}
		require.Len(t, first, c.Orders)
		for key, n := range first {
			require.Equal(t, 1, n, key)
		}
		again := 0
		for _, n := range sent {
			again += n - 1
		}
		require.Equal(t, counts.Duplicates, again)
		require.Equal(t, []int{counts.Duplicates, counts.Broken}, []int{repeated, unreadable})
		require.InDelta(t, c.Duplicates*float64(len(messages)), counts.Duplicates, 0.01*float64(len(messages)))
		require.Less(t, last, newSale(t, c).Duration()+20*time.Second)
		for _, ch := range channels() {
			require.Positive(t, topics[ch.topic], ch.topic)
		}
		require.Positive(t, topics["fulfilment.feed"])
		require.Positive(t, topics["stock.feed"])
		require.Positive(t, topics["warehouses"], "a shop closes and opens again")
		for _, n := range []int{counts.Paid, counts.PaidLate, counts.NeverPaid, counts.Cancelled, counts.Lessened, counts.Shipped, counts.Delivered, counts.Returned,
			counts.Combos, counts.Backorders, counts.OutOfOrder, counts.Own, counts.Stock} {
			require.Positive(t, n, "%+v", counts)
		}
		requireSetup(t, c, setup)
	}
}

// requireForm reads a message as its reader would.
func requireForm(t *testing.T, m Message) {
	t.Helper()
	if m.OrderKey == "" {
		return // stock, or broken
	}
	require.Equal(t, string(m.OrderKey), string(m.Key))
	channel, shop, id, ok := m.OrderKey.Cut()
	require.True(t, ok)
	require.Equal(t, "main", shop)
	require.True(t, json.Valid(m.Value), "%s", m.Value)
	var form struct {
		Holdfast int             `json:"holdfast"`
		ID       int64           `json:"id"`
		Response json.RawMessage `json:"response"`
		Data     json.RawMessage `json:"data"`
	}
	require.NoError(t, json.Unmarshal(m.Value, &form))
	switch {
	case m.Topic == "fulfilment.feed":
		var in record.FulfilmentInput
		require.NoError(t, json.Unmarshal(m.Value, &in))
		require.Equal(t, m.OrderKey, in.OrderKey)
		return
	case form.Holdfast == 1:
		var in record.OrderInput
		require.NoError(t, json.Unmarshal(m.Value, &in))
		require.Equal(t, []string{channel, shop, id}, []string{in.Channel, in.Shop, in.OrderID})
		require.NotEmpty(t, in.EventID)
		require.NotZero(t, in.OccurredAt)
		if in.Type == "order.created" {
			require.NotEmpty(t, in.Order.Lines)
			require.LessOrEqual(t, len(in.Order.Lines), 5)
		}
	case channel == "shopee":
		require.True(t, form.Response != nil || form.Data != nil)
	case channel == "shopify":
		require.Equal(t, id, fmt.Sprint(form.ID))
		require.Len(t, m.Headers, 6)
	default:
		require.Fail(t, "unknown form", "%s", m.Value)
	}
	require.Equal(t, "channel."+channel+".orders", m.Topic)
}

func requireSetup(t *testing.T, c Config, setup []Message) {
	t.Helper()
	stock := map[record.SKU]record.Quantity{}
	seen := map[string]bool{}
	warehouses := map[record.WarehouseID]bool{}
	policies, combos := 0, 0
	for _, m := range setup {
		switch m.Topic {
		case "warehouses":
			var w record.Warehouse
			require.NoError(t, json.Unmarshal(m.Value, &w))
			warehouses[w.ID] = true
		case "stock.feed":
			var in record.StockInput
			require.NoError(t, json.Unmarshal(m.Value, &in))
			require.False(t, seen[in.EventID], in.EventID)
			seen[in.EventID] = true
			if in.Type == "stock.policy" {
				require.Nil(t, in.Qty)
				policies++
				continue
			}
			require.True(t, warehouses[in.Warehouse])
			require.Positive(t, *in.Qty)
			stock[in.SKU] += *in.Qty
		case "catalog":
			var c record.CatalogItem
			require.NoError(t, json.Unmarshal(m.Value, &c))
			require.GreaterOrEqual(t, len(c.Components), 2)
			combos++
		}
	}
	require.Len(t, warehouses, c.Warehouses)
	require.Len(t, stock, c.SKUs)
	require.Positive(t, policies)
	require.Positive(t, combos)
}

// The hottest SKUs sell out: what is asked for exceeds their stock by far.
func TestHotSKUsSellOut(t *testing.T) {
	s := newSale(t, small(1))
	asked := map[string]int64{}
	for n := range s.cfg.Orders {
		for _, l := range s.draw(n, 0).lines {
			asked[s.goods.skuOf(l)] += l.qty
		}
	}
	sold := 0
	for rank := 0; s.goods.hot(rank); rank++ {
		stock := int64(0)
		for _, p := range s.goods.stock[rank] {
			stock += p.qty
		}
		if float64(asked[s.goods.skus[rank]]) > 1.5*float64(stock) {
			sold++
		}
	}
	require.GreaterOrEqual(t, sold, 4)
	require.InDelta(t, linesMean*unitsMean*float64(s.cfg.Orders), float64(sum(asked)), 0.03*float64(s.cfg.Orders)*2)
}

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

func TestShopeeNumbersDiffer(t *testing.T) {
	seen := map[string]bool{}
	for n := range 200_000 {
		sn := shopeeNumber(n)
		seen[sn] = true
	}
	require.Len(t, seen, 200_000)
	require.Len(t, shopeeNumber(0), 14)
}

func TestValidateTellsAll(t *testing.T) {
	_, err := New(Config{Duplicates: 2, Broken: -1})
	require.ErrorContains(t, err, "a sale needs a start")
	require.ErrorContains(t, err, "0 orders")
	require.ErrorContains(t, err, "duplicates is 2")
	require.ErrorContains(t, err, "-1 broken")
	c := Defaults()
	c.Start = 1
	require.NoError(t, c.Validate())
}

func TestTinySales(t *testing.T) {
	for _, orders := range []int{1, 2, 10} {
		c := small(3)
		c.Orders, c.SKUs, c.Warehouses, c.Broken = orders, 10, 1, 30
		_, messages, counts := all(t, c)
		require.NotEmpty(t, messages)
		require.Equal(t, orders, counts.Orders)
	}
}

func BenchmarkNext(b *testing.B) {
	c := small(1)
	c.Orders, c.SKUs = 1_000_000_000, 10_000
	s := newSale(b, c)
	bytes := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		m, _ := s.Next()
		bytes += int64(len(m.Value))
	}
	b.SetBytes(bytes / int64(b.N))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
