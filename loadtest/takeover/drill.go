package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// names are the nodes'.
var names = []string{"a", "b"}

// drill is one contender with its two nodes, which goes through all that is asked
// of it one after the other, with the load on all the time.
type drill struct {
	c        *config
	who      contender
	standbys int
	dir      string // logs, and the nodes' state

	admin *kadm.Client
	feed  *feed
	probe *probe
	nodes map[string]*node
	down  map[string]bool // nodes that are meant to be
	tell  func(format string, args ...any)

	figures map[string][]figure
}

// figure is what one fault cost.
type figure struct {
	// Seconds is what the target is about.
	Seconds float64 `json:"seconds"`
	// Standstill is the longest time in which nothing of one partition was
	// decided, Stopped how many partitions stood still for more than a second.
	// NewOrders is when all had decided orders that were sent after the fault.
	Standstill float64 `json:"longest_standstill_seconds,omitempty"`
	Stopped    int     `json:"partitions_stopped,omitempty"`
	NewOrders  float64 `json:"new_orders_decided_after_seconds,omitempty"`
}

// The drills, as the table has them.
const (
	killed    = "kill -9"
	returned  = "the killed node comes back"
	restarted = "restart in place"
	rolled    = "rolling restart"
	lagging   = "standby lag"
)

func (d *drill) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := os.RemoveAll(d.dir); err != nil {
		return fmt.Errorf("the drill's directory: %w", err)
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return fmt.Errorf("the drill's directory: %w", err)
	}
	if d.admin, err = d.c.admin(); err != nil {
		return err
	}
	defer d.admin.Close()
	defer func() { err = errors.Join(err, d.clean(context.WithoutCancel(ctx))) }()
	if err := d.who.create(ctx); err != nil {
		return err
	}
	if d.feed, err = newFeed(d.c, d.who); err != nil {
		return err
	}
	defer d.feed.client.Close()
	if d.probe, err = newProbe(d.c, d.who, d.feed.book); err != nil {
		return err
	}
	defer d.probe.client.Close()
	go d.probe.run(ctx)
	for _, name := range names {
		if err := d.start(name); err != nil {
			return err
		}
	}
	if err := d.fill(ctx); err != nil {
		return err
	}
	fctx, stopFeed := context.WithCancel(ctx)
	defer stopFeed()
	fed := make(chan error, 1)
	go func() { fed <- d.feed.load(fctx, d.c.Rate) }()
	if err := d.well(ctx); err != nil {
		return err
	}
	if err := d.faults(ctx); err != nil {
		return err
	}
	stopFeed()
	if err := <-fed; err != nil {
		return err
	}
	orders := d.feed.book.orders()
	if err := d.until(ctx, "every order is decided", 0, d.decided(orders)); err != nil {
		return err
	}
	d.tell("%d orders, each decided once", orders)
	return nil
}

func (d *drill) decided(orders int) func() (bool, error) {
	return func() (ok bool, err error) {
		err = d.probe.look(func(_ *watch, n int) { ok = n >= orders })
		return ok, err
	}
}

// fillRateMin is how many orders a second are decided at the least while nothing
// is measured.
const fillRateMin = 10_000

// fill lets the nodes decide as many orders as there are to be open holds.
func (d *drill) fill(ctx context.Context) error {
	begun := time.Now()
	if err := d.feed.fill(ctx, d.c.Holds); err != nil {
		return err
	}
	patience := max(d.c.Patience, time.Duration(d.c.Holds)*time.Second/fillRateMin)
	if err := d.untilWithin(ctx, patience, "the holds are there", 0, d.decided(d.c.Holds)); err != nil {
		return err
	}
	d.tell("%d open holds, in %.1f s", d.c.Holds, time.Since(begun).Seconds())
	return nil
}

// well waits until nothing is left of the fault before.
func (d *drill) well(ctx context.Context) error {
	if err := d.until(ctx, "each node has its share", settledFor, d.balanced(ctx)); err != nil {
		return err
	}
	return d.until(ctx, "the nodes keep up", settledFor, d.calm)
}

func (d *drill) faults(ctx context.Context) error {
	steps := map[string]func(context.Context, int) error{killed: d.killOne, restarted: d.restartOne, rolled: d.rollBoth, lagging: d.standbyLag}
	for _, name := range d.c.drills(d.standbys) {
		for i := range d.c.Count {
			if err := steps[name](ctx, i); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// begin starts the watch's time.
func (d *drill) begin() error {
	return d.probe.look(func(w *watch, _ int) { w.begin(time.Now()) })
}

// over waits until all keep up again, and notes what it cost.
func (d *drill) over(ctx context.Context, name string, seconds func(f figure) float64) error {
	if err := d.until(ctx, "all partitions decide again", settledFor, func() (ok bool, err error) {
		err = d.probe.look(func(w *watch, _ int) {
			_, ok = w.again()
			ok = ok && w.behind(time.Now()) < calmLag
		})
		return ok, err
	}); err != nil {
		return err
	}
	var f figure
	err := d.probe.look(func(w *watch, _ int) {
		longest, stopped := w.standstill(time.Now(), time.Second)
		again, _ := w.again()
		f = figure{Standstill: longest.Seconds(), Stopped: stopped, NewOrders: again.Seconds()}
	})
	f.Seconds = seconds(f)
	d.note(name, f)
	d.tellParts()
	return err
}

// tellParts says when each partition stood still, to be compared with the logs.
func (d *drill) tellParts() {
	if !d.c.Verbose {
		return
	}
	_ = d.probe.look(func(w *watch, _ int) { // an error was seen before
		for i := range w.parts {
			p := &w.parts[i]
			d.tell("  partition %d: nothing from %s to %s, orders sent since from %s", i, clock(p.ended.Add(-p.longest)), clock(p.ended), clock(p.again))
		}
	})
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }

func (d *drill) note(name string, f figure) {
	d.figures[name] = append(d.figures[name], f)
	d.tell("%s: %.2f s (longest standstill of a partition %.2f s, of more than a second: %d; orders sent since are decided everywhere after %.2f s)",
		name, f.Seconds, f.Standstill, f.Stopped, f.NewOrders)
}

func standstill(f figure) float64 { return f.Standstill }

// killOne kills a node for good, and lets it come back when the other has all.
// Nodes take turns. Without standbys its disk is gone with it, so that whoever is
// killed next leaves partitions to a node that never had them.
func (d *drill) killOne(ctx context.Context, round int) error {
	name := names[(round+1)%len(names)]
	if err := d.begin(); err != nil {
		return err
	}
	d.down[name] = true
	d.nodes[name].kill()
	d.tell("node %s is killed", name)
	if err := d.over(ctx, killed, standstill); err != nil {
		return err
	}
	if d.standbys == 0 {
		if err := os.RemoveAll(stateDir(d.dir, name)); err != nil {
			return fmt.Errorf("the state of node %s: %w", name, err)
		}
	}
	if err := d.begin(); err != nil {
		return err
	}
	if err := d.start(name); err != nil {
		return err
	}
	delete(d.down, name)
	if err := d.until(ctx, "each node has its share", settledFor, d.balanced(ctx)); err != nil {
		return err
	}
	return d.over(ctx, returned, standstill)
}

// restartOne kills a node and starts it again at once, as whatever watches over
// it would. The time runs from the start of the process until all partitions have
// decided orders that were sent since.
func (d *drill) restartOne(ctx context.Context, round int) error {
	name := names[(round+1)%len(names)]
	d.down[name] = true
	d.nodes[name].kill()
	d.tell("node %s is killed", name)
	if err := d.begin(); err != nil {
		return err
	}
	if err := d.start(name); err != nil {
		return err
	}
	delete(d.down, name)
	if err := d.over(ctx, restarted, func(f figure) float64 { return f.NewOrders }); err != nil {
		return err
	}
	return d.well(ctx)
}

// rollBoth stops and starts one node after the other, as for a new version.
func (d *drill) rollBoth(ctx context.Context, _ int) error {
	if err := d.begin(); err != nil {
		return err
	}
	for _, name := range names {
		d.down[name] = true
		d.tell("node %s is told to end", name)
		if err := d.nodes[name].stop(); err != nil {
			return err
		}
		d.tell("node %s has ended", name)
		if err := d.start(name); err != nil {
			return err
		}
		delete(d.down, name)
		if err := d.until(ctx, "the nodes keep up", settledFor, d.calm); err != nil {
			return err
		}
	}
	if err := d.over(ctx, rolled, standstill); err != nil {
		return err
	}
	return d.well(ctx)
}

const (
	lagSamples = 100
	lagEvery   = 100 * time.Millisecond
)

// standbyLag asks again and again how far the standbys are behind: the 99th
// percentile of what the one furthest behind was.
func (d *drill) standbyLag(ctx context.Context, _ int) error {
	var lags []float64
	tick := time.NewTicker(lagEvery)
	defer tick.Stop()
	for len(lags) < lagSamples {
		worst := 0.0
		for _, name := range names {
			seconds, stores, err := d.who.standbys(d.nodes[name])
			if err != nil {
				return err
			}
			if stores == 0 {
				return fmt.Errorf("node %s has no standbys", name)
			}
			worst = max(worst, seconds)
		}
		lags = append(lags, worst)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	slices.Sort(lags)
	d.figures[lagging] = append(d.figures[lagging], figure{Seconds: lags[len(lags)*99/100-1]})
	d.tell("%s: p99 %.2f s of %d samples, median %.2f s", lagging, lags[len(lags)*99/100-1], len(lags), lags[len(lags)/2])
	return nil
}

// clean ends what runs and removes topics, group and state. The logs stay.
func (d *drill) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, n := range d.nodes {
		if n.running() {
			n.kill()
		}
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, os.RemoveAll(stateDir(d.dir, name)))
	}
	topics, err := d.admin.ListTopics(ctx)
	errs = append(errs, err)
	var ours []string
	for _, t := range topics.Names() {
		if len(t) > len(d.who.prefix()) && t[:len(d.who.prefix())] == d.who.prefix() {
			ours = append(ours, t)
		}
	}
	if len(ours) > 0 {
		gone, err := d.admin.DeleteTopics(ctx, ours...)
		errs = append(errs, err, gone.Error())
	}
	return errors.Join(errs...)
}

func stateDir(dir, node string) string { return filepath.Join(dir, "state-"+node) }
