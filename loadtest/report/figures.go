package report

import (
	"math"
	"strings"
)

func latencyFigures(a, b *Result, c CompareConfig) []Figure {
	var all []Figure
	for i := range a.Latencies {
		x := &a.Latencies[i]
		all = append(all, latencyPair(x, b.latency(x.Name), c)...)
	}
	for i := range b.Latencies {
		if y := &b.Latencies[i]; a.latency(y.Name) == nil {
			all = append(all, latencyPair(nil, y, c)...)
		}
	}
	return all
}

// percentiles of a latency, 100 for the maximum.
func (l *Latency) percentiles() []struct {
	name       string
	percentile float64
	value      float64
} {
	return []struct {
		name       string
		percentile float64
		value      float64
	}{{"p50", 50, l.P50}, {"p90", 90, l.P90}, {"p99", 99, l.P99}, {"p99.9", 99.9, l.P999}, {"max", 100, l.Max}}
}

// latencyPair compares a latency of both runs; one may be nil.
func latencyPair(x, y *Latency, c CompareConfig) []Figure {
	var all []Figure
	f := Figure{Group: groupLatencies, Unit: unitMillis}
	if x == nil || y == nil {
		for _, l := range []*Latency{x, y} {
			if l == nil {
				continue
			}
			for _, p := range l.percentiles() {
				f.Name = l.Name + " " + p.name
				if y == nil {
					all = append(all, f.missing(&p.value, nil))
				} else {
					all = append(all, f.missing(nil, &p.value))
				}
			}
		}
		return all
	}
	// What was read is valid; what isn't has no noise that can be told.
	h, _ := x.Decode()
	k, _ := y.Decode()
	theirs := y.percentiles()
	for i, p := range x.percentiles() {
		f.Name = x.Name + " " + p.name
		all = append(all, f.judge(p.value, theirs[i].value, percentileNoise(h, k, p.percentile), worse, c))
	}
	return all
}

func seriesFigures(a, b *Result, c CompareConfig) []Figure {
	var all []Figure
	seen := map[string]bool{}
	for _, list := range [][]Series{a.Series, b.Series} {
		for i := range list {
			if name := list[i].Name; !seen[name] {
				seen[name] = true
				all = append(all, seriesPair(a, b, name, list[i].Unit, c))
			}
		}
	}
	return all
}

// seriesPair compares the means of a series of both runs.
func seriesPair(a, b *Result, name, unit string, c CompareConfig) Figure {
	f := Figure{Group: groupRates, Name: name + ", mean", Unit: unit}
	x, inA := a.series(name)
	y, inB := b.series(name)
	m, n := mean(a.inPhases(x)), mean(b.inPhases(y))
	if !inA || !inB || math.IsNaN(m) || math.IsNaN(n) {
		return f.missing(known(m), known(n))
	}
	means, floor := seriesMeaning(name)
	if name == SeriesDecided && !sameLoad(a, b) {
		means = neutral
	}
	noise := meanNoise(a.inPhases(x), b.inPhases(y))
	if noise >= 0 {
		noise = max(noise, floor)
	}
	return f.judge(m, n, noise, means, c)
}

func known(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	return &x
}

// sameLoad: what was decided can only be held against what was asked for.
func sameLoad(a, b *Result) bool {
	x, inA := a.series(SeriesIntended)
	y, inB := b.series(SeriesIntended)
	if !inA || !inB {
		return true
	}
	m, n := mean(a.inPhases(x)), mean(b.inPhases(y))
	return n >= m*0.99 && n <= m*1.01
}

// seriesMeaning says how a rise of a series is to be taken, and what change of
// it is none. Refusals are judged by the totals.
func seriesMeaning(name string) (m meaning, floor float64) {
	switch {
	case name == SeriesDecided:
		return better, noisePerSecond
	case strings.HasPrefix(name, SeriesLagPrefix):
		return worse, noiseRecords
	}
	return neutral, 0
}

// totalFigures shows counts, and judges them as shares of the orders sent: two
// runs needn't have sent as many.
func totalFigures(a, b *Result, c CompareConfig) []Figure {
	var all []Figure
	ofA, ofB := float64(a.Totals.OrdersSent), float64(b.Totals.OrdersSent)
	ys := b.Totals.figures()
	for i, x := range a.Totals.figures() {
		y := ys[i]
		f := Figure{Group: groupTotals, Name: x.label}
		if x.meaning == neutral {
			if x.count != 0 || y.count != 0 {
				all = append(all, f.judge(float64(x.count), float64(y.count), 0, neutral, c))
			}
			continue
		}
		if ofA == 0 || ofB == 0 {
			continue
		}
		f.Name, f.Unit = x.label+" of all orders", "%"
		p, q := float64(x.count), float64(y.count)
		all = append(all, f.judge(100*p/ofA, 100*q/ofB, 100*shareNoise(p, ofA, q, ofB), x.meaning, c))
	}
	return all
}
