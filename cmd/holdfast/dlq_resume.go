package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
	"holdfast/topology/record"
)

type dlqResumeCmd struct {
	Partition []string `arg:"" help:"Partitions that are paused, as /status names them: TOPIC/PARTITION, with or without the application's prefix." placeholder:"TOPIC/PARTITION"`
	clusterFlags
	outputFlag
	Because string `help:"Why, for those who come after."`
	Yes     bool   `help:"Do it. Without it nothing is done: what would be done is shown." short:"y"`
	By      string `help:"Who does it, for those who come after; user and machine unless given."`
}

func (c *dlqResumeCmd) Help() string {
	return `A partition of a channel's orders, a feed or a table is paused when it delivers little but dead letters (intake.dead_letters_max). This lets through what it holds now: good records are decided, the others become dead letters, as many as there are. What comes in later is counted anew, so a sender that isn't mended is paused again. Nodes find it within seconds.`
}

// resumedPartition is what becomes of one.
type resumedPartition struct {
	Topic     string           `json:"topic"`
	Partition record.Partition `json:"partition"`
	PassTo    record.Offset    `json:"pass_to"` // what lies before is let through
	Outcome   string           `json:"outcome"`
}

func (c *dlqResumeCmd) Run(ctx context.Context, a *app) error {
	cl, t, err := a.connectExisting(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	list, err := c.find(ctx, cl, t)
	if err != nil {
		return err
	}
	if c.Yes {
		if err := c.note(ctx, a, t, list); err != nil {
			return err
		}
	}
	if c.json() {
		return a.printJSON(map[string]any{"applied": c.Yes, "partitions": list})
	}
	for _, p := range list {
		fmt.Fprintf(a.Stdout, "%s/%d: %s before offset %d\n", p.Topic, p.Partition, map[bool]string{true: "goes on, and is let through", false: "would be let through"}[c.Yes], p.PassTo)
	}
	if !c.Yes {
		fmt.Fprintln(a.Stdout, "nothing was done, --yes does it")
	}
	return nil
}

// find reads the names, and asks where each partition ends now.
func (c *dlqResumeCmd) find(ctx context.Context, cl *kgo.Client, t *topology.Topology) ([]*resumedPartition, error) {
	var list []*resumedPartition
	var topics []string
	for _, name := range c.Partition {
		cut := strings.LastIndexByte(name, '/')
		if cut < 0 {
			return nil, usageErrorf("%s: must be TOPIC/PARTITION, as channel.web.orders/3", name)
		}
		topic, err := findTopic(t, name[:cut])
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseInt(name[cut+1:], 10, 32)
		if err != nil || n < 0 || n >= int64(topic.Partitions) {
			return nil, usageErrorf("%s: %s has partitions 0 to %d", name, topic.Name, topic.Partitions-1)
		}
		if !slices.Contains(t.Stage(topology.StageIntake).Inputs, topic.Short) {
			return nil, usageErrorf("%s: only what intake reads is ever paused", name)
		}
		list = append(list, &resumedPartition{Topic: topic.Name, Partition: record.Partition(n), Outcome: outcomeWould})
		topics = append(topics, topic.Name)
	}
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("looking up where the partitions end: %w", err)
	}
	for _, p := range list {
		end, ok := ends.Lookup(p.Topic, int32(p.Partition))
		if !ok {
			return nil, fmt.Errorf("%s has no partition %d", p.Topic, p.Partition)
		}
		p.PassTo = record.Offset(end.Offset)
	}
	return list, nil
}

// note writes the notes, like those about letters: whoever does so takes over.
func (c *dlqResumeCmd) note(ctx context.Context, a *app, t *topology.Topology, list []*resumedPartition) error {
	w, err := a.openLetterWriter(ctx, t)
	if err != nil {
		return err
	}
	defer w.close()
	by := (&dealFlags{By: c.By}).who()
	var notes []*kgo.Record
	for _, p := range list {
		n := record.ResumeNote{Topic: p.Topic, Partition: p.Partition, PassTo: p.PassTo, At: record.Millis(time.Now().UnixMilli()), By: by, Because: c.Because}
		notes = append(notes, &kgo.Record{Topic: w.notes, Key: n.Key(), Value: n.Encode()})
	}
	err = w.client.BeginTransaction()
	if err == nil {
		err = w.produce(ctx, notes)
	}
	if err != nil {
		w.abort(ctx)
		return w.reason(err)
	}
	if err := w.client.EndTransaction(context.WithoutCancel(ctx), kgo.TryCommit); err != nil {
		return errors.Join(fmt.Errorf("it isn't known whether it was noted (begin again: twice does no harm): %w", err))
	}
	for _, p := range list {
		p.Outcome = outcomeDone
	}
	return nil
}
