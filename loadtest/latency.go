package loadtest

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"holdfast/topology/record"
)

// What a Latency can hold: a value beyond the bounds counts as the bound.
const (
	latencyMin    = time.Microsecond
	latencyMax    = time.Hour
	latencyDigits = 3 // significant
)

// Latency measures from the time at which an order was meant to be sent to the
// first event that tells of it. The intended time counts, not the actual one: a
// sender that is held up by a slow system must not make that system look fast.
//
// It may be used by several goroutines.
type Latency struct {
	mu      sync.Mutex
	sent    map[record.OrderKey]time.Time // not seen yet
	values  *hdrhistogram.Histogram       // microseconds
	max     time.Duration
	longest record.OrderKey
}

// NewLatency returns a Latency without values.
func NewLatency() *Latency {
	return &Latency{
		sent:   map[record.OrderKey]time.Time{},
		values: hdrhistogram.New(int64(latencyMin/time.Microsecond), int64(latencyMax/time.Microsecond), latencyDigits),
	}
}

// Sent notes when the order was meant to be sent. To be called before it is
// sent, and once an order.
func (l *Latency) Sent(key record.OrderKey, intended time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent[key] = intended
}

// Seen notes an event of the order. The first one after Sent counts; it returns
// whether this was it.
func (l *Latency) Seen(key record.OrderKey, at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	intended, ok := l.sent[key]
	if !ok {
		return false
	}
	delete(l.sent, key)
	value := min(max(at.Sub(intended), latencyMin), latencyMax)
	if value >= l.max { // the histogram's own Max walks through all of it
		l.max, l.longest = value, key
	}
	if err := l.values.RecordValue(value.Microseconds()); err != nil {
		panic("BUG: latency beyond the histogram's bounds: " + err.Error())
	}
	return true
}

// Quantile returns the latency that a share q of the orders seen didn't exceed:
// 0.5 is the median. 0 when none was seen.
func (l *Latency) Quantile(q float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration(l.values.ValueAtQuantile(q*100)) * time.Microsecond
}

// Max returns the longest latency, and the order that had it.
func (l *Latency) Max() (time.Duration, record.OrderKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.max, l.longest
}

// Count returns how many orders were seen, and how many weren't yet.
func (l *Latency) Count() (seen, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.values.TotalCount()), len(l.sent)
}
