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
		list []processor.PartitionStatus
		err  error
	}
	answers := make([]chan answer, len(addresses))
	for i, address := range addresses {
		answers[i] = make(chan answer, 1)
		go func() {
			list, err := askNode(ctx, address)
			answers[i] <- answer{list, err}
		}()
	}
	for i, address := range addresses {
		a := <-answers[i]
		node := statusNode{Address: address}
		if a.err != nil {
			node.Error = a.err.Error()
		}
		r.Nodes = append(r.Nodes, node)
		for j := range a.list {
			r.take(t, &a.list[j])
		}
	}
}

func askNode(ctx context.Context, address string) ([]processor.PartitionStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, statusAnswerMax)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/status", nil)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answers %s", resp.Status)
	}
	var said struct{ Partitions []processor.PartitionStatus }
	if err := json.NewDecoder(io.LimitReader(resp.Body, statusBytesMax)).Decode(&said); err != nil {
		return nil, fmt.Errorf("its answer: %w", err)
	}
	return said.Partitions, nil
}

// take notes what a node says of a partition. While one is handed over two may
// tell of it: then what runs counts.
func (r *statusReport) take(t *topology.Topology, said *processor.PartitionStatus) {
	for i := range r.Stages {
		if r.Stages[i].Stage != said.Stage {
			continue
		}
		for j := range r.Stages[i].Partitions {
			p := &r.Stages[i].Partitions[j]
			if t.Name(p.Topic) == said.Topic && p.Partition == said.Partition && p.State != "running" {
				p.State, p.Reason, p.RecordsLeft, p.ETASeconds = said.Phase, said.Reason, said.RecordsLeft, said.ETA.Seconds()
			}
		}
	}
}
