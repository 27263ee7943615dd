package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/report"
	"holdfast/loadtest/scenario"
)

// steppedClock lets everybody go on at once: sleeping is over when it begins.
type steppedClock struct {
	mu sync.Mutex
	at time.Duration
}

func (c *steppedClock) now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *steppedClock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at += d
	return ctx.Err()
}

// done runs one fault and returns what became of it, and the signals sent.
func done(t *testing.T, ctx context.Context, one scenario.Fault) ([]report.Marker, []string, []syscall.Signal) {
	t.Helper()
	var sent []syscall.Signal
	f := &faults{clock: &steppedClock{}, signal: func(pid int, s syscall.Signal) error {
		if pid != 4242 {
			return errors.New("no such process")
		}
		sent = append(sent, s)
		return nil
	}}
	f.start(ctx, []scenario.Fault{one})
	markers, failed := f.wait()
	return markers, failed, sent
}

func TestFaults(t *testing.T) {
	ctx := t.Context()
	file := filepath.Join(t.TempDir(), "node.pid")
	at := scenario.Span(30 * time.Second)
	require.NoError(t, os.WriteFile(file, []byte("4242\n"), 0o600))

	markers, failed, sent := done(t, ctx, scenario.Fault{At: at, Name: "node-b dies", Signal: "KILL", PIDFile: file})
	require.Equal(t, []report.Marker{{At: 30, Kind: "fault", Text: "node-b dies"}}, markers)
	require.Empty(t, failed)
	require.Equal(t, []syscall.Signal{syscall.SIGKILL}, sent)

	markers, failed, sent = done(t, ctx, scenario.Fault{At: at, Pause: scenario.Span(5 * time.Second), PID: 4242})
	require.Equal(t, []report.Marker{{At: 30, Kind: "fault", Text: "pause of process 4242 for 5s"}, {At: 35, Kind: "restore", Text: "pause of process 4242 for 5s: it goes on"}}, markers)
	require.Empty(t, failed)
	require.Equal(t, []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT}, sent)

	markers, failed, _ = done(t, ctx, scenario.Fault{At: at, Run: []string{"true"}, Restore: true})
	require.Equal(t, []report.Marker{{At: 30, Kind: "restore", Text: "run true"}}, markers)
	require.Empty(t, failed)

	_, failed, _ = done(t, ctx, scenario.Fault{At: at, Run: []string{"sh", "-c", "echo no disk >&2; exit 3"}})
	require.Equal(t, []string{"At 30 s: run sh -c echo no disk >&2; exit 3 didn't work: exit status 3: no disk."}, failed)

	markers, failed, _ = done(t, ctx, scenario.Fault{At: at, Signal: "TERM", PID: 7})
	require.Equal(t, []string{"At 30 s: TERM to process 7 didn't work: signal TERM to 7: no such process."}, failed)
	require.Equal(t, "TERM to process 7, which didn't work", markers[0].Text)

	require.NoError(t, os.WriteFile(file, []byte("1"), 0o600))
	_, failed, sent = done(t, ctx, scenario.Fault{At: at, Signal: "TERM", PIDFile: file})
	require.Contains(t, failed[0], "holds no process id")
	require.Empty(t, sent)
}

// A program that hangs is ended, with what it started; one that leaves something
// in the background isn't waited for.
func TestProgramsThatStay(t *testing.T) {
	err := runProgram(t.Context(), &scenario.Fault{Run: []string{"sh", "-c", "echo waiting; sleep 60"}, Timeout: scenario.Span(50 * time.Millisecond)})
	require.EqualError(t, err, "it took longer than 50ms: waiting")
	pid := filepath.Join(t.TempDir(), "pid")
	require.NoError(t, runProgram(t.Context(), &scenario.Fault{Run: []string{"sh", "-c", "sleep 60 & echo $! > " + pid}}))
	left, err := pidOf(&scenario.Fault{PIDFile: pid})
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(left, syscall.SIGKILL), "it goes on")
}

// When the load ends early nothing more is broken, and what is paused goes on.
func TestFaultsEndWithTheLoad(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	markers, failed, sent := done(t, ctx, scenario.Fault{At: scenario.Span(time.Second), Signal: "KILL", PID: 4242})
	require.Empty(t, markers)
	require.Empty(t, failed)
	require.Empty(t, sent)
	_, _, sent = done(t, ctx, scenario.Fault{Pause: scenario.Span(time.Second), PID: 4242})
	require.Equal(t, []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT}, sent)
}
