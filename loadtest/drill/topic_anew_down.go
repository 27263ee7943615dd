package main

import (
	"context"
	"fmt"
	"time"
)

// topicAnewDown: an internal log is deleted and made anew while nobody reads it.
// A store says how far the old one was decided; as soon as the new one is that
// long, whoever goes on there has skipped all before.
func topicAnewDown() Drill {
	return Drill{
		Name: "topic-anew-down", Fault: "an internal log is deleted and created again while the node is stopped",
		Expected: "the node refuses to start, with exit code 1, and names the log", Bound: 15 * time.Second, Timeout: 2 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			if err := s.Apply(ctx); err != nil {
				return err
			}
			a := s.Node("a")
			if _, err := s.Under(ctx, Rate{Orders: 50, SKUs: 200}, a); err != nil {
				return err
			}
			if err := a.Stop(ctx); err != nil {
				return err
			}
			topic := s.LogTopic("availability")
			if err := s.MakeAnew(ctx, topic); err != nil {
				return err
			}
			began := time.Now()
			if err := a.Start(); err != nil {
				return err
			}
			end, err := a.Ended(ctx)
			if err != nil {
				return err
			}
			s.Took("it is refused", time.Since(began), s.Drill.Bound)
			if end != "exit status 1" || !a.wrote("log "+topic+" was deleted and made anew") {
				return fmt.Errorf("the node ended with %s: %s", end, a.lastWords())
			}
			return nil
		},
	}
}
