package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"holdfast/processor"
	"holdfast/processor/metrics"
	"holdfast/topology/record"
)

// admin answers whoever runs a node: orchestrators, Prometheus, people.
//
//	/livez      200 while the process answers
//	/readyz     200 when the node has restored all that it was assigned, else 503;
//	            the state (restoring, running, stopping) and why. /healthz is the same
//	/status     each partition with its phase and lag, as JSON
//	/metrics    for Prometheus
//	/debug/pprof/  Go's profiles, only with admin.pprof
//
// It has no password: it listens on this machine alone unless told otherwise.
type admin struct {
	instance string
	node     metrics.Node
	metrics  *metrics.Metrics
	lag      metrics.Measure
	log      *slog.Logger
}

// nodeReport is what /status answers.
type nodeReport struct {
	Instance string `json:"instance_id"`
	build
	processor.Health
	// LagAge is how long ago the lag was measured; absent: never.
	LagAge     *float64          `json:"lag_age_seconds,omitempty"`
	Partitions []partitionReport `json:"partitions"`
	// Standbys are the stores kept up to date for other nodes.
	Standbys []standbyReport `json:"standbys,omitempty"`
}

type standbyReport struct {
	processor.StandbyStatus
	LagSeconds float64 `json:"lag_seconds"` // since it had all that there was
}

type partitionReport struct {
	processor.PartitionStatus
	ETASeconds  float64        `json:"eta_seconds,omitempty"`
	DecidedUpTo *record.Millis `json:"decided_up_to,omitempty"` // append time of the last record decided
	// Absent: not measured yet.
	LagRecords *int64   `json:"lag_records,omitempty"`
	LagSeconds *float64 `json:"lag_seconds,omitempty"`
}

// silentFor is how long brokers may leave the question for the lag unanswered,
// which is asked every two seconds, before a node isn't ready: one that has nothing
// to do would notice nothing else.
const silentFor = 30 * time.Second

func (a *admin) health() processor.Health {
	h := a.node.Health()
	if _, age := a.lag.Measured(); age > silentFor && h.State != processor.StateStopping {
		h.Ready = false
		h.Reason = fmt.Sprintf("no broker has told how far the partitions are for %.0f s; %s", age.Seconds(), h.Reason)
	}
	return h
}

func (a *admin) report() nodeReport {
	r := nodeReport{Instance: a.instance, build: readBuild(), Health: a.health(), Partitions: []partitionReport{}}
	measured, age := a.lag.Measured()
	if age >= 0 {
		seconds := age.Seconds()
		r.LagAge = &seconds
	}
	for _, s := range a.node.Status() {
		p := partitionReport{PartitionStatus: s, ETASeconds: s.ETA.Seconds()}
		if s.At > 0 {
			p.DecidedUpTo = &s.At
		}
		at := processor.TopicPartition{Topic: s.Topic, Partition: s.Partition}
		if b, ok := measured[metrics.Place{Stage: s.Stage, TopicPartition: at}]; ok {
			p.LagRecords, p.LagSeconds = &b.Records, &b.Seconds
		}
		r.Partitions = append(r.Partitions, p)
	}
	for _, s := range a.node.Standbys() {
		r.Standbys = append(r.Standbys, standbyReport{s, s.Behind.Seconds()})
	}
	return r
}

func (a *admin) handler(withProfiles bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.HandleFunc("GET /healthz", a.ready)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(append(indentJSON(a.report()), '\n')) // who asked may have gone
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics.Registry(), promhttp.HandlerOpts{
		Registry: a.metrics.Registry(), EnableOpenMetrics: true, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}))
	if withProfiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func (a *admin) ready(w http.ResponseWriter, _ *http.Request) {
	h := a.health()
	if !h.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintf(w, "%s: %s\n", h.State, h.Reason)
}

// serve answers on an address until stop is called.
func (a *admin) serve(s *AdminSettings) (stop func(), err error) {
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return nil, fmt.Errorf("admin.listen: %w", err)
	}
	server := &http.Server{Handler: a.handler(s.Pprof), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("health, status and metrics are gone", "err", err)
		}
	}()
	a.log.Info("health, status and metrics", "at", l.Addr().String())
	return func() {
		_ = server.Close()
		<-served
	}, nil
}
