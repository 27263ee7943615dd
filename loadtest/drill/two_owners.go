package main

import (
	"context"
	"fmt"
	"time"
)

// twoOwners: a second process is started on a node's directory, by a script that
// ran twice, say. Both would be the same member, and fence each other for ever.
func twoOwners() Drill {
	return Drill{
		Name: "two-owners", Fault: "a second process is started on a running node's data directory",
		Expected: "it is refused with exit code 1 and says why; the first one isn't disturbed; audit passes", Bound: 10 * time.Second, Timeout: 90 * time.Second,
		Do: func(ctx context.Context, s *Scene) error {
			if err := s.Apply(ctx); err != nil {
				return err
			}
			a := s.Node("a")
			w, err := s.Under(ctx, Rate{Orders: 50, SKUs: 200}, a)
			if err != nil {
				return err
			}
			second := s.Node("second")
			second.args = append(second.args, "--data-dir", a.Dir)
			began := time.Now()
			if err := second.Start(); err != nil {
				return err
			}
			end, err := second.Ended(ctx)
			if err != nil {
				return err
			}
			s.Took("the second one is refused", time.Since(began), s.Drill.Bound)
			if words := second.lastWords(); end != "exit status 1" || !second.wrote("data directory "+a.Dir+" is in use by another process") {
				return fmt.Errorf("the second process ended with %s: %s", end, words)
			}
			w.Mark()
			if _, err := w.Again(ctx); err != nil {
				return err
			}
			if err := s.Judge(ctx); err != nil {
				return err
			}
			return s.StopAll(ctx)
		},
	}
}
