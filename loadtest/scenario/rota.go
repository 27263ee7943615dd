package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Rota is faults taken in turn, over and over: one begins every so often, and
// after the last the first comes again. Each is one or several things done one
// after the other, whose times count from its beginning.
type Rota struct {
	From  Span      `yaml:"from"`
	Every Span      `yaml:"every"`
	Until Span      `yaml:"until"` // when the last may begin; 0: none that wouldn't be over at the end of the phases
	Turns [][]Fault `yaml:"turns"`
}

const (
	// turnsMax keeps an hour of a fault a second out of the reports, which list
	// what was done.
	turnsMax   = 400
	everyLeast = time.Second
)

// Schedule returns all that is done to the system, in order of time: the faults,
// and those of the rota, once for each of their turns. A turn that would end
// behind the phases isn't begun: what it breaks has to be mended under load.
func (s *Scenario) Schedule() []Fault {
	all := slices.Clone(s.Faults)
	r, end := &s.Rota, s.Duration()
	if len(r.Turns) > 0 && time.Duration(r.Every) >= everyLeast {
		for n := range turnsMax + 1 { // one more shows that there are too many
			at, turn := r.From+Span(n)*r.Every, r.Turns[n%len(r.Turns)]
			last := at
			for i := range turn {
				last = max(last, at+turn[i].At+turn[i].Pause)
			}
			if at > Span(end) || r.Until > 0 && at > r.Until {
				break
			}
			if time.Duration(last) > end {
				continue
			}
			for i := range turn {
				one := turn[i]
				one.At += at
				all = append(all, one)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	return all
}

// turns is how many begin.
func (r *Rota) turns(end time.Duration) int {
	if r.Until > 0 {
		end = min(end, time.Duration(r.Until))
	}
	return max(0, int((end-time.Duration(r.From))/time.Duration(r.Every))+1)
}

func (s *Scenario) rota(v *validator) {
	r := &s.Rota
	if len(r.Turns) == 0 {
		v.check(r.Every == 0 && r.From == 0 && r.Until == 0, "rota has no turns")
		return
	}
	before := len(v.found)
	v.span("rota.every", r.Every, everyLeast, durationMax)
	v.span("rota.from", r.From, 0, max(0, s.Duration()))
	v.span("rota.until", r.Until, 0, max(0, s.Duration()))
	v.check(len(r.Turns) <= listMax, "rota.turns: %d, at most %d", len(r.Turns), listMax)
	for i, turn := range r.Turns {
		v.check(len(turn) >= 1 && len(turn) <= listMax, "rota.turns[%d] has %d faults: from 1 to %d", i, len(turn), listMax)
		for j := range turn {
			v.fault(fmt.Sprintf("rota.turns[%d][%d]", i, j), &turn[j], time.Duration(r.Every))
		}
	}
	if len(v.found) > before {
		return
	}
	n := r.turns(s.Duration())
	v.check(n <= turnsMax, "rota: %d turns, at most %d", n, turnsMax)
	v.check(len(s.Schedule()) > len(s.Faults), "rota: none of its turns is over before the phases end")
}
