package processor

import (
	"path/filepath"
	"strconv"

	"holdfast/processor/placement"
)

// claim tells of which partitions of a stage this process has stores, for the
// group to place them by: its workers' and its standbys', and what an earlier
// life left on disk.
func (b *statusBoard) claim(cfg *Config, stage string) placement.Claim {
	c := placement.Claim{Standbys: cfg.Standbys > 0, Stores: map[int32]placement.Lag{}}
	for _, name := range cfg.Store.Stores(filepath.Join(cfg.DataDir, stage)) {
		if p, err := strconv.ParseInt(name, 10, 32); err == nil && p >= 0 {
			c.Stores[int32(p)] = placement.OnDisk
		}
	}
	note := func(key statusKey, lag placement.Lag) {
		p := int32(key.tp.Partition)
		if had, ok := c.Stores[p]; key.stage == stage && (!ok || lag < had) {
			c.Stores[p] = lag
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, e := range b.standbys {
		note(key, e.lag())
	}
	for key, e := range b.entries {
		note(key, e.lag())
	}
	return c
}

// lag of a worker's store. One that waits to be opened is as good as what is on
// disk, or as a standby's that will be taken over.
func (e *statusEntry) lag() placement.Lag {
	switch e.Phase {
	case phaseRunning.String(), phaseHalted.String():
		return placement.Even
	case phaseRestoring.String():
		if next, end := e.progress.next.Load(), e.progress.end.Load(); end > 0 {
			return placement.LagOf(end - next)
		}
	}
	return placement.OnDisk
}

// lag of a standby's store. One that isn't whole yet has to read on for who knows
// how long.
func (e *standbyEntry) lag() placement.Lag {
	if !e.whole {
		return placement.OnDisk
	}
	return placement.LagOf(e.left())
}
