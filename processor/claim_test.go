package processor

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"holdfast/processor/placement"
	"holdfast/topology/record"
)

func TestClaim(t *testing.T) {
	fs := vfs.NewMem()
	for _, dir := range []string{"data/orders/0", "data/orders/1", "data/orders/7", "data/orders/7.corrupt-1", "data/inventory/9"} {
		require.NoError(t, fs.MkdirAll(dir, 0o700))
	}
	cfg := Default()
	cfg.DataDir, cfg.Standbys, cfg.Store.FS = "data", 1, fs
	b := newStatusBoard()
	at := func(p int) TopicPartition { return TopicPartition{rendezvousLog, record.Partition(p)} }
	for p, phase := range map[int]phase{0: phaseRunning, 2: phaseRestoring, 3: phaseWaiting, 4: phaseHalted} {
		b.set("orders", &task{tp: at(p), phase: phase, progress: &restoreProgress{}})
	}
	b.entries[statusKey{"orders", at(2)}].progress.end.Store(5000)
	b.entries[statusKey{"orders", at(2)}].progress.next.Store(1000)
	b.set("channels", &task{tp: at(12), phase: phaseRunning})
	b.standsBy("orders", at(1), &standbyEntry{next: 90, end: 100, whole: true})
	b.standsBy("orders", at(3), &standbyEntry{next: 100, end: 100, whole: true}) // will be taken over
	b.standsBy("orders", at(5), &standbyEntry{next: 100, end: 100})
	b.standsBy("channels", at(13), &standbyEntry{next: 100, end: 100, whole: true})
	require.Equal(t, placement.Claim{Standbys: true, Stores: map[int32]placement.Lag{
		0: placement.Even, 1: placement.LagOf(10), 2: placement.LagOf(4000), 3: placement.Even, 4: placement.Even,
		5: placement.OnDisk, 7: placement.OnDisk,
	}}, b.claim(&cfg, "orders"))
	require.Equal(t, placement.Claim{Standbys: true, Stores: map[int32]placement.Lag{9: placement.OnDisk}}, b.claim(&cfg, "inventory"))
	cfg.DataDir, cfg.Standbys = "elsewhere", 0
	require.Equal(t, placement.Claim{Stores: map[int32]placement.Lag{}}, b.claim(&cfg, "inventory"))
}
