package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeVariable makes this test binary play a contender, or the script that
// starts a broker; its value says how it behaves.
const fakeVariable = "HOLDFAST_PEERS_FAKE"

func TestMain(m *testing.M) {
	if how := os.Getenv(fakeVariable); how != "" {
		os.Exit(fake(how, os.Args))
	}
	os.Exit(m.Run())
}

func fake(how string, args []string) int {
	if len(args) == 2 { // status, start, stop; --build
		fmt.Fprintln(os.Stderr, filepath.Base(args[0]), args[1])
		if args[1] == "status" {
			return 1
		}
		return 0
	}
	switch how {
	case "fails":
		fmt.Fprintln(os.Stderr, "no such topic")
		return 3
	case "talks":
		fmt.Print(strings.Repeat("x", answerBytesMax+1))
		return 0
	case "hangs":
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		fmt.Fprintln(os.Stderr, "running")
		<-signals
		fmt.Fprintln(os.Stderr, "topics removed")
		return 4
	}
	lines, err := strconv.Atoi(args[slices.Index(args, "--lines")+1])
	if err != nil {
		return 2
	}
	accepted := lines
	if !slices.Contains(args, "--accept-all") {
		accepted = lines / 2
	}
	fmt.Printf(`{"bench":"inventory","records":%d,"seconds":1,"per_second":%d,"cpu_seconds":2,"per_core_second":%g,"rss_mib":64,"accepted":%d,"rejected":%d}`+"\n",
		lines, lines, float64(lines)/2, accepted, lines-accepted)
	return 0
}

// ground is a directory with a holdfast, a broker script and two peers, all of
// which are this binary.
func ground(t *testing.T, how string) (args []string) {
	t.Helper()
	t.Setenv(fakeVariable, how)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // under the race detector each process would end a second later
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range []string{"holdfast", "kafka.sh", "peers/one/run.sh", "peers/two/run.sh"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.Symlink(self, filepath.Join(dir, name)))
	}
	return []string{"--holdfast", filepath.Join(dir, "holdfast"), "--kafka", filepath.Join(dir, "kafka.sh"), "--peers", filepath.Join(dir, "peers"),
		"--json", filepath.Join(dir, "out", "result.json"), "--baseline", "one", "--lines", "1000", "--count", "2"}
}

func TestCompare(t *testing.T) {
	args := ground(t, "good")
	var out, errs bytes.Buffer
	require.Zero(t, run(t.Context(), args, &out, &errs), "%s", errs.String())
	require.Contains(t, out.String(), "all accepted: 1,000 lines, 1,000 accepted (100.0 %); medians of 2 runs")
	require.Contains(t, out.String(), "with refusals, stock of 1,000 a SKU: 1,000 lines, 500 accepted (50.0 %)")
	for _, want := range []string{"run.sh --build", "kafka.sh start", "kafka.sh stop", "peers: 12 of 12"} {
		require.Contains(t, errs.String(), want)
	}

	text, err := os.ReadFile(args[7])
	require.NoError(t, err)
	var r Report
	require.NoError(t, json.Unmarshal(text, &r))
	require.Len(t, r.Tables, 2)
	require.Len(t, r.Tables[1].Rows, 3)
	require.Len(t, r.Tables[1].Rows[2].Runs, 2)
	require.InDelta(t, 1, r.Tables[0].Rows[0].PerSecondRatio, 1e-12)
}

func TestCompareTellsWhatFailed(t *testing.T) {
	var out, errs bytes.Buffer
	require.Equal(t, 1, run(t.Context(), ground(t, "fails"), &out, &errs))
	require.Contains(t, errs.String(), "peers: holdfast, all accepted: holdfast: exit status 3")
	require.Contains(t, errs.String(), "no such topic", "what it said itself")
	require.Contains(t, errs.String(), "kafka.sh stop")
	require.Empty(t, out.String())

	require.Equal(t, 1, run(t.Context(), ground(t, "talks"), &out, &errs))
	require.Contains(t, errs.String(), "more than 65536 bytes on standard output")
}

// cancelOn cancels when the child has said that it runs.
type cancelOn struct {
	text   strings.Builder
	cancel context.CancelFunc
}

func (c *cancelOn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("running")) {
		c.cancel()
	}
	return c.text.Write(b)
}

// An interrupt reaches the contender, which has time to clean up, and the broker
// that was started is stopped.
func TestInterruptIsPassedOn(t *testing.T) {
	args := ground(t, "hangs")
	ctx, cancel := context.WithCancel(t.Context())
	errs := &cancelOn{cancel: cancel}
	var out bytes.Buffer
	require.Equal(t, 1, run(ctx, args, &out, errs))
	require.Contains(t, errs.text.String(), "topics removed")
	require.Contains(t, errs.text.String(), "kafka.sh stop")
	require.Contains(t, errs.text.String(), context.Canceled.Error())
}

func TestUsage(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		require.Equal(t, 2, run(t.Context(), args, &out, &errs))
		require.Contains(t, errs.String(), want)
	}
	f("--count 0, must be 1 to 100", "--count", "0", "--port", "70000")
	f("--port 70000, must be 1 to 65535", "--count", "0", "--port", "70000")
	f("everything: no such argument", "everything")
	f("flag provided but not defined", "--fast")
	var out, errs bytes.Buffer
	require.Equal(t, 1, run(t.Context(), []string{"--peers", t.TempDir()}, &out, &errs))
	require.Contains(t, errs.String(), "no */run.sh in")
}

func TestRoundsAreInTurn(t *testing.T) {
	var order []string
	two := []Contender{{Name: "a"}, {Name: "b"}}
	measure := func(_ context.Context, c Contender, k Case) (Answer, error) {
		order = append(order, k.Name+c.Name)
		return Answer{Records: 10, Accepted: 10, PerSecond: float64(len(order)), PerCoreSecond: 1, RSSMiB: 1}, nil
	}
	tables, err := rounds(t.Context(), two, []Case{{Name: "1"}, {Name: "2"}}, 2, 10, "b", measure)
	require.NoError(t, err)
	require.Equal(t, []string{"1a", "1b", "1a", "1b", "2a", "2b", "2a", "2b"}, order)
	require.InDelta(t, 2.0/3, tables[0].Rows[0].PerSecondRatio, 1e-12, "runs 1 and 3 over runs 2 and 4")

	broken := errors.New("no broker")
	_, err = rounds(t.Context(), two, []Case{{Name: "1"}}, 2, 10, "b", func(context.Context, Contender, Case) (Answer, error) { return Answer{}, broken })
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "a, 1: ")
}
