package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"holdfast/loadtest/bench"
)

// TestBenchOrders: all stages decide a load in which most SKUs sell out. The
// benchmark itself fails where an order has no first event, or a channel wasn't
// told what is left. It judges no figure: the broker is the embedded one.
func TestBenchOrders(t *testing.T) {
	h, b := withBroker(t)
	ran := h.run("bench", "orders", "--lines", "901", "--lines-per-order", "2", "--skus", "30", "--stock", "20", "--warehouses", "2", "--partitions", "2", "-o", "json")
	require.Equal(t, exitGood, ran.code, ran.errout)
	require.NotContains(t, ran.errout, "tables aren't worked off", "intake didn't wait for a table's end that nobody reads")
	out := ran.out
	r := decodeJSON[bench.Result](t, out)
	require.EqualValues(t, 451, r.Records, "orders, the last with one line")
	require.EqualValues(t, 901, r.Lines)
	require.EqualValues(t, 451, *r.Accepted+*r.Rejected)
	require.Positive(t, *r.Accepted)
	require.Positive(t, *r.Rejected)
	require.Positive(t, r.ChannelUpdates)
	require.Positive(t, r.Seconds)
	require.Positive(t, r.Transactions)
	var stages []string
	for _, s := range r.Stages {
		stages = append(stages, s.Stage)
	}
	require.Equal(t, []string{"intake", "orders", "inventory", "channels"}, stages)
	for _, name := range []string{"records", "seconds", "per_second", "cpu_seconds", "per_core_second", "rss_mib", "accepted", "rejected", "transactions"} {
		require.Contains(t, decodeJSON[map[string]any](t, out), name)
	}
	topics, err := kadm.NewClient(plainClient(t, b)).ListTopics(t.Context())
	require.NoError(t, err)
	require.Empty(t, topics, "it leaves nothing behind")

	text := h.good("bench", "orders", "--lines", "50", "--lines-per-order", "1", "--skus", "10", "--accept-all", "--workers", "1", "--partitions", "1")
	require.Contains(t, text, "orders: 50 orders of 50 lines in ")
	require.Contains(t, text, "50 accepted, 0 rejected")
}

// TestBenchPipe: what decides nothing accepts and rejects nothing.
func TestBenchPipe(t *testing.T) {
	h, _ := withBroker(t)
	fields := decodeJSON[map[string]json.RawMessage](t, h.good("bench", "pipe", "--lines", "500", "--skus", "10", "--partitions", "2", "-o", "json"))
	require.NotContains(t, fields, "accepted")
	require.NotContains(t, fields, "rejected")
	require.Contains(t, fields, "transactions")
	require.NotContains(t, h.good("bench", "pipe", "--lines", "500", "--skus", "10", "--partitions", "2"), "accepted")

	text := h.good("bench", "inventory", "--pipe", "--lines", "500", "--skus", "10", "--partitions", "2")
	require.Contains(t, text, "inventory: 500 lines in ")
	require.Contains(t, text, "  the bare pipe: ")
	both := decodeJSON[bench.Result](t, h.good("bench", "orders", "--pipe", "--lines", "200", "--skus", "10", "--partitions", "2", "-o", "json"))
	require.Equal(t, "orders", both.Bench)
	require.EqualValues(t, 200, both.Pipe.Records)
	require.Equal(t, "pipe", both.Pipe.Bench)
}

// TestBenchRestore: the holds that were made come back from an empty directory;
// the benchmark itself compares the stores. Profiles are written where asked.
func TestBenchRestore(t *testing.T) {
	h, _ := withBroker(t)
	dir := t.TempDir()
	args := []string{"bench", "restore", "--holds", "3000", "--skus", "50", "--partitions", "2", "--workers", "1", "--in-process"}
	fields := decodeJSON[map[string]any](t, h.good(append(args, "-o", "json", "--profile", dir)...))
	require.EqualValues(t, 3000, fields["records"])
	require.EqualValues(t, 2, fields["partitions"])
	for _, name := range []string{"seconds", "per_second", "cpu_seconds", "per_core_second", "rss_mib", "deltas", "changelog_bytes", "ready_seconds", "state_bytes"} {
		require.Positive(t, fields[name], name)
	}
	require.GreaterOrEqual(t, fields["keys"], 3000.0)
	for _, name := range []string{"cpu.pprof", "block.pprof", "heap.pprof"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Positive(t, info.Size(), name)
	}
	require.Contains(t, h.good(append(args, "--turnover", "4000")...), "restore: 3000 holds in ")
}

func TestBenchRefusesWhatCantBeMeasured(t *testing.T) {
	h := &harness{t: t}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"orders", "--lines", "0"}, "lines 0, must be 1 to"},
		{[]string{"orders", "--lines-per-order", "1001"}, "lines per order 1001"},
		{[]string{"orders", "--lines-mix", "70/20/5"}, "lines mix 70/20/5: adds up to 95 %"},
		{[]string{"orders", "--workers=-1"}, "workers -1, must be 1 to 256, or 0"},
		{[]string{"orders", "--workers", "257"}, "workers 257"},
		{[]string{"orders", "--warehouses", "3", "--stock", "2"}, "stock 2, must be a unit for each warehouse"},
		{[]string{"inventory", "--skus", "0"}, "skus 0"},
		{[]string{"pipe", "--zipf", "0.5"}, "zipf 0.5"},
		{[]string{"restore", "--holds", "0"}, "lines 0"},
		{[]string{"restore", "--turnover=-1"}, "turnover -1, must be 0 to 100 times the holds"},
		{[]string{"pipe", "--repeat", "0"}, "--repeat 0"},
	} {
		require.Contains(t, h.bad(exitUsage, append([]string{"bench"}, c.args...)...), c.want)
	}
}
