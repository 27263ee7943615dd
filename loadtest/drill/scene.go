package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Scene is what a drill has to itself: an application on the broker, a folder,
// nodes and a load. What is started here ends with the drill.
type Scene struct {
	Drill Drill
	App   string
	Dir   string
	Kafka *Kafka

	config   *Config
	settings []string // of the application: every process has them
	client   *kgo.Client
	logs     int // partitions of the application's logs, in all
	nodes    []*Node
	load     *Load
	watch    *Watch
	closers  []func()
	measured []Measure
	notes    []string
}

// Apply creates the application's topics. The settings (key=value) are those of
// every process of the drill from here on.
func (s *Scene) Apply(ctx context.Context, settings ...string) error {
	s.settings = settings
	if _, err := s.Run(ctx, "topics", "apply"); err != nil {
		return err
	}
	admin, err := s.Admin()
	if err != nil {
		return err
	}
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("listing the topics: %w", err)
	}
	for name, t := range topics {
		if strings.HasPrefix(name, s.LogTopic("")) {
			s.logs += len(t.Partitions)
		}
	}
	return nil
}

// LogTopic is the full name of an internal log: LogTopic("inventory").
func (s *Scene) LogTopic(name string) string { return s.App + ".log." + name }

// Client is one of the drill's own to the broker, past any proxy.
func (s *Scene) Client() (*kgo.Client, error) {
	if s.client == nil {
		client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(s.Kafka.Address, ",")...), kgo.DisableClientMetrics(), kgo.MetadataMinAge(100*time.Millisecond))
		if err != nil {
			return nil, fmt.Errorf("making a client: %w", err)
		}
		s.client = client
	}
	return s.client, nil
}

// Admin is the same client's other side.
func (s *Scene) Admin() (*kadm.Client, error) {
	client, err := s.Client()
	if err != nil {
		return nil, err
	}
	return kadm.NewClient(client), nil
}

// Closing has something done at the end of the drill, last first.
func (s *Scene) Closing(fn func()) { s.closers = append(s.closers, fn) }

// Took notes a time. Above bound the drill fails, after it has come to its end;
// without a bound the time is only told.
func (s *Scene) Took(what string, took, bound time.Duration) {
	s.measured = append(s.measured, Measure{What: what, Seconds: took.Seconds(), Bound: bound.Seconds()})
	s.config.say("%s: %s: %.1f s", s.Drill.Name, what, took.Seconds())
}

// Note has the report tell something.
func (s *Scene) Note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
	s.config.say("%s: %s", s.Drill.Name, s.notes[len(s.notes)-1])
}

// Run runs a command of the program to its end and returns what it wrote to
// standard output.
func (s *Scene) Run(ctx context.Context, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := s.command(ctx, args, s.Kafka.Address)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("holdfast %s: %w: %s", strings.Join(args, " "), err, last(errs.String(), 500))
	}
	return out.String(), nil
}

// command is one of the program's, for this application. It has a process group
// of its own: an interrupt at the terminal comes by us.
func (s *Scene) command(ctx context.Context, args []string, brokers string) *exec.Cmd {
	args = append(slices.Clone(args), "--brokers", brokers, "--app-id", s.App)
	for _, setting := range s.settings {
		args = append(args, "--set", setting)
	}
	cmd := exec.CommandContext(ctx, s.config.Holdfast, args...)
	cmd.Env = environment()
	detach(cmd)
	return cmd
}

// environment is ours without what would set the program another way.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "HOLDFAST_") || strings.HasPrefix(e, "KAFKA_")
	})
}

// end stops what is still running and deletes the topics.
func (s *Scene) end(ctx context.Context) error {
	var errs []error
	if s.load != nil {
		s.load.kill()
	}
	if s.watch != nil {
		s.watch.stop()
	}
	for _, n := range s.nodes {
		n.end()
	}
	for _, fn := range slices.Backward(s.closers) {
		fn()
	}
	if !s.Drill.Cluster { // which ends with all that is on it
		errs = append(errs, s.deleteTopics(ctx))
	}
	if s.client != nil {
		s.client.Close()
	}
	return errors.Join(errs...)
}

func (s *Scene) deleteTopics(ctx context.Context) error {
	admin, err := s.Admin()
	if err != nil {
		return err
	}
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("listing the topics to delete: %w", err)
	}
	var ours []string
	for name := range topics {
		if strings.HasPrefix(name, s.App+".") {
			ours = append(ours, name)
		}
	}
	if len(ours) == 0 {
		return nil
	}
	if _, err := admin.DeleteTopics(ctx, ours...); err != nil {
		return fmt.Errorf("deleting the topics: %w", err)
	}
	return nil
}

// file is one in the drill's folder.
func (s *Scene) file(name string) string { return filepath.Join(s.Dir, name) }

// last is the end of a text, on one line.
func last(text string, bytesMax int) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.ToValidUTF8(text[max(0, len(text)-bytesMax):], "?")
}
