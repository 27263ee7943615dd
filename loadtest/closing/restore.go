package closing

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"holdfast/processor"
	"holdfast/state"
	"holdfast/topology"
)

// restored is what came out of the changelog of one partition alone.
type restored struct {
	records, bytes int64
	seconds        float64
}

// restore fills a fresh store from the changelog, of which only what wasn't
// trimmed is left, and compares it with the node's own and with what the stage is
// known to have written.
func (r *run) restore(ctx context.Context, partition int) (out restored, err error) {
	changelog := r.log.of(topology.Changelog(topology.StageInventory), partition)
	own, err := state.Open(r.storeConfig(r.nodeDir(partition), changelog.tp))
	if err != nil {
		return out, fmt.Errorf("opening the node's store: %w", err)
	}
	defer own.Abandon()
	fresh, err := state.Open(r.storeConfig(filepath.Join(r.cfg.Dir, "restored", fmt.Sprint(partition)), changelog.tp))
	if err != nil {
		return out, fmt.Errorf("opening a fresh store: %w", err)
	}
	defer fresh.Abandon()

	begun := time.Now()
	out.records, out.bytes, err = processor.RollForward(ctx, r.log, changelog.tp, fresh, time.Minute)
	if err != nil {
		return out, fmt.Errorf("restoring: %w", err)
	}
	if err := fresh.Flush(); err != nil {
		return out, fmt.Errorf("flushing the restored store: %w", err)
	}
	out.seconds = time.Since(begun).Seconds()
	if out.bytes != changelog.bytes {
		return out, fmt.Errorf("the restore took %d bytes, %d are on the changelog", out.bytes, changelog.bytes)
	}
	if own.Position() != fresh.Position() {
		return out, fmt.Errorf("the restored store is at %+v, the node's at %+v", fresh.Position(), own.Position())
	}
	return out, errors.Join(sameState(own, fresh), r.judge.logs[partition].watch.same(fresh))
}

func (r *run) storeConfig(dir string, changelog processor.TopicPartition) state.Config {
	c := r.cfg.Store
	c.Dir = dir
	c.Identity = state.Identity{ClusterID: clusterID, Topic: changelog.Topic, TopicID: topicID(), Partition: int32(changelog.Partition)}
	return c
}

// sameState tells the first key that two stores hold differently.
func sameState(own, restored *state.Store) error {
	var different error
	err := state.Diff(own, restored, func(key, a, b []byte) bool {
		different = fmt.Errorf("the restored state differs first at %q: %q instead of %q", key, b, a)
		return false
	})
	return errors.Join(err, different)
}

// same compares the sizes of all entries with a store's.
func (w *watch) same(s *state.Store) error {
	var wrong error
	keys := 0
	err := s.Each(func(key, value []byte) bool {
		keys++
		if size := w.sizes[string(key)]; size == nil || *size != entryBytes(key, value) {
			wrong = fmt.Errorf("the stage hasn't written %q as it was restored, %q", key, value)
		}
		return wrong == nil
	})
	if wrong == nil && keys != len(w.sizes) {
		wrong = fmt.Errorf("%d keys were restored, the stage left %d", keys, len(w.sizes))
	}
	return errors.Join(err, wrong)
}
