package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Node is one `holdfast run` in its successive lives, with one directory.
type Node struct {
	Name string
	Dir  string // its data
	Log  string // file that all lives append to
	// Brokers is what it is told; a proxy's address puts that between.
	Brokers string
	// Environ is added to its environment in the lives to come.
	Environ []string
	// Binary is what its lives to come run; "": the program that the drills are about.
	Binary string

	scene *Scene
	args  []string
	cmd   *exec.Cmd
	lives int
	from  int64  // where this life begins in Log
	admin string // its health address, once it has told
	done  chan struct{}
}

// Node makes one, and doesn't start it. Settings are key=value.
func (s *Scene) Node(name string, settings ...string) *Node {
	n := &Node{Name: name, Dir: s.file(name), Log: s.file(name + ".log"), Brokers: s.Kafka.Address, scene: s}
	n.args = []string{"run", "--data-dir", n.Dir, "--instance-id", name, "--admin-listen", "127.0.0.1:0", "--log-format", "json"}
	for _, setting := range settings {
		n.args = append(n.args, "--set", setting)
	}
	s.nodes = append(s.nodes, n)
	return n
}

// Start starts a life of it, and doesn't wait.
func (n *Node) Start() error {
	f, err := os.OpenFile(n.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	defer f.Close() //nolint:errcheck // the process has it
	if n.from, err = f.Seek(0, 2); err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	// Not with a drill's context: that would end it as a crash does.
	cmd := n.scene.command(context.Background(), n.args, n.Brokers)
	if n.Binary != "" {
		cmd.Path, cmd.Args[0] = n.Binary, n.Binary
	}
	cmd.Env = append(cmd.Env, n.Environ...)
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	done := make(chan struct{})
	n.cmd, n.done, n.admin = cmd, done, ""
	n.lives++
	go func() {
		defer close(done)
		_ = cmd.Wait() // its state tells
	}()
	return nil
}

// Alive tells whether its last life hasn't ended.
func (n *Node) Alive() bool {
	if n.cmd == nil {
		return false
	}
	select {
	case <-n.done:
		return false
	default:
		return true
	}
}

// Signal sends one to the process.
func (n *Node) Signal(s syscall.Signal) error {
	if !n.Alive() {
		return fmt.Errorf("node %s isn't running, so it gets no %v", n.Name, s)
	}
	if err := n.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("%v to node %s: %w", s, n.Name, err)
	}
	return nil
}

// Kill ends it as a crash does.
func (n *Node) Kill(ctx context.Context) error {
	if err := n.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	_, err := n.Ended(ctx)
	return err
}

// Stop ends it as an operator does, and wants a good end.
func (n *Node) Stop(ctx context.Context) error {
	if err := n.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	end, err := n.Ended(ctx)
	if err == nil && end != "exit status 0" {
		err = fmt.Errorf("node %s was stopped and ended with %s: %s", n.Name, end, n.lastWords())
	}
	return err
}

// StopAll stops all nodes that are alive, and wants a good end of each.
func (s *Scene) StopAll(ctx context.Context) error {
	for _, n := range s.nodes {
		if n.Alive() {
			if err := n.Stop(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// Ended waits for its end and tells which: "exit status 1", "signal: killed".
func (n *Node) Ended(ctx context.Context) (string, error) {
	select {
	case <-ctx.Done():
		return "", fmt.Errorf("waiting for the end of node %s: %w", n.Name, ctx.Err())
	case <-n.done:
		return n.cmd.ProcessState.String(), nil
	}
}

// end ends it if it is there, however it is.
func (n *Node) end() {
	if n.Alive() {
		_ = n.cmd.Process.Kill() // it may have ended this moment
		<-n.done
	}
}

// Line is one of a node's log.
type Line map[string]any

// Text is a field of it, "" where there is none.
func (l Line) Text(field string) string {
	switch v := l[field].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// Lines calls fn for every line of this life's log that is one.
func (n *Node) Lines(fn func(l Line)) error { return n.lines(n.from, fn) }

// AllLines does so for all lives.
func (n *Node) AllLines(fn func(l Line)) error { return n.lines(0, fn) }

func (n *Node) lines(from int64, fn func(l Line)) error {
	f, err := os.Open(n.Log)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	if _, err := f.Seek(from, 0); err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var l Line
		if json.Unmarshal(s.Bytes(), &l) == nil {
			fn(l)
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("%s: %w", n.Log, err)
	}
	return nil
}

// Says tells whether a line of this life's log holds all of the texts, in
// whatever fields.
func (n *Node) Says(texts ...string) (found bool, err error) {
	err = n.Lines(func(l Line) {
		b, _ := json.Marshal(l)
		line := string(b)
		found = found || !slices.ContainsFunc(texts, func(t string) bool { return !strings.Contains(line, t) })
	})
	return found, err
}

// AwaitSays waits until Says; it fails when the node ends before it says so.
func (n *Node) AwaitSays(ctx context.Context, texts ...string) error {
	return await(ctx, 50*time.Millisecond, func(context.Context) (string, error) {
		alive := n.Alive() // first: its last words count
		said, err := n.Says(texts...)
		if err == nil && !said && !alive {
			err = fmt.Errorf("node %s has ended (%s) and hasn't said %q: %s", n.Name, n.cmd.ProcessState, texts, n.lastWords())
		}
		if said || err != nil {
			return "", err
		}
		return fmt.Sprintf("that node %s says %q", n.Name, texts), nil
	})
}

// wrote tells whether its log holds a text, be it in a line that is none of the
// log's: the last one before an end isn't JSON.
func (n *Node) wrote(text string) bool {
	b, err := os.ReadFile(n.Log)
	return err == nil && strings.Contains(string(b), text)
}

// lastWords are the end of its log.
func (n *Node) lastWords() string {
	b, err := os.ReadFile(n.Log)
	if err != nil {
		return err.Error()
	}
	return last(string(b), 800)
}

// errNoAdmin: the node hasn't told its health address yet.
var errNoAdmin = errors.New("it hasn't said where its health address is")

// address finds it in the log.
func (n *Node) address() (string, error) {
	if n.admin != "" {
		return n.admin, nil
	}
	if err := n.Lines(func(l Line) {
		if l.Text("msg") == "health, status and metrics" {
			n.admin = l.Text("at")
		}
	}); err != nil {
		return "", err
	}
	if n.admin == "" {
		return "", fmt.Errorf("node %s: %w", n.Name, errNoAdmin)
	}
	return n.admin, nil
}
