package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// crashPoints are the steps at which the run time can be told to end: those of a
// transaction up to its end, those from there on and between two of them, the way
// out of one that isn't known to be committed, and standbys, looks at stores and ends. The names
// are those that the run time says; a test compares.
func crashPoints() (before, after, settle, other []string) {
	return []string{"poll", "decide", "finish", "prepare", "produce", "flush", "end"},
		[]string{"ended", "apply", "applied", "flushing", "tick", "trim"},
		[]string{"settle", "settled"},
		[]string{"standby applied", "taken over", "close", "verify"}
}

// crashBefore: a node ends at each step of a transaction up to its end, as by
// kill -9, and is started again each time. All of it is lost, and done again.
func crashBefore() Drill {
	before, _, _, _ := crashPoints()
	return crashDrill("crash-before-commit", "kill -9 at each step of a transaction up to its end: "+strings.Join(before, ", "),
		func(ctx context.Context, s *Scene) error { return s.crashes(ctx, before, trouble{}) })
}

// crashAfter: the same from where it has ended: a store is behind what is
// committed, and is rolled forward. And where a store is flushed, its changelog
// trimmed, time made.
func crashAfter() Drill {
	_, after, _, _ := crashPoints()
	return crashDrill("crash-after-commit", "kill -9 after a transaction's end, within its apply, and in what follows: "+strings.Join(after, ", "),
		func(ctx context.Context, s *Scene) error { return s.crashes(ctx, after, trouble{}) })
}

// crashSettle: the answers to commits are lost, so the node doesn't know what
// became of them, and ends while it finds out.
func crashSettle() Drill {
	_, _, settle, _ := crashPoints()
	return crashDrill("crash-settle", "the answers to commits are lost, and kill -9 while the node finds out what became of them: "+strings.Join(settle, ", "),
		func(ctx context.Context, s *Scene) error {
			p, err := s.Proxy()
			if err != nil {
				return err
			}
			return s.crashes(ctx, settle, trouble{brokers: p.Address, begin: func() { p.Lose(kmsg.EndTxn, 1000) }, end: func() { p.Lose(kmsg.EndTxn, 0) }})
		})
}

func crashDrill(name, fault string, do func(ctx context.Context, s *Scene) error) Drill {
	return Drill{Name: name, Fault: fault, Expected: "after each start the node decides for all partitions again; no store is wiped; audit passes",
		Bound: 10 * time.Second, Timeout: 2 * time.Minute, Do: do}
}

// trouble is what has to be wrong for a node to come to a point.
type trouble struct {
	brokers    string // empty: nothing is between
	begin, end func()
}

// crashes ends node b at each of the points, under load, and starts it again. Its
// stores are flushed every second, so that what goes with that happens, too.
func (s *Scene) crashes(ctx context.Context, points []string, t trouble) error {
	if err := s.Apply(ctx, "state.flush_every=1s"); err != nil {
		return err
	}
	a, b := s.Node("a"), s.Node("b")
	if t.brokers != "" {
		b.Brokers = t.brokers
	}
	b.DieAt(points[0])
	w, err := s.Under(ctx, Rate{Orders: 100, SKUs: 500}, a, b)
	if err != nil {
		return err
	}
	var slowest time.Duration
	for i, point := range points {
		if t.begin != nil {
			t.begin()
		}
		if err := b.Die(ctx, point); err != nil {
			return err
		}
		if t.end != nil {
			t.end()
		}
		w.Mark()
		b.DieAt(points[min(i+1, len(points)-1)])
		if err := b.Start(); err != nil {
			return err
		}
		took, err := w.Again(ctx)
		if err != nil {
			return fmt.Errorf("after the end at %q: %w", point, err)
		}
		slowest = max(slowest, took)
	}
	s.Took(fmt.Sprintf("all partitions decide again, the slowest of %d starts", len(points)), slowest, s.Drill.Bound)
	if err := s.Judge(ctx); err != nil {
		return err
	}
	if err := s.wiped(); err != nil {
		return err
	}
	return s.StopAll(ctx)
}

// DieAt has the lives to come end at a point of the run time, once Die wants it,
// at one of the next passes.
func (n *Node) DieAt(point string) {
	passesMax := 10
	if slices.Contains([]string{"flushing", "tick", "trim"}, point) {
		passesMax = 1 // there is one in some seconds
	}
	n.Environ = []string{fmt.Sprintf("DRILL_KILL_AT=%s:%d", point, 1+rand.IntN(passesMax))}
}

// Die lets it end where DieAt said, and waits for that.
func (n *Node) Die(ctx context.Context, point string) error {
	if err := n.Signal(syscall.SIGUSR1); err != nil {
		return err
	}
	end, err := n.Ended(ctx)
	if err != nil {
		return fmt.Errorf("it never came to %q (%s): %w", point, n.Environ, err)
	}
	said, err := n.Says("ends itself", `"point":"`+point+`"`)
	if err == nil && (!said || end != "signal: killed") {
		err = fmt.Errorf("node %s ended with %s, and not at %q: %s", n.Name, end, point, n.lastWords())
	}
	return err
}

// wiped is an error where any life of any node has wiped a store.
func (s *Scene) wiped() error {
	for _, n := range s.nodes {
		var found Line
		if err := n.AllLines(func(l Line) {
			if l.Text("msg") == "store was wiped" {
				found = l
			}
		}); err != nil {
			return err
		}
		if found != nil {
			return fmt.Errorf("node %s has wiped a store: %v", n.Name, found)
		}
	}
	return nil
}
