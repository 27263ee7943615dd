package main

import (
	"context"
	"time"

	"holdfast/processor"
	"holdfast/processor/channels"
	"holdfast/processor/intake"
	"holdfast/processor/inventory"
	"holdfast/processor/metrics"
	"holdfast/processor/order"
	"holdfast/topology"
)

// outcomesOf names what a stage counts.
func outcomesOf(stage string) []string {
	switch stage {
	case topology.StageIntake:
		return intake.Outcomes()
	case topology.StageOrders:
		return order.Outcomes()
	case topology.StageInventory:
		return inventory.Outcomes()
	case topology.StageChannels:
		return channels.Outcomes()
	}
	return nil
}

// newMetrics makes the metrics of a node, which passes on to next what it is told.
func newMetrics(s *Settings, next processor.Observer) *metrics.Metrics {
	b := readBuild()
	var stages []processor.StageConfig
	for _, name := range s.Node.Stages {
		stages = append(stages, processor.StageConfig{Name: name, Outcomes: outcomesOf(name)})
	}
	return metrics.New(metrics.Build{Version: b.Version, Revision: b.Revision, Go: b.Go}, stages, time.Now, next)
}

// watch adds what an assembled node tells when it is asked, and measures its lag
// until stop is called.
func (a *assembly) watch(m *metrics.Metrics, d described) (lag *metrics.Lag, stop func()) {
	lag = metrics.NewLag(a.Node, a.cluster.Client(), d.TopicIDs, a.log, time.Now)
	m.Watch(a.Node, lag)
	m.WatchStores(a.shared.Metrics)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		lag.Run(ctx)
	}()
	return lag, func() { cancel(); <-done }
}
