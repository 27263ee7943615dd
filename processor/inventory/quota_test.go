package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// modelQuotas are a SKU's quotas told a second time: what is left isn't kept but
// counted from the claims, and a quota that takes another's place is another
// one.
type modelQuotas struct {
	running map[string]*modelQuota
	last    uint64
}

type modelQuota struct {
	number      uint64
	total, gone int64 // gone: shipped
	until       record.Millis
}

func (qs *modelQuotas) of(order record.OrderKey) *modelQuota {
	channel, _, _ := strings.Cut(string(order), "/")
	return qs.running[channel]
}

func (qs *modelQuotas) set(p *record.Policy, now record.Millis) {
	delete(qs.running, p.Channel)
	if p.Quota < 0 || p.Until <= now {
		return
	}
	if qs.running == nil {
		qs.running = map[string]*modelQuota{}
	}
	qs.last++
	qs.running[p.Channel] = &modelQuota{number: qs.last, total: int64(p.Quota), until: p.Until}
}

func (qs *modelQuotas) tell(k *modelSKU) string {
	var b strings.Builder
	for _, channel := range slices.Sorted(maps.Keys(qs.running)) {
		q := qs.running[channel]
		fmt.Fprintf(&b, " quota %s#%d=%d/%d until %dm", channel, q.number, k.left(q), q.total, q.until/60_000)
	}
	if b.Len() == 0 && qs.last > 0 {
		fmt.Fprintf(&b, " last quota #%d", qs.last)
	}
	return b.String()
}

// left counts what the quota has left.
func (k *modelSKU) left(q *modelQuota) int64 {
	n := q.total - q.gone
	for _, h := range k.claims {
		n -= h.out[q]
	}
	return n
}

// giveFenced gives what quotas leave to the order, and tells whether it would
// have got more without them.
func (k *modelSKU) giveFenced(h *modelClaim, want int64, whole bool, d *record.Decision) (got int64, fenced bool) {
	if len(k.quotas.running) == 0 {
		return k.give(h, want, whole, d), false
	}
	all, lefts := int64(0), int64(0)
	for w := range k.places {
		all += max(0, k.free(w))
	}
	for _, q := range k.quotas.running {
		lefts += k.left(q)
	}
	most, own := max(0, all-lefts), int64(0)
	q := k.quotas.of(d.OrderKey)
	if q != nil {
		if own = min(k.left(q), all); !h.fact {
			most = 0
		}
		most += own
	}
	would := int64(0) // without quotas
	for w := range k.places {
		if slices.ContainsFunc(h.ranked, func(r record.Ranked) bool { return r.Warehouse == w }) {
			would += max(0, k.free(w))
		}
	}
	if would = min(would, want); whole && would < want {
		would = 0
	}
	if !whole || most >= want {
		got = k.give(h, min(want, most), whole, d)
	}
	if q != nil {
		n := min(got, own)
		h.out[q] += n
		d.Quota = record.Quantity(n)
	}
	return got, got < would
}

// giveBack returns to the quota what no unit of the claim stands for any more.
func (k *modelSKU) giveBack(h *modelClaim, d *record.Decision) {
	q := k.quotas.of(d.OrderKey)
	if q == nil {
		return
	}
	units := int64(0)
	for _, n := range h.at {
		units += n
	}
	back := max(0, h.out[q]-units)
	h.out[q] -= back
	d.Quota = record.Quantity(back)
}

// use notes that units have left.
func (k *modelSKU) use(h *modelClaim, order record.OrderKey, units int64) {
	if q := k.quotas.of(order); q != nil {
		n := min(units, h.out[q])
		h.out[q] -= n
		q.gone += n
	}
}

// endQuotas ends what is due of a SKU, the earliest first.
func (m *model) endQuotas(sku record.SKU) {
	k := m.sku(sku)
	for {
		first := ""
		for _, channel := range slices.Sorted(maps.Keys(k.quotas.running)) {
			q := k.quotas.running[channel]
			if q.until <= m.now && (first == "" || q.until < k.quotas.running[first].until) {
				first = channel
			}
		}
		if first == "" {
			return
		}
		delete(k.quotas.running, first)
		m.serve(k, sku, "quota:"+first)
	}
}

// endAllQuotas ends what is due of any SKU.
func (m *model) endAllQuotas() {
	first := func(sku record.SKU) (until record.Millis) {
		for _, q := range m.sku(sku).quotas.running {
			if until == 0 || q.until < until {
				until = q.until
			}
		}
		return until
	}
	skus := slices.Sorted(maps.Keys(m.skus))
	slices.SortStableFunc(skus, func(a, b record.SKU) int { return int(first(a) - first(b)) })
	for _, sku := range skus {
		m.endQuotas(sku)
	}
}

// availabilities returns what is to be told of all SKUs.
func (t *task) availabilities() map[record.SKU]record.Availability {
	out := map[record.SKU]record.Availability{}
	for _, sku := range randomSKUs {
		out[sku] = t.availability(sku)
	}
	return out
}

// countQuota counts what shows that quotas mattered.
func countQuota(outcomes map[string]int, d *record.Decision) {
	switch {
	case d.Reason == record.ReasonQuota:
		outcomes[d.Verb.String()+" for quota"]++
	case d.Quota > 0 && (d.Verb == record.VerbRelease || d.Verb == record.VerbReduce):
		outcomes[d.Verb.String()+" into a quota"]++
	case d.Quota > 0:
		outcomes[d.Verb.String()+" out of a quota"]++
	}
	if strings.HasPrefix(d.Cause, "quota:") {
		outcomes["fill by a quota's end"]++
	}
}

// soundQuotas compares what the item's quotas have left with what the holds
// took, who waits by channel, and the index by end. It returns what is wrong.
func (t *task) soundQuotas(it *Item) error {
	taken, waiting := map[uint64]record.Quantity{}, map[string]ChannelWaiting{}
	for k, h := range t.holds() {
		order, sku, _ := strings.Cut(k, " ")
		if sku != string(it.SKU) {
			continue
		}
		taken[h.QuotaNumber] += h.Quota
		if h.Waiting > 0 {
			channel, _, _ := strings.Cut(order, "/")
			w := waiting[channel]
			if w.Channel = channel; h.Place.class == classFact {
				w.Facts += h.Waiting
			} else {
				w.Backorders += h.Waiting
			}
			waiting[channel] = w
		}
	}
	if len(waiting) != len(it.WaitingBy) {
		return fmt.Errorf("%s: %v wait, counted %v", it.SKU, it.WaitingBy, waiting)
	}
	for _, w := range it.WaitingBy {
		if waiting[w.Channel] != w {
			return fmt.Errorf("%s: %v wait, counted %v", it.SKU, it.WaitingBy, waiting)
		}
	}
	for _, q := range it.Policies.Quotas {
		if q.Left+taken[q.Number] > q.Total {
			return fmt.Errorf("%s: %+v, and holds have %d", it.SKU, q, taken[q.Number])
		}
		if _, ok := t.State[string(appendQuotaKey(nil, q.Until, it.SKU, q.Channel))]; !ok {
			return fmt.Errorf("%s: %+v isn't in the index", it.SKU, q)
		}
		next, ok := t.stage.nextQuotaEnd(t)
		t.stage.Reset()
		if !ok || next > q.Until {
			return fmt.Errorf("%s: %+v ends before %d", it.SKU, q, next)
		}
	}
	indexed := 0
	for k := range t.State {
		if k[0] == prefixQuota && strings.HasPrefix(k[9:], string(it.SKU)+"\x00") {
			indexed++
		}
	}
	if indexed != len(it.Policies.Quotas) {
		return fmt.Errorf("%s: %d quotas in the index, there are %d", it.SKU, indexed, len(it.Policies.Quotas))
	}
	return nil
}

// quotaOf makes the policy that begins a quota.
func quotaOf(sku record.SKU, event, channel string, units record.Setting, until record.Millis) record.Entry {
	return stockEvent(record.StockCommand{Verb: record.VerbPolicy, SKU: sku, EventID: event, Policy: record.Policy{
		Channel: channel, Safety: record.SettingKeep, Buffer: record.SettingKeep, Cap: record.SettingKeep, Quota: units, Until: until,
	}})
}

// Thousands may wait for what a campaign fences off. What moves within the
// campaign mustn't have them all read.
func TestFencedLineIsNotRead(t *testing.T) {
	const waiting = 3 * lineMax
	tk := newTask(Config{})
	tk.Clock = 1
	reserve := func(order string, qty record.Quantity) record.Entry {
		return command(record.Command{
			Verb: record.VerbReserve, SKU: "TEE", OrderKey: record.OrderKey(order), Attempt: 1, Qty: qty, Fact: true, Wait: true,
			Ranked: []record.Ranked{{Warehouse: "HCM"}, {Warehouse: "HN"}},
		})
	}
	receive := func(event string, qty record.Quantity) record.Entry {
		return stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: "TEE", Warehouse: "HCM", EventID: event, Qty: qty})
	}
	tk.run(receive("s-1", 10), quotaOf("TEE", "p-1", "shopee", 10, hourMillis))
	for n := range waiting {
		tk.run(reserve(fmt.Sprintf("lazada/main/%d", n), 1))
	}
	scans := tk.scans
	for range 20 {
		tk.run(reserve("shopee/main/1", 3))
		tk.run(command(record.Command{Verb: record.VerbRelease, SKU: "TEE", OrderKey: "shopee/main/1", Attempt: 1}))
		tk.run(reserve("web/main/1", 1), command(record.Command{Verb: record.VerbRelease, SKU: "TEE", OrderKey: "web/main/1", Attempt: 1}))
	}
	require.Equal(t, scans, tk.scans)
	require.Equal(t, record.Quantity(10), tk.item("TEE").Policies.Quotas[0].Left)

	tk.Take()
	tk.run(receive("s-2", 2)) // these are free
	require.Len(t, fills(tk), 2)
	require.LessOrEqual(t, tk.scans, scans+1)
	tk.Clock = hourMillis
	tk.run(record.Entry{Kind: record.KindTick})
	require.Len(t, fills(tk), 10)
	require.NoError(t, tk.soundness())
}

// fills takes what was sent, and returns the orders that were filled.
func fills(tk *task) (out []record.OrderKey) {
	for _, d := range decisions(tk.Take()) {
		if d.Verb == record.VerbFill {
			out = append(out, d.OrderKey)
		}
	}
	return out
}

// A thousand quotas that end at once are ended in chunks, and in between the
// stage says that more is due. Who asks for a SKU doesn't wait for its turn.
func TestQuotasEndInChunks(t *testing.T) {
	tk := newTask(Config{EndMax: 100})
	tk.Clock = 1
	sku := func(n int) record.SKU { return record.SKU(fmt.Sprintf("SKU-%03d", n)) }
	for n := range 1000 {
		tk.run(stockEvent(record.StockCommand{Verb: record.VerbReceive, SKU: sku(n), Warehouse: "HCM", EventID: "s-1", Qty: 1}),
			quotaOf(sku(n), "p-1", "shopee", 1, hourMillis))
	}
	due, ok := tk.stage.Due(tk)
	require.True(t, ok)
	require.Equal(t, hourMillis, due)
	tk.Take()
	tk.Clock = hourMillis
	tk.run(command(record.Command{Verb: record.VerbReserve, SKU: sku(999), OrderKey: "web/main/1", Attempt: 1, Qty: 1, Ranked: []record.Ranked{{Warehouse: "HCM"}}}))
	require.Equal(t, record.OutcomeGranted, decisions(tk.Take())[0].Outcome)
	for left := 899; left > 0; left -= 100 {
		due, _ := tk.stage.Due(tk)
		require.Equal(t, hourMillis, due)
		tk.run(record.Entry{Kind: record.KindTick})
		require.Len(t, tk.Take(), min(left, 100))
	}
	due, _ = tk.stage.Due(tk)
	require.Equal(t, 25*hourMillis, due, "to forget the ids of events")
	tk.stage.Reset()
}

// Quotas begin, end, fill up and empty while units are handed out in small
// chunks: no unit is let through a fence (every decision is checked for it),
// whoever may have one goes before those of his channel and class behind him,
// and when nothing more is due, nobody waits for what he could have.
func TestBehindWithQuotas(t *testing.T) {
	s := seed(t)
	behind, quotas := 0, 0
	for run := range int64(21) {
		cfg := Config{ServeMax: 1 + int(run%7), EndMax: 1 + int(run%3)}
		g, tk := newGenerator(s+run, cfg, 1000), newTask(cfg)
		tk.Clock = 1
		for range 200 {
			var es []record.Entry
			for range 1 + g.Intn(8) {
				g.n++
				switch p := g.Intn(20); {
				case p < 17:
					c := g.command(24 + g.Intn(46)) // nothing that names what it thinks it has
					c.OrderKey, c.Attempt = record.OrderKey(fmt.Sprintf("%s/main/%d", pick(g, randomChannels), g.Intn(40))), 1
					c.Wait, c.Whole = g.Intn(4) > 0, g.Intn(8) == 0
					es = append(es, command(*c))
				case p < 19:
					c := g.policy()
					if c.Policy.Until != 0 {
						c.Policy.Until = tk.Clock + record.Millis(g.Intn(40_000))
					}
					es = append(es, stockEvent(*c))
				default:
					es = append(es, stockEvent(record.StockCommand{
						Verb: record.VerbReceive, SKU: pick(g, randomSKUs), Warehouse: pick(g, randomWarehouses), EventID: fmt.Sprint("r-", g.n), Qty: record.Quantity(1 + g.Intn(60)),
					}))
				}
			}
			before := lineUp(tk)
			tk.Clock += record.Millis(g.Intn(2000))
			tk.run(es...)
			if g.Intn(4) == 0 { // it looks at all there is
				require.NoError(t, tk.soundness(), "run %d", run)
			}
			sent := decisions(tk.Take())
			for _, d := range sent {
				quotas += int(d.Quota)
			}
			inOrderByChannel(t, tk, before, sent)
			if _, ok := tk.State[string(prefixBehind)]; ok {
				behind++
			}
		}
		for n := 0; ; n++ {
			at, ok := tk.stage.Due(tk)
			tk.stage.Reset()
			if !ok || at > tk.Clock {
				break
			}
			require.Less(t, n, 10_000)
			tk.run(record.Entry{Kind: record.KindTick})
		}
		for k := range tk.State {
			require.NotEqual(t, byte(prefixBehind), k[0])
		}
		require.NoError(t, tk.soundness(), "run %d", run)
	}
	t.Logf("%d transactions left something, %d units out of quotas or back", behind, quotas)
	require.Greater(t, behind, 300)
	require.Greater(t, quotas, 300)
}

// inOrderByChannel wants that whoever was granted units of a warehouse in the
// transaction had nobody of his channel and class before him in line who waited
// before and after it for that warehouse.
func inOrderByChannel(t *testing.T, tk *task, before map[string]Hold, sent []record.Decision) {
	after := lineUp(tk)
	dropRejoined(before, sent)
	for _, d := range sent {
		got, stood := before[string(d.OrderKey)+" "+string(d.SKU)]
		if d.Verb != record.VerbFill || !stood {
			continue
		}
		for k, h := range after {
			order, sku, _ := strings.Cut(k, " ")
			was, waited := before[k]
			if sku != string(d.SKU) || order == string(d.OrderKey) || !waited || was.Place != h.Place || !h.Place.before(got.Place) ||
				h.Place.class != got.Place.class || channelOf(record.OrderKey(order)) != channelOf(d.OrderKey) {
				continue
			}
			var w waiter
			require.NoError(t, w.decode(tk.State[string(appendWaiterKey(nil, d.SKU, h.Place))]))
			for _, m := range d.Moves {
				require.False(t, named(w.Ranked, m.Warehouse), "%s got units at %s before %s", d.OrderKey, m.Warehouse, order)
			}
		}
	}
}
