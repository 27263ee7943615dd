package metrics_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/processor/metrics"
	"holdfast/topology/record"
)

// told is an observer that notes what it is told.
type told []string

func (o *told) Ended(t *processor.Transaction) { *o = append(*o, "ended "+t.Result.String()) }
func (o *told) Restored(string, processor.TopicPartition, int64, int64, time.Duration) {
	*o = append(*o, "restored")
}
func (o *told) Halted(string, processor.TopicPartition, string) { *o = append(*o, "halted") }
func (o *told) Wiped(string, processor.TopicPartition, string)  { *o = append(*o, "wiped") }
func (o *told) Verified(string, processor.TopicPartition, processor.Verified) {
	*o = append(*o, "verified")
}

// What isn't known to be committed counts as a transaction and as nothing else.
func TestOnlyCommittedWorkCounts(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	next := &told{}
	stages := []processor.StageConfig{{Name: "inventory", Outcomes: []string{"reserve granted", "reserve short", "ship done"}}, {Name: "intake"}}
	m := metrics.New(metrics.Build{Version: "v1", Revision: "abc", Go: "go1"}, stages, func() time.Time { return now }, next)
	work := processor.Transaction{
		Stage: "inventory", Records: 10, Ticks: 1, Took: 40 * time.Millisecond, EndTook: 4 * time.Millisecond, Oldest: record.Millis(now.UnixMilli() - 150),
		Sent: [3]int{1, 2, 3}, Published: 4, ChangelogBytes: 500, Outcomes: []uint64{7, 0, 2}, DeadLetters: []string{"malformed", "below_zero", "malformed"},
	}
	for _, r := range []processor.Result{processor.Aborted, processor.Unknown, processor.Unknown, processor.Committed} {
		work.Result = r
		m.Ended(&work)
	}
	tp := processor.TopicPartition{Topic: "log", Partition: 1}
	m.Restored("inventory", tp, 5, 600, 2*time.Second)
	m.Halted("inventory", tp, "why")
	m.Wiped("inventory", tp, "why")
	m.Verified("inventory", tp, processor.Verified{Keys: 10, Bytes: 700, Whole: true})
	m.Verified("inventory", tp, processor.Verified{Keys: 20, Bytes: 700, Findings: 2})
	require.Equal(t, told{"ended aborted", "ended unknown", "ended unknown", "ended committed", "restored", "halted", "wiped", "verified", "verified"}, *next)

	want := `
holdfast_build_info{goversion="go1",revision="abc",version="v1"} 1
holdfast_changelog_bytes_total{stage="intake"} 0
holdfast_changelog_bytes_total{stage="inventory"} 500
holdfast_dead_letters_total{reason="below_zero",stage="inventory"} 1
holdfast_dead_letters_total{reason="malformed",stage="inventory"} 2
holdfast_decisions_total{decision="reserve",outcome="granted",stage="inventory"} 7
holdfast_decisions_total{decision="reserve",outcome="short",stage="inventory"} 0
holdfast_decisions_total{decision="ship",outcome="done",stage="inventory"} 2
holdfast_partition_halts_total{stage="intake"} 0
holdfast_partition_halts_total{stage="inventory"} 1
holdfast_published_records_total{stage="intake"} 0
holdfast_published_records_total{stage="inventory"} 4
holdfast_records_total{stage="intake"} 0
holdfast_records_total{stage="inventory"} 10
holdfast_restore_bytes_total{stage="intake"} 0
holdfast_restore_bytes_total{stage="inventory"} 600
holdfast_restore_seconds_total{stage="intake"} 0
holdfast_restore_seconds_total{stage="inventory"} 2
holdfast_restores_total{stage="intake"} 0
holdfast_restores_total{stage="inventory"} 1
holdfast_sent_entries_total{log="availability",stage="intake"} 0
holdfast_sent_entries_total{log="availability",stage="inventory"} 3
holdfast_sent_entries_total{log="inventory",stage="intake"} 0
holdfast_sent_entries_total{log="inventory",stage="inventory"} 2
holdfast_sent_entries_total{log="orders",stage="intake"} 0
holdfast_sent_entries_total{log="orders",stage="inventory"} 1
holdfast_state_violations_total{stage="intake"} 0
holdfast_state_violations_total{stage="inventory"} 2
holdfast_store_wipes_total{stage="intake"} 0
holdfast_store_wipes_total{stage="inventory"} 1
holdfast_ticks_total{stage="intake"} 0
holdfast_ticks_total{stage="inventory"} 1
holdfast_transactions_total{result="aborted",stage="intake"} 0
holdfast_transactions_total{result="aborted",stage="inventory"} 1
holdfast_transactions_total{result="committed",stage="intake"} 0
holdfast_transactions_total{result="committed",stage="inventory"} 1
holdfast_transactions_total{result="unknown",stage="intake"} 0
holdfast_transactions_total{result="unknown",stage="inventory"} 2
holdfast_verified_keys_total{stage="intake"} 0
holdfast_verified_keys_total{stage="inventory"} 30
holdfast_verified_stores_total{stage="intake"} 0
holdfast_verified_stores_total{stage="inventory"} 1
`
	families, err := m.Registry().Gather()
	require.NoError(t, err)
	var text strings.Builder
	for _, f := range families {
		_, err := expfmt.MetricFamilyToText(&text, f)
		require.NoError(t, err)
	}
	var have []string
	sums := map[string]string{}
	for line := range strings.Lines(text.String()) {
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, "} ")
		switch {
		case !strings.HasPrefix(line, "holdfast_"):
		case !strings.Contains(name, "_seconds_"), strings.HasPrefix(name, "holdfast_restore_"):
			have = append(have, line)
		case strings.Contains(name, "_seconds_sum") && strings.Contains(name, "inventory"):
			sums[name] = value
		}
	}
	require.Equal(t, strings.TrimSpace(want), strings.Join(have, "\n"))
	require.Equal(t, map[string]string{
		`holdfast_transaction_duration_seconds_sum{stage="inventory"`: "0.04",
		`holdfast_commit_duration_seconds_sum{stage="inventory"`:      "0.004",
		`holdfast_record_age_seconds_sum{stage="inventory"`:           "0.15",
	}, sums)
	require.PanicsWithValue(t, `BUG: stage x counts "granted", which isn't a decision and an outcome`, func() {
		metrics.New(metrics.Build{}, []processor.StageConfig{{Name: "x", Outcomes: []string{"granted"}}}, time.Now, nil)
	})
}
