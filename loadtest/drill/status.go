package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Status is what a drill reads of a node's /status.
type Status struct {
	Instance   string      `json:"instance_id"`
	State      string      `json:"state"`
	Ready      bool        `json:"ready"`
	Reason     string      `json:"reason"`
	Partitions []Partition `json:"partitions"`
	Standbys   []Standby   `json:"standbys"`
}

// Place is a partition of a stage's input.
type Place struct {
	Stage     string `json:"stage"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

func (p Place) String() string { return fmt.Sprintf("%s %s/%d", p.Stage, p.Topic, p.Partition) }

// Partition is one that a node has.
type Partition struct {
	Place
	Phase  string `json:"phase"` // waiting, restoring, running, halted
	Reason string `json:"reason"`
	Next   int64  `json:"next_offset"` // to be decided next; -1: not known yet
}

// Standby is a store that a node keeps for another.
type Standby struct {
	Place
	LagSeconds float64 `json:"lag_seconds"`
}

// answerBytesMax is more than a node with thousands of partitions has to tell.
const answerBytesMax = 16 << 20

// get asks a node's health address. A process that was stopped keeps its
// connections, so a second must do.
func (n *Node) get(ctx context.Context, path string) ([]byte, error) {
	address, err := n.address()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.Name, err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerBytesMax))
	if err != nil {
		return nil, fmt.Errorf("node %s: %s: %w", n.Name, path, err)
	}
	return b, nil
}

// Status asks the node.
func (n *Node) Status(ctx context.Context) (s Status, err error) {
	b, err := n.get(ctx, "/status")
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("node %s: /status: %w", n.Name, err)
	}
	return s, nil
}

// Metric is the sum of a metric's samples whose labels hold all of the texts,
// such as `stage="orders"`.
func (n *Node) Metric(ctx context.Context, name string, labels ...string) (sum float64, err error) {
	b, err := n.get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	return metric(string(b), name, labels)
}

func metric(text, name string, labels []string) (sum float64, err error) {
lines:
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest == "" || (rest[0] != '{' && rest[0] != ' ') {
			continue
		}
		for _, l := range labels {
			if !strings.Contains(rest, l) {
				continue lines
			}
		}
		value := strings.TrimSpace(rest[strings.LastIndexByte(strings.TrimSpace(rest), ' ')+1:])
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, fmt.Errorf("metric %s: %w", name, err)
		}
		sum += v
	}
	return sum, nil
}

// Shared waits until the nodes are ready, each has partitions, and together they
// run every partition of the logs, none of them twice.
func (s *Scene) Shared(ctx context.Context, nodes ...*Node) error {
	return await(ctx, 100*time.Millisecond, func(ctx context.Context) (string, error) {
		owner := map[Place]string{}
		for _, n := range nodes {
			if !n.Alive() {
				return "", fmt.Errorf("node %s has ended (%s): %s", n.Name, n.cmd.ProcessState, n.lastWords())
			}
			status, err := n.Status(ctx)
			if err != nil {
				return err.Error(), nil
			}
			if !status.Ready {
				return fmt.Sprintf("node %s isn't ready: %s", n.Name, status.Reason), nil
			}
			had := len(owner)
			for _, p := range status.Partitions {
				if !s.isLog(p.Place) || p.Phase != "running" {
					continue
				}
				if other, twice := owner[p.Place]; twice {
					return fmt.Sprintf("%s is run by %s and by %s", p.Place, other, n.Name), nil
				}
				owner[p.Place] = n.Name
			}
			if len(owner) == had {
				return fmt.Sprintf("node %s has no partition of a log", n.Name), nil
			}
		}
		if len(owner) != s.logs {
			return fmt.Sprintf("%d of %d partitions of logs run on %d nodes", len(owner), s.logs, len(nodes)), nil
		}
		return "", nil
	})
}

// NoneHalted is an error where a partition of a node has halted.
func (s *Scene) NoneHalted(ctx context.Context) error {
	for _, n := range s.nodes {
		if !n.Alive() {
			continue
		}
		halted, err := n.Halted(ctx)
		if err != nil {
			return err
		}
		for place, reason := range halted {
			return fmt.Errorf("node %s: %s has halted: %s", n.Name, place, reason)
		}
	}
	return nil
}

// Halted returns the node's partitions that have, with their reasons.
func (n *Node) Halted(ctx context.Context) (map[Place]string, error) {
	status, err := n.Status(ctx)
	if err != nil {
		return nil, err
	}
	halted := map[Place]string{}
	for _, p := range status.Partitions {
		if p.Phase == "halted" {
			halted[p.Place] = p.Reason
		}
	}
	return halted, nil
}

// isLog tells whether a place is a partition of an internal log, which a load
// keeps busy.
func (s *Scene) isLog(p Place) bool { return strings.HasPrefix(p.Topic, s.LogTopic("")) }
