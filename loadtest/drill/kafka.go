package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Kafka is the broker that the drills share, or the three of a drill's own.
type Kafka struct {
	Address string // of all brokers, separated by commas
	Port    int

	script  string
	stderr  io.Writer
	started bool // by us
	cluster bool // three
}

// kafkaWithin is what the broker has to start or to stop, jars included.
const kafkaWithin = 3 * time.Minute

// openKafka makes sure that one answers on 127.0.0.1:port.
func openKafka(ctx context.Context, script string, port int, stderr io.Writer) (*Kafka, error) {
	k := &Kafka{Address: "127.0.0.1:" + strconv.Itoa(port), Port: port, script: script, stderr: stderr}
	if k.do(ctx, io.Discard, "status") == nil {
		return k, nil
	}
	if err := k.do(ctx, stderr, "start"); err != nil {
		return nil, fmt.Errorf("starting a broker: %w", err)
	}
	k.started = true
	return k, nil
}

// Close ends the broker where it was started here, and only there.
func (k *Kafka) Close(ctx context.Context) error {
	if !k.started {
		return nil
	}
	// Not with ctx: an interrupt is a reason to stop it.
	ctx = context.WithoutCancel(ctx)
	if k.cluster {
		return k.do(ctx, k.stderr, "cluster", "stop")
	}
	return k.do(ctx, k.stderr, "stop")
}

// Signal sends one to the broker's process.
func (k *Kafka) Signal(signal syscall.Signal) error {
	file := filepath.Join(filepath.Dir(k.script), "..", "..", ".kafka", strconv.Itoa(k.Port), "pid")
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%v to the broker, which must be one of %s: %w", signal, k.script, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := syscall.Kill(pid, signal); err != nil {
		return fmt.Errorf("%v to the broker (pid %d): %w", signal, pid, err)
	}
	return nil
}

func (k *Kafka) do(ctx context.Context, stderr io.Writer, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, kafkaWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, k.script, args...)
	cmd.Stdout, cmd.Stderr = stderr, stderr
	cmd.Env = append(os.Environ(), "KAFKA_PORT="+strconv.Itoa(k.Port))
	detach(cmd)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", k.script, strings.Join(args, " "), errors.Join(context.Cause(ctx), err))
	}
	return nil
}
