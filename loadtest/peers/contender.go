package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Contender is a command that takes the flags of `holdfast bench inventory` and
// prints an Answer.
type Contender struct {
	Name    string
	Command []string
	Build   []string // makes it ready to run; nil: it is
}

const (
	holdfastName = "holdfast"
	// An answer is some hundred bytes; a contender that talks on is broken.
	answerBytesMax = 1 << 16
	// The contenders give up by themselves, and remove their topics. Who is still
	// there after so long is told to end, and then is killed.
	graceAfterTimeout = time.Minute
	graceAfterSignal  = time.Minute
)

// contenders are Holdfast and every folder of dir with a run.sh, by name.
func contenders(holdfast, dir string) ([]Contender, error) {
	all := []Contender{{Name: holdfastName, Command: []string{holdfast, "bench", "inventory", "--log-level", "error"}}}
	scripts, err := filepath.Glob(filepath.Join(dir, "*", "run.sh"))
	if err != nil {
		return nil, fmt.Errorf("looking for peers in %s: %w", dir, err)
	}
	if len(scripts) == 0 {
		return nil, fmt.Errorf("looking for peers: no */run.sh in %s", dir)
	}
	for _, script := range scripts {
		script, err := filepath.Abs(script)
		if err != nil {
			return nil, err
		}
		all = append(all, Contender{Name: filepath.Base(filepath.Dir(script)), Command: []string{script}, Build: []string{script, "--build"}})
	}
	return all, nil
}

// build makes a contender ready, so that compiling isn't in its time.
func (c *Contender) build(ctx context.Context, stderr io.Writer) error {
	if c.Build == nil {
		return nil
	}
	if err := start(ctx, c.Build, nil, stderr, stderr); err != nil {
		return fmt.Errorf("building %s: %w", c.Name, err)
	}
	return nil
}

// measure runs the contender once. It has timeout to measure, and a little more
// to clean up.
func (c *Contender) measure(ctx context.Context, args []string, lines int64, timeout time.Duration, stderr io.Writer) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout+graceAfterTimeout)
	defer cancel()
	var out limited
	command := append(append([]string{}, c.Command...), args...)
	if err := start(ctx, command, nil, &out, stderr); err != nil {
		return Answer{}, err
	}
	return ParseAnswer(out.kept.Bytes(), lines)
}

// start runs a command to its end. When ctx ends it is told to end; it has a
// process group of its own, so that an interrupt at the terminal comes by us,
// once, and reaches what it started too.
func start(ctx context.Context, command, environment []string, stdout, stderr io.Writer) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Env = append(os.Environ(), environment...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = graceAfterSignal
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		return fmt.Errorf("%s: %w", filepath.Base(command[0]), err)
	}
	return nil
}

// limited keeps what is written, and refuses more than an answer can be. The
// buffer isn't embedded: its ReadFrom would be a way around the limit.
type limited struct{ kept bytes.Buffer }

func (l *limited) Write(b []byte) (int, error) {
	if l.kept.Len()+len(b) > answerBytesMax {
		return 0, fmt.Errorf("more than %d bytes on standard output", answerBytesMax)
	}
	return l.kept.Write(b)
}
