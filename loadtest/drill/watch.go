package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Watch asks all nodes again and again how far each partition of a log is. A
// partition has decided again, since a fault, when it was seen running at some
// offset after the fault and later at a higher one: what was committed before,
// and comes to light with the takeover only, doesn't count.
type Watch struct {
	scene  *Scene
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	since time.Time
	seen  map[Place]sight
}

type sight struct {
	base    int64     // first offset after since
	next    int64     // last offset
	moved   time.Time // when next was first seen
	again   time.Duration
	longest time.Duration // between two moves, since
	done    bool
}

// watchEvery is how exact its times are.
const watchEvery = 50 * time.Millisecond

// Watch begins to watch the nodes that the drill has now.
func (s *Scene) Watch() *Watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watch{scene: s, cancel: cancel, since: time.Now(), seen: map[Place]sight{}}
	s.watch = w
	for _, n := range s.nodes {
		// Each by itself: one that stands still keeps nobody waiting.
		w.wg.Go(func() { w.follow(ctx, n) })
	}
	return w
}

func (w *Watch) stop() {
	w.cancel()
	w.wg.Wait()
}

func (w *Watch) follow(ctx context.Context, n *Node) {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for {
		asked := time.Now()
		if status, err := n.Status(ctx); err == nil {
			w.note(asked, status)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// note takes what a node has answered to a question of then.
func (w *Watch) note(then time.Time, status Status) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if then.Before(w.since) {
		return
	}
	for _, p := range status.Partitions {
		if !w.scene.isLog(p.Place) || p.Phase != "running" || p.Next < 0 {
			continue
		}
		s, ok := w.seen[p.Place]
		switch {
		case !ok:
			s = sight{base: p.Next, next: p.Next, moved: w.since}
		case p.Next > s.next:
			s.longest = max(s.longest, now.Sub(s.moved))
			s.next, s.moved = p.Next, now
			if !s.done {
				s.done, s.again = true, now.Sub(w.since)
			}
		}
		w.seen[p.Place] = s
	}
}

// Mark forgets all that was seen: from now on it counts.
func (w *Watch) Mark() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since, w.seen = time.Now(), map[Place]sight{}
}

// Again waits until every partition of the logs has decided since the mark, and
// tells after how long the last of them did. It takes a load that keeps all busy.
func (w *Watch) Again(ctx context.Context) (time.Duration, error) {
	var slowest time.Duration
	err := await(ctx, watchEvery, func(context.Context) (string, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		done := 0
		for _, s := range w.seen {
			if s.done {
				done++
				slowest = max(slowest, s.again)
			}
		}
		if done < w.scene.logs {
			return fmt.Sprintf("%d of %d partitions have decided again", done, w.scene.logs), nil
		}
		return "", nil
	})
	return slowest, err
}

// Moved waits until every partition of the logs has decided something after then.
func (w *Watch) Moved(ctx context.Context, then time.Time) error {
	return await(ctx, watchEvery, func(context.Context) (string, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		moved := 0
		for _, s := range w.seen {
			if s.moved.After(then) {
				moved++
			}
		}
		if moved < w.scene.logs {
			return fmt.Sprintf("%d of %d partitions have decided since %s", moved, w.scene.logs, then.Format(time.TimeOnly)), nil
		}
		return "", nil
	})
}

// Longest is how long the partition that stood still longest did so, since the
// mark until now, and which it was.
func (w *Watch) Longest() (longest time.Duration, where Place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for p, s := range w.seen {
		if d := max(s.longest, now.Sub(s.moved)); d > longest {
			longest, where = d, p
		}
	}
	return longest, where
}
