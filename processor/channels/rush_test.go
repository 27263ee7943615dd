package channels_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/channels"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// rush is one SKU in a sale: 100,000 changes of its stock in ten seconds of the
// log, a transaction each 20 ms.
const (
	rushChanges         = 100_000
	rushMillis          = 10_000
	rushTransactionStep = 20
)

// TestRush: however often a SKU changes, a channel is told at most five times in
// any second, and what it was told last is what is left. That the SKU is sold out
// doesn't wait: the transaction that sees it tells it.
func TestRush(t *testing.T) {
	names := []string{"facebook", "lazada", "pos", "shopee", "tiktok", "web"}
	for _, c := range []struct {
		name string
		// available after so many changes
		available func(changes int) record.Quantity
		soldOut   bool
	}{
		{"it sells out", func(n int) record.Quantity { return record.Quantity(rushChanges - n) }, true},
		{"it falls and rises", func(n int) record.Quantity { return record.Quantity(1000 + n%777) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			task := stagetest.NewTask(channels.New(channels.Config{Channels: names}))
			start := record.Millis(1_000_000)
			task.Entries(start, record.Entry{
				Kind: record.KindWarehouse, Key: []byte("HCM-1"),
				Body: record.AppendTableRow(nil, &record.TableRow{Key: "HCM-1", JSON: []byte(`{"id":"HCM-1"}`)}),
			})
			told := map[string][]record.Millis{}
			last := map[string]record.ChannelStock{}
			versions := map[string]int64{}
			take := func() {
				for _, p := range task.Published {
					var u record.ChannelStock
					require.NoError(t, json.Unmarshal(p.Value, &u))
					if u.Channel == "" {
						continue // stock.events
					}
					require.Greater(t, u.Version, versions[u.Channel], "versions grow")
					versions[u.Channel] = u.Version
					told[u.Channel] = append(told[u.Channel], task.Clock)
					last[u.Channel] = u
				}
				task.Published = task.Published[:0]
			}
			now, entries := start, []record.Entry(nil)
			const perTransaction = rushChanges / (rushMillis / rushTransactionStep)
			for n := 1; n <= rushChanges; n++ {
				a := &record.Availability{SKU: "TEE-RED-M", Fed: true, Rows: []record.AvailabilityRow{{
					Warehouse: "HCM-1", Number: uint64(n), Counters: record.Counters{OnHand: rushChanges, Allocated: rushChanges - c.available(n)},
				}}}
				entries = append(entries, record.Entry{Kind: record.KindAvailability, Key: []byte(a.SKU), Body: record.AppendAvailability(nil, a)})
				if n%perTransaction == 0 {
					now += rushTransactionStep
					task.Entries(now, entries...)
					entries = entries[:0]
					take()
				}
			}
			if c.soldOut {
				for _, name := range names {
					require.Equal(t, now, told[name][len(told[name])-1], "at once, on %s", name)
					require.Zero(t, last[name].Sellable)
					require.True(t, last[name].Urgent)
				}
			}
			task.Tick(now + 250) // the last window
			take()
			for _, name := range names {
				require.Equal(t, c.available(rushChanges), last[name].Sellable, name)
				require.Greater(t, len(told[name]), rushMillis/1000*3, "%s was kept waiting", name)
				for i, at := range told[name] {
					in := slices.IndexFunc(told[name][i:], func(m record.Millis) bool { return m >= at+1000 })
					if in < 0 {
						in = len(told[name]) - i
					}
					require.LessOrEqual(t, in, 5, "%s, in the second from %d ms on", name, at-start)
				}
			}
		})
	}
}
