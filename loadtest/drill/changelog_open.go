package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// changelogOpen: somebody else has a transaction open on a changelog when its
// store is restored. What lies behind it can't be read yet: a restore that took
// the last stable offset for the end would go on with too little.
func changelogOpen() Drill {
	return Drill{
		Name: "changelog-open", Fault: "a foreign transaction is open on one changelog partition while its store is restored",
		Expected: "that partition restores until the transaction ends, the others run; then it goes on; audit passes", Bound: 5 * time.Second, Timeout: 2 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			if err := s.Apply(ctx); err != nil {
				return err
			}
			a := s.Node("a")
			w, err := s.Under(ctx, Rate{Orders: 50, SKUs: 200}, a)
			if err != nil {
				return err
			}
			if err := a.Kill(ctx); err != nil {
				return err
			}
			foreign, err := kgo.NewClient(kgo.SeedBrokers(s.Kafka.Address), kgo.TransactionalID(s.App+"-foreign"), kgo.TransactionTimeout(time.Minute),
				kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableClientMetrics())
			if err != nil {
				return fmt.Errorf("the foreign client: %w", err)
			}
			defer foreign.Close()
			if err := foreign.BeginTransaction(); err != nil {
				return fmt.Errorf("the foreign transaction: %w", err)
			}
			hung := Place{Stage: "inventory", Topic: s.LogTopic("inventory"), Partition: 0}
			if err := foreign.ProduceSync(ctx, &kgo.Record{Topic: s.App + ".changelog.inventory", Partition: hung.Partition, Value: []byte("not a delta")}).FirstErr(); err != nil {
				return fmt.Errorf("the foreign transaction: %w", err)
			}
			if err := a.Start(); err != nil {
				return err
			}
			w.Mark()
			if err := s.Phases(ctx, a, "running", hung, "restoring"); err != nil {
				return err
			}
			// The others go on deciding, and it doesn't go on meanwhile.
			if err := pause(ctx, 3*time.Second); err != nil {
				return err
			}
			if err := s.Phases(ctx, a, "running", hung, "restoring"); err != nil {
				return err
			}
			began := time.Now()
			if err := foreign.EndTransaction(ctx, kgo.TryAbort); err != nil {
				return fmt.Errorf("the end of the foreign transaction: %w", err)
			}
			if err := s.Shared(ctx, a); err != nil {
				return err
			}
			s.Took("it runs after the transaction's end", time.Since(began), s.Drill.Bound)
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

// Phases waits until one place of a node is in a phase, and all other partitions
// of logs are in another.
func (s *Scene) Phases(ctx context.Context, n *Node, others string, one Place, phase string) error {
	return await(ctx, 100*time.Millisecond, func(ctx context.Context) (string, error) {
		if !n.Alive() {
			return "", fmt.Errorf("node %s has ended (%s): %s", n.Name, n.cmd.ProcessState, n.lastWords())
		}
		status, err := n.Status(ctx)
		if err != nil {
			return err.Error(), nil
		}
		seen := 0
		for _, p := range status.Partitions {
			if !s.isLog(p.Place) {
				continue
			}
			seen++
			want := others
			if p.Place == one {
				want = phase
			}
			if p.Phase != want {
				return fmt.Sprintf("%s is %s (%s), wanted %s", p.Place, p.Phase, p.Reason, want), nil
			}
		}
		if seen == 0 {
			return "it has no partition", nil
		}
		return "", nil
	})
}
