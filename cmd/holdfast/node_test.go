package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// answerWithin is how long a test waits for something that takes milliseconds:
// long enough for a machine that does much else beside.
const answerWithin = 20 * time.Second

// sharedText is written by a command while the test may read it.
type sharedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sharedText) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *sharedText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// testNode is `holdfast run` inside the test's process.
type testNode struct {
	t       *testing.T
	dataDir string
	log     sharedText
	cancel  context.CancelFunc
	done    chan int      // its exit code, once
	gone    chan struct{} // closed when it has ended
}

// startNode runs a node until it is stopped or the test ends.
func (h *harness) startNode(dataDir string, args ...string) *testNode {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	n := &testNode{t: h.t, dataDir: dataDir, cancel: cancel, done: make(chan int, 1), gone: make(chan struct{})}
	args = append([]string{"run", "--data-dir", dataDir, "--instance-id", "a", "--admin-listen", ""}, args...)
	go func() {
		defer close(n.gone)
		n.done <- Run(ctx, args, Process{Stderr: &n.log, Environ: h.environ})
	}()
	h.t.Cleanup(func() {
		cancel()
		select {
		case <-n.gone:
		case <-time.After(answerWithin):
			h.t.Error("the node doesn't end")
		}
		if h.t.Failed() {
			h.t.Logf("the node said:\n%s", n.log.String())
		}
	})
	return n
}

// ended waits for the node's end and returns its exit code.
func (n *testNode) ended() int {
	n.t.Helper()
	select {
	case code := <-n.done:
		return code
	case <-time.After(answerWithin):
		require.FailNow(n.t, "the node doesn't end")
		return -1
	}
}

// stop ends the node as SIGTERM does. It must have had nothing to complain of.
func (n *testNode) stop() {
	n.t.Helper()
	n.cancel()
	require.Equal(n.t, exitGood, n.ended())
	require.NotContains(n.t, n.log.String(), "level=ERROR")
	require.NotContains(n.t, n.log.String(), "halted")
}

// follower is `holdfast tail --follow` inside the test's process.
type follower struct {
	t     *testing.T
	topic string
	lines chan string
}

// follow tails a topic from its start until the test ends.
func (h *harness) follow(topic string, args ...string) *follower {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{t: h.t, topic: topic, lines: make(chan string)}
	done := make(chan int, 1)
	var errors sharedText
	args = append([]string{"tail", topic, "--follow"}, args...)
	go func() {
		done <- Run(ctx, args, Process{Stdout: &lineWriter{ctx: ctx, lines: f.lines}, Stderr: &errors, Environ: h.environ})
	}()
	h.t.Cleanup(func() {
		cancel()
		require.Equal(h.t, exitGood, <-done, errors.String())
	})
	return f
}

// next waits for the next record.
func (f *follower) next() tailed {
	f.t.Helper()
	select {
	case line := <-f.lines:
		return decodeJSON[tailed](f.t, line)
	case <-time.After(answerWithin):
		require.FailNow(f.t, "nothing new on "+f.topic)
		return tailed{}
	}
}

// until waits for a record that is as wanted.
func (f *follower) until(wanted func(tailed) bool) tailed {
	f.t.Helper()
	for {
		if r := f.next(); wanted(r) {
			return r
		}
	}
}

// lineWriter hands out the lines that are written to it.
type lineWriter struct {
	ctx   context.Context
	rest  []byte
	lines chan<- string
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	for {
		line, rest, whole := bytes.Cut(w.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		select {
		case w.lines <- string(line):
		case <-w.ctx.Done():
			return len(b), nil // nobody asks for it any longer
		}
		w.rest = slices.Clone(rest)
	}
}

// sendText sends what would be standard input.
func (h *harness) sendText(text, topic string, args ...string) sendReport {
	h.t.Helper()
	h.stdin = text
	return decodeJSON[sendReport](h.t, h.good(append([]string{"send", "-t", topic, "-", "-o", "json"}, args...)...))
}

// field returns a field of a record's value.
func (r tailed) field(name string) any {
	object, _ := r.Value.(map[string]any)
	return object[name]
}

// reason returns why a dead letter is one.
func (r tailed) reason() string {
	reason, _ := r.Headers["__streams.errors.exception"].(string)
	return reason
}

// sameValue tells whether a value is tailed as it was sent: JSON as JSON, other
// text as a string, other bytes as bytes.
func sameValue(t *testing.T, sent string, got any) bool {
	t.Helper()
	var want any
	switch {
	case json.Unmarshal([]byte(sent), &want) == nil:
	case utf8.ValidString(sent):
		want = sent
	default:
		want = map[string]any{"bytes": base64.StdEncoding.EncodeToString([]byte(sent))}
	}
	return reflect.DeepEqual(want, got)
}
