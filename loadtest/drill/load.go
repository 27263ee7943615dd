package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Load is a `holdfast loadtest run` that goes on until it is told to end: the
// audit judges, at the end of the drill, and not the load.
type Load struct {
	scene *Scene
	cmd   *exec.Cmd
	done  chan struct{}
}

// Rate is a load's: orders a second over so many SKUs. There is stock for a part
// of them, and nothing is broken on purpose.
type Rate struct {
	Orders int
	SKUs   int
}

// loadLasts is longer than any drill.
const loadLasts = "1h"

// Load starts one.
func (s *Scene) Load(r Rate) (*Load, error) {
	text := fmt.Sprintf(`name: drill
seed: %d
phases:
  - {name: steady, for: %s, rate: %d}
skus: {count: %d, zipf: 0.6}
stock: {units: 400}
noise: {broken: 0}
audit: false
`, time.Now().UnixNano()%1_000_000, loadLasts, r.Orders, r.SKUs)
	if err := os.WriteFile(s.file("load.yaml"), []byte(text), 0o644); err != nil {
		return nil, fmt.Errorf("the load: %w", err)
	}
	out, err := os.Create(s.file("load.txt"))
	if err != nil {
		return nil, fmt.Errorf("the load: %w", err)
	}
	defer out.Close() //nolint:errcheck // the process has it
	cmd := s.command(context.Background(), []string{"loadtest", "run", s.file("load.yaml")}, s.Kafka.Address)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("the load: %w", err)
	}
	s.load = &Load{scene: s, cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(s.load.done)
		_ = cmd.Wait() // its state tells
	}()
	return s.load, nil
}

func (l *Load) alive() bool {
	select {
	case <-l.done:
		return false
	default:
		return true
	}
}

// End interrupts it. That it ended by itself, before, is an error: the fault had
// no load then.
func (l *Load) End(ctx context.Context) error {
	if !l.alive() {
		b, _ := os.ReadFile(l.scene.file("load.txt"))
		return fmt.Errorf("the load ended before its time (%s): %s", l.cmd.ProcessState, last(string(b), 500))
	}
	if err := l.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return fmt.Errorf("ending the load: %w", err)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("waiting for the end of the load: %w", ctx.Err())
	case <-l.done:
		return nil
	}
}

func (l *Load) kill() {
	if l.alive() {
		_ = l.cmd.Process.Kill() // it may have ended this moment
		<-l.done
	}
}

// Ordered waits until there are so many more events of orders than now.
func (s *Scene) Ordered(ctx context.Context, more int64) error {
	admin, err := s.Admin()
	if err != nil {
		return err
	}
	begin := int64(-1)
	return await(ctx, 100*time.Millisecond, func(ctx context.Context) (string, error) {
		ends, err := admin.ListCommittedOffsets(ctx, s.App+".order.events")
		if err == nil {
			err = ends.Error()
		}
		if err != nil {
			return "", fmt.Errorf("looking up where the events of orders end: %w", err)
		}
		at := int64(0)
		ends.Each(func(o kadm.ListedOffset) { at += o.Offset })
		if begin < 0 {
			begin = at
		}
		if at < begin+more {
			return fmt.Sprintf("%d of %d events of orders", at-begin, more), nil
		}
		return "", nil
	})
}

// Under starts the nodes, waits until they share the partitions, starts the load
// and the watch, and waits until orders are decided and every partition has
// decided something.
func (s *Scene) Under(ctx context.Context, r Rate, nodes ...*Node) (*Watch, error) {
	for _, n := range nodes {
		if err := n.Start(); err != nil {
			return nil, err
		}
	}
	if err := s.Shared(ctx, nodes...); err != nil {
		return nil, err
	}
	if _, err := s.Load(r); err != nil {
		return nil, err
	}
	// First come the tables and the stock, and only then orders.
	if err := s.Ordered(ctx, int64(r.Orders)); err != nil {
		return nil, err
	}
	w := s.Watch()
	if _, err := w.Again(ctx); err != nil {
		return nil, fmt.Errorf("before the fault: %w", err)
	}
	w.Mark()
	return w, nil
}
