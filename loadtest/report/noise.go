package report

import (
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// noiseDeviations is how many standard deviations are noise: with some thirty
	// figures a comparison, two would cry wolf every time.
	noiseDeviations = 3
	// noiseMillis is what schedulers and timers alone make of a latency.
	noiseMillis = 1.0
	// noiseBlock is how many seconds make one observation of a mean.
	noiseBlock = 10
	// noiseRecords and noisePerSecond are changes that nobody would look at.
	noiseRecords   = 50.0
	noisePerSecond = 1.0
	// beyondMin is how many values must lie beyond a percentile for it to say
	// more than those few orders do.
	beyondMin = 10
)

// percentileNoise returns how far b's percentile may be from a's without saying
// anything, in milliseconds; -1 when there are too few values, or no histogram.
func percentileNoise(a, b *hdrhistogram.Histogram, percentile float64) float64 {
	if a == nil || b == nil {
		return -1
	}
	lowA, atA, highA, ok := percentileRange(a, percentile)
	lowB, atB, highB, okB := percentileRange(b, percentile)
	if !ok || !okB {
		return -1
	}
	// The ranges overlap exactly when the distance is no more than this.
	if atB >= atA {
		return max(highA-atA+atB-lowB, noiseMillis)
	}
	return max(atA-lowA+highB-atB, noiseMillis)
}

// percentileRange returns the percentile, and the values at three standard
// deviations of its rank to either side.
func percentileRange(h *hdrhistogram.Histogram, percentile float64) (low, at, high float64, ok bool) {
	n, q := float64(h.TotalCount()), percentile/100
	if n*(1-q) < beyondMin || n*q < beyondMin {
		return 0, 0, 0, false
	}
	spread := 100 * noiseDeviations * math.Sqrt(q*(1-q)/n)
	v := h.ValueAtPercentilesSlice([]float64{percentile - spread, percentile, percentile + spread})
	return float64(v[0]) / microsInMilli, float64(v[1]) / microsInMilli, float64(v[2]) / microsInMilli, true
}

// inPhases returns the points of the time in which there was a load.
func (r *Result) inPhases(points []float64) []float64 {
	end := 0.0
	for i := range r.Phases {
		end = max(end, r.Phases[i].To)
	}
	if end == 0 {
		return points
	}
	return points[:min(len(points), int(math.Ceil(end)))]
}

// mean of what is known; NaN when nothing is.
func mean(points []float64) float64 {
	sum, n := 0.0, 0
	for _, p := range points {
		if p != Unknown {
			sum, n = sum+p, n+1
		}
	}
	return sum / float64(n)
}

// meanNoise returns how far the means of two series may be apart without saying
// anything; -1 when there are too few points to tell. Blocks of the same time
// are held against each other, since a climb or a fault that both runs have
// isn't noise; blocks, since neighbouring seconds share their fate.
func meanNoise(a, b []float64) float64 {
	var apart []float64
	for from := 0; from+noiseBlock <= min(len(a), len(b)); from += noiseBlock {
		d := mean(b[from:from+noiseBlock]) - mean(a[from:from+noiseBlock])
		if !math.IsNaN(d) {
			apart = append(apart, d)
		}
	}
	k := float64(len(apart))
	if k < 3 {
		return -1
	}
	middle, square := 0.0, 0.0
	for _, d := range apart {
		middle += d / k
	}
	for _, d := range apart {
		square += (d - middle) * (d - middle)
	}
	return noiseDeviations * math.Sqrt(square/(k-1)/k)
}

// shareNoise is the noise of the difference of two shares, of counts that came
// about by chance: of none it isn't known that there could be none.
func shareNoise(a, ofA, b, ofB float64) float64 {
	variance := func(count, of float64) float64 {
		p := (count + 1) / (of + 2)
		if p < 1 {
			return p * (1 - p) / of
		}
		return p / of // more than there are orders: several of one
	}
	return noiseDeviations * math.Sqrt(variance(a, ofA)+variance(b, ofB))
}
