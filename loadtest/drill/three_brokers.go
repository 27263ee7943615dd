package main

import (
	"context"
	"fmt"
	"time"
)

// threeBrokers: what may happen to a real cluster on a night of a sale. Its
// brokers are restarted one after the other, leaders and coordinators move back,
// and each broker is killed once.
func threeBrokers() Drill { return brokersGo(clusterBrokers, 15*time.Second, 15*time.Minute) }

// brokersGo kills so many of the brokers, the one that coordinates most groups
// first.
func brokersGo(kills int, bound, timeout time.Duration) Drill {
	return Drill{
		Name: "three-brokers", Fault: fmt.Sprintf("three brokers (replication 3, min.insync.replicas 2): rolling restart, leaders and coordinators moved, kill -9 of %d of them in turn, under load", kills),
		Expected: "no partition stands still for longer than the bound; audit passes", Cluster: true,
		Bound: bound, Timeout: timeout,
		Do: func(ctx context.Context, s *Scene) error {
			// Few partitions: it is about brokers, and these have one machine.
			if err := s.Apply(ctx, "topics.log_partitions=4", "topics.public_partitions=1"); err != nil {
				return err
			}
			a, b := s.Node("a"), s.Node("b")
			w, err := s.Under(ctx, Rate{Orders: 100, SKUs: 2000}, a, b)
			if err != nil {
				return err
			}
			if err := s.untouched(ctx, w); err != nil {
				return err
			}
			if err := s.restartEach(ctx, w); err != nil {
				return err
			}
			if err := s.lead(ctx, w); err != nil {
				return err
			}
			var before []int32
			for range kills {
				of, err := s.Duties(ctx)
				if err != nil {
					return err
				}
				next := busiest(of, before)
				if err := s.killed(ctx, w, next, of[next]); err != nil {
					return err
				}
				before = append(before, next)
			}
			if err := s.Judge(ctx); err != nil {
				return err
			}
			return s.StopAll(ctx)
		},
	}
}

// untouched tells for how long partitions stand still with no fault: what a busy
// machine adds to every figure.
func (s *Scene) untouched(ctx context.Context, w *Watch) error {
	w.Mark()
	if err := w.Moved(ctx, time.Now().Add(5*time.Second)); err != nil {
		return err
	}
	longest, _ := w.Longest()
	s.Took("without a fault: longest stand", longest, 0)
	return nil
}

func (s *Scene) restartEach(ctx context.Context, w *Watch) error {
	for n := int32(1); n <= clusterBrokers; n++ {
		if err := s.stands(ctx, w, fmt.Sprintf("restart of broker %d", n), func() error {
			if err := s.Kafka.Broker(ctx, "stop", n); err != nil {
				return err
			}
			if err := s.Kafka.Broker(ctx, "start", n); err != nil {
				return err
			}
			return s.InSync(ctx)
		}); err != nil {
			return err
		}
	}
	return nil
}

// lead gives leaderships back to whom they were meant for.
func (s *Scene) lead(ctx context.Context, w *Watch) error {
	return s.stands(ctx, w, "leaders and coordinators move", func() error {
		moved, err := s.Prefer(ctx)
		if err == nil && moved == 0 {
			err = fmt.Errorf("no leader moved, so nothing was rehearsed")
		}
		if err != nil {
			return err
		}
		s.Note("%d leaders moved", moved)
		return s.InSync(ctx)
	})
}

func (s *Scene) killed(ctx context.Context, w *Watch, n int32, d Duties) error {
	s.Note("broker %d leads %d partitions, coordinates %d groups and %d transactional ids", n, d.Leads, d.Coordinates, d.Transactions)
	if err := s.stands(ctx, w, fmt.Sprintf("kill -9 of broker %d", n), func() error {
		if err := s.Kafka.Broker(ctx, "kill", n); err != nil {
			return err
		}
		// It stays away until the others do without it.
		return s.Fenced(ctx, n)
	}); err != nil {
		return err
	}
	return s.stands(ctx, w, fmt.Sprintf("broker %d comes back", n), func() error {
		if err := s.Kafka.Broker(ctx, "start", n); err != nil {
			return err
		}
		return s.InSync(ctx)
	})
}

// stands measures for how long the partition that stood still longest did so,
// from the fault on until every partition has decided something after all that
// fault does.
func (s *Scene) stands(ctx context.Context, w *Watch, what string, fault func() error) error {
	w.Mark()
	if err := fault(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := w.Moved(ctx, time.Now()); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	longest, where := w.Longest()
	s.Took(fmt.Sprintf("%s: longest stand (%s)", what, where), longest, s.Drill.Bound)
	return nil
}
