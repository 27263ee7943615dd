package inventory

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// TestCuts decides the same entries in other transactions and envelopes. The
// state and all that is told in the end must be the same, but for availability,
// which is told once for each SKU and transaction: there the last one counts.
func TestCuts(t *testing.T) {
	const n = 3000
	s := seed(t)
	cfg := Config{RememberMillis: 2 * hourMillis, ForgetMax: 5, EndMax: 1, ServeMax: 1 << 40}
	g := newGenerator(s, cfg, 60_000)
	g.round = hourMillis // see cut
	var steps []step
	for range n {
		steps = append(steps, g.next())
	}
	want := outcomeOf(cfg, cut(steps, func() (int, int) { return 1, 1 }))
	require.NotEmpty(t, want.decisions)

	r := rand.New(rand.NewSource(s))
	for name, sizes := range map[string]func() (envelopes, entries int){
		"everything at once": func() (int, int) { return 1, n },
		"one entry each":     func() (int, int) { return n, 1 },
		"small":              func() (int, int) { return 1 + r.Intn(3), 1 + r.Intn(3) },
		"large":              func() (int, int) { return 1 + r.Intn(20), 1 + r.Intn(20) },
		"all sizes":          func() (int, int) { return 1 + r.Intn(1<<r.Intn(8)), 1 + r.Intn(1<<r.Intn(8)) },
	} {
		t.Run(name, func(t *testing.T) {
			got := outcomeOf(cfg, cut(steps, sizes))
			// Step by step: what differs first is what is of interest.
			for i := range want.decisions {
				require.Equal(t, want.decisions[i], got.decisions[i], "decision %d", i)
			}
			require.Equal(t, want.availability, got.availability)
			require.Equal(t, want.story, got.story)
			require.Equal(t, want, got)
		})
	}
}

// cut groups the steps into transactions of envelopes. All entries of an
// envelope come at the same time, so where steps share one is settled first, by
// the hour: what is compared sees the same times whatever the cut.
func cut(steps []step, sizes func() (envelopes, entries int)) (out [][]envelope) {
	for at := 0; at < len(steps); {
		envelopes, entries := sizes()
		var tx []envelope
		for range envelopes {
			var e envelope
			for len(e.entries) < entries && at < len(steps) {
				hour := steps[at].at / hourMillis * hourMillis
				if e.entries != nil && e.at != hour {
					break
				}
				e.at = hour
				e.entries = append(e.entries, steps[at].entry())
				at++
			}
			if e.entries != nil {
				tx = append(tx, e)
			}
		}
		out = append(out, tx)
	}
	return out
}

// told is all that a run left behind.
type told struct {
	state        map[string][]byte
	story        string // the state in words
	decisions    []string
	availability map[string]string
	dead         []stage.DeadLetter
}

func outcomeOf(cfg Config, transactions [][]envelope) told {
	tk := newTask(cfg)
	out := told{availability: map[string]string{}}
	take := func() {
		for _, s := range tk.Take() {
			if s.Entry.Kind == record.KindAvailability {
				var a record.Availability
				if err := a.Decode(s.Entry.Body); err != nil {
					panic(err)
				}
				if string(s.Entry.Key) == string(a.SKU) {
					out.availability[string(a.SKU)] = fmt.Sprintf("%x, by %s", s.Entry.Body, s.Entry.Origin)
				} else { // by the row or by what moved, which may come in one transaction
					out.availability[fmt.Sprintf("%s to %s", a.SKU, s.Entry.Key)] = fmt.Sprintf("%x", s.Entry.Body)
				}
				continue
			}
			var d record.Decision
			if err := d.Decode(s.Entry.Body); err != nil {
				panic(err)
			}
			out.decisions = append(out.decisions, fmt.Sprintf("%s: %d %q %s %x", d.SKU, s.Log, s.Entry.Key, s.Entry.Origin, s.Entry.Body))
		}
	}
	for _, tx := range transactions {
		tk.transaction(tx...)
		take()
	}
	// How far forgetting has come and ending quotas has come is the one thing that cuts change.
	for {
		at, ok := tk.stage.Due(tk)
		tk.stage.Reset()
		if !ok || at > tk.Clock {
			break
		}
		tk.run(record.Entry{Kind: record.KindTick})
		take()
	}
	// What was told to a combo that the SKU is no part of any more is nobody's
	// business, and cuts change it.
	for told := range out.availability {
		sku, combo, isCombo := strings.Cut(told, " to ")
		if row, _ := readCombo(tk, record.SKU(combo)); isCombo && !slices.Contains(row.components, record.SKU(sku)) {
			delete(out.availability, told)
		}
	}
	// When a quota ends by itself, between which entries of other SKUs, depends
	// on cuts too. The order within a SKU doesn't.
	sku := func(decision string) string { s, _, _ := strings.Cut(decision, ":"); return s }
	slices.SortStableFunc(out.decisions, func(a, b string) int { return strings.Compare(sku(a), sku(b)) })
	out.state, out.story, out.dead = tk.State, tk.tellState(), tk.Dead
	return out
}
