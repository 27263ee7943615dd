package channels

import (
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/golden"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// What is in state today must be readable tomorrow: a change of these bytes needs
// a new version.
func TestFormats(t *testing.T) {
	for name, it := range samples() {
		golden.Packed(t, name, itemVersion, it.append(nil), func(b []byte) error { return new(item).decode(b) })
	}
	names := tables{epoch: 300, rows: 4, channels: []string{"shopee", "web"}}
	names.warehouses.list, names.shops.list = []string{"HCM-1", "HN"}, []string{"web/main"}
	golden.Packed(t, "names", namesVersion, names.appendNames(nil), func(b []byte) error { return new(tables).decodeNames(b) })

	// with returns a task whose state holds a value.
	with := func(key string, value []byte) *stagetest.Task {
		tx := stagetest.NewTask(nil)
		tx.Put([]byte(key), value)
		return tx
	}
	tx := stagetest.NewTask(nil)
	(&pass{next: "CAP", until: "TEE", again: true}).save(tx)
	golden.Packed(t, "pass", passVersion, tx.State[keyPass], func(b []byte) error { loadPass(with(keyPass, b)); return nil })

	q := queue{head: 3, tail: 300, due: 1_762_790_400_250}
	q.save(tx)
	golden.Packed(t, "window_queue", queueVersion, tx.State[keyQueue], func(b []byte) error { loadQueue(with(keyQueue, b)); return nil })

	s := &Stage{config: Config{WindowMillis: 250}, opened: []record.SKU{"CAP", "TEE"}}
	tx.Clock = 1_762_790_400_000
	s.openWindows(tx, &q)
	key := string(appendWindowKey(nil, 300))
	require.Contains(t, tx.State, key)
	golden.Packed(t, "window", windowVersion, tx.State[key], func(b []byte) error { new(Stage).readWindow(b); return nil })
	golden.Packed(t, "window", windowVersion, tx.State[key], func(b []byte) error {
		new(Stage).dueOfWindow(with(key, b), &queue{head: 300, tail: 301})
		return nil
	})
}
