package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// findings walks a task's whole state as the run time does.
func findings(t *stagetest.Task) (out []string) {
	v := NewVerifier()
	t.Scan([]byte{1}, nil, func(key, value []byte) bool {
		v.Verify(t, key, value, func(f stage.Finding) { out = append(out, f.String()) })
		return true
	})
	return out
}

// grownTask is a task after many random steps.
func grownTask(t *testing.T) *task {
	cfg := Config{RememberMillis: 2 * hourMillis, ForgetMax: 7, ServeMax: 3}
	g, tk := newGenerator(seed(t), cfg, 60_000), newTask(cfg)
	for n := range 6000 {
		s := g.next()
		tk.transaction(envelope{s.at, []record.Entry{s.entry()}})
		tk.Take()
		tk.Dead = nil
		if n%200 == 0 {
			require.Empty(t, findings(&tk.Task), "step %d", n)
		}
	}
	require.Empty(t, findings(&tk.Task))
	return tk
}

// TestVerifierFindsDamage: whatever row of a sound state is lost, or has a bit
// turned, is found, but for what says nothing that could be told from other rows.
func TestVerifierFindsDamage(t *testing.T) {
	tk := grownTask(t)
	missed := map[string]int{}
	for key, value := range tk.State {
		delete(tk.State, key)
		if len(findings(&tk.Task)) == 0 {
			missed[fmt.Sprintf("%c lost", key[0])]++
		}
		tk.State[key] = append([]byte{0xc1}, value...)
		if len(findings(&tk.Task)) == 0 {
			missed[fmt.Sprintf("%c garbled", key[0])]++
		}
		tk.State[key] = value
	}
	for what := range missed {
		// A history and a combo stand for themselves; so does the catalog's count.
		// The indexes hold nothing but their keys.
		require.Contains(t, []string{"m lost", "c lost", "k lost", "q garbled", "x garbled"}, what)
	}
	tk.State["?"] = []byte{1}
	require.Contains(t, strings.Join(findings(&tk.Task), "\n"), `unknown_key at key "?"`)
}

// TestVerifierAddsUp: counters that aren't the sums of the holds are found, and
// what is expected is told.
func TestVerifierAddsUp(t *testing.T) {
	tk := grownTask(t)
	changed := 0
	for _, sku := range randomSKUs {
		it := tk.item(sku)
		key := string(appendItemKey(nil, sku))
		was := tk.State[key]
		for i := range it.Rows {
			for _, change := range []func(*Row){
				func(r *Row) { r.Held++ }, func(r *Row) { r.Allocated++ },
			} {
				broken := it
				broken.Rows = slices.Clone(it.Rows)
				change(&broken.Rows[i])
				tk.State[key] = appendItem(nil, &broken)
				found := findings(&tk.Task)
				require.Len(t, found, 1)
				require.Contains(t, found[0], fmt.Sprintf("counters at key %q: expected %d held and %d allocated at %q", key, it.Rows[i].Held, it.Rows[i].Allocated, it.Rows[i].Warehouse))
				changed++
			}
		}
		it.Holds++
		tk.State[key] = appendItem(nil, &it)
		require.NotEmpty(t, findings(&tk.Task))
		tk.State[key] = was
	}
	require.NotZero(t, changed)
	require.Empty(t, findings(&tk.Task))
}
