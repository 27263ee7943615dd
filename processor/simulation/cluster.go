package simulation

import (
	"context"
	"errors"
	"fmt"

	"holdfast/processor"
	"holdfast/topology/record"
)

// Cluster is the broker as one process sees it.
//
// pause is called at every request, before anything of it is done, and between
// the steps of a request that has several. Others may run meanwhile, and the
// process may end there. With ready it returns no sooner than that is true. An
// error means that the request can't be made.
type Cluster struct {
	b     *Broker
	name  string
	pause func(point string, ready func() bool) error
	alive func() bool // the process is running, and not stopped
}

var _ processor.Cluster = (*Cluster)(nil)

// errStuck is what waiting for ever looks like where nobody else can run.
var errStuck = errors.New("nobody is left who could change that")

// Cluster returns the broker for a client that has it alone: nothing runs
// meanwhile, and what it would have to wait for is an error.
func (b *Broker) Cluster(name string) *Cluster {
	return &Cluster{b: b, name: name, alive: func() bool { return true }, pause: func(point string, ready func() bool) error {
		if ready != nil && !ready() {
			return fmt.Errorf("%s: %w", point, errStuck)
		}
		return nil
	}}
}

// Join is part of processor.Cluster.
func (c *Cluster) Join(_ context.Context, m processor.Member) (processor.Session, error) {
	if err := c.pause("join", nil); err != nil {
		return nil, err
	}
	if err := c.b.faults.call(c.b.faults.Join); err != nil {
		return nil, err
	}
	s := &session{c: c, member: m, group: c.b.group(m.Group), generation: -1, positions: map[processor.TopicPartition]*position{}, paused: map[processor.TopicPartition]bool{}}
	s.producer = c.b.initProducer(m.TransactionalID, s)
	s.epoch = s.producer.epoch
	s.group.topics = m.Topics
	s.group.join(s)
	c.b.trace("%s joins, epoch %d", m.TransactionalID, s.epoch)
	return s, nil
}

// Committed is part of processor.Cluster.
func (c *Cluster) Committed(ctx context.Context, group string, tp processor.TopicPartition) (record.Offset, bool, error) {
	g := c.b.group(group)
	if err := c.pause("committed", func() bool { return ctx.Err() != nil || !g.pending(tp) }); err != nil {
		return 0, false, err
	}
	if err := errors.Join(ctx.Err(), c.b.faults.call(c.b.faults.Request)); err != nil {
		return 0, false, err
	}
	offset, ok := g.offsets[tp]
	return offset, ok, nil
}

// Bounds is part of processor.Cluster.
func (c *Cluster) Bounds(ctx context.Context, tp processor.TopicPartition) (start, end record.Offset, err error) {
	if err := c.pause("bounds", nil); err != nil {
		return 0, 0, err
	}
	l := c.b.log(tp)
	return l.start, l.end(), errors.Join(ctx.Err(), c.b.faults.call(c.b.faults.Request))
}

// Trim is part of processor.Cluster.
func (c *Cluster) Trim(ctx context.Context, tp processor.TopicPartition, before record.Offset) error {
	if err := c.pause("delete records", nil); err != nil {
		return err
	}
	done, err := c.b.faults.trim()
	if done {
		c.b.trace("%s: %s/%d starts at %d (answer: %v)", c.name, tp.Topic, tp.Partition, before, err)
		c.b.log(tp).trim(before)
		c.b.trims++
	}
	return errors.Join(err, ctx.Err())
}

// Tick is part of processor.Cluster.
func (c *Cluster) Tick(tp processor.TopicPartition, value []byte) {
	send := func() { c.b.Append(tp, nil, value) }
	switch c.b.faults.tick() {
	case TickFine:
		send()
	case TickLate:
		c.b.after(c.b.faults.delay(), send)
	case TickLost:
	}
}

// Read is part of processor.Cluster.
func (c *Cluster) Read(ctx context.Context, tp processor.TopicPartition, from record.Offset) (processor.ChangelogReader, error) {
	if err := c.pause("read", nil); err != nil {
		return nil, err
	}
	return &reader{c: c, log: c.b.log(tp), next: from}, errors.Join(ctx.Err(), c.b.faults.call(c.b.faults.Request))
}

var _ processor.Follower = (*Cluster)(nil)

// Members is part of processor.Follower.
func (c *Cluster) Members(ctx context.Context, group string) (members []processor.GroupMember, settled bool, err error) {
	if err := c.pause("members", nil); err != nil {
		return nil, false, err
	}
	if err := errors.Join(ctx.Err(), c.b.faults.call(c.b.faults.Request)); err != nil {
		return nil, false, err
	}
	g := c.b.group(group)
	for _, m := range g.members {
		member := processor.GroupMember{ID: m.id}
		for _, tp := range g.partitions() {
			if g.owners[tp] == m {
				member.Owned = append(member.Owned, tp)
			}
		}
		members = append(members, member)
	}
	return members, !g.preparing, nil
}

// Rebalance is part of processor.Follower. The group here balances by itself, and
// whenever the faults want it to.
func (c *Cluster) Rebalance(string) {}

// Tail is part of processor.Follower.
func (c *Cluster) Tail(ctx context.Context, tp processor.TopicPartition, from record.Offset) (processor.Tail, error) {
	if err := c.pause("read", nil); err != nil {
		return nil, err
	}
	return &reader{c: c, log: c.b.log(tp), next: from}, errors.Join(ctx.Err(), c.b.faults.call(c.b.faults.Request))
}
