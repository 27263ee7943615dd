package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// brokerStall: the broker stands still under load, as one does whose disk or
// machine hangs, for longer than sessions and transactions last. Connections stay
// open and nothing is answered. Nodes must wait, say that they do, hold no more in
// memory than before, and go on.
func brokerStall() Drill {
	const stall = 20 * time.Second
	return Drill{
		Name: "broker-stall", Fault: "SIGSTOP of the broker under load for 20 s, then SIGCONT",
		Expected: "no node ends; each isn't ready and says that it waits for the brokers; memory and goroutines stay bounded; all partitions decide again; audit passes",
		Bound:    20 * time.Second, Timeout: 4 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			if err := s.Apply(ctx); err != nil {
				return err
			}
			a, b := s.Node("a", sessionTimeout), s.Node("b", sessionTimeout)
			w, err := s.Under(ctx, Rate{Orders: 200, SKUs: 2000}, a, b)
			if err != nil {
				return err
			}
			nodes := []*Node{a, b}
			before, err := weigh(ctx, nodes)
			if err != nil {
				return err
			}
			if err := s.Kafka.Signal(syscall.SIGSTOP); err != nil {
				return err
			}
			stalled := time.Now()
			// Whatever happens next, others share the broker.
			s.Closing(func() { _ = s.Kafka.Signal(syscall.SIGCONT) })
			for _, n := range nodes {
				if err := n.awaitUnready(ctx, "waiting for the brokers"); err != nil {
					return err
				}
			}
			s.Took("both nodes say that they wait for the brokers", time.Since(stalled), stall)
			if err := await(ctx, watchEvery, func(context.Context) (string, error) {
				if left := stall - time.Since(stalled); left > 0 {
					return fmt.Sprintf("%v until the broker goes on", left), nil
				}
				return "", nil
			}); err != nil {
				return err
			}
			during, err := weigh(ctx, nodes)
			if err != nil {
				return err
			}
			w.Mark()
			if err := s.Kafka.Signal(syscall.SIGCONT); err != nil {
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
			after, err := weigh(ctx, nodes)
			if err != nil {
				return err
			}
			for i, n := range nodes {
				s.Note("node %s: %v before, %v at the end of the stall, %v at the end", n.Name, before[i], during[i], after[i])
				for _, now := range []weight{during[i], after[i]} {
					if err := now.bounded(before[i]); err != nil {
						return fmt.Errorf("node %s: %w", n.Name, err)
					}
				}
				if lives := n.lives; lives != 1 {
					return fmt.Errorf("node %s had %d lives", n.Name, lives)
				}
			}
			return s.StopAll(ctx)
		},
	}
}

// weight is what a node takes of its machine.
type weight struct{ goroutines, memoryMiB float64 }

func (w weight) String() string {
	return fmt.Sprintf("%.0f goroutines, %.0f MiB", w.goroutines, w.memoryMiB)
}

// bounded compares with what it was: caches fill while a node works, so some
// growth is none.
func (w weight) bounded(before weight) error {
	if w.goroutines > 2*before.goroutines || w.memoryMiB > 2*before.memoryMiB+256 {
		return fmt.Errorf("%v, and it was %v", w, before)
	}
	return nil
}

// weigh asks every node, which must be alive.
func weigh(ctx context.Context, nodes []*Node) (all []weight, err error) {
	for _, n := range nodes {
		if !n.Alive() {
			return nil, fmt.Errorf("node %s has ended (%s): %s", n.Name, n.cmd.ProcessState, n.lastWords())
		}
		goroutines, err := n.Metric(ctx, "go_goroutines")
		if err != nil {
			return nil, err
		}
		memory, err := n.Metric(ctx, "process_resident_memory_bytes")
		if err != nil {
			return nil, err
		}
		all = append(all, weight{goroutines, memory / (1 << 20)})
	}
	return all, nil
}

// awaitUnready waits until the node isn't ready and gives a reason that holds text.
func (n *Node) awaitUnready(ctx context.Context, text string) error {
	return await(ctx, watchEvery, func(ctx context.Context) (string, error) {
		if !n.Alive() {
			return "", fmt.Errorf("node %s has ended (%s): %s", n.Name, n.cmd.ProcessState, n.lastWords())
		}
		status, err := n.Status(ctx)
		if err != nil {
			return err.Error(), nil
		}
		if status.Ready || !strings.Contains(status.Reason, text) {
			return fmt.Sprintf("that node %s isn't ready and says %q; it says %q", n.Name, text, status.Reason), nil
		}
		return "", nil
	})
}
