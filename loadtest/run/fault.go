package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"holdfast/loadtest/report"
	"holdfast/loadtest/scenario"
)

// faults does what the scenario wants done to the system, each at its time.
type faults struct {
	clock  clock
	signal func(pid int, s syscall.Signal) error
	wg     sync.WaitGroup

	mu      sync.Mutex
	markers []report.Marker
	failed  []string // sentences
}

// runTimeout is what a program has unless its fault says otherwise.
const runTimeout = time.Minute

// start schedules all of them. Each has its own goroutine: a program that takes
// long must not delay the next fault.
func (f *faults) start(ctx context.Context, list []scenario.Fault) {
	for i := range list {
		f.wg.Go(func() { f.do(ctx, &list[i]) })
	}
}

// wait returns what was done, in order of time, and what couldn't be.
func (f *faults) wait() ([]report.Marker, []string) {
	f.wg.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.SortStableFunc(f.markers, func(a, b report.Marker) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
	return f.markers, f.failed
}

func (f *faults) do(ctx context.Context, one *scenario.Fault) {
	for now := f.clock.now(); now < time.Duration(one.At); now = f.clock.now() {
		if f.clock.sleep(ctx, time.Duration(one.At)-now) != nil {
			return // the load has ended before its time
		}
	}
	kind := report.MarkerFault
	if one.Restore {
		kind = report.MarkerRestore
	}
	what := describe(one)
	at := f.clock.now()
	var err error
	switch {
	case len(one.Run) > 0:
		err = runProgram(ctx, one)
	case one.Signal != "":
		err = f.kill(one, signals()[one.Signal])
	default:
		err = f.pause(ctx, one, what, at)
	}
	if err == nil {
		if one.Pause == 0 {
			f.mark(at, kind, what)
		}
		return
	}
	f.mark(at, kind, what+", which didn't work")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = append(f.failed, fmt.Sprintf("At %.0f s: %s didn't work: %v.", at.Seconds(), what, err))
}

// pause stops a process for some time. It goes on in any case, also when the
// load ends meanwhile.
func (f *faults) pause(ctx context.Context, one *scenario.Fault, what string, at time.Duration) error {
	pid, err := pidOf(one)
	if err != nil {
		return err
	}
	if err := f.signal(pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stopping %d: %w", pid, err)
	}
	f.mark(at, report.MarkerFault, what)
	//nolint:errcheck // the load's end cuts the pause short
	f.clock.sleep(ctx, time.Duration(one.Pause))
	if err := f.signal(pid, syscall.SIGCONT); err != nil {
		return fmt.Errorf("letting %d go on: %w", pid, err)
	}
	f.mark(f.clock.now(), report.MarkerRestore, what+": it goes on")
	return nil
}

func (f *faults) kill(one *scenario.Fault, s syscall.Signal) error {
	pid, err := pidOf(one)
	if err != nil {
		return err
	}
	if err := f.signal(pid, s); err != nil {
		return fmt.Errorf("signal %s to %d: %w", one.Signal, pid, err)
	}
	return nil
}

func (f *faults) mark(at time.Duration, kind, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.markers = append(f.markers, report.Marker{At: at.Seconds(), Kind: kind, Text: text})
}

// describe is the fault's name, or what it does.
func describe(one *scenario.Fault) string {
	whom := one.PIDFile
	if one.PID != 0 {
		whom = "process " + strconv.Itoa(one.PID)
	}
	switch {
	case one.Name != "":
		return one.Name
	case len(one.Run) > 0:
		return "run " + strings.Join(one.Run, " ")
	case one.Signal != "":
		return one.Signal + " to " + whom
	}
	return fmt.Sprintf("pause of %s for %v", whom, time.Duration(one.Pause))
}

func signals() map[string]syscall.Signal {
	return map[string]syscall.Signal{"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "STOP": syscall.SIGSTOP,
		"CONT": syscall.SIGCONT, "HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2}
}

// pidOf reads the file at the time of the fault: a node that came back has
// another pid.
func pidOf(one *scenario.Fault) (int, error) {
	if one.PIDFile == "" {
		return one.PID, nil
	}
	file, err := os.Open(one.PIDFile)
	if err != nil {
		return 0, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(io.LimitReader(file, 64))
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", one.PIDFile, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("%s holds no process id", one.PIDFile)
	}
	return pid, nil
}

// outputMax is how much of what a program said is told when it failed.
const outputMax = 500

// runProgram runs a program to its end. What it leaves running in the background
// goes on: its output is a file, which nobody waits for, and its group is its own,
// so that Ctrl-C here doesn't end a node that was started there.
func runProgram(ctx context.Context, one *scenario.Fault) error {
	timeout := time.Duration(one.Timeout)
	if timeout == 0 {
		timeout = runTimeout
	}
	// The end of the load doesn't end it: half a restart is worse than none.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	out, err := os.CreateTemp("", "holdfast-fault-")
	if err != nil {
		return err
	}
	defer func() { _, _ = out.Close(), os.Remove(out.Name()) }()
	cmd := exec.CommandContext(ctx, one.Run[0], one.Run[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err = cmd.Run(); err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it took longer than %v", timeout)
	}
	if said := tail(out); said != "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	return err
}

func tail(out *os.File) string {
	size, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	b := make([]byte, min(size, outputMax))
	if _, err := out.ReadAt(b, size-int64(len(b))); err != nil {
		return ""
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(b), "?")), " ")
}
