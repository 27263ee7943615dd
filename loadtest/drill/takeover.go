package main

import (
	"context"
	"fmt"
	"time"
)

// The takeovers, with all stages and little state. What they cost with millions of
// holds, and beside Kafka Streams, is measured by loadtest/takeover.
const (
	standbys = "node.standbys=1"

	takeoverBound = 10 * time.Second // of which the session timeout is 6
	restartBound  = 3 * time.Second
	rollingBound  = 2 * time.Second
)

// takeoverLoad keeps every partition busy enough to be seen standing still.
func takeoverLoad() Rate { return Rate{Orders: 300, SKUs: 2000} }

// takeoverStandby: one of two nodes is gone for good, and the other one has its
// stores.
func takeoverStandby() Drill {
	return Drill{
		Name: "takeover-standby", Fault: "kill -9 of one of two nodes that stand by for each other", Expected: "the other one decides for all partitions (session timeout 6 s); audit passes",
		Bound: takeoverBound, Timeout: 90 * time.Second,
		Do: func(ctx context.Context, s *Scene) error {
			return s.takeover(ctx, []string{sessionTimeout, standbys}, func(w *Watch, _, b *Node) error {
				if err := b.Kill(ctx); err != nil {
					return err
				}
				took, err := w.Again(ctx)
				s.Took("all partitions decide again", took, s.Drill.Bound)
				return err
			})
		},
	}
}

// takeoverRestart: a node crashes, and is started again at once.
func takeoverRestart() Drill {
	return Drill{
		Name: "takeover-restart", Fault: "kill -9 of one of two nodes, which is started again at once", Expected: "it goes on where it was; audit passes",
		Bound: restartBound, Timeout: 90 * time.Second,
		Do: func(ctx context.Context, s *Scene) error {
			return s.takeover(ctx, []string{sessionTimeout}, func(w *Watch, _, b *Node) error {
				if err := b.Kill(ctx); err != nil {
					return err
				}
				w.Mark()
				if err := b.Start(); err != nil {
					return err
				}
				took, err := w.Again(ctx)
				s.Took("from its start until all partitions decide", took, s.Drill.Bound)
				return err
			})
		},
	}
}

// takeoverRolling: both nodes get a new version, one after the other.
func takeoverRolling() Drill {
	return Drill{
		Name: "takeover-rolling", Fault: "both nodes are stopped and started, one after the other", Expected: "no partition stands still for long; audit passes",
		Bound: rollingBound, Timeout: 90 * time.Second,
		Do: func(ctx context.Context, s *Scene) error {
			return s.takeover(ctx, []string{sessionTimeout}, func(w *Watch, a, b *Node) error {
				for _, n := range []*Node{a, b} {
					w.Mark()
					if err := n.Stop(ctx); err != nil {
						return err
					}
					if err := n.Start(); err != nil {
						return err
					}
					if _, err := w.Again(ctx); err != nil {
						return err
					}
					longest, at := w.Longest()
					s.Took(fmt.Sprintf("node %s restarts: longest standstill (%v)", n.Name, at), longest, s.Drill.Bound)
				}
				return nil
			})
		},
	}
}

// takeover brings two nodes under load, does something to them, and has the audit
// judge.
func (s *Scene) takeover(ctx context.Context, settings []string, fault func(w *Watch, a, b *Node) error) error {
	if err := s.Apply(ctx); err != nil {
		return err
	}
	a, b := s.Node("a", settings...), s.Node("b", settings...)
	w, err := s.Under(ctx, takeoverLoad(), a, b)
	if err != nil {
		return err
	}
	w.Mark()
	if err := fault(w, a, b); err != nil {
		return err
	}
	if err := s.Judge(ctx); err != nil {
		return err
	}
	return s.StopAll(ctx)
}
