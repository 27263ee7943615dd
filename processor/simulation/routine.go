package simulation

import (
	"fmt"
	"iter"
	"runtime/debug"
)

// routine is a goroutine of a simulated process: a worker's loop, or what it
// runs beside. It runs only while the scheduler lets it, and gives up its turn
// at points that it names; so there is one order of everything that happens.
type routine struct {
	p      *process
	loop   *loop
	name   string
	worker bool // the loop itself
	next   func() (struct{}, bool)
	yield  func(struct{}) bool
	ready  func() bool // nil: can go on
	at     string      // the point where it gave up its turn
	done   bool
	// failure is a panic that wasn't a crash.
	failure string
}

// crash is what a routine panics with where its process ends. The run time lets
// it fall through.
type crash struct{}

// IsCrash tells the run time not to recover.
func (crash) IsCrash() {}

func newRoutine(p *process, l *loop, name string, worker bool, fn func()) *routine {
	r := &routine{p: p, loop: l, name: name, worker: worker}
	r.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			r.done = true
			if v := recover(); v != nil {
				if _, ok := v.(crash); !ok {
					r.failure = fmt.Sprintf("%s panics: %v\n%s", name, v, debug.Stack())
				}
			}
		}()
		r.yield = yield
		fn()
	})
	return r
}

func (r *routine) runnable() bool { return !r.done && (r.ready == nil || r.ready()) }

// run lets the routine go on until it gives up its turn or ends.
func (s *Simulation) run(r *routine) {
	before := s.current
	s.current = r
	r.ready = nil
	r.next()
	s.current = before
	if r.failure != "" {
		s.fail(RuleBug, "%s", r.failure)
		r.failure = ""
	}
}
