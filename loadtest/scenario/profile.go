package scenario

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"holdfast/loadtest/sale"
)

// Profile returns the rate over time: phases one after the other, with what the
// spikes add.
func (s *Scenario) Profile() *sale.Profile {
	ends := []time.Duration{0}
	for i := range s.Phases {
		ends = append(ends, ends[i]+time.Duration(s.Phases[i].For))
	}
	length := ends[len(ends)-1]
	cuts := slices.Clone(ends)
	for _, k := range s.Spikes {
		cuts = append(cuts, min(time.Duration(k.At), length), min(time.Duration(k.At+k.For), length))
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var slopes []sale.Slope
	for i, at := range cuts {
		if n := s.burst(at); n > 0 {
			slopes = append(slopes, sale.Slope{Burst: n})
		}
		if i+1 < len(cuts) {
			slopes = append(slopes, s.slope(ends, at, cuts[i+1]))
		}
	}
	return sale.NewProfile(slopes)
}

// burst is how many orders come at that instant.
func (s *Scenario) burst(at time.Duration) (n int) {
	for _, k := range s.Spikes {
		if time.Duration(k.At) == at {
			n += k.Orders
		}
	}
	return n
}

// slope is a stretch that no phase and no spike begins or ends in.
func (s *Scenario) slope(ends []time.Duration, from, to time.Duration) sale.Slope {
	i := 0
	for ends[i+1] <= from {
		i++
	}
	a, b := s.Phases[i].Rates()
	at := func(t time.Duration) float64 { return a + (b-a)*float64(t-ends[i])/float64(s.Phases[i].For) }
	added := 0.0
	for _, k := range s.Spikes {
		if time.Duration(k.At) <= from && time.Duration(k.At+k.For) >= to {
			added += k.Rate
		}
	}
	return sale.Slope{For: to - from, From: at(from) + added, To: at(to) + added}
}

// Peak returns the highest rate of the phases and spikes, without bursts.
func (s *Scenario) Peak() (peak float64) {
	for _, slope := range s.Profile().Slopes() {
		peak = max(peak, slope.From, slope.To)
	}
	return peak
}

// scale multiplies all rates, so that the highest is peak.
func (s *Scenario) scale(peak float64) {
	was := s.Peak()
	if was == 0 {
		return
	}
	for i := range s.Phases {
		p := &s.Phases[i]
		for _, rate := range []**float64{&p.Rate, &p.From, &p.To} {
			if *rate != nil {
				scaled := **rate * peak / was
				*rate = &scaled
			}
		}
	}
	for i := range s.Spikes {
		s.Spikes[i].Rate *= peak / was
		s.Spikes[i].Orders = int(float64(s.Spikes[i].Orders)*peak/was + 0.5)
	}
}

// weights are in order of their names, so that a seed draws the same of them.
func weights(m map[string]float64) (out []sale.Weight) {
	for _, name := range slices.SortedFunc(maps.Keys(m), cmp.Compare) {
		out = append(out, sale.Weight{Name: name, Weight: m[name]})
	}
	return out
}

func value(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}
