package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// broker makes sure that one answers on 127.0.0.1:port. The returned stop ends
// it where it was started here, and only there.
func broker(ctx context.Context, script string, port int, stderr io.Writer) (stop func() error, err error) {
	do := func(ctx context.Context, verb string, out io.Writer) error {
		cmd := exec.CommandContext(ctx, script, verb)
		cmd.Stdout, cmd.Stderr = out, out
		cmd.Env = append(os.Environ(), "KAFKA_PORT="+strconv.Itoa(port))
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal comes by us
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s %s: %w", script, verb, err)
		}
		return nil
	}
	if do(ctx, "status", io.Discard) == nil {
		return func() error { return nil }, nil
	}
	if err := do(ctx, "start", stderr); err != nil {
		return nil, err
	}
	// Not with ctx: an interrupt is a reason to stop it.
	return func() error { return do(context.WithoutCancel(ctx), "stop", stderr) }, nil
}
