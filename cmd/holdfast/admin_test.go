package main

import (
	"bytes"
	"flag"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/processor/metrics"
	"holdfast/state"
	"holdfast/topology"
)

var rewriteNames = flag.Bool("rewrite-metric-names", false, "write testdata/metric_names.txt anew")

// adminOf waits for a node's admin listener and returns where it is.
func (n *testNode) adminOf() string {
	n.t.Helper()
	at := regexp.MustCompile(`msg="health, status and metrics" at=(\S+)`)
	var found []string
	lookUntil(n.t, "the node serves health, status and metrics", func() bool {
		found = at.FindStringSubmatch(n.log.String())
		return found != nil
	})
	return "http://" + found[1]
}

// lookUntil looks again and again whether ok holds; the clock only says when to
// look.
func lookUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	every, limit := time.NewTicker(10*time.Millisecond), time.NewTimer(answerWithin)
	defer every.Stop()
	defer limit.Stop()
	for !ok() {
		select {
		case <-every.C:
		case <-limit.C:
			require.FailNow(t, "it never came to it: "+what)
		}
	}
}

func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

// scraped is one scrape of /metrics.
type scraped map[string]*dto.MetricFamily

func scrape(t *testing.T, at string) scraped {
	t.Helper()
	code, body := get(t, at+"/metrics")
	require.Equal(t, http.StatusOK, code, body)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	return families
}

// sum adds up the series of a metric that have all of the labels "name=value".
func (s scraped) sum(name string, labels ...string) (sum float64) {
	f := s[name]
	if f == nil {
		return 0
	}
	for _, m := range f.Metric {
		var have []string
		for _, l := range m.Label {
			have = append(have, l.GetName()+"="+l.GetValue())
		}
		if !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(have, l) }) {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// TestAdmin: what a node says of itself while it works, is caught up, and halts.
func TestAdmin(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply", "--set", "channels=web")
	n := h.startNode(t.TempDir(), "--set", "channels=web", "--admin-listen", "127.0.0.1:0")
	at := n.adminOf()
	code, body := get(t, at+"/livez")
	require.Equal(t, []any{http.StatusOK, "alive\n"}, []any{code, body})
	awaitReady(t, at)
	code, _ = get(t, at+"/debug/pprof/")
	require.Equal(t, http.StatusNotFound, code, "profiles are off unless asked for")

	h.sendText(`{"id":"HCM-1"}`, "warehouses")
	h.sendText(`{"holdfast":1,"event_id":"s-1","type":"stock.receive","sku":"A","warehouse":"HCM-1","qty":5}`, "stock.feed")
	h.follow("channel.web.stock", "--set", "channels=web").until(func(r tailed) bool { return r.field("sellable") == 5.0 })
	var orders []string
	for _, id := range []string{"1", "2", "3"} {
		orders = append(orders, `{"holdfast":1,"event_id":"e-`+id+`","type":"order.created","channel":"web","shop":"main","order_id":"W-`+id+`","occurred_at":"`+time.Now().UTC().Format(time.RFC3339)+
			`","order":{"payment":"prepaid","currency":"VND","total_minor":1,"allow":"all","lines":[{"line":"1","sku":"A","qty":2,"unit_price_minor":1}]}}`)
	}
	events := h.follow("order.events", "--set", "channels=web")
	h.sendText(strings.Join(orders, "\n"), "channel.web.orders")
	for range orders {
		events.next()
	}
	h.sendText("nonsense", "channel.web.orders", "--key", "k")
	h.follow("holdfast.dlq", "--set", "channels=web").next()

	// The metrics are written after the commit, the lag is measured from time to
	// time.
	s := awaitScrape(t, at, func(s scraped) bool {
		return s.sum("holdfast_dead_letters_total", "stage=intake") == 1 && s.sum("holdfast_lag_age_seconds") > 0 &&
			s.sum("holdfast_decisions_total", "stage=inventory", "decision=reserve") == 3 && s.sum("holdfast_decisions_total", "stage=orders") == 3
	})
	require.Equal(t, 1.0, s.sum("holdfast_dead_letters_total", "stage=intake", "reason=malformed"))
	require.Equal(t, 1.0, s.sum("holdfast_ready"))
	require.Equal(t, 3.0, s.sum("holdfast_decisions_total", "stage=intake", "decision=record", "outcome=order_event"))
	require.Equal(t, 1.0, s.sum("holdfast_decisions_total", "stage=intake", "decision=record", "outcome=refused"))
	require.Equal(t, 2.0, s.sum("holdfast_decisions_total", "stage=orders", "decision=event", "outcome=accepted"), "of three orders for two units each of five")
	require.Equal(t, 1.0, s.sum("holdfast_decisions_total", "stage=orders", "decision=event", "outcome=rejected"))
	require.Equal(t, 2.0, s.sum("holdfast_decisions_total", "stage=inventory", "decision=reserve", "outcome=granted"))
	require.Positive(t, s.sum("holdfast_decisions_total", "stage=channels", "decision=stock_update"))
	require.Equal(t, 8.0, s.sum("holdfast_partitions", "stage=orders", "phase=running"))
	require.Equal(t, 0.0, s.sum("holdfast_partitions", "phase=halted"))
	for _, stage := range []string{topology.StageIntake, topology.StageOrders, topology.StageInventory, topology.StageChannels} {
		require.Positive(t, s.sum("holdfast_transactions_total", "stage="+stage, "result=committed"), stage)
		// One may just be counted.
		require.InDelta(t, s.sum("holdfast_transactions_total", "stage="+stage, "result=committed"), s.sum("holdfast_transaction_duration_seconds", "stage="+stage), 1, stage)
		require.InDelta(t, s.sum("holdfast_transactions_total", "stage="+stage, "result=committed"), s.sum("holdfast_record_age_seconds", "stage="+stage), 1, stage)
		require.Positive(t, s.sum("holdfast_records_total", "stage="+stage), stage)
	}
	require.Positive(t, s.sum("holdfast_changelog_bytes_total", "stage=inventory"))
	require.Positive(t, s.sum("holdfast_sent_entries_total", "stage=orders", "log=inventory"))
	require.Equal(t, 24.0, s.sum("holdfast_stores"))
	require.Positive(t, s.sum("holdfast_kafka_produce_records_total", "topic=holdfast.log.inventory"))
	require.Positive(t, s.sum("holdfast_build_info"))
	require.Positive(t, s.sum("process_cpu_seconds_total"))
	require.Positive(t, s.sum("go_goroutines"))

	// Every partition that was written to ends with a marker, and is caught up.
	s = awaitScrape(t, at, func(s scraped) bool {
		lag := s["holdfast_lag_records"]
		return lag != nil && float64(len(lag.Metric)) == s.sum("holdfast_partitions") && s.sum("holdfast_lag_records") == 0 && s.sum("holdfast_lag_seconds") == 0
	})
	r := decodeJSON[map[string]any](t, second(get(t, at+"/status")))
	require.Equal(t, "running", r["state"])
	require.Len(t, r["partitions"], len(s["holdfast_lag_records"].Metric))
	for _, p := range r["partitions"].([]any) {
		require.Equal(t, 0.0, p.(map[string]any)["lag_records"], "%v", p)
	}
	n.stop()
}

func second[A, B any](_ A, b B) B { return b }

func awaitReady(t *testing.T, at string) {
	t.Helper()
	lookUntil(t, "the node is ready", func() bool {
		code, body := get(t, at+"/readyz")
		if code == http.StatusOK {
			require.True(t, strings.HasPrefix(body, "running: "), body)
			return true
		}
		require.True(t, strings.HasPrefix(body, "restoring: "), body)
		return false
	})
}

func awaitScrape(t *testing.T, at string, ok func(scraped) bool) (s scraped) {
	t.Helper()
	lookUntil(t, "metrics are as wanted", func() bool {
		s = scrape(t, at)
		return ok(s)
	})
	return s
}

// A node that is given nothing is a spare, and ready.
func TestSpareNodeIsReady(t *testing.T) {
	h, _ := withBroker(t)
	shape := []string{"--set", "channels=web", "--set", "topics.log_partitions=1", "--set", "node.stages=orders", "--set", "admin.pprof=true"}
	h.good(append([]string{"topics", "apply"}, shape...)...)
	a := h.startNode(t.TempDir(), append([]string{"--admin-listen", "127.0.0.1:0"}, shape...)...)
	awaitReady(t, a.adminOf())
	b := h.startNode(t.TempDir(), append([]string{"--admin-listen", "127.0.0.1:0", "--instance-id", "b"}, shape...)...)
	awaitReady(t, b.adminOf())
	owners := 0
	for _, n := range []*testNode{a, b} {
		if _, body := get(t, n.adminOf()+"/readyz"); strings.Contains(body, "no partition assigned yet") {
			continue
		}
		owners++
	}
	require.Equal(t, 1, owners)
	code, _ := get(t, b.adminOf()+"/debug/pprof/goroutine?debug=1")
	require.Equal(t, http.StatusOK, code)
	a.stop()
	b.stop()
}

// TestMetricNames: the names follow Prometheus' conventions, and are those that
// the dashboard may use, which are listed in testdata.
func TestMetricNames(t *testing.T) {
	s := DefaultSettings()
	m := newMetrics(&s, nil)
	m.ClientOption()
	m.Watch(oneOfEach{}, oneOfEach{})
	m.WatchStores(func() state.Metrics { return state.Metrics{} })
	m.Disk(func() int64 { return 1 })
	for _, stage := range s.Node.Stages {
		m.Ended(&processor.Transaction{Stage: stage, DeadLetters: []string{"malformed"}})
	}
	families, err := m.Registry().Gather()
	require.NoError(t, err)
	problems, err := testutil.GatherAndLint(m.Registry())
	require.NoError(t, err)
	problems = slices.DeleteFunc(problems, func(p promlint.Problem) bool { return strings.HasPrefix(p.Metric, "holdfast_kafka_") }) // kprom's
	require.Empty(t, problems)
	var names []string
	for _, f := range families {
		labels := map[string]bool{}
		for _, m := range f.Metric {
			for _, l := range m.Label {
				labels[l.GetName()] = true
			}
		}
		require.NotContains(t, labels, "sku")
		require.NotContains(t, labels, "order_key")
		line := f.GetName() + " " + strings.ToLower(f.GetType().String())
		names = append(names, line)
	}
	text := strings.Join(names, "\n") + "\n"
	const file = "testdata/metric_names.txt"
	if *rewriteNames {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), text, "go test ./cmd/holdfast -run TestMetricNames -rewrite-metric-names")
}

// oneOfEach is a node with one partition that is behind.
type oneOfEach struct{}

func (oneOfEach) Status() []processor.PartitionStatus {
	return []processor.PartitionStatus{{Stage: topology.StageOrders, Topic: "holdfast.log.orders", Phase: "restoring", RecordsLeft: 1, ETA: time.Second}}
}

func (oneOfEach) Standbys() []processor.StandbyStatus {
	return []processor.StandbyStatus{{Stage: topology.StageOrders, Topic: "holdfast.log.orders", Partition: 1, Behind: time.Second}}
}

func (oneOfEach) Health() processor.Health { return processor.Health{} }

func (oneOfEach) Measured() (map[metrics.Place]metrics.Behind, time.Duration) {
	at := processor.TopicPartition{Topic: "holdfast.log.orders"}
	return map[metrics.Place]metrics.Behind{{Stage: topology.StageOrders, TopicPartition: at}: {Records: 1, Seconds: 1}}, time.Second
}
