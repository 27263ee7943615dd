package channels_test

import (
	"fmt"
	"testing"

	"holdfast/processor/channels"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// A transaction in a rush: 5,000 SKUs touched, and the windows of as many
// closed; nine channels. The state is a map, so this is the stage alone.
func BenchmarkTransaction(b *testing.B) {
	const skus = 5000
	names := []string{"shopee", "lazada", "tiktok", "shopify", "facebook", "pos", "web", "callcentre", "mobile"}
	task := stagetest.NewTask(channels.New(channels.Config{Channels: names}))
	task.Entries(1, record.Entry{
		Kind: record.KindWarehouse, Key: []byte("HCM-1"),
		Body: record.AppendTableRow(nil, &record.TableRow{Key: "HCM-1", JSON: []byte(`{"id":"HCM-1"}`)}),
	})
	var entries [3][]record.Entry
	for i := range skus {
		for k := range entries {
			a := &record.Availability{SKU: record.SKU(fmt.Sprintf("SKU-%06d", i)), Fed: true, Rows: []record.AvailabilityRow{{
				Warehouse: "HCM-1", Number: 7, Counters: record.Counters{OnHand: 1000, Allocated: record.Quantity(k)},
			}}}
			entries[k] = append(entries[k], record.Entry{Kind: record.KindAvailability, Key: []byte(a.SKU), Body: record.AppendAvailability(nil, a)})
		}
	}
	b.ReportAllocs()
	now := record.Millis(1000)
	published := 0
	for i := 0; b.Loop(); i++ {
		task.Entries(now, entries[i%3]...)
		published += len(task.Published)
		task.Published = task.Published[:0]
		now += 250
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/skus, "ns/sku")
	b.ReportMetric(float64(published)/float64(b.N)/skus, "records/sku")
}
