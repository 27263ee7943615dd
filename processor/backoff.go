package processor

import "time"

// backoff spaces out what is tried again, so that a cause which stays doesn't
// make a hot loop: at once the first time, then after 50 ms, 100 ms, … 2 s. It
// is cleared by success.
type backoff struct {
	failures int
	until    time.Time
}

const (
	backoffFirst = 50 * time.Millisecond
	backoffMax   = 2 * time.Second
)

// failed notes another failure and returns how long to wait before the next try.
func (b *backoff) failed(now time.Time) time.Duration {
	return b.failedBetween(now, backoffFirst, backoffMax)
}

// failedBetween is failed with other waits than the usual.
func (b *backoff) failedBetween(now time.Time, first, most time.Duration) time.Duration {
	wait := time.Duration(0)
	if b.failures > 0 {
		// Not shifted further than needed, lest it overflows.
		wait = min(first<<min(b.failures-1, 10), most)
	}
	b.failures++
	b.until = now.Add(wait)
	return wait
}

// waits tells that it isn't time yet.
func (b *backoff) waits(now time.Time) bool { return now.Before(b.until) }

func (b *backoff) clear() { *b = backoff{} }
