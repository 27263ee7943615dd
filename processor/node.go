package processor

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Node runs the workers of one process.
type Node struct {
	cfg    Config
	status *statusBoard
	stores *Stores
}

// NewNode checks the configuration.
func NewNode(cfg Config) (*Node, error) {
	if cfg.Metrics == nil {
		cfg.Metrics = nobody{}
	}
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configuration of the node: %w", err)
	}
	status := newStatusBoard()
	status.room = cfg.Room
	return &Node{cfg: cfg, status: status, stores: NewStores()}, nil
}

// Run joins all groups and works until ctx ends; then every worker finishes its
// transaction, closes its stores and returns. The first worker that can't go on
// stops the others, and its error is returned.
func (n *Node) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, n.status.stop)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, sc := range n.cfg.Stages {
		for slot := range sc.Workers {
			w := newWorker(&n.cfg, sc, slot, n.stores, n.status)
			wg.Go(func() {
				if err := w.Run(ctx); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
					cancel()
				}
			})
		}
	}
	for _, sc := range n.cfg.Stages {
		if s := n.NewStandby(sc.Name); s != nil {
			wg.Go(func() { s.Run(ctx) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// NewStandby makes what stands by for a stage's partitions on other nodes; nil
// where nothing does. Run drives those of its node by itself.
func (n *Node) NewStandby(stage string) *Standby {
	if n.cfg.Standbys == 0 || n.cfg.Topology.Stage(stage).Changelog == "" {
		return nil
	}
	return newStandby(&n.cfg, stage, n.stores, n.status)
}

// Standbys returns the stores that this node keeps up to date for others.
func (n *Node) Standbys() []StandbyStatus { return n.status.listStandbys(n.cfg.Env.Now()) }

// Status returns where every partition of this node stands.
func (n *Node) Status() []PartitionStatus { return n.status.list(n.cfg.Env.Now()) }

// Health returns how the node is as a whole.
func (n *Node) Health() Health { return n.status.health(n.cfg.Env.Now()) }

// Loop is one worker whose loop is driven from outside, round by round: for a
// simulation, which decides itself who runs when.
type Loop struct{ w *worker }

// NewLoop makes the loop of one worker of a stage.
func (n *Node) NewLoop(stage string, slot int) *Loop {
	for _, sc := range n.cfg.Stages {
		if sc.Name == stage {
			return &Loop{newWorker(&n.cfg, sc, slot, n.stores, n.status)}
		}
	}
	panic("BUG: no stage " + stage + " on this node")
}

// Join makes the loop's session.
func (l *Loop) Join(ctx context.Context) error { return l.w.join(ctx) }

// Step does one round. rejoin tells that the session is lost and Join is due.
func (l *Loop) Step(ctx context.Context) (rejoin bool, err error) {
	err = l.w.Step(ctx)
	if err != nil {
		l.w.dropBatch()
		if fateOf(err) == fateRejoin || fateOf(err) == fateRetry {
			l.w.session.Close(false)
			return true, nil
		}
	}
	return false, err
}

// Stop ends the loop gracefully.
func (l *Loop) Stop() error {
	err := l.w.stop()
	l.w.closeTasks()
	if l.w.session != nil {
		l.w.session.Close(l.w.cfg.LeaveGroup)
	}
	return err
}

// Crash lets go of everything as the end of a process does: nothing is finished,
// flushed or given back. What runs beside the loop must have ended.
func (l *Loop) Crash() {
	for _, t := range l.w.tasks {
		l.w.endWalk(t)
		if t.phase == phaseRestoring && t.restored != nil {
			t.cancel()
			select {
			case r := <-t.restored:
				t.store = r.store
			default: // it ended with a panic
			}
		}
		if t.store != nil {
			t.store.Abandon()
		}
	}
}
