package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// logCut: records of an internal log are deleted before they were decided, by a
// retention that somebody set or by hand. They can't be had again; what must not
// happen is that nobody notices.
func logCut() Drill {
	return Drill{
		Name: "log-cut", Fault: "an internal log's start is moved beyond the committed offset of one partition",
		Expected: "that partition halts and names the records; it doesn't go on after a restart either; all others go on deciding", Bound: 15 * time.Second, Timeout: 2 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			if err := s.Apply(ctx); err != nil {
				return err
			}
			// Apart, so that the log grows while nobody decides it.
			a, b := s.Node("a", "node.stages=intake,orders,channels"), s.Node("b", "node.stages=inventory")
			if _, err := s.Under(ctx, Rate{Orders: 50, SKUs: 200}, a, b); err != nil {
				return err
			}
			if err := b.Stop(ctx); err != nil {
				return err
			}
			cut := Place{Stage: "inventory", Topic: s.LogTopic("inventory"), Partition: 0}
			if err := s.Grows(ctx, cut, 20); err != nil {
				return err
			}
			if err := s.CutLog(ctx, cut.Topic, cut.Partition); err != nil {
				return err
			}
			for range 2 {
				began := time.Now()
				if err := b.Start(); err != nil {
					return err
				}
				if err := s.Phases(ctx, b, "running", cut, "halted"); err != nil {
					return err
				}
				s.Took("it halts, the others run", time.Since(began), s.Drill.Bound)
				halted, err := b.Halted(ctx)
				if err != nil {
					return err
				}
				if reason := halted[cut]; !strings.Contains(reason, "were deleted before they were decided") {
					return fmt.Errorf("%s has halted, and the reason isn't the one: %s", cut, reason)
				}
				if err := s.othersGoOn(ctx, b, cut); err != nil {
					return err
				}
				if err := b.Stop(ctx); err != nil {
					return err
				}
			}
			return s.StopAll(ctx)
		},
	}
}

// changelogCut: a changelog's records are gone, and so is the store that they
// would have made.
func changelogCut() Drill {
	return Drill{
		Name: "changelog-cut", Fault: "a node's stores are lost, and one changelog partition is cut at its end while it is restored (over a slow network)",
		Expected: "that partition halts and says that the changelog starts where nothing was read before; all others are restored and go on deciding", Bound: 30 * time.Second, Timeout: 2 * time.Minute,
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
			if _, err := s.Under(ctx, Rate{Orders: 50, SKUs: 200}, a); err != nil {
				return err
			}
			if err := a.Kill(ctx); err != nil {
				return err
			}
			for _, stage := range []string{"orders", "inventory", "channels"} {
				if err := os.RemoveAll(filepath.Join(a.Dir, stage)); err != nil {
					return err
				}
			}
			cut := Place{Stage: "inventory", Topic: s.LogTopic("inventory"), Partition: 0}
			p.Slow(200 * time.Millisecond)
			if err := a.Start(); err != nil {
				return err
			}
			if err := await(ctx, 10*time.Millisecond, func(ctx context.Context) (string, error) {
				status, err := a.Status(ctx)
				if err != nil {
					return err.Error(), nil
				}
				for _, at := range status.Partitions {
					if at.Place == cut && at.Phase == "restoring" {
						return "", nil
					}
				}
				return "it isn't restoring", nil
			}); err != nil {
				return err
			}
			if err := s.CutLog(ctx, s.App+".changelog.inventory", cut.Partition); err != nil {
				return err
			}
			p.Slow(0)
			began := time.Now()
			if err := s.Phases(ctx, a, "running", cut, "halted"); err != nil {
				return err
			}
			s.Took("it halts, the others run", time.Since(began), s.Drill.Bound)
			halted, err := a.Halted(ctx)
			if err != nil {
				return err
			}
			if reason := halted[cut]; !strings.Contains(reason, "the changelog has lost records") && !strings.Contains(reason, "and no delta was read since") {
				return fmt.Errorf("%s has halted, and the reason isn't the one: %s", cut, reason)
			}
			if err := s.othersGoOn(ctx, a, cut); err != nil {
				return err
			}
			return s.StopAll(ctx)
		},
	}
}

// Grows waits until a partition of a log has so many more records than its
// stage's group has committed.
func (s *Scene) Grows(ctx context.Context, p Place, more int64) error {
	admin, err := s.Admin()
	if err != nil {
		return err
	}
	return await(ctx, 100*time.Millisecond, func(ctx context.Context) (string, error) {
		committed, err := admin.FetchOffsets(ctx, s.App+"."+p.Stage)
		if err != nil {
			return "", fmt.Errorf("reading the committed offsets: %w", err)
		}
		ends, err := admin.ListCommittedOffsets(ctx, p.Topic)
		if err != nil {
			return "", fmt.Errorf("reading the ends: %w", err)
		}
		at, _ := committed.Lookup(p.Topic, p.Partition)
		end, _ := ends.Lookup(p.Topic, p.Partition)
		if end.Offset < at.At+more {
			return fmt.Sprintf("%s: committed %d, end %d, wanted %d more", p, at.At, end.Offset, more), nil
		}
		return "", nil
	})
}

// CutLog deletes all that a partition has.
func (s *Scene) CutLog(ctx context.Context, topic string, partition int32) error {
	admin, err := s.Admin()
	if err != nil {
		return err
	}
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topic, Partition: partition, At: -1}) // its end
	deleted, err := admin.DeleteRecords(ctx, offsets)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		return fmt.Errorf("deleting the records of %s/%d: %w", topic, partition, err)
	}
	return nil
}

// othersGoOn waits until every other partition of a node's logs has decided
// something more, and sees that one hasn't moved.
func (s *Scene) othersGoOn(ctx context.Context, n *Node, one Place) error {
	next := func(ctx context.Context) (map[Place]int64, error) {
		status, err := n.Status(ctx)
		if err != nil {
			return nil, err
		}
		at := map[Place]int64{}
		for _, p := range status.Partitions {
			// What others write is waited for by nobody.
			if s.isLog(p.Place) && p.Stage == one.Stage {
				at[p.Place] = p.Next
			}
		}
		return at, nil
	}
	before, err := next(ctx)
	if err != nil {
		return err
	}
	return await(ctx, 100*time.Millisecond, func(ctx context.Context) (string, error) {
		now, err := next(ctx)
		if err != nil {
			return "", err
		}
		for p, at := range now {
			if p == one && at != before[p] {
				return "", fmt.Errorf("%s has halted and went from %d to %d", p, before[p], at)
			}
			if p != one && at == before[p] {
				return fmt.Sprintf("%s decides nothing", p), nil
			}
		}
		return "", nil
	})
}
