package channels_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/channels"
	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// findings walks a task's whole state as the run time does.
func findings(task *stagetest.Task) (out []string) {
	v := channels.NewVerifier()
	task.Scan([]byte{1}, nil, func(key, value []byte) bool {
		v.Verify(task, key, value, func(f stage.Finding) { out = append(out, f.String()) })
		return true
	})
	return out
}

func requireSound(t *testing.T, task *stagetest.Task) {
	t.Helper()
	require.Empty(t, findings(task))
}

// TestVerifierFindsDamage: whatever row of a sound state is lost or garbled is
// found, but for what says nothing that could be told from other rows.
func TestVerifierFindsDamage(t *testing.T) {
	w := &world{Rand: rand.New(rand.NewPCG(1, 2)), fed: map[record.SKU]bool{}}
	task := stagetest.NewTask(channels.New(channels.Config{Channels: []string{"web", "shopee"}, WindowMillis: 250, ChunkMax: 4}))
	m := &model{houses: map[string]*record.Warehouse{}, shops: map[string]*record.Shop{}, catalog: map[string]*record.CatalogItem{}}
	all := func() bool {
		met := map[byte]bool{}
		for key := range task.State {
			met[key[0]] = true
		}
		return len(met) == 7
	}
	for step := 0; step < 300 || step < 5000 && !all(); step++ {
		entry, _ := randomEntry(w, m)
		task.Entries(record.Millis(1000+10*step), entry)
		requireSound(t, task)
	}
	missed := map[string]bool{}
	for key, value := range task.State {
		delete(task.State, key)
		if len(findings(task)) == 0 {
			missed[key[:1]+" lost"] = true
		}
		task.State[key] = append([]byte{0xc1}, value...)
		if len(findings(task)) == 0 {
			missed[key[:1]+" garbled"] = true
		}
		task.State[key] = value
	}
	for what := range missed {
		// Tables, items and the pass stand for themselves.
		require.Contains(t, []string{"W lost", "S lost", "a lost", "r lost"}, what)
	}
	task.State["?"] = []byte{1}
	require.Contains(t, strings.Join(findings(task), "\n"), `unknown_key at key "?"`)
}
