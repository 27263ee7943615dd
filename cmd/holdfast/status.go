package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/ledger"
	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

type statusCmd struct {
	clusterFlags
	outputFlag
	Admin []string `help:"Health addresses of the nodes (their admin.listen), which know what is restored and how long it takes; this machine's as configured unless named." placeholder:"HOST:PORT"`
}

func (c *statusCmd) Help() string {
	return `Who has which partition of which stage, and how far behind it is: records that wait, and how long the oldest of them has waited. Markers of transactions, which nobody consumes, don't count.

What a node does with a partition (restoring, running, halted) only the node itself can say: "not asked" where none of the addresses answered for it.`
}

// statusNotAsked is the state of a partition of which no node has told.
const statusNotAsked = "not asked"

// statusReport is where an application stands.
type statusReport struct {
	AppID      string        `json:"app_id"`
	At         record.Millis `json:"at"`
	LagRecords int64         `json:"lag_records"`
	LagSeconds float64       `json:"lag_seconds"` // of the oldest record that waits
	Nodes      []statusNode  `json:"nodes"`       // that were asked
	Stages     []statusStage `json:"stages"`
}

// statusNode is a health address that was asked.
type statusNode struct {
	Address string `json:"address"`
	Error   string `json:"error,omitempty"` // it didn't answer
}

// statusStage is one stage and its group.
type statusStage struct {
	Stage      string            `json:"stage"`
	Group      string            `json:"group"`
	GroupState string            `json:"group_state"` // Kafka's word
	Members    int               `json:"members"`
	LagRecords int64             `json:"lag_records"`
	LagSeconds float64           `json:"lag_seconds"`
	Partitions []statusPartition `json:"partitions"`
}

// statusPartition is one partition of a stage's input.
type statusPartition struct {
	Topic      string           `json:"topic"`
	Partition  record.Partition `json:"partition"`
	Owner      *statusOwner     `json:"owner"` // null: nobody
	Committed  record.Offset    `json:"committed"`
	End        record.Offset    `json:"end"`         // what can be read ends here
	LagRecords int64            `json:"lag_records"` // counted, or the distance in offsets where that is large
	LagSeconds float64          `json:"lag_seconds"` // age of the oldest record that waits
	State      string           `json:"state"`
	Reason     string           `json:"reason,omitempty"`
	// Restoring: deltas still to be read, and the node's estimate of how long.
	RecordsLeft int64   `json:"records_left,omitempty"`
	ETASeconds  float64 `json:"eta_seconds,omitempty"`
	// Standbys are the other nodes, of those that were asked, that keep its store
	// up to date.
	Standbys []statusStandby `json:"standbys,omitempty"`
}

// statusStandby is a node that could take a partition over.
type statusStandby struct {
	Instance   string  `json:"instance"`
	LagRecords int64   `json:"lag_records"` // of the changelog
	LagSeconds float64 `json:"lag_seconds"` // since it had all that there was
	Whole      bool    `json:"whole"`       // false: it begins anew, and can't be used as it is
}

// statusOwner is the member of the group that has a partition.
type statusOwner struct {
	Member   string `json:"member"`
	Instance string `json:"instance"` // of the node; "" where the member doesn't say
	Worker   string `json:"worker,omitempty"`
	Host     string `json:"host"`
}

func (c *statusCmd) Run(ctx context.Context, a *app) error {
	cl, t, err := a.connectExisting(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	options, err := clientOptions(&a.loaded.Kafka)
	if err != nil {
		return usageErrorf("%w", err)
	}
	addresses := c.Admin
	if len(addresses) == 0 && a.loaded.Admin.Listen != "" {
		addresses = []string{a.loaded.Admin.Listen}
	}
	r, err := readStatus(ctx, cl, options, t)
	if err != nil {
		return err
	}
	r.askNodes(ctx, t, addresses)
	if c.json() {
		return a.printJSON(r)
	}
	return r.writeText(a.Stdout)
}

// readStatus asks the brokers.
func readStatus(ctx context.Context, cl *kgo.Client, options []kgo.Opt, t *topology.Topology) (*statusReport, error) {
	admin := kadm.NewClient(cl)
	r := &statusReport{AppID: t.AppID, At: record.Millis(time.Now().UnixMilli()), Nodes: []statusNode{}}
	for i := range t.Stages {
		s, err := readStage(ctx, admin, t, &t.Stages[i])
		if err != nil {
			return nil, fmt.Errorf("stage %s: %w", t.Stages[i].Name, err)
		}
		r.Stages = append(r.Stages, *s)
	}
	if err := r.measureLag(ctx, options, t); err != nil {
		return nil, err
	}
	return r, nil
}

func readStage(ctx context.Context, admin *kadm.Client, t *topology.Topology, stage *topology.Stage) (*statusStage, error) {
	s := &statusStage{Stage: stage.Name, Group: stage.Group, Partitions: []statusPartition{}}
	owners, err := s.describe(ctx, admin, t)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, short := range stage.Inputs {
		names = append(names, t.Name(short))
	}
	// Committed offsets first: what is consumed between the questions may make
	// the lag too large, but never hides a record that waits.
	var committed kadm.OffsetResponses
	err = ledger.AskCoordinator(ctx, func(ctx context.Context) (err error) {
		if committed, err = admin.FetchOffsets(ctx, stage.Group); err == nil {
			err = committed.Error()
		}
		return err
	})
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // nobody has joined yet: nothing is consumed
		return nil, fmt.Errorf("reading the committed offsets: %w", denied(err, topology.OperationDescribe, topology.ResourceGroup, stage.Group))
	}
	starts, err := admin.ListStartOffsets(ctx, names...)
	if err = listed(names, starts, err); err != nil {
		return nil, fmt.Errorf("looking up where the inputs start: %w", err)
	}
	// What is behind the end of committed records nobody may read yet.
	ends, err := admin.ListCommittedOffsets(ctx, names...)
	if err = listed(names, ends, err); err != nil {
		return nil, fmt.Errorf("looking up where the inputs end: %w", err)
	}
	ends.Each(func(o kadm.ListedOffset) {
		short, _ := t.Short(o.Topic)
		p := statusPartition{Topic: short, Partition: record.Partition(o.Partition), End: record.Offset(o.Offset), State: statusNotAsked}
		if start, ok := starts.Lookup(o.Topic, o.Partition); ok {
			p.Committed = record.Offset(start.Offset)
		}
		if at, ok := committed.Lookup(o.Topic, o.Partition); ok {
			p.Committed = max(p.Committed, record.Offset(at.At))
		}
		if owner, ok := owners[processor.TopicPartition{Topic: o.Topic, Partition: p.Partition}]; ok {
			p.Owner = &owner
		}
		s.Partitions = append(s.Partitions, p)
	})
	slices.SortFunc(s.Partitions, func(x, y statusPartition) int {
		if c := slices.Index(stage.Inputs, x.Topic) - slices.Index(stage.Inputs, y.Topic); c != 0 {
			return c
		}
		return int(x.Partition) - int(y.Partition)
	})
	return s, nil
}

// describe fills in the group and returns who has what.
func (s *statusStage) describe(ctx context.Context, admin *kadm.Client, t *topology.Topology) (map[processor.TopicPartition]statusOwner, error) {
	var g kadm.DescribedGroup
	err := ledger.AskCoordinator(ctx, func(ctx context.Context) error {
		groups, err := admin.DescribeGroups(ctx, s.Group)
		if g = groups[s.Group]; err == nil {
			err = g.Err
		}
		return err
	})
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("describing the group: %w", denied(err, topology.OperationDescribe, topology.ResourceGroup, s.Group))
	}
	s.GroupState, s.Members = g.State, len(g.Members)
	owners := map[processor.TopicPartition]statusOwner{}
	for _, m := range g.Members {
		owner := statusOwner{Member: m.MemberID, Host: strings.TrimPrefix(m.ClientHost, "/")}
		if m.InstanceID != nil {
			owner.Instance, owner.Worker = instanceOf(t, s.Stage, *m.InstanceID)
		}
		assigned, ok := m.Assigned.AsConsumer()
		if !ok {
			continue // it has just joined
		}
		for _, topic := range assigned.Topics {
			for _, p := range topic.Partitions {
				owners[processor.TopicPartition{Topic: topic.Topic, Partition: record.Partition(p)}] = owner
			}
		}
	}
	return owners, nil
}

// instanceOf takes a transactional id apart: it is the static member id too.
func instanceOf(t *topology.Topology, stage, id string) (instance, worker string) {
	rest, ok := strings.CutPrefix(id, t.Prefix()+stage+".")
	i := strings.LastIndexByte(rest, '.')
	if !ok || i < 0 {
		return id, "" // somebody else's member
	}
	return rest[:i], rest[i+1:]
}
