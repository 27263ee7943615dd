package main

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// zombie: a node stands still in the middle of what it does (a machine that
// hangs, a long pause of its virtual machine), others take its partitions over,
// and it goes on as if nothing had been. What it had under way must not land: the
// audit would find each of its decisions a second time.
func zombie() Drill {
	return Drill{
		Name: "zombie", Fault: "SIGSTOP of one of two nodes beyond its session timeout, then SIGCONT",
		Expected: "the other one takes over (session timeout 6 s); no write of the zombie lands; it is a member again, or ends and says why; audit passes",
		Bound:    15 * time.Second, Timeout: 2 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			if err := s.Apply(ctx); err != nil {
				return err
			}
			a, b := s.Node("a", sessionTimeout), s.Node("b", sessionTimeout)
			w, err := s.Under(ctx, Rate{Orders: 200, SKUs: 2000}, a, b)
			if err != nil {
				return err
			}
			w.Mark()
			if err := b.Signal(syscall.SIGSTOP); err != nil {
				return err
			}
			took, err := w.Again(ctx)
			if err != nil {
				return err
			}
			s.Took("all partitions decide again", took, s.Drill.Bound)
			if err := b.Signal(syscall.SIGCONT); err != nil {
				return err
			}
			began := time.Now()
			if err := s.Shared(ctx, a, b); err != nil {
				if b.Alive() {
					return err
				}
				return fmt.Errorf("the zombie ended: %w", err)
			}
			s.Took("the zombie is a member with partitions again", time.Since(began), 0)
			if err := s.Judge(ctx); err != nil {
				return err
			}
			return s.StopAll(ctx)
		},
	}
}
