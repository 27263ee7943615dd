package run

import (
	"math/bits"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"holdfast/loadtest/report"
)

// meter is one latency: exact over the whole run, coarser in each second. It is
// for one goroutine at a time.
type meter struct {
	name    string
	total   *hdrhistogram.Histogram // microseconds
	seconds []*coarse               // by intended second; nil: nothing
}

// Bounds of a latency: one beyond them counts as the bound.
const (
	latencyMin    = time.Microsecond
	latencyMax    = time.Hour
	latencyDigits = 3
)

func newMeter(name string) *meter {
	return &meter{name: name, total: hdrhistogram.New(latencyMin.Microseconds(), latencyMax.Microseconds(), latencyDigits)}
}

func (m *meter) note(intended, seen time.Duration) {
	value := min(max(seen-intended, latencyMin), latencyMax)
	if err := m.total.RecordValue(value.Microseconds()); err != nil {
		panic("BUG: latency beyond the histogram's bounds: " + err.Error())
	}
	i := second(intended)
	m.seconds = grow(m.seconds, i)
	if m.seconds[i] == nil {
		m.seconds[i] = &coarse{}
	}
	m.seconds[i].note(value)
}

func (m *meter) quantile(q float64) time.Duration {
	return time.Duration(m.total.ValueAtQuantile(q*100)) * time.Microsecond
}

func (m *meter) report() report.Latency {
	l := report.Latency{Name: m.name, Count: m.total.TotalCount(), Over: []report.Second{}}
	if l.Count > 0 {
		l.P50, l.P90, l.P99, l.P999 = millis(m.quantile(0.5)), millis(m.quantile(0.9)), millis(m.quantile(0.99)), millis(m.quantile(0.999))
		l.Max, l.Histogram = millis(m.quantile(1)), report.EncodeHistogram(m.total)
	}
	for i, s := range m.seconds {
		if s != nil {
			l.Over = append(l.Over, report.Second{At: float64(i), Count: int64(s.count), P50: millis(s.quantile(0.5)), P99: millis(s.quantile(0.99)), Max: millis(s.max)})
		}
	}
	return l
}

// coarse is a histogram of 3 KiB: 32 steps for each doubling, so off by 3 % at
// most, from 64 µs to an hour. An HdrHistogram of two digits for each second of
// each latency would take ten times that, a gigabyte in a night's soak.
type coarse struct {
	count  uint32
	max    time.Duration
	counts [coarseDoublings * coarseSteps]uint32
}

const (
	coarseSteps     = 32
	coarseShift     = 6 // 2^6 µs and less are one step
	coarseDoublings = 26
)

func (c *coarse) note(d time.Duration) {
	c.count++
	c.max = max(c.max, d)
	c.counts[coarseStep(uint64(d.Microseconds()))]++
}

func coarseStep(micros uint64) int {
	micros = max(micros, 1<<coarseShift)
	doublings := bits.Len64(micros) - 1
	step := int(micros>>(doublings-5)) - coarseSteps
	return min((doublings-coarseShift)*coarseSteps+step, coarseDoublings*coarseSteps-1)
}

// quantile returns the upper edge of the step in which the quantile lies.
func (c *coarse) quantile(q float64) time.Duration {
	want := uint32(q*float64(c.count) + 0.999999)
	seen := uint32(0)
	for i, n := range c.counts {
		if seen += n; n > 0 && seen >= want {
			edge := uint64(coarseSteps+i%coarseSteps+1) << (i/coarseSteps + coarseShift - 5)
			return min(time.Duration(edge)*time.Microsecond, c.max)
		}
	}
	return c.max
}
