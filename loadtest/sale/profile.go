package sale

import (
	"math"
	"slices"
	"sort"
	"time"
)

// Slope is a stretch of time in which the rate goes evenly from one value to
// another, in orders a second. One without a duration is a burst: so many orders
// at the same instant.
type Slope struct {
	For      time.Duration
	From, To float64
	Burst    int
}

// orders is how many orders the slope has: the rate's integral.
func (s *Slope) orders() float64 {
	return (s.From+s.To)/2*s.For.Seconds() + float64(s.Burst)
}

// Profile is the rate of orders over time. It is made once and not changed.
type Profile struct {
	slopes []Slope
	begins []time.Duration // of each slope
	before []float64       // orders before each slope
	total  float64
	length time.Duration
}

// NewProfile returns the profile of slopes that follow one another.
func NewProfile(slopes []Slope) *Profile {
	p := &Profile{slopes: slopes, begins: make([]time.Duration, len(slopes)), before: make([]float64, len(slopes))}
	for i := range slopes {
		p.begins[i], p.before[i] = p.length, p.total
		p.length += slopes[i].For
		p.total += slopes[i].orders()
	}
	return p
}

// countSlack forgives what sums of floating point numbers lose: 10 s at 0.1
// orders a second are one order.
const countSlack = 1e-6

// Orders returns how many orders there are in all: the whole ones of the rate's
// integral.
func (p *Profile) Orders() int { return int(p.total + countSlack) }

// Duration returns how long the profile is.
func (p *Profile) Duration() time.Duration { return p.length }

// Rate returns the orders a second at a time, without bursts; 0 outside.
func (p *Profile) Rate(at time.Duration) float64 {
	for i := len(p.slopes) - 1; i >= 0; i-- {
		if s := &p.slopes[i]; at >= p.begins[i] && at < p.begins[i]+s.For {
			return s.From + (s.To-s.From)*float64(at-p.begins[i])/float64(s.For)
		}
	}
	return 0
}

// Before returns how many orders are due before a time: order 0 is due when the
// integral begins to grow.
func (p *Profile) Before(at time.Duration) int {
	return sort.Search(p.Orders(), func(n int) bool { return p.At(n) >= at })
}

// At returns when the n-th order is due, from 0: when the integral of the rate
// is n. The time is exact, whatever was before: rounding doesn't add up.
func (p *Profile) At(n int) time.Duration {
	want := float64(n)
	// The last slope that begins with no more than n orders; of those that begin
	// with the same number the last one, in which the order really is.
	i := sort.Search(len(p.slopes), func(i int) bool { return p.before[i] > want }) - 1
	if i < 0 {
		return 0
	}
	s := &p.slopes[i]
	left := want - p.before[i]
	if s.For == 0 || left <= 0 {
		return p.begins[i]
	}
	return min(p.begins[i]+time.Duration(s.after(left)*float64(time.Second)), p.begins[i]+s.For)
}

// after returns the seconds after which the slope has had so many orders: the
// root of From·t + (To−From)/(2·For)·t² = orders, in the form that doesn't cancel.
func (s *Slope) after(orders float64) float64 {
	a := (s.To - s.From) / (2 * s.For.Seconds())
	under := max(0, s.From*s.From+4*a*orders)
	if sum := s.From + math.Sqrt(under); sum > 0 {
		return 2 * orders / sum
	}
	return s.For.Seconds()
}

// Slopes returns a copy of what the profile is made of.
func (p *Profile) Slopes() []Slope { return slices.Clone(p.slopes) }
