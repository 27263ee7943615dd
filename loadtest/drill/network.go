package main

import (
	"context"
	"time"
)

// networkSlow: everything between one node and the brokers takes 100 ms each way,
// as it does across an ocean.
func networkSlow() Drill {
	return Drill{
		Name: "network-slow", Fault: "what one of two nodes and the brokers say to each other takes 100 ms each way, for 15 s",
		Expected: "every partition goes on deciding, and none halts; audit passes", Bound: 15 * time.Second, Timeout: 2 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			return s.badNetwork(ctx, func(ctx context.Context, p *Proxy, w *Watch) error {
				p.Slow(100 * time.Millisecond)
				w.Mark()
				// Twice: what was under way before the first counts once.
				for range 2 {
					took, err := w.Again(ctx)
					if err != nil {
						return err
					}
					s.Took("all partitions decide, slowly", took, s.Drill.Bound)
					w.Mark()
				}
				if err := pause(ctx, 10*time.Second); err != nil {
					return err
				}
				longest, where := w.Longest()
				s.Took("the longest stop meanwhile, "+where.String(), longest, s.Drill.Bound)
				p.Slow(0)
				return nil
			})
		},
	}
}

// networkLost: one node loses all connections and gets no new ones, for longer
// than its session.
func networkLost() Drill {
	return Drill{
		Name: "network-lost", Fault: "one of two nodes can't reach the brokers for 12 s, longer than its session (6 s)",
		Expected: "the other one decides for all partitions; the lost one is a member with partitions again when the network is back; audit passes", Bound: 15 * time.Second, Timeout: 2 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			return s.badNetwork(ctx, func(ctx context.Context, p *Proxy, w *Watch) error {
				w.Mark()
				began := time.Now()
				p.Cut()
				took, err := w.Again(ctx)
				if err != nil {
					return err
				}
				s.Took("all partitions decide again", took, s.Drill.Bound)
				if err := pause(ctx, 12*time.Second-time.Since(began)); err != nil {
					return err
				}
				p.Mend()
				began = time.Now()
				if err := s.Shared(ctx, s.nodes...); err != nil {
					return err
				}
				s.Took("both share the partitions again", time.Since(began), 0)
				return nil
			})
		},
	}
}

// networkBlinks: all connections of a node end, again and again, and new ones are
// taken at once.
func networkBlinks() Drill {
	return Drill{
		Name: "network-blinks", Fault: "all connections of one of two nodes end, 20 times in 10 s",
		Expected: "no partition halts; all decide again; audit passes", Bound: 15 * time.Second, Timeout: 2 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			return s.badNetwork(ctx, func(ctx context.Context, p *Proxy, w *Watch) error {
				for range 20 {
					p.Cut()
					p.Mend()
					if err := pause(ctx, 500*time.Millisecond); err != nil {
						return err
					}
				}
				w.Mark()
				took, err := w.Again(ctx)
				if err != nil {
					return err
				}
				s.Took("all partitions decide again", took, s.Drill.Bound)
				return nil
			})
		},
	}
}

// badNetwork has two nodes under load, one of them behind a proxy to which
// something is done.
func (s *Scene) badNetwork(ctx context.Context, do func(ctx context.Context, p *Proxy, w *Watch) error) error {
	if err := s.Apply(ctx); err != nil {
		return err
	}
	p, err := s.Proxy()
	if err != nil {
		return err
	}
	a, b := s.Node("a", sessionTimeout), s.Node("b", sessionTimeout)
	b.Brokers = p.Address
	w, err := s.Under(ctx, Rate{Orders: 100, SKUs: 1000}, a, b)
	if err != nil {
		return err
	}
	if err := do(ctx, p, w); err != nil {
		return err
	}
	if err := s.Judge(ctx); err != nil {
		return err
	}
	if err := s.NoneHalted(ctx); err != nil {
		return err
	}
	return s.StopAll(ctx)
}

// pause lets time pass that is a part of the fault itself.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
