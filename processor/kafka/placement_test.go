package kafka_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/topology/record"
)

func oneStandby(c *processor.Config, k *kafka.Config) {
	c.Standbys, c.StandbyLookEvery, c.EndTimeout, k.SessionTimeout = 1, 200*time.Millisecond, time.Second, time.Second
}

// in returns the node's partitions in a phase.
func (l *life) in(phase string) (out []record.Partition) {
	for _, s := range l.node.Status() {
		if s.Phase == phase {
			out = append(out, s.Partition)
		}
	}
	return out
}

// standing returns the partitions that the node could take over at once.
func (l *life) standing() (out []record.Partition) {
	for _, s := range l.node.Standbys() {
		if s.Whole && s.Lag <= 1 { // the last may be a marker
			out = append(out, s.Partition)
		}
	}
	return out
}

// A node dies: each of its partitions goes to the node that stood by for it. A
// node comes anew: partitions go to it once it has their stores.
func TestPartitionsGoToTheirStores(t *testing.T) {
	t.Parallel()
	goToTheirStores(newWorld(t))
}

func goToTheirStores(w *world) {
	w.t.Helper()
	w.write(20, w.keys()...) // so that there is something to have
	a := w.start("a", nil, oneStandby)
	a.awaitPhase("running", partitions)
	w.settled()

	// b and c come with nothing. What they get is even by then.
	b, c := w.start("b", nil, oneStandby), w.start("c", nil, oneStandby)
	lives := []*life{a, b, c}
	spread := func() bool {
		all := 0
		for _, l := range lives {
			n := l.count("running")
			if all += n; n < partitions/len(lives) {
				return false
			}
		}
		return all == partitions
	}
	w.until("each has its share", spread, lives...)
	for _, l := range lives[1:] {
		l.seen.read(func(o *observer) {
			for _, r := range o.restored {
				require.LessOrEqual(w.t, r.records, int64(1), "partition %d was restored by %s while nobody decided it", r.partition, l.name)
			}
		})
	}

	w.settled()
	w.until("somebody stands by for all that a has", func() bool {
		standing := append(b.standing(), c.standing()...)
		has := a.in("running")
		return len(has) > 0 && !slices.ContainsFunc(has, func(p record.Partition) bool { return !slices.Contains(standing, p) })
	}, lives...)
	for _, l := range lives {
		l.seen.read(func(o *observer) { o.restored = nil })
	}
	a.crash()
	w.until("b and c have all", func() bool { return b.count("running")+c.count("running") == partitions }, b, c)
	for _, l := range lives[1:] {
		l.seen.read(func(o *observer) {
			require.Empty(w.t, o.wiped)
			for _, r := range o.restored {
				require.LessOrEqual(w.t, r.records, int64(1), "partition %d was restored by %s, which didn't stand by for it", r.partition, l.name)
			}
		})
	}
	w.write(5, w.keys()...)
	w.settled()
	require.NoError(w.t, b.stop())
	require.NoError(w.t, c.stop())
}

func (w *world) protocol() string {
	w.t.Helper()
	groups, err := kadm.NewClient(w.feed).DescribeGroups(w.ctx, w.group())
	require.NoError(w.t, err)
	return groups[w.group()].Protocol
}

// A node of an older version knows only the client's own protocol. While it is in
// the group, everybody uses that.
func TestOlderMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.start("a", nil, oneStandby)
	a.awaitPhase("running", partitions)
	require.Equal(t, "holdfast-stores", w.protocol())
	old, err := kgo.NewClient(kgo.SeedBrokers(w.addr), kgo.ConsumerGroup(w.group()), kgo.ConsumeTopics(w.input(0).Topic),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.DisableAutoCommit(), kgo.DisableClientMetrics())
	require.NoError(t, err)
	leave := func() {
		if old != nil {
			old.Close()
			old = nil
		}
	}
	t.Cleanup(leave)
	w.until("the old node has its half", func() bool {
		poll, cancel := context.WithTimeout(w.ctx, 20*time.Millisecond)
		defer cancel()
		old.PollFetches(poll)
		return a.count("running") == 2 && w.groupState() == "Stable"
	}, a)
	require.Equal(t, "cooperative-sticky", w.protocol())
	leave()
	a.awaitPhase("running", partitions)
	require.Equal(t, "holdfast-stores", w.protocol())
	w.write(3, w.keys()...)
	w.settled()
	_, failed := a.seen.transactions()
	require.Zero(t, failed)
	require.NoError(t, a.stop())
}
