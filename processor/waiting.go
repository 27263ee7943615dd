package processor

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// waiting is what keeps a worker from going on, as seen from outside: the worker
// writes it at the ends of its transactions, the health page reads it while the
// worker may be stuck.
//
//	worker   ──begin──…(flush, end: the brokers don't answer)…──abandon──…──begin──…──commit──▶
//	since    ──●────────────────────────────────────────────────────────────────────▶ ○
//	cause                                                       ●───────────────────▶ ○
type waiting struct {
	since atomic.Int64 // of the transaction that is being ended; 0: none is
	// failing is since when transactions fail, one after the other; 0: they don't.
	failing atomic.Int64
	cause   atomic.Pointer[string]
	failed  time.Time // last; the worker's alone
}

// WaitToldAfter is how long a worker may take to end a transaction before its node
// isn't ready any longer. Slow brokers take a second; what takes longer is for people.
const WaitToldAfter = 5 * time.Second

// failuresForgottenAfter: without a transaction since, nobody knows whether the
// next one would do; saying so forever would hide what is new.
const failuresForgottenAfter = 30 * time.Second

func (w *waiting) begin(now time.Time) { w.since.Store(now.UnixNano()) }

func (w *waiting) done() {
	w.since.Store(0)
	if w.failing.Load() != 0 {
		w.failing.Store(0)
		w.cause.Store(nil)
	}
}

// ended says that no transaction is being ended any longer, however it went.
func (w *waiting) ended() { w.since.Store(0) }

// fail notes that a transaction couldn't be ended, or the session was lost. It is
// tried again.
func (w *waiting) fail(now time.Time, cause error) {
	text := cause.Error()
	w.cause.Store(&text)
	begun := w.since.Swap(0)
	if begun == 0 {
		begun = now.UnixNano()
	}
	w.failing.CompareAndSwap(0, begun)
	w.failed = now
}

// idle forgets failures after a while in which there was nothing to do.
func (w *waiting) idle(now time.Time) {
	if w.failing.Load() != 0 && now.Sub(w.failed) > failuresForgottenAfter {
		w.done()
	}
}

// Waiting is a worker that waits for the brokers.
type Waiting struct {
	Stage   string  `json:"stage"`
	Worker  int     `json:"worker"`
	Seconds float64 `json:"seconds"`
	// Cause is what the brokers, or nobody, answered last; empty while the first
	// try is still under way.
	Cause string `json:"cause,omitempty"`
}

func (w Waiting) String() string {
	cause := w.Cause
	if cause == "" {
		cause = "a transaction is being ended, and they don't answer"
	}
	return fmt.Sprintf("stage %s, worker %d has been waiting for the brokers for %.0f s: %s", w.Stage, w.Worker, w.Seconds, cause)
}

// read returns for how long the worker has been waiting; 0: it isn't.
func (w *waiting) read(now time.Time) (d time.Duration, cause string) {
	since := w.failing.Load()
	if since == 0 {
		since = w.since.Load()
	}
	if since == 0 {
		return 0, ""
	}
	if c := w.cause.Load(); c != nil {
		cause = *c
	}
	return max(0, now.Sub(time.Unix(0, since))), cause
}

// waits lists the workers that wait for longer than usual, the longest first.
func (b *statusBoard) waits(now time.Time) (list []Waiting) {
	for key, w := range b.waiting {
		if d, cause := w.read(now); d >= WaitToldAfter {
			list = append(list, Waiting{Stage: key.stage, Worker: key.slot, Seconds: d.Seconds(), Cause: cause})
		}
	}
	slices.SortFunc(list, func(a, b Waiting) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Worker, b.Worker))
	})
	return list
}
