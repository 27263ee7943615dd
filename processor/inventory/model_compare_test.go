package inventory

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// compare fails when the task's state of the SKU isn't the model's.
func (m *model) compare(t *testing.T, tk *task, sku record.SKU) {
	k, it := m.sku(sku), tk.item(sku)
	require.Equal(t, k.fed, it.Fed)
	require.Equal(t, k.policies.tell()+k.quotas.tell(k), tellPolicies(&it.Policies))
	require.Len(t, it.Rows, len(k.places))
	for _, r := range it.Rows {
		p := k.places[r.Warehouse]
		require.NotNil(t, p, r.Warehouse)
		require.Equal(t, modelPlace{int64(r.OnHand), int64(r.Unavailable), int64(r.Number), r.CountedAt}, *p, r.Warehouse)
		require.Equal(t, k.counters(r.Warehouse), r.Counters, r.Warehouse)
		require.Equal(t, k.policies.safety[r.Warehouse], int64(r.Safety), r.Warehouse)
	}
	require.Equal(t, uint64(len(k.claims)), it.Holds)
	waits := int64(0)
	for order, c := range k.claims {
		h, ok := tk.hold(sku, order)
		require.True(t, ok, order)
		require.Equal(t, []any{c.attempt, c.hard, c.asked, c.missing, c.waits, len(c.at)},
			[]any{h.Attempt, h.Allocated, int64(h.Requested), int64(h.Missing), int64(h.Waiting), len(h.Parts)}, order)
		for _, p := range h.Parts {
			require.Equal(t, c.at[p.Warehouse], int64(p.Qty))
		}
		waits += c.waits
		if q := k.quotas.of(order); q != nil && h.QuotaNumber == q.number {
			require.Equal(t, c.out[q], int64(h.Quota), order)
		} else {
			require.Zero(t, c.out[q], order)
		}
	}
	require.Equal(t, waits, int64(it.Waiting))
	require.Equal(t, fmt.Sprint(k.line), fmt.Sprint(tk.line(sku)))
}

// line returns who waits for the SKU, in order.
func (t *task) line(sku record.SKU) (out []record.OrderKey) {
	var keys []string
	for k := range t.State {
		if strings.HasPrefix(k, string(prefixWaiter)+string(sku)+"\x00") {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		var w waiter
		if err := w.decode(t.State[k]); err != nil {
			panic(err)
		}
		out = append(out, w.OrderKey)
	}
	return out
}

// TestModel compares every decision, counter, hold and place in line with the
// model's, after every one of many random steps.
func TestModel(t *testing.T) {
	const steps = 60_000
	cfg := Config{RememberMillis: 2 * hourMillis, ForgetMax: 7}
	g, tk := newGenerator(seed(t), cfg, 60_000), newTask(cfg)
	m := g.model
	outcomes := map[string]int{}
	for n := range steps {
		s := g.next()
		before := tk.availabilities()
		tk.transaction(envelope{s.at, []record.Entry{s.entry()}})
		sent := tk.Take()
		var got, dead []string
		for _, d := range decisions(sent) {
			got = append(got, tell(sorted(&d)))
			outcomes[d.Verb.String()+" "+d.Outcome.String()]++
			countQuota(outcomes, &d)
		}
		for _, l := range tk.Dead {
			dead = append(dead, l.Reason)
		}
		tk.Dead = nil
		require.Equal(t, m.decisions, got, "step %d, %s", n, &s)
		require.Equal(t, m.dead, dead, "step %d, %s", n, &s)
		m.compare(t, tk, s.sku())
		m.compareAvailability(t, tk, before, &s, sent)
		if n%64 == 0 {
			for _, sku := range randomSKUs {
				m.compare(t, tk, sku)
			}
			require.NoError(t, tk.soundness(), "step %d, %s", n, &s)
		}
	}
	t.Logf("%d steps: %v", steps, outcomes)
	for i, name := range Outcomes() {
		require.Equal(t, outcomes[name], tk.Counted[i], name)
	}
	require.Less(t, len(tk.State), 1000, "event ids are forgotten")
	for _, what := range []string{"reserve for quota", "fill for quota", "fill out of a quota", "release into a quota", "reduce into a quota", "fill by a quota's end"} {
		require.Greater(t, outcomes[what], 3, what)
	}
}

// compareAvailability wants one record for each SKU of which something changed
// that is to be told, under its own key and that of each of its combos, and none
// else but for what a combo didn't know yet.
func (m *model) compareAvailability(t *testing.T, tk *task, before map[record.SKU]record.Availability, by *step, sent []stagetest.Sent) {
	after, got, want := tk.availabilities(), map[string]bool{}, map[string]bool{}
	for _, s := range sent {
		if s.Entry.Kind == record.KindAvailability {
			require.Equal(t, stage.LogAvailability, s.Log)
			var a record.Availability
			require.NoError(t, a.Decode(s.Entry.Body))
			require.Equal(t, after[a.SKU], a)
			told := fmt.Sprintf("%s to %s", a.SKU, s.Entry.Key)
			require.False(t, got[told], told)
			got[told] = true
		}
	}
	for _, sku := range randomSKUs {
		changed := !reflect.DeepEqual(before[sku], after[sku])
		if sku == by.sku() && by.stock != nil && by.stock.Verb == record.VerbPolicy {
			// A quota that ends when another of the same size begins is told.
			changed = changed || got[fmt.Sprintf("%s to %[1]s", sku)]
		}
		if !changed {
			continue
		}
		want[fmt.Sprintf("%s to %[1]s", sku)] = true
		for id, combo := range m.combos {
			if slices.Contains(combo.parts, sku) {
				want[fmt.Sprintf("%s to %s", sku, id)] = true
			}
		}
	}
	for _, news := range m.news {
		want[news] = true
	}
	require.Equal(t, want, got)
}
