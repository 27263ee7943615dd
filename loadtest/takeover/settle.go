package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	lookEvery = 50 * time.Millisecond
	// settledFor is how long all must be well, calmLag what is well: that long
	// after it was sent, a line is decided.
	settledFor = 2 * time.Second
	calmLag    = time.Second
	// evenLag is how far behind a standby may be that counts as one.
	evenLag = 2.0
)

// until waits until ok holds, and has for the time hold.
func (d *drill) until(ctx context.Context, what string, hold time.Duration, ok func() (bool, error)) error {
	return d.untilWithin(ctx, d.c.Patience, what, hold, ok)
}

func (d *drill) untilWithin(ctx context.Context, patience time.Duration, what string, hold time.Duration, ok func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not within %v", patience))
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var since time.Time
	for {
		good, err := ok()
		if err == nil {
			err = d.probe.look(func(*watch, int) {})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		switch now := time.Now(); {
		case !good:
			since = time.Time{}
		case since.IsZero():
			since = now
		}
		if good && time.Since(since) >= hold {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, context.Cause(ctx))
		case <-tick.C:
		}
		for _, n := range d.nodes {
			if !n.running() && !d.down[n.name] {
				return fmt.Errorf("waiting until %s: node %s has ended: %w", what, n.name, errors.Join(n.err, errors.New("its log says why")))
			}
		}
	}
}

// calm: every partition keeps up with the load.
func (d *drill) calm() (ok bool, err error) {
	err = d.probe.look(func(w *watch, _ int) { ok = w.behind(time.Now()) < calmLag })
	return ok, err
}

// balanced: each node has its share, and its standbys what the other has.
func (d *drill) balanced(ctx context.Context) func() (bool, error) {
	var next time.Time
	last := false
	return func() (bool, error) {
		if time.Now().Before(next) {
			return last, nil
		}
		next = time.Now().Add(500 * time.Millisecond)
		owned, settled, err := d.owners(ctx)
		if err != nil {
			return false, err
		}
		last = settled
		for _, name := range names {
			last = last && owned[name] == partitions/len(names)
			if d.standbys > 0 && last {
				seconds, stores, err := d.who.standbys(d.nodes[name])
				last = err == nil && stores >= partitions/len(names) && seconds < evenLag
			}
		}
		return last, nil
	}
}

// owners says how many partitions each node has.
func (d *drill) owners(ctx context.Context) (owned map[string]int, settled bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	groups, err := d.admin.DescribeGroups(ctx, d.who.group())
	if err != nil {
		return nil, false, fmt.Errorf("describing the group: %w", err)
	}
	owned = map[string]int{}
	g := groups[d.who.group()]
	for _, m := range g.Members {
		assigned, ok := m.Assigned.AsConsumer()
		if !ok || m.InstanceID == nil {
			continue
		}
		for _, name := range names {
			if !d.who.isNodes(*m.InstanceID, name) {
				continue
			}
			for _, t := range assigned.Topics {
				if t.Topic == d.who.input() {
					owned[name] += len(t.Partitions)
				}
			}
		}
	}
	return owned, g.State == "Stable", nil
}
