package run

import (
	"cmp"
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
	calm    *hdrhistogram.Histogram // of what no outage hit; total itself where the scenario has none
	outages outages
	seconds []moment // by intended second
}

// moment is what a meter knows of one second: while it is young a histogram, then
// what the report says of it. A histogram for each second of a day would take
// gigabytes.
type moment struct {
	open   *coarse
	closed report.Second
}

// openSeconds is how long a second is kept open: what comes later still counts,
// for its maximum too, but no longer changes its quantiles.
const openSeconds = 600

// Bounds of a latency: one beyond them counts as the bound.
const (
	latencyMin    = time.Microsecond
	latencyMax    = time.Hour
	latencyDigits = 3
)

func newMeter(name string, o outages) *meter {
	m := &meter{name: name, total: newHistogram(), outages: o}
	m.calm = m.total
	if len(o) > 0 {
		m.calm = newHistogram()
	}
	return m
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(latencyMin.Microseconds(), latencyMax.Microseconds(), latencyDigits)
}

// note returns the outage that made it wait, or nil.
func (m *meter) note(intended, seen time.Duration) *outage {
	value := min(max(seen-intended, latencyMin), latencyMax)
	hit := m.outages.hit(intended, seen)
	err := m.total.RecordValue(value.Microseconds())
	switch {
	case hit != nil:
		hit.most = max(hit.most, value)
	case m.calm != m.total:
		err = cmp.Or(err, m.calm.RecordValue(value.Microseconds()))
	}
	if err != nil {
		panic("BUG: latency beyond the histogram's bounds: " + err.Error())
	}
	i := second(intended)
	if i >= len(m.seconds) {
		before := len(m.seconds)
		m.seconds = grow(m.seconds, i)
		for old := max(0, before-openSeconds); old <= i-openSeconds; old++ {
			m.seconds[old].close(old)
		}
	}
	m.seconds[i].note(value, i <= len(m.seconds)-1-openSeconds)
	return hit
}

func (m *meter) quantile(q float64) time.Duration { return quantile(m.total, q) }

func quantile(h *hdrhistogram.Histogram, q float64) time.Duration {
	return time.Duration(h.ValueAtQuantile(q*100)) * time.Microsecond
}

// judged is what thresholds are held against: the percentiles of what no outage
// hit.
func (m *meter) judged() report.Latency { return percentiles(m.name, m.calm) }

func percentiles(name string, h *hdrhistogram.Histogram) report.Latency {
	l := report.Latency{Name: name, Count: h.TotalCount()}
	if l.Count > 0 {
		at := func(q float64) float64 { return millis(quantile(h, q)) }
		l.P50, l.P90, l.P99, l.P999, l.Max = at(0.5), at(0.9), at(0.99), at(0.999), at(1)
	}
	return l
}

func (m *meter) report() report.Latency {
	l := percentiles(m.name, m.total)
	l.Over = []report.Second{}
	if l.Count > 0 {
		l.Histogram = report.EncodeHistogram(m.total)
	}
	for i := range m.seconds {
		s := m.seconds[i]
		if s.close(i); s.closed.Count > 0 {
			l.Over = append(l.Over, s.closed)
		}
	}
	return l
}

func (s *moment) note(value time.Duration, old bool) {
	if old {
		s.closed.Count++
		s.closed.Max = max(s.closed.Max, millis(value))
		return
	}
	if s.open == nil {
		s.open = &coarse{}
	}
	s.open.note(value)
}

// close turns the histogram into what is told of it.
func (s *moment) close(second int) {
	s.closed.At = float64(second)
	if c := s.open; c != nil {
		s.closed.Count, s.closed.P50, s.closed.P99, s.closed.Max = int64(c.count), millis(c.quantile(0.5)), millis(c.quantile(0.99)), millis(c.max)
		s.open = nil
	}
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
