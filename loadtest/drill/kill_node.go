package main

import (
	"context"
	"time"
)

// sessionTimeout is the shortest that brokers allow unless told otherwise.
const sessionTimeout = "kafka.session_timeout=6s"

// killNode: one of two nodes is gone for good, and the other one has to notice.
func killNode() Drill {
	return Drill{
		Name: "kill-node", Fault: "kill -9 of one of two nodes under load", Expected: "the other one decides for all partitions (session timeout 6 s); audit passes",
		Bound: 15 * time.Second, Timeout: 90 * time.Second,
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
			if err := b.Kill(ctx); err != nil {
				return err
			}
			took, err := w.Again(ctx)
			if err != nil {
				return err
			}
			s.Took("all partitions decide again", took, s.Drill.Bound)
			if err := s.Judge(ctx); err != nil {
				return err
			}
			return s.StopAll(ctx)
		},
	}
}
