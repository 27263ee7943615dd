package inventory

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// When sums were merged doesn't show: a history that is looked at all the time
// and one that is looked at once, at the end, are the same.
func TestHistoryMergesTheSameAtAnyTime(t *testing.T) {
	r := rand.New(rand.NewSource(seed(t)))
	for range 300 {
		var often, once history
		often.reset()
		once.reset()
		now, counted := 100*hourMillis, record.Millis(0)
		for range r.Intn(200) {
			now += record.Millis(r.Int63n(int64(20 * minuteMillis)))
			at := now - record.Millis(r.Int63n(int64(30*hourMillis)))
			if r.Intn(3) > 0 {
				at = now
			}
			qty := record.Quantity(r.Intn(9) - 4)
			often.add(qty, at, now, counted)
			once.add(qty, at, now, counted)
			for range r.Intn(3) {
				now += record.Millis(r.Int63n(int64(5 * minuteMillis)))
				often.age(now)
				require.NoError(t, often.decode(appendHistory(nil, &often)))
			}
			if r.Intn(30) == 0 {
				counted = max(counted, at)
				often.age(now)
				once.age(now)
				often.counted(counted, now)
				once.counted(counted, now)
			}
		}
		often.age(now)
		once.age(now)
		require.Equal(t, appendHistory(nil, &once), appendHistory(nil, &often))
		require.LessOrEqual(t, len(once.buckets), 75+93)
	}
}

// A SKU that moves every second for two days takes a fixed number of sums, and
// little room.
func TestHistoryIsBounded(t *testing.T) {
	var h history
	h.reset()
	now := 100 * hourMillis
	for range 48 * 3600 {
		now += 1000
		h.add(-3, now, now, 0)
	}
	require.InDelta(t, 75+93, len(h.buckets), 15)
	require.Less(t, len(appendHistory(nil, &h)), 1000)
	sum, known := h.after(now-24*hourMillis, now)
	require.True(t, known)
	require.InDelta(t, -3*24*3600, int64(sum), 3*quarterMinutes*60)
	_, known = h.after(now-25*hourMillis, now)
	require.False(t, known)
}

// TestRule12_LateCountAsGoodAsOneInTime: a count that comes up to a day late
// leaves what it would have left in time, whatever moved in between and however
// late that was told. It took place at the end of a quarter of an hour, in which
// nothing moved after it.
func TestRule12_LateCountAsGoodAsOneInTime(t *testing.T) {
	r := rand.New(rand.NewSource(seed(t)))
	type happening struct {
		at    record.Millis
		entry record.Entry
	}
	const start = 100 * hourMillis
	for run := range 60 {
		took := start + record.Millis(1+r.Intn(40))*quarterMinutes*minuteMillis - 1
		count := func(id string) record.Entry {
			return stockEvent(record.StockCommand{Verb: record.VerbCount, SKU: "TEE", Warehouse: "HCM", EventID: id, Qty: 500, OccurredAt: took})
		}
		var inTime, late []happening
		end := start
		for n := range 200 {
			at := start + record.Millis(r.Int63n(int64(20*hourMillis)))
			qty := record.Quantity(1 + r.Intn(3))
			c := record.Command{
				Verb: record.VerbShipUnclaimed, SKU: "TEE", OrderKey: record.OrderKey(fmt.Sprint("web/main/", n)), Attempt: 1, OccurredAt: at,
				Parts: []record.WarehouseQty{{Warehouse: "HCM", Qty: qty}},
			}
			e := command(c)
			switch r.Intn(4) {
			case 0:
				e = stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: fmt.Sprint("s-", n), Qty: qty, OccurredAt: at})
			case 1:
				e = stockEvent(record.StockCommand{Verb: record.VerbAdjust, SKU: "TEE", Warehouse: "HCM", EventID: fmt.Sprint("s-", n), Qty: -qty, OccurredAt: at})
			case 2:
				c.Verb = record.VerbReturn
				e = command(c)
			}
			inTime = append(inTime, happening{at, e})
			heard := at
			if at > took { // what is told late about the time before a count counts twice
				heard += record.Millis(r.Int63n(int64(hourMillis)))
			}
			late = append(late, happening{heard, e})
			end = max(end, heard)
		}
		inTime = append(inTime, happening{took, count("c-1")})
		late = append(late, happening{min(took+23*hourMillis, end+1), count("c-1")})
		var left [2]record.Quantity
		for i, hs := range [][]happening{inTime, late} {
			slices.SortStableFunc(hs, func(a, b happening) int { return int(a.at - b.at) })
			tk := newTask(Config{})
			tk.transaction(envelope{start, []record.Entry{stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: "s", Qty: 1000})}})
			for _, h := range hs {
				tk.transaction(envelope{h.at, []record.Entry{h.entry}})
			}
			left[i] = tk.counters("TEE", "HCM").OnHand
			require.Empty(t, tk.Dead)
		}
		require.Equal(t, left[0], left[1], "run %d", run)
	}
}

// TestRule12_CountsThatAreNotTaken: one older than the last is ignored without a
// word, one that would need forgotten movements is a dead letter; held and
// allocated are never touched.
func TestRule12_CountsThatAreNotTaken(t *testing.T) {
	feed := func(verb record.Verb, id string, qty record.Quantity, at record.Millis) record.Entry {
		return stockEvent(record.StockCommand{Verb: verb, SKU: "TEE", Warehouse: "HCM", EventID: id, Qty: qty, OccurredAt: at})
	}
	tk := newTask(Config{})
	tk.Clock = 100 * hourMillis
	// The first one is taken though it is two days old.
	tk.run(feed(record.VerbCount, "c-1", 9, 52*hourMillis))
	ranked := []record.Ranked{{Warehouse: "HCM"}}
	tk.run(command(record.Command{Verb: record.VerbReserve, SKU: "TEE", OrderKey: "web/main/1", Attempt: 1, Qty: 2, Ranked: ranked}))
	tk.run(command(record.Command{Verb: record.VerbReserve, SKU: "TEE", OrderKey: "web/main/2", Attempt: 1, Qty: 3, Allocate: true, Ranked: ranked}))
	tk.run(feed(record.VerbReceive, "r-1", 5, 0))
	want := record.Counters{OnHand: 14, Held: 2, Allocated: 3}
	require.Equal(t, want, tk.counters("TEE", "HCM"))

	tk.run(feed(record.VerbCount, "c-2", 100, 52*hourMillis-1))
	require.Equal(t, want, tk.counters("TEE", "HCM"), "older")
	require.Empty(t, tk.Dead)

	tk.Clock = 125 * hourMillis // the receipt is forgotten
	tk.run(feed(record.VerbCount, "c-3", 100, 99*hourMillis))
	require.Equal(t, want, tk.counters("TEE", "HCM"), "too old")
	require.Len(t, tk.Dead, 1)
	require.Equal(t, record.ReasonCountTooOld, tk.Dead[0].Reason)

	tk.run(feed(record.VerbCount, "c-4", 1, 200*hourMillis)) // to come: now
	require.Equal(t, record.Counters{OnHand: 1, Held: 2, Allocated: 3}, tk.counters("TEE", "HCM"))
	tk.run(feed(record.VerbCount, "c-5", 7, 125*hourMillis))
	require.Equal(t, record.Counters{OnHand: 7, Held: 2, Allocated: 3}, tk.counters("TEE", "HCM"))
	require.NotContains(t, tk.State, string(appendHistoryKey(nil, "TEE", "HCM")), "nothing that a later count needs")
}
