package run

import (
	"slices"
	"strings"
	"time"

	"holdfast/loadtest/report"
	"holdfast/loadtest/scenario"
)

// growthPointsMin is how many seconds of a fifth must be known: a median of few
// is one of chance.
const growthPointsMin = 5

// growth holds the last fifth of the phases against the second one. The first is
// left out since caches fill and tables grow to their size; medians leave out what
// a fault does for some seconds, such as a process that has just begun.
func (s *samples) growth(phases time.Duration) (list []report.Growth) {
	total := second(phases)
	fifth := func(points []float64, n int) float64 {
		return median(points[min(n*total/5, len(points)):min((n+1)*total/5, len(points))])
	}
	for _, src := range s.sources {
		for i, name := range src.names {
			list = append(list, report.Growth{Name: name, Unit: src.units[i], Then: fifth(src.points[i], 1), Now: fifth(src.points[i], 4)})
		}
	}
	return list
}

// median returns Unknown where too little is known.
func median(points []float64) float64 {
	known := slices.DeleteFunc(slices.Clone(points), func(p float64) bool { return p == report.Unknown })
	if len(known) < growthPointsMin {
		return report.Unknown
	}
	slices.Sort(known)
	return known[len(known)/2]
}

// growths are the gauges of growth, each of the node that grew most. What isn't
// known of one node isn't known: it may be the one that leaks. Less than before
// is no growth.
func growths(all []report.Growth) map[string]float64 {
	values := map[string]float64{}
	for _, g := range []struct {
		gauge, prefix string
		share         bool
	}{
		{scenario.MemoryGrowth, report.SeriesMemoryPrefix, true},
		{scenario.HeapGrowth, report.SeriesHeapPrefix, true},
		{scenario.GoroutinesGrowth, report.SeriesGoroutinesPrefix, false},
		{scenario.DescriptorsGrowth, report.SeriesDescriptorsPrefix, false},
		{scenario.DiskGrowth, report.SeriesDiskPrefix, true},
		{scenario.ChangelogsGrowth, report.SeriesBrokerPrefix + topicKinds()[0], true},
	} {
		worst, known := 0.0, false
		for i := range all {
			one := &all[i]
			if !strings.HasPrefix(one.Name, g.prefix) {
				continue
			}
			known = one.Then != report.Unknown && one.Now != report.Unknown && (one.Then > 0 || !g.share)
			if !known {
				break
			}
			grown := one.Now - one.Then
			if g.share {
				grown /= one.Then
			}
			worst = max(worst, grown)
		}
		if known {
			values[g.gauge] = worst
		}
	}
	return values
}
