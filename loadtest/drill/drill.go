package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Drill is one fault, made on purpose, and what must hold then.
type Drill struct {
	Name     string        // words joined by dashes, by which it is chosen
	Fault    string        // what is done
	Expected string        // what must hold, for people; Do checks it
	Bound    time.Duration // of what Do measures; 0: it measures no time
	Timeout  time.Duration // of all of it, from the first topic to the end of the last process
	Cluster  bool          // it has three brokers of its own, instead of the one that drills share
	Do       func(ctx context.Context, s *Scene) error
}

// Measure is a time that a drill took, and how long it could have taken.
type Measure struct {
	What    string  `json:"what"`
	Seconds float64 `json:"seconds"`
	Bound   float64 `json:"bound_seconds,omitempty"` // 0: it is only told
}

// Result is how one drill went.
type Result struct {
	Name     string    `json:"name"`
	Fault    string    `json:"fault"`
	Expected string    `json:"expected"`
	How      string    `json:"how"`
	Passed   bool      `json:"passed"`
	Reason   string    `json:"reason,omitempty"` // why not
	Measured []Measure `json:"measured,omitempty"`
	Notes    []string  `json:"notes,omitempty"`
	Seconds  float64   `json:"seconds"`
	Dir      string    `json:"dir,omitempty"` // what is left of one that failed
}

// endsWithin is what the end of a drill has, whatever happened before it: nodes
// are stopped, topics deleted.
const endsWithin = 30 * time.Second

// rehearse runs one drill in an application of its own.
func (c *Config) rehearse(ctx context.Context, d Drill, kafka *Kafka) Result {
	begun := time.Now()
	r := Result{Name: d.Name, Fault: d.Fault, Expected: d.Expected, How: "drill " + d.Name}
	s := &Scene{Drill: d, App: fmt.Sprintf("drill-%s-%d", d.Name, begun.UnixMilli()), Dir: filepath.Join(c.Dir, d.Name), Kafka: kafka, config: c}
	err := os.MkdirAll(s.Dir, 0o755)
	if err == nil && d.Cluster {
		s.Kafka, err = openCluster(ctx, c.Kafka, c.Port+clusterPorts, c.stderr)
	}
	limited, cancel := context.WithTimeoutCause(ctx, d.Timeout, fmt.Errorf("the drill has taken longer than its %v", d.Timeout))
	if err == nil {
		err = d.Do(limited, s)
	}
	if cause := context.Cause(limited); err != nil && cause != nil {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	cancel()
	// Not with ctx: an interrupt is a reason to clean up.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endsWithin)
	err = errors.Join(err, s.end(ending))
	cancel()
	if d.Cluster && s.Kafka != nil {
		err = errors.Join(err, s.Kafka.Close(ctx))
	}
	for _, m := range s.measured {
		if m.Bound > 0 && m.Seconds > m.Bound {
			err = errors.Join(err, fmt.Errorf("%s: %.1f s, and may take %.1f s", m.What, m.Seconds, m.Bound))
		}
	}
	if d.Cluster && err == nil {
		err = s.Kafka.clean(ctx)
	}
	if err != nil {
		r.Reason, r.Dir = strings.ReplaceAll(err.Error(), "\n", "; "), s.Dir
	} else if !c.Keep {
		if err := os.RemoveAll(s.Dir); err != nil {
			s.Note("%v", err)
		}
	}
	r.Measured, r.Notes, r.Passed, r.Seconds = s.measured, s.notes, err == nil, time.Since(begun).Seconds()
	return r
}

// await asks again and again until nothing is missing. What is missing in the
// end is the error.
func await(ctx context.Context, every time.Duration, missing func(ctx context.Context) (string, error)) error {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		what, err := missing(ctx)
		if err != nil {
			return err
		}
		if what == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting in vain: %s: %w", what, ctx.Err())
		case <-t.C:
		}
	}
}
