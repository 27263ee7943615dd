package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

const (
	// statusAnswerMax is how long a node may take to answer. It answers from
	// memory, so one that needs longer isn't there.
	statusAnswerMax = 2 * time.Second
	// statusBytesMax bounds an answer: some 200 bytes for each of at most some
	// thousand partitions.
	statusBytesMax = 16 << 20
)

// askNodes lets the nodes tell what they do with their partitions.
func (r *statusReport) askNodes(ctx context.Context, t *topology.Topology, addresses []string) {
	type answer struct {
		said nodeAnswer
		err  error
	}
	answers := make([]chan answer, len(addresses))
	for i, address := range addresses {
		answers[i] = make(chan answer, 1)
		go func() {
			said, err := askNode(ctx, address)
			answers[i] <- answer{said, err}
		}()
	}
	for i, address := range addresses {
		a := <-answers[i]
		node := statusNode{Address: address}
		if a.err != nil {
			node.Error = a.err.Error()
		}
		r.Nodes = append(r.Nodes, node)
		for j := range a.said.Partitions {
			r.take(t, &a.said.Partitions[j])
		}
		for j := range a.said.Standbys {
			r.standby(t, a.said.Instance, &a.said.Standbys[j])
		}
	}
}

// nodeAnswer is what is read of a node's /status.
type nodeAnswer struct {
	Instance   string `json:"instance_id"`
	Partitions []processor.PartitionStatus
	Standbys   []standbyReport
}

func askNode(ctx context.Context, address string) (said nodeAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, statusAnswerMax)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/status", nil)
	if err != nil {
		return said, err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return said, err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	if resp.StatusCode != http.StatusOK {
		return said, fmt.Errorf("answers %s", resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, statusBytesMax)).Decode(&said); err != nil {
		return nodeAnswer{}, fmt.Errorf("its answer: %w", err)
	}
	return said, nil
}

// take notes what a node says of a partition. While one is handed over two may
// tell of it: then what runs counts.
func (r *statusReport) take(t *topology.Topology, said *processor.PartitionStatus) {
	if p := r.partition(t, said.Stage, said.Topic, said.Partition); p != nil && p.State != "running" {
		p.State, p.Reason, p.RecordsLeft, p.ETASeconds = said.Phase, said.Reason, said.RecordsLeft, said.ETA.Seconds()
	}
}

// standby notes that a node stands by for a partition.
func (r *statusReport) standby(t *topology.Topology, instance string, said *standbyReport) {
	if p := r.partition(t, said.Stage, said.Topic, said.Partition); p != nil {
		p.Standbys = append(p.Standbys, statusStandby{Instance: instance, LagRecords: said.Lag, LagSeconds: said.LagSeconds, Whole: said.Whole})
	}
}

// partition returns one of the report, nil where it has none. topic is the full
// name.
func (r *statusReport) partition(t *topology.Topology, stage, topic string, number record.Partition) *statusPartition {
	for i := range r.Stages {
		if r.Stages[i].Stage != stage {
			continue
		}
		for j := range r.Stages[i].Partitions {
			if p := &r.Stages[i].Partitions[j]; t.Name(p.Topic) == topic && p.Partition == number {
				return p
			}
		}
	}
	return nil
}
