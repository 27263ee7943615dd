package main

import (
	"os/exec"
	"syscall"
)

// detach gives a command a process group of its own. When its context ends, the
// whole group is told to.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = endsWithin / 3
}
