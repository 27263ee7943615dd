package run

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"holdfast/loadtest/report"
	"holdfast/loadtest/sale"
	"holdfast/topology/record"
)

const (
	// interruptedFlush and interruptedDrain are what a run that somebody ended
	// still takes: long enough to send what is on its way and to hear the answers.
	interruptedFlush = 10 * time.Second
	interruptedDrain = 10 * time.Second
	// setupMax is for the tables and the stock before the load.
	setupMax = 10 * time.Minute
	// lead is how long before the first sending its records begin to be made.
	lead = 500 * time.Millisecond
	// progressEvery is for eyes.
	progressEvery = 200 * time.Millisecond
)

// run is one rehearsal from the first table's row to the verdict.
type run struct {
	Config
	sale    *sale.Sale
	profile *sale.Profile
	clock   wallClock
	pending *pending
	watch   *watcher
	lags    *lags
	samples *samples
	faults  *faults
	out     *producer
	result  report.Result
	outcome outcome

	sent       atomic.Int64 // orders
	behindMost atomic.Int64 // ns, since the last look
	lag        atomic.Int64
	sentAt     []float64 // orders, by second
	behind     behind
}

// Run rehearses. Its error says that it couldn't begin; whatever goes wrong later
// is in the result. The end of ctx ends the load: the rest of the result is made
// all the same.
func Run(ctx context.Context, c Config) (*report.Result, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	r := &run{Config: c, pending: newPending(), profile: c.Scenario.Profile()}
	r.lag.Store(-1)
	cfg := c.Scenario.Sale(c.Run)
	cfg.Start = record.Millis(time.Now().UnixMilli())
	var err error
	if r.sale, err = sale.New(cfg); err != nil {
		return nil, err
	}
	// What is on its way when the load is ended is still sent.
	sending, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(interruptedFlush, giveUp) })
	defer stop()
	if r.out, err = newProducer(sending, c.System.Options, c.System.Topology); err != nil {
		return nil, err
	}
	defer r.out.client.Close()
	if err := r.setup(ctx); err != nil {
		return nil, fmt.Errorf("preparing the system: %w", err)
	}
	if r.watch, err = watch(ctx, &c.System, r.pending, newOutages(c.Scenario)); err != nil {
		return nil, err
	}
	defer r.watch.close()
	r.load(ctx)
	r.drain(ctx)
	r.audit(ctx)
	r.conclude()
	return &r.result, nil
}

// setup sends tables and stock, and waits until the channels know.
func (r *run) setup(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, setupMax)
	defer cancel()
	for _, m := range r.sale.Setup() {
		r.out.send(&m)
	}
	if err := r.out.flush(ctx); err != nil {
		return err
	}
	return r.System.Settle(ctx, r.tell("loading tables and stock"))
}

// tell returns what a step that waits for the system calls.
func (r *run) tell(step string) func(lag int64) {
	if r.Progress == nil {
		return nil
	}
	return func(lag int64) { r.Progress(Progress{Step: step, Lag: lag}) }
}

// load sends everything at its time, with faults and watchers around it.
func (r *run) load(ctx context.Context) {
	r.clock.begun = time.Now().Add(lead)
	r.result.Started = r.clock.begun.Round(0)
	r.sale.StartAt(record.Millis(r.clock.begun.UnixMilli()))
	r.watch.start(r.clock.begun)
	r.lags = newLags(&r.System)
	r.samples = newSamples(r.Scenario, &r.System)
	looking, stopLooking := context.WithCancel(context.WithoutCancel(ctx))
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		r.look(looking, r.Progress)
	}()
	r.samples.start(context.WithoutCancel(ctx), r.clock)
	r.faults = &faults{clock: r.clock, signal: syscall.Kill}
	ending, endFaults := context.WithCancel(ctx)
	r.faults.start(ending, r.Scenario.Schedule())

	var err error
	next, stopAhead := ahead(r.sale.Next)
	r.behind, err = send(ctx, r.clock, next, r.put)
	stopAhead()
	r.outcome.planned = r.Scenario.Duration() + time.Duration(r.Scenario.Tail)
	if err != nil {
		r.outcome.interrupted = r.clock.now()
		endFaults()
	}
	// A system may be idle before the tail's end, and a fault still to come.
	r.result.Markers, r.outcome.faults = r.faults.wait()
	endFaults()
	flush, cancel := context.WithTimeout(r.out.ctx, time.Duration(r.Scenario.Drain.Timeout))
	defer cancel()
	r.outcome.sendError = r.out.flush(flush)
	stopLooking()
	<-looked
}

// put sends one record.
func (r *run) put(m *sale.Message, now time.Duration) {
	if m.First {
		r.pending.sent(m.OrderKey, m.AtOffset)
		r.sent.Add(1)
		count(&r.sentAt, now)
	}
	if m.Again {
		r.result.Totals.Duplicates++
	}
	if m.Broken {
		r.result.Totals.Broken++
	}
	r.behindMost.Store(max(r.behindMost.Load(), int64(now-m.AtOffset)))
	r.out.send(m)
}

// look asks once a second how far behind the stages are, and tells how it goes.
func (r *run) look(ctx context.Context, tell func(Progress)) {
	for lagged := time.Duration(-1); ctx.Err() == nil; {
		if now := r.clock.now(); lagged < 0 || now-lagged >= lagEvery {
			lagged = now.Truncate(lagEvery)
			lag, err := r.lags.measure(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				lag = nil
			}
			r.lags.note(now, lag)
			r.lag.Store(r.lags.last)
			r.outcome.lagKnown = r.outcome.lagKnown || lag != nil
		}
		if tell != nil {
			tell(r.progress())
		}
		//nolint:errcheck // the loop asks for itself
		r.clock.sleep(ctx, progressEvery)
	}
}

func (r *run) progress() Progress {
	now := r.clock.now()
	failed, _ := r.out.failures()
	p := Progress{Step: r.phase(now), At: now, End: r.Scenario.Duration() + time.Duration(r.Scenario.Tail), Rate: r.profile.Rate(now), Sent: r.sent.Load(),
		Lag: r.lag.Load(), Behind: time.Duration(r.behindMost.Swap(0))}
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	p.Answered, p.P99 = r.watch.accepted.total.TotalCount(), r.watch.accepted.quantile(0.99)
	p.Errors = failed + r.watch.totals.DeadLetters
	return p
}

// phase is the name of the phase at a time.
func (r *run) phase(at time.Duration) string {
	end := time.Duration(0)
	for _, p := range r.Scenario.Phases {
		if end += time.Duration(p.For); at < end {
			return p.Name
		}
	}
	return "tail"
}

// drain waits until nothing is left to do and everything that was said is heard.
func (r *run) drain(ctx context.Context) {
	timeout := time.Duration(r.Scenario.Drain.Timeout)
	if r.outcome.interrupted > 0 {
		timeout = min(timeout, interruptedDrain)
	}
	begun := time.Now()
	asked := ctx
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	defer context.AfterFunc(asked, func() { time.AfterFunc(interruptedDrain, cancel) })()
	looking, stopLooking := context.WithCancel(ctx)
	looked := make(chan struct{})
	go func() { // the lag goes on being drawn
		defer close(looked)
		r.look(looking, nil)
	}()
	r.outcome.notDrained = r.System.Settle(ctx, r.tell("draining"))
	stopLooking()
	<-looked
	r.samples.stop()
	r.outcome.drain = time.Since(begun)
	if r.outcome.notDrained == nil {
		r.outcome.notDrained = r.watch.catchUp(ctx, r.System.Client)
	}
	r.result.Seconds = r.clock.now().Seconds()
	n, example := r.pending.unanswered()
	r.outcome.unanswered, r.outcome.example = n, string(example)
}

func (r *run) audit(ctx context.Context) {
	if !r.Scenario.Audit {
		return
	}
	if ctx.Err() != nil {
		r.outcome.notAudited = errors.New("the run was interrupted")
		return
	}
	if r.Progress != nil {
		r.Progress(Progress{Step: "auditing", Lag: -1})
	}
	r.result.Audit, r.outcome.notAudited = r.System.Audit(ctx)
}
