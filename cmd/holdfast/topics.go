package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/topology"
)

type topicsCmd struct {
	Plan  topicsPlanCmd  `cmd:"" help:"Say what is missing or different, and change nothing."`
	Apply topicsApplyCmd `cmd:"" help:"Create what is missing. What is there is never changed."`
	ACLs  topicsACLsCmd  `cmd:"" name:"acls" help:"Print the rights that nodes, operators, shops and channels need on the cluster."`
}

type topicsPlanCmd struct {
	clusterFlags
	outputFlag
}

type topicsApplyCmd struct {
	clusterFlags
	outputFlag
}

// topicsReport is the answer of both commands.
type topicsReport struct {
	AppID   string `json:"app_id"`
	Cluster string `json:"cluster_id"`
	Topics  int    `json:"topics"` // that there must be
	topicPlan
	Applied bool `json:"applied"` // create and slot_tables were done
}

func (c *topicsPlanCmd) Run(ctx context.Context, a *app) error {
	cl, t, err := a.connectTopology(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	f, err := inspectCluster(ctx, cl, t)
	if err != nil {
		return err
	}
	return a.reportTopics(c.outputFlag, &topicsReport{AppID: t.AppID, Cluster: f.clusterID, Topics: len(t.Topics), topicPlan: *f.plan(t)})
}

func (c *topicsApplyCmd) Run(ctx context.Context, a *app) error {
	cl, t, err := a.connectTopology(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	r, err := applyTopics(ctx, cl, t)
	if err != nil {
		return err
	}
	return a.reportTopics(c.outputFlag, r)
}

// applyTopics creates the topics and slot tables that are missing, and returns
// what it did and what it found different.
func applyTopics(ctx context.Context, cl *kgo.Client, t *topology.Topology) (*topicsReport, error) {
	f, err := inspectCluster(ctx, cl, t)
	if err != nil {
		return nil, err
	}
	p := f.plan(t)
	if err := createTopics(ctx, cl, p.Create); err != nil {
		return nil, err
	}
	// A log with the wrong partitions gets no table: it would be wrong too.
	p.SlotTables = slices.DeleteFunc(p.SlotTables, func(log string) bool {
		is := f.topics[log]
		return is != nil && is.partitions != int(t.Lookup(log).Partitions)
	})
	if err := writeSlotTables(ctx, cl, t, p.SlotTables); err != nil {
		return nil, err
	}
	return &topicsReport{AppID: t.AppID, Cluster: f.clusterID, Topics: len(t.Topics), topicPlan: *p, Applied: true}, nil
}

const createTimeout = 30 * time.Second

// createTopics creates topics in one request, and waits until all brokers that
// are asked know them.
func createTopics(ctx context.Context, cl *kgo.Client, topics []topology.Topic) error {
	if len(topics) == 0 {
		return nil
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = int32(createTimeout.Milliseconds())
	var names []string
	for i := range topics {
		p := &topics[i]
		names = append(names, p.Name)
		rt := kmsg.NewCreateTopicsRequestTopic()
		rt.Topic, rt.NumPartitions, rt.ReplicationFactor = p.Name, p.Partitions, p.Replication
		for name, value := range p.Configs {
			c := kmsg.NewCreateTopicsRequestTopicConfig()
			c.Name, c.Value = name, &value
			rt.Configs = append(rt.Configs, c)
		}
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("creating topics: %w", err)
	}
	var errs []error
	for i := range resp.Topics {
		rt := &resp.Topics[i]
		// Somebody else was faster: what they made is compared like any other.
		if err := kerr.ErrorForCode(rt.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			text := ""
			if rt.ErrorMessage != nil {
				text = ": " + *rt.ErrorMessage
			}
			if errors.Is(err, kerr.InvalidReplicationFactor) {
				text += " (for a cluster of fewer brokers set topics.replication and topics.min_insync)"
			}
			err = denied(err, topology.OperationCreate, topology.ResourceTopic, rt.Topic)
			errs = append(errs, fmt.Errorf("creating topic %s: %w%s", rt.Topic, err, text))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return awaitTopics(ctx, cl, names)
}

// awaitTopics waits until topics have leaders: right after their creation a
// broker may not know them yet.
func awaitTopics(ctx context.Context, cl *kgo.Client, names []string) error {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	for {
		m, err := topicMetadata(ctx, cl, names)
		if err != nil {
			return fmt.Errorf("waiting for the new topics: %w", err)
		}
		if haveLeaders(m) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the new topics: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func haveLeaders(m *kmsg.MetadataResponse) bool {
	for i := range m.Topics {
		if m.Topics[i].ErrorCode != 0 || len(m.Topics[i].Partitions) == 0 {
			return false
		}
		for _, p := range m.Topics[i].Partitions {
			if p.ErrorCode != 0 || p.Leader < 0 {
				return false
			}
		}
	}
	return true
}

// writeSlotTables writes the first table of logs. Two that do it at once write
// the same.
func writeSlotTables(ctx context.Context, cl *kgo.Client, t *topology.Topology, logs []string) error {
	var records []*kgo.Record
	for _, log := range logs {
		value, err := json.Marshal(topology.DefaultSlots(log, t.Lookup(log).Partitions))
		if err != nil {
			return fmt.Errorf("slot table of %s: %w", log, err)
		}
		records = append(records, &kgo.Record{Topic: t.Name(topology.SlotTables), Key: []byte(log), Value: value})
	}
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		err = denied(err, topology.OperationWrite, topology.ResourceTopic, t.Name(topology.SlotTables))
		return fmt.Errorf("writing the slot tables: %w", err)
	}
	return nil
}

func (a *app) reportTopics(o outputFlag, r *topicsReport) error {
	if o.json() {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		r.print(a.Stdout)
	}
	if n := r.wrong(); n > 0 {
		return violationErrorf("Holdfast can't run here: %s; what is there is never changed, that is for you to do", countOf(n, "wrong setting"))
	}
	return nil
}

func (r *topicsReport) print(w io.Writer) {
	create, write := "would create", "would write"
	if r.Applied {
		create, write = "created", "wrote"
	}
	for i := range r.Create {
		p := &r.Create[i]
		fmt.Fprintf(w, "%s %s: %s, replication %d\n", create, p.Name, countOf(int(p.Partitions), "partition"), p.Replication)
	}
	for _, log := range r.SlotTables {
		fmt.Fprintf(w, "%s slot table of %s\n", write, log)
	}
	for i := range r.Different {
		d := &r.Different[i]
		if d.Wrong {
			fmt.Fprintf(w, "WRONG %s\n", d)
		} else {
			fmt.Fprintf(w, "differs %s: %s is %s, planned %s\n", d.Topic, d.Setting, d.Is, d.Want)
		}
	}
	there := r.Topics - len(r.Create)
	if r.Applied {
		there = r.Topics
	}
	fmt.Fprintf(w, "%d of %d topics of application %s are there\n", there, r.Topics, r.AppID)
}
