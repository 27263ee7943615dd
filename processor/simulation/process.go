package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"holdfast/processor"
	"holdfast/state"
)

// process is one life of a node, from its start to its end.
//
//	running ──(crash)──────> dead       its disk is what a crash leaves of it
//	running ──(stop asked)─> stopping ──> dead, everything given back
//	running <─(SIGSTOP)────> frozen     nothing of it runs, not even heartbeats
type process struct {
	s        *Simulation
	instance string
	life     int
	disk     *vfs.MemFS
	shared   *state.Shared
	node     *processor.Node
	loops    []*loop
	standbys []*processor.Standby
	routines []*routine
	skew     time.Duration // of its clock

	frozen, stopping, dead bool
	// rival: another process runs, or ran, as the same instance at the same time.
	// Whoever joins last fences the other, which must end.
	rival bool
	until time.Time // frozen: when it goes on
}

// loop is one worker.
type loop struct {
	stage  string
	slot   int
	driver *processor.Loop
}

var errProcessEnded = errors.New("the process has ended")

func (p *process) String() string { return fmt.Sprintf("%s#%d", p.instance, p.life) }

// start begins a life on a disk.
func (s *Simulation) start(instance string, disk *vfs.MemFS) *process {
	s.lives++
	p := &process{s: s, instance: instance, life: s.lives, disk: disk, skew: time.Duration(s.between(-s.options.SkewMillis, s.options.SkewMillis)) * time.Millisecond}
	p.shared = state.NewShared(1<<20, disk)
	cluster := &Cluster{b: s.Broker, name: p.String(), pause: p.pause, alive: func() bool { return !p.dead && !p.frozen }}
	cfg := s.nodeConfig(p, cluster)
	node, err := processor.NewNode(cfg)
	if err != nil {
		panic(fmt.Sprintf("BUG: %v", err))
	}
	p.node = node
	s.processes = append(s.processes, p)
	for _, sc := range cfg.Stages {
		for slot := range sc.Workers {
			l := &loop{stage: sc.Name, slot: slot, driver: node.NewLoop(sc.Name, slot)}
			p.loops = append(p.loops, l)
			p.routines = append(p.routines, newRoutine(p, l, fmt.Sprintf("%s %s.%d", p, sc.Name, slot), true, func() { p.work(l) }))
		}
	}
	for _, sc := range cfg.Stages {
		if b := node.NewStandby(sc.Name); b != nil {
			p.standbys = append(p.standbys, b)
			p.routines = append(p.routines, newRoutine(p, &loop{stage: sc.Name}, fmt.Sprintf("%s %s standby", p, sc.Name), true, func() { p.standBy(b) }))
		}
	}
	s.tracef("%s starts: %d workers, %d standbys", p, len(p.loops), len(p.standbys))
	return p
}

// standBy is the life of a standby.
func (p *process) standBy(b *processor.Standby) {
	for !p.stopping {
		b.Step(context.Background())
		p.mustPause("standby")
	}
	b.Stop()
}

// work is the life of a worker.
func (p *process) work(l *loop) {
	ctx := context.Background()
	for {
		for {
			err := l.driver.Join(ctx)
			if err == nil {
				break
			}
			p.s.tracef("%s %s.%d: %v", p, l.stage, l.slot, err)
			p.mustPause("join again")
			if p.stopping {
				p.finish(l)
				return
			}
		}
		for rejoin := false; !rejoin; {
			if p.stopping {
				p.finish(l)
				return
			}
			var err error
			if rejoin, err = l.driver.Step(ctx); err != nil {
				p.ended(l, err)
				p.stopping = true
				p.finish(l)
				return
			}
			p.mustPause("round")
		}
		p.s.tracef("%s %s.%d joins again", p, l.stage, l.slot)
	}
}

// finish stops a worker gracefully. Its last transaction may fail like any other;
// nobody waits for a better one.
func (p *process) finish(l *loop) {
	if err := l.driver.Stop(); err != nil {
		p.s.tracef("%s %s.%d stops: %v", p, l.stage, l.slot, err)
	}
}

// ended is told the error with which a worker ends. Only one of two
// rivals may have one.
func (p *process) ended(l *loop, err error) {
	if err == nil {
		return
	}
	p.s.tracef("%s %s.%d ends: %v", p, l.stage, l.slot, err)
	if !p.rival {
		p.s.fail(RuleEnded, "%s %s.%d ends by itself: %v", p, l.stage, l.slot, err)
	}
}

// spawn runs fn beside the loop that asks for it.
func (p *process) spawn(fn func()) {
	l := p.s.current.loop
	p.routines = append(p.routines, newRoutine(p, l, fmt.Sprintf("%s %s.%d beside", p, l.stage, l.slot), false, fn))
}

// reached is told the steps of the run time's loop.
func (p *process) reached(point string) {
	if point == "close" {
		// The loop is about to wait for what it runs beside.
		p.finishBeside(p.s.current.loop)
		return
	}
	if err := p.pause(point, nil); err != nil {
		panic(fmt.Sprintf("BUG: a step of the loop was reached outside of it: %s", point))
	}
}

// finishBeside runs what the loop runs beside as far as it goes. What was
// cancelled ends; what still may wait is left waiting.
func (p *process) finishBeside(l *loop) {
	for _, r := range slices.Clone(p.routines) {
		for !r.worker && r.loop == l && r.runnable() {
			p.s.run(r)
		}
	}
}

// pause is where others may run, and where the process may end.
func (p *process) pause(point string, ready func() bool) error {
	r := p.s.current
	if !p.dead {
		p.s.visit(p, point)
	}
	if !p.dead && (ready != nil || p.frozen || p.s.switches()) {
		r.ready, r.at = ready, point
		r.yield(struct{}{})
	}
	if p.dead {
		if r.worker {
			panic(crash{})
		}
		return errProcessEnded
	}
	return nil
}

func (p *process) mustPause(point string) {
	r := p.s.current
	r.ready, r.at = nil, point
	r.yield(struct{}{})
	if p.dead {
		panic(crash{})
	}
}

// kill ends the process as it stands. Its disk is what a power cut leaves: at
// least all that was synced, at most all that was written.
func (p *process) kill() {
	p.dead = true
	kept := 0
	if p.s.random.IntN(2) == 0 {
		// No share in between: which blocks those were would not follow the seed.
		kept = 100
	} else {
		p.s.Faults["disk without what wasn't synced"]++
	}
	p.disk = p.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(1, 1))})
}

// reap lets a dead process's routines unwind and takes its memory away.
func (p *process) reap() {
	for _, r := range slices.Clone(p.routines) {
		for !r.done {
			p.s.run(r)
		}
	}
	for _, l := range p.loops {
		l.driver.Crash()
	}
	for _, b := range p.standbys {
		b.Crash()
	}
	p.shared.Close()
	p.s.processes = slices.DeleteFunc(p.s.processes, func(o *process) bool { return o == p })
}

// settleRoutines forgets the routines that have ended, and ends a process of
// which no worker is left.
func (p *process) settleRoutines() {
	p.routines = slices.DeleteFunc(p.routines, func(r *routine) bool { return r.done })
	if len(p.routines) == 0 && !p.dead {
		p.dead = true
		p.s.tracef("%s has stopped", p)
		p.shared.Close()
		p.s.processes = slices.DeleteFunc(p.s.processes, func(o *process) bool { return o == p })
		p.s.stopped(p)
	}
}
