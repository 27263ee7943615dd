package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"holdfast/processor"
)

// Node is what is asked for the state of a node.
type Node interface {
	Status() []processor.PartitionStatus
	Standbys() []processor.StandbyStatus
	Health() processor.Health
}

// phases are shown with zero too, or an alert on halted or paused partitions would have
// nothing to look at.
var phases = [...]string{"waiting", "restoring", "running", "halted", "paused"}

// nodeCollector reads where the partitions stand when somebody asks.
type nodeCollector struct {
	node   Node
	lag    Measure
	stages []string

	ready, partitions, deltas, eta, records, seconds, age, standbys, behind, lacking, waits *prometheus.Desc
}

// Measure is what is asked for the lag: a *Lag.
type Measure interface {
	Measured() (lag map[Place]Behind, ago time.Duration)
}

// Watch adds what a node tells when it is asked.
func (m *Metrics) Watch(node Node, lag Measure) {
	c := &nodeCollector{node: node, lag: lag}
	for name := range m.stages {
		c.stages = append(c.stages, name)
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	c.ready = desc("holdfast_ready", "1 when the node has restored all that it was assigned and decides.")
	c.partitions = desc("holdfast_partitions", "Partitions of this node by phase.", "stage", "phase")
	c.deltas = desc("holdfast_restore_remaining_records", "Records of changelogs that restores under way have yet to read.", "stage")
	c.eta = desc("holdfast_restore_eta_seconds", "Time until the last restore under way is done, as it looks now; 0 when there is none.", "stage")
	c.records = desc("holdfast_lag_records", "Committed input records that aren't decided yet. Transaction markers don't count: a partition that is caught up has 0.", "stage", "topic", "partition")
	c.seconds = desc("holdfast_lag_seconds", "Age of the oldest input record that isn't decided yet; 0 when there is none.", "stage", "topic", "partition")
	c.age = desc("holdfast_lag_age_seconds", "How long ago the lag was measured.")
	c.standbys = desc("holdfast_standby_stores", "Stores that this node keeps up to date for partitions of other nodes.", "stage")
	c.behind = desc("holdfast_standby_lag_seconds", "How long ago a standby's store last had all that its changelog holds: the largest of the stage's stores here, 0 when there is none.", "stage")
	c.lacking = desc("holdfast_standby_lag_records", "Records of its changelog, markers among them, that a standby's store lacks: the most of the stage's stores here, 0 when there is none.", "stage")
	c.waits = desc("holdfast_broker_wait_seconds", "How long a worker has been waiting for the brokers in a transaction that it can't end, tries that failed included: the longest of the stage's workers here, 0 below "+processor.WaitToldAfter.String()+".", "stage")
	m.registry.MustRegister(c)
}

// Describe is part of prometheus.Collector.
func (c *nodeCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.ready, c.partitions, c.deltas, c.eta, c.records, c.seconds, c.age, c.standbys, c.behind, c.lacking, c.waits} {
		to <- d
	}
}

// Collect is part of prometheus.Collector.
func (c *nodeCollector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	type sums struct {
		phases     map[string]int
		left       int64
		etaSeconds float64
		standbys   int
		behind     time.Duration
		lacking    int64
	}
	of := map[string]*sums{}
	for _, s := range c.stages {
		of[s] = &sums{phases: map[string]int{}}
	}
	status := c.node.Status()
	for i := range status {
		p := &status[i]
		s := of[p.Stage]
		s.phases[p.Phase]++
		s.left += p.RecordsLeft
		s.etaSeconds = max(s.etaSeconds, p.ETA.Seconds())
	}
	for _, b := range c.node.Standbys() {
		s := of[b.Stage]
		s.standbys++
		s.behind = max(s.behind, b.Behind)
		s.lacking = max(s.lacking, b.Lag)
	}
	for name, s := range of {
		for _, phase := range phases {
			gauge(c.partitions, float64(s.phases[phase]), name, phase)
		}
		gauge(c.deltas, float64(s.left), name)
		gauge(c.eta, s.etaSeconds, name)
		gauge(c.standbys, float64(s.standbys), name)
		gauge(c.behind, s.behind.Seconds(), name)
		gauge(c.lacking, float64(s.lacking), name)
	}
	ready := 0.0
	health := c.node.Health()
	if health.Ready {
		ready = 1
	}
	waits := map[string]float64{}
	for _, w := range health.Waiting {
		waits[w.Stage] = max(waits[w.Stage], w.Seconds)
	}
	for name := range of {
		gauge(c.waits, waits[name], name)
	}
	gauge(c.ready, ready)
	measured, age := c.lag.Measured()
	for i := range status {
		p := &status[i]
		if b, ok := measured[Place{p.Stage, processor.TopicPartition{Topic: p.Topic, Partition: p.Partition}}]; ok {
			partition := strconv.Itoa(int(p.Partition))
			gauge(c.records, float64(b.Records), p.Stage, p.Topic, partition)
			gauge(c.seconds, b.Seconds, p.Stage, p.Topic, partition)
		}
	}
	if age >= 0 {
		gauge(c.age, age.Seconds())
	}
}

// Disk shows the room on the disk of the data directory, as free tells it in bytes.
func (m *Metrics) Disk(free func() int64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "holdfast_data_dir_free_bytes", Help: "Room on the disk of the data directory; -1 when it can't be measured.",
	}, func() float64 { return float64(free()) }))
}
