package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/topology"
)

// described is a cluster that is as the topology says it must be.
type described struct {
	ClusterID string
	TopicIDs  map[string][16]byte            // by full name
	Slots     map[string]*topology.SlotTable // by short name of the log
}

// checkCluster compares the cluster with the topology. Its error names all that
// keeps a node from running there, and what creates what is missing. cl is any
// client without a group.
func checkCluster(ctx context.Context, cl *kgo.Client, t *topology.Topology) (described, error) {
	return checkClusterOr(ctx, cl, t, applyCommand(cl, t))
}

// checkCluster does so for a command whose own flags belong into the advice.
func (a *app) checkCluster(ctx context.Context, cl *kgo.Client, t *topology.Topology) (described, error) {
	return checkClusterOr(ctx, cl, t, a.applyCommand(cl, t))
}

func checkClusterOr(ctx context.Context, cl *kgo.Client, t *topology.Topology, apply string) (described, error) {
	f, err := inspectCluster(ctx, cl, t)
	if err != nil {
		return described{}, err
	}
	if err := f.plan(t).problem(apply); err != nil {
		return described{}, err
	}
	d := described{ClusterID: f.clusterID, TopicIDs: map[string][16]byte{}, Slots: f.slots}
	for short, topic := range f.topics {
		d.TopicIDs[t.Name(short)] = topic.id
	}
	return d, nil
}

// foundTopic is a topic as it is on the cluster.
type foundTopic struct {
	id          [16]byte
	partitions  int
	replication int
	configs     map[string]string
}

// found is what there is on a cluster of the topology.
type found struct {
	clusterID string
	topics    map[string]*foundTopic         // by short name
	slots     map[string]*topology.SlotTable // by short name of the log: the newest
	slotFault []string                       // records of the slot topic that are no table
}

// inspectCluster looks at all topics of the topology, and reads the slot tables.
func inspectCluster(ctx context.Context, cl *kgo.Client, t *topology.Topology) (*found, error) {
	f := &found{topics: map[string]*foundTopic{}, slots: map[string]*topology.SlotTable{}}
	var names []string
	for i := range t.Topics {
		names = append(names, t.Topics[i].Name)
	}
	m, err := topicMetadata(ctx, cl, names)
	if err != nil {
		return nil, fmt.Errorf("listing the topics: %w", err)
	}
	if m.ClusterID != nil {
		f.clusterID = *m.ClusterID
	}
	var there []string
	for i := range m.Topics {
		d := &m.Topics[i]
		err := kerr.ErrorForCode(d.ErrorCode)
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			continue
		}
		if err != nil || d.Topic == nil {
			err = denied(err, topology.OperationDescribe, topology.ResourceTopic, names[i])
			return nil, fmt.Errorf("describing the topic %s: %w", names[i], err)
		}
		is := &foundTopic{id: d.TopicID, partitions: len(d.Partitions), configs: map[string]string{}}
		for _, p := range d.Partitions {
			is.replication = max(is.replication, len(p.Replicas))
		}
		short, _ := t.Short(*d.Topic)
		f.topics[short] = is
		there = append(there, *d.Topic)
	}
	if err := f.readConfigs(ctx, kadm.NewClient(cl), t, there); err != nil {
		return nil, err
	}
	if f.topics[topology.SlotTables] == nil {
		return f, nil
	}
	if err := readCommitted(ctx, cl, false, []string{t.Name(topology.SlotTables)}, f.takeSlotTable); err != nil {
		return nil, fmt.Errorf("reading the slot tables: %w", err)
	}
	return f, nil
}

// topicMetadata asks a broker. The client library's own functions answer from
// what they heard some seconds ago, when a topic that was just made wasn't there.
func topicMetadata(ctx context.Context, cl *kgo.Client, names []string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range names {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = &name
		req.Topics = append(req.Topics, rt)
	}
	return req.RequestWith(ctx, cl)
}

func (f *found) readConfigs(ctx context.Context, adm *kadm.Client, t *topology.Topology, topics []string) error {
	list, err := adm.DescribeTopicConfigs(ctx, topics...)
	if err != nil {
		err = denied(err, topology.OperationDescribeConfigs, topology.ResourceTopic, strings.Join(topics, ", "))
		return fmt.Errorf("reading the settings of topics: %w", err)
	}
	for _, r := range list {
		if r.Err != nil {
			err := denied(r.Err, topology.OperationDescribeConfigs, topology.ResourceTopic, r.Name)
			return fmt.Errorf("reading the settings of topic %s: %w", r.Name, err)
		}
		short, _ := t.Short(r.Name)
		for _, c := range r.Configs {
			if c.Value != nil {
				f.topics[short].configs[c.Key] = *c.Value
			}
		}
	}
	return nil
}

// takeSlotTable keeps the table with the largest epoch of each log.
func (f *found) takeSlotTable(r *kgo.Record) error {
	if r.Value == nil {
		return nil
	}
	s := new(topology.SlotTable)
	err := json.Unmarshal(r.Value, s)
	if err == nil && s.Log != string(r.Key) {
		err = fmt.Errorf("slot table of %q under the key %q", s.Log, r.Key)
	}
	if err != nil {
		f.slotFault = append(f.slotFault, fmt.Sprintf("%s/%d@%d: %v", r.Topic, r.Partition, r.Offset, err))
		return nil
	}
	if old := f.slots[s.Log]; old == nil || s.Epoch >= old.Epoch {
		f.slots[s.Log] = s
	}
	return nil
}

// difference is something on the cluster that isn't as the topology says.
type difference struct {
	Topic   string `json:"topic"`
	Setting string `json:"setting"`
	Is      string `json:"is"`
	Want    string `json:"want"`
	// Wrong means that no node runs with it; else it is a matter of taste.
	Wrong bool `json:"wrong"`
}

func (d *difference) String() string {
	return fmt.Sprintf("%s: %s is %s, must be %s", d.Topic, d.Setting, d.Is, d.Want)
}

// topicPlan is what has to be done to a cluster.
type topicPlan struct {
	Create     []topology.Topic `json:"create"`
	SlotTables []string         `json:"slot_tables"` // logs that have none
	Different  []difference     `json:"different"`   // never changed by us
}

// plan compares.
func (f *found) plan(t *topology.Topology) *topicPlan {
	p := &topicPlan{Create: []topology.Topic{}, SlotTables: []string{}, Different: []difference{}}
	for i := range t.Topics {
		want := &t.Topics[i]
		is := f.topics[want.Short]
		if is == nil {
			p.Create = append(p.Create, *want)
			continue
		}
		p.Different = append(p.Different, compareTopic(want, is)...)
	}
	for _, log := range t.Logs() {
		table, want := f.slots[log], t.Lookup(log)
		switch {
		case table == nil:
			p.SlotTables = append(p.SlotTables, log)
		case table.Partitions != want.Partitions:
			p.Different = append(p.Different, difference{t.Name(topology.SlotTables), "partitions of " + log,
				strconv.Itoa(int(table.Partitions)), strconv.Itoa(int(want.Partitions)), true})
		}
	}
	for _, fault := range f.slotFault {
		p.Different = append(p.Different, difference{t.Name(topology.SlotTables), "a record", fault, "a slot table", true})
	}
	return p
}

// compareTopic: what decides is wrong when it differs (who owns a key, the log's
// time, that nothing vanishes); what only costs or protects more or less isn't
// ours to judge.
func compareTopic(want *topology.Topic, is *foundTopic) (out []difference) {
	add := func(setting, is, must string, wrong bool) {
		if is != must {
			out = append(out, difference{want.Name, setting, is, must, wrong})
		}
	}
	ours := want.Role == topology.RoleLog || want.Role == topology.RoleChangelog
	kept := ours || want.Role == topology.RoleTable || want.Role == topology.RoleSlots || want.Role == topology.RoleDLQDone
	add("partitions", strconv.Itoa(is.partitions), strconv.Itoa(int(want.Partitions)), kept)
	add("replication", strconv.Itoa(is.replication), strconv.Itoa(int(want.Replication)), false)
	for _, name := range slices.Sorted(maps.Keys(want.Configs)) {
		value := is.configs[name]
		switch name {
		case "message.timestamp.type":
			add(name, value, want.Configs[name], true)
		case "cleanup.policy":
			add(name, value, want.Configs[name], kept)
		case "retention.ms", "retention.bytes":
			add(name, value, want.Configs[name], ours)
		case "max.message.bytes":
			if atoi(value) < atoi(want.Configs[name]) {
				add(name, value, "at least "+want.Configs[name], true)
			}
		default:
			add(name, value, want.Configs[name], false)
		}
	}
	return out
}

// atoi reads a broker's number; what is none is 0.
func atoi(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// problem says what keeps a node from running, or nil. apply is the command that
// creates what is missing.
func (p *topicPlan) problem(apply string) error {
	var errs []error
	var names []string
	for i := range p.Create {
		// Nodes don't touch it: a cluster that is older than the topic goes on.
		if p.Create[i].Role != topology.RoleDLQDone {
			names = append(names, p.Create[i].Name)
		}
	}
	if len(names) > 0 {
		errs = append(errs, fmt.Errorf("topics are missing: %s; create them with: %s", strings.Join(names, ", "), apply))
	} else if len(p.SlotTables) > 0 {
		errs = append(errs, fmt.Errorf("slot tables are missing: %s; write them with: %s", strings.Join(p.SlotTables, ", "), apply))
	}
	for i := range p.Different {
		if d := &p.Different[i]; d.Wrong {
			errs = append(errs, errors.New(d.String()))
		}
	}
	return errors.Join(errs...)
}

// wrong counts the differences that keep a node from running.
func (p *topicPlan) wrong() (n int) {
	for i := range p.Different {
		if p.Different[i].Wrong {
			n++
		}
	}
	return n
}

// applyCommand is the command line that creates what is missing.
func applyCommand(cl *kgo.Client, t *topology.Topology) string {
	c := "holdfast topics apply"
	if brokers, ok := cl.OptValue(kgo.SeedBrokers).([]string); ok && len(brokers) > 0 {
		c += " --brokers " + strings.Join(brokers, ",")
	}
	if t.AppID != topology.Default().AppID {
		c += " --app-id " + t.AppID
	}
	return c
}

// applyCommand is that of who gave this command line: what it says of the
// configuration decides which topics there must be.
func (a *app) applyCommand(cl *kgo.Client, t *topology.Topology) string {
	c := applyCommand(cl, t)
	if file := a.sources.file; file != "" && file != lookupEnv(a.Environ, "HOLDFAST_CONFIG") {
		c += " --config " + shellWord(file)
	}
	for _, key := range slices.Sorted(maps.Keys(a.sources.flags)) {
		if a.sources.flagOf[key] == "--set" && key != "app_id" && key != "kafka.brokers" {
			c += " --set " + shellWord(fmt.Sprintf("%s=%v", key, a.sources.flags[key]))
		}
	}
	return c
}

// shellWord quotes what a shell would take apart.
func shellWord(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=.,:/@+"
	if strings.Trim(s, plain) == "" && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
