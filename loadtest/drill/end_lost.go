package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// endLost: the connection ends between the request that ends a transaction and
// its answer, again and again. The broker has committed, the node can't know.
// Whoever takes that for an abort decides everything in it a second time, and
// whoever takes it for a commit loses what was aborted.
func endLost() Drill {
	const losses = 40
	return Drill{
		Name: "end-lost", Fault: fmt.Sprintf("%d answers to the end of a transaction are lost: the connection ends in place of each", losses),
		Expected: "each is settled and compared with the committed offset; no partition halts; all decide again; audit passes", Bound: 15 * time.Second, Timeout: 2 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			if err := s.Apply(ctx); err != nil {
				return err
			}
			p, err := s.Proxy()
			if err != nil {
				return err
			}
			a := s.Node("a")
			a.Brokers = p.Address
			w, err := s.Under(ctx, Rate{Orders: 100, SKUs: 500}, a)
			if err != nil {
				return err
			}
			p.Lose(kmsg.EndTxn, losses)
			if err := await(ctx, 20*time.Millisecond, func(context.Context) (string, error) {
				if lost := p.Lost(kmsg.EndTxn); lost < losses {
					return fmt.Sprintf("%d of %d answers were asked for", lost, losses), nil
				}
				return "", nil
			}); err != nil {
				return err
			}
			w.Mark()
			took, err := w.Again(ctx)
			if err != nil {
				return err
			}
			s.Took("all partitions decide again after the last", took, s.Drill.Bound)
			unknown, err := a.Metric(ctx, "holdfast_transactions_total", `result="unknown"`)
			if err != nil {
				return err
			}
			if unknown == 0 {
				return fmt.Errorf("%d answers were lost, and no transaction was counted as unknown", losses)
			}
			s.Note("%.0f transactions with an unknown outcome, of which the client didn't find out by itself", unknown)
			if err := s.Judge(ctx); err != nil {
				return err
			}
			if err := s.NoneHalted(ctx); err != nil {
				return err
			}
			return s.StopAll(ctx)
		},
	}
}
