package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"holdfast/processor/kafka/embedded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// result is what a command line left behind.
type result struct {
	code        int
	out, errout string
}

// harness runs command lines as the shell would.
type harness struct {
	t       *testing.T
	environ []string
	stdin   string
	brokers string        // added to commands by kafka
	timeout time.Duration // of a command; 0: 30 s
}

func (h *harness) run(args ...string) result {
	h.t.Helper()
	var out, errout bytes.Buffer
	ctx, cancel := context.WithTimeout(h.t.Context(), cmp.Or(h.timeout, 30*time.Second))
	defer cancel()
	code := Run(ctx, args, Process{Stdin: strings.NewReader(h.stdin), Stdout: &out, Stderr: &errout, Environ: h.environ})
	return result{code, out.String(), errout.String()}
}

// good runs a command line that must succeed, and returns its standard output.
func (h *harness) good(args ...string) string {
	h.t.Helper()
	r := h.run(args...)
	require.Equal(h.t, exitGood, r.code, "%v\n%s%s", args, r.out, r.errout)
	return r.out
}

// bad runs a command line that must end with code, and returns its errors.
func (h *harness) bad(code int, args ...string) string {
	h.t.Helper()
	r := h.run(args...)
	require.Equal(h.t, code, r.code, "%v\n%s%s", args, r.out, r.errout)
	return r.errout
}

// withBroker starts an embedded broker that KAFKA_BROKERS names.
func withBroker(t *testing.T) (*harness, *embedded.Broker) {
	t.Helper()
	b, err := embedded.Start(embedded.Config{InMemory: true})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return &harness{t: t, environ: []string{"KAFKA_BROKERS=" + b.Addr()}, brokers: b.Addr()}, b
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func decodeJSON[T any](t testing.TB, text string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(text))
	require.NoError(t, d.Decode(&v), text)
	require.False(t, d.More(), "one value and nothing else: %s", text)
	return v
}

func TestHelpAndUsage(t *testing.T) {
	h := &harness{t: t}
	for _, args := range [][]string{nil, {"--help"}, {"tail", "--help"}, {"topics", "apply", "-h"}, {"--version"}} {
		r := h.run(args...)
		require.Equal(t, exitGood, r.code, "%v: %s", args, r.errout)
		require.NotEmpty(t, r.out, "%v", args)
		require.Empty(t, r.errout, "%v", args)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"tali"}, `did you mean "tail"? (holdfast --help tells more)`},
		{[]string{"topics"}, `expected one of "plan", "apply"`},
		{[]string{"tail"}, `(holdfast tail --help tells more)`},
		{[]string{"tail", "x", "--output-is"}, "unknown flag"},
		{[]string{"topology", "--output", "xml"}, "must be one of"},
		{[]string{"--set", "orders.keep_closed", "topology"}, "must be KEY=VALUE"},
		{[]string{"--set", "order.keep_closed=1d", "topology"}, "--set: order.keep_closed isn't a setting; is it orders.keep_closed?"},
		{[]string{"--config", "nowhere.yaml", "topology"}, "nowhere.yaml"},
	} {
		require.Contains(t, h.bad(exitUsage, c.args...), c.want)
	}
}

func TestVersion(t *testing.T) {
	h := &harness{t: t}
	require.Contains(t, h.good("version"), "holdfast ")
	require.Equal(t, h.good("version"), h.good("--version"))
	require.NotEmpty(t, decodeJSON[build](t, h.good("version", "--output", "json")).Go)
}

func TestTopologyCommand(t *testing.T) {
	h := &harness{t: t}
	require.Contains(t, h.good("topology"), "holdfast.log.orders")
	out := h.good("topology", "--app-id", "shop", "--brokers", "3", "--set", "channels=web", "--output", "json")
	got := decodeJSON[struct {
		Topics []struct {
			Name        string
			Replication int
			Configs     map[string]string
		}
	}](t, out)
	for _, topic := range got.Topics {
		require.True(t, strings.HasPrefix(topic.Name, "shop."), topic.Name)
		require.Equal(t, 3, topic.Replication)
		require.Equal(t, "2", topic.Configs["min.insync.replicas"])
		require.NotContains(t, topic.Name, "shopee")
	}
	require.Contains(t, h.bad(exitUsage, "topology", "--app-id", "a.b"), `app id "a.b"`)
}
