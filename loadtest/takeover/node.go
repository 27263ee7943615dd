package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// node is a process, in one of its lives.
type node struct {
	name    string
	started time.Time
	cmd     *exec.Cmd
	ended   chan struct{} // closed when the process has
	err     error         // how it ended

	mu    sync.Mutex
	lines map[string][]byte // the last line on standard output, by its first word
	rest  []byte
	log   *os.File
}

// start begins a life. What the process says goes to a file, behind what its
// earlier lives said.
func (d *drill) start(name string) error {
	cmd, err := d.who.command(name, d.dir, d.standbys)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(d.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("the log of node %s: %w", name, err)
	}
	n := &node{name: name, cmd: cmd, ended: make(chan struct{}), lines: map[string][]byte{}, log: log}
	cmd.Stdout, cmd.Stderr = n, log
	// An interrupt at the terminal comes by us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	n.started = time.Now()
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("starting node %s: %w", name, err), log.Close())
	}
	go func() {
		n.err = errors.Join(cmd.Wait(), log.Close())
		close(n.ended)
	}()
	d.nodes[name] = n
	return nil
}

// Write keeps the last line of each kind.
func (n *node) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rest = append(n.rest, b...)
	for {
		line, rest, ok := bytes.Cut(n.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		if i := bytes.IndexByte(line, ' '); i > 0 {
			n.lines[string(line[:i+1])] = bytes.Clone(line)
		}
		n.rest = append(n.rest[:0], rest...)
	}
}

func (n *node) lastLine(word string) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lines[word]
}

func (n *node) running() bool {
	select {
	case <-n.ended:
		return false
	default:
		return true
	}
}

// kill is kill -9, and returns when the process is gone.
func (n *node) kill() { n.signal(syscall.SIGKILL) }

const stopPatience = 30 * time.Second

// stop is SIGTERM; the process must end well, and soon.
func (n *node) stop() error {
	defer time.AfterFunc(stopPatience, func() { n.cmd.Process.Kill() }).Stop() //nolint:errcheck // it is gone then
	n.signal(syscall.SIGTERM)
	// A JVM that was told to end says so.
	var exit *exec.ExitError
	if errors.As(n.err, &exit) && exit.ExitCode() == 128+int(syscall.SIGTERM) {
		return nil
	}
	if n.err != nil {
		return fmt.Errorf("node %s ended badly: %w", n.name, n.err)
	}
	return nil
}

func (n *node) signal(s syscall.Signal) {
	_ = n.cmd.Process.Signal(s) // it has ended where this fails
	<-n.ended
}
