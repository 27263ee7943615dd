package metrics

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"holdfast/processor"
	"holdfast/processor/stage"
)

// Build is what the binary knows of itself.
type Build struct{ Version, Revision, Go string }

// Metrics is a processor.Observer that counts.
type Metrics struct {
	registry *prometheus.Registry
	now      func() time.Time
	next     processor.Observer // is told as well

	stages       map[string]*stageMetrics
	deadLetters  *prometheus.CounterVec
	transactions *prometheus.CounterVec
	halts        *prometheus.CounterVec
	restores     *prometheus.CounterVec
	restoreTime  *prometheus.CounterVec
	restoreBytes *prometheus.CounterVec
	wipes        *prometheus.CounterVec
	verified     *prometheus.CounterVec
	walks        *prometheus.CounterVec
	violations   *prometheus.CounterVec
}

var _ processor.Observer = (*Metrics)(nil)

// stageMetrics are one stage's, looked up once: no map of labels on the way of a
// transaction.
type stageMetrics struct {
	committed, aborted, unknown prometheus.Counter
	records, ticks, published   prometheus.Counter
	changelog                   prometheus.Counter
	sent                        [stage.Logs]prometheus.Counter
	outcomes                    []prometheus.Counter
	took, endTook, age          prometheus.Observer
}

var logNames = [stage.Logs]string{stage.LogOrders: "orders", stage.LogInventory: "inventory", stage.LogAvailability: "availability"}

// New makes a registry of its own for the stages of a node, with the Go runtime
// and the process in it. next is told of everything too; nil: nobody is.
func New(b Build, stages []processor.StageConfig, now func() time.Time, next processor.Observer) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), now: now, next: next, stages: map[string]*stageMetrics{}}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "holdfast_build_info", Help: "Always 1; the labels say which build this is."}, []string{"version", "revision", "goversion"})
	info.WithLabelValues(b.Version, b.Revision, b.Go).Set(1)
	m.registry.MustRegister(info)

	m.transactions = m.counter("holdfast_transactions_total", "Transactions by result. unknown: the commit was asked for and not confirmed; what became of it is found out and not counted again.", "stage", "result")
	m.deadLetters = m.counter("holdfast_dead_letters_total", "Records that were put aside as dead letters, by reason.", "stage", "reason")
	m.halts = m.counter("holdfast_partition_halts_total", "Partitions that stopped until somebody looks.", "stage")
	m.restores = m.counter("holdfast_restores_total", "Stores that were brought up to their changelog.", "stage")
	m.restoreTime = m.counter("holdfast_restore_seconds_total", "Time that restores took.", "stage")
	m.restoreBytes = m.counter("holdfast_restore_bytes_total", "Bytes of changelogs that restores read.", "stage")
	m.wipes = m.counter("holdfast_store_wipes_total", "Stores that were begun anew because what was there couldn't be used.", "stage")
	m.verified = m.counter("holdfast_verified_keys_total", "Keys of stores that were looked through for what can't be.", "stage")
	m.walks = m.counter("holdfast_verified_stores_total", "Stores that were looked through to the end and found right.", "stage")
	m.violations = m.counter("holdfast_state_violations_total", "Things in stores that can't be. Their partitions halt.", "stage")
	records := m.counter("holdfast_records_total", "Input records that were decided, ticks included.", "stage")
	ticks := m.counter("holdfast_ticks_total", "Ticks that were decided: time that passed on a silent log, or work that went on.", "stage")
	sent := m.counter("holdfast_sent_entries_total", "Entries sent to internal logs: commands, decisions, availability.", "stage", "log")
	published := m.counter("holdfast_published_records_total", "Records written to public topics, dead letters included.", "stage")
	changelog := m.counter("holdfast_changelog_bytes_total", "Bytes written to changelogs, before compression.", "stage")
	decisions := m.counter("holdfast_decisions_total", "Decisions by outcome.", "stage", "decision", "outcome")
	took := m.histogram("holdfast_transaction_duration_seconds", "From the first record polled to the confirmed commit.")
	endTook := m.histogram("holdfast_commit_duration_seconds", "From the decision to commit to the confirmed commit: writing, flushing, ending.")
	age := m.histogram("holdfast_record_age_seconds", "Age of a transaction's oldest record at its commit: what the stage adds to an order's way, waiting included.")

	for _, s := range stages {
		sm := &stageMetrics{
			committed: m.transactions.WithLabelValues(s.Name, processor.Committed.String()),
			aborted:   m.transactions.WithLabelValues(s.Name, processor.Aborted.String()),
			unknown:   m.transactions.WithLabelValues(s.Name, processor.Unknown.String()),
			records:   records.WithLabelValues(s.Name), ticks: ticks.WithLabelValues(s.Name),
			published: published.WithLabelValues(s.Name), changelog: changelog.WithLabelValues(s.Name),
			took: took.WithLabelValues(s.Name), endTook: endTook.WithLabelValues(s.Name), age: age.WithLabelValues(s.Name),
		}
		for i, name := range logNames {
			sm.sent[i] = sent.WithLabelValues(s.Name, name)
		}
		for _, name := range s.Outcomes {
			decision, outcome, ok := strings.Cut(name, " ")
			if !ok {
				panic(fmt.Sprintf("BUG: stage %s counts %q, which isn't a decision and an outcome", s.Name, name))
			}
			sm.outcomes = append(sm.outcomes, decisions.WithLabelValues(s.Name, decision, outcome))
		}
		for _, v := range []*prometheus.CounterVec{m.halts, m.restores, m.restoreTime, m.restoreBytes, m.wipes, m.verified, m.walks, m.violations} {
			v.WithLabelValues(s.Name) // so that the first is an increase, and not news
		}
		m.stages[s.Name] = sm
	}
	return m
}

// Registry returns the registry, for what else there is to tell and to serve it.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

func (m *Metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

// histogram has classic buckets for everybody and native ones for whoever scrapes
// them. A transaction takes some milliseconds when all is well; beyond ten seconds
// it is aborted.
func (m *Metrics) histogram(name, help string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help,
		Buckets:                         []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 2.5, 10},
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}, []string{"stage"})
	m.registry.MustRegister(v)
	return v
}

// Ended is part of processor.Observer.
func (m *Metrics) Ended(t *processor.Transaction) {
	if m.next != nil {
		m.next.Ended(t)
	}
	s := m.stages[t.Stage]
	switch t.Result {
	case processor.Aborted:
		s.aborted.Inc()
		return
	case processor.Unknown:
		s.unknown.Inc()
		return
	}
	s.committed.Inc()
	s.records.Add(float64(t.Records))
	s.ticks.Add(float64(t.Ticks))
	s.published.Add(float64(t.Published))
	s.changelog.Add(float64(t.ChangelogBytes))
	for i, n := range t.Sent {
		s.sent[i].Add(float64(n))
	}
	for i, n := range t.Outcomes {
		if n > 0 {
			s.outcomes[i].Add(float64(n))
		}
	}
	for _, reason := range t.DeadLetters {
		m.deadLetters.WithLabelValues(t.Stage, reason).Inc()
	}
	s.took.Observe(t.Took.Seconds())
	s.endTook.Observe(t.EndTook.Seconds())
	if t.Oldest > 0 {
		// The broker's clock against ours.
		s.age.Observe(max(0, m.now().Sub(t.Oldest.Time()).Seconds()))
	}
}

// Restored is part of processor.Observer.
func (m *Metrics) Restored(stage string, tp processor.TopicPartition, records, bytes int64, took time.Duration) {
	m.restores.WithLabelValues(stage).Inc()
	m.restoreBytes.WithLabelValues(stage).Add(float64(bytes))
	m.restoreTime.WithLabelValues(stage).Add(took.Seconds())
	if m.next != nil {
		m.next.Restored(stage, tp, records, bytes, took)
	}
}

// Halted is part of processor.Observer.
func (m *Metrics) Halted(stage string, tp processor.TopicPartition, reason string) {
	m.halts.WithLabelValues(stage).Inc()
	if m.next != nil {
		m.next.Halted(stage, tp, reason)
	}
}

// Wiped is part of processor.Observer.
func (m *Metrics) Wiped(stage string, tp processor.TopicPartition, reason string) {
	m.wipes.WithLabelValues(stage).Inc()
	if m.next != nil {
		m.next.Wiped(stage, tp, reason)
	}
}

// Verified is part of processor.Observer.
func (m *Metrics) Verified(stage string, tp processor.TopicPartition, v processor.Verified) {
	m.verified.WithLabelValues(stage).Add(float64(v.Keys))
	m.violations.WithLabelValues(stage).Add(float64(v.Findings))
	if v.Whole {
		m.walks.WithLabelValues(stage).Inc()
	}
	if m.next != nil {
		m.next.Verified(stage, tp, v)
	}
}
