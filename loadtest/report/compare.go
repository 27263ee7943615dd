package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// CompareConfig says what counts as a change.
type CompareConfig struct {
	// Worse is the share by which a figure must be worse, 0.1 for a tenth, beside
	// being out of the noise.
	Worse float64
}

// DefaultCompare takes a tenth for a change.
func DefaultCompare() CompareConfig { return CompareConfig{Worse: 0.1} }

// Validate reports what can't be meant.
func (c CompareConfig) Validate() error {
	if !(c.Worse >= 0 && c.Worse <= 100) {
		return errors.New("worse: must be a share of 0 % to 10000 %")
	}
	return nil
}

// Comparison is what changed from run A to run B.
type Comparison struct {
	A     Run     `json:"a"`
	B     Run     `json:"b"`
	Worse float64 `json:"worse"` // as configured
	// Regressed: a figure got worse by more than that and than noise.
	Regressed bool `json:"regressed"`
	// Notes say what makes the two runs hard to compare.
	Notes   []string `json:"notes"`
	Figures []Figure `json:"figures"`

	a, b *Result
}

// Run names one side of a Comparison.
type Run struct {
	Scenario string  `json:"scenario"`
	Seed     uint64  `json:"seed"`
	Started  string  `json:"started"`
	Seconds  float64 `json:"seconds"`
	Verdict  Verdict `json:"verdict"`
}

// Judgement of a Figure.
type Judgement string

// What may be said of a figure. Only what is known to be good or bad is judged;
// of the others it is just shown how they changed.
const (
	Same      Judgement = "same"      // changed by less than configured
	Noise     Judgement = "noise"     // by more, but no more than two runs of one system do
	Regressed Judgement = "regressed" // got worse
	Improved  Judgement = "improved"
	Shown     Judgement = "shown"   // neither good nor bad
	Missing   Judgement = "missing" // in one of the runs
)

// Groups of figures.
const (
	groupVerdicts  = "verdicts"
	groupLatencies = "latencies"
	groupRates     = "rates and lag"
	groupTotals    = "totals"
)

// Figure is one figure of both runs.
type Figure struct {
	Group string `json:"group"`
	Name  string `json:"name"`
	Unit  string `json:"unit"`
	// A and B are nil where the run doesn't have it.
	A *float64 `json:"a"`
	B *float64 `json:"b"`
	// Change is (B-A)/A; nil when A is 0 or one is missing.
	Change *float64 `json:"change"`
	// Noise is how far B may be from A without meaning anything, in the unit.
	// nil: nothing that can be told, so that the figure isn't judged.
	Noise     *float64  `json:"noise"`
	Judgement Judgement `json:"judgement"`
	// Words stand for A and B where they are verdicts.
	Words [2]string `json:"words,omitzero"`
}

// Compare holds b against a. Both are valid.
//
// What it takes for noise:
//   - a percentile: the values of three standard deviations of its rank to either
//     side, in both runs' histograms, may overlap; and less than a millisecond is
//     no change. Where fewer than ten values lie beyond a percentile, and for a
//     maximum, it is shown only: they are made by single orders.
//   - a mean over time: three standard errors of the mean distance between the
//     runs, of blocks of ten seconds at the same time; and less than 50 records of
//     lag, or one order a second, is no change.
//   - a count: three standard deviations of a count that came about by chance, as
//     a share of the orders sent.
//   - a verdict, a threshold, an oversold unit: nothing.
//
// That is the noise within the runs. What differs between two runs of one
// system on a busy machine isn't in it: compare runs of the same scenario on the
// same, otherwise idle machine, and run each more than once.
func Compare(a, b *Result, c CompareConfig) Comparison {
	out := Comparison{A: a.run(), B: b.run(), Worse: c.Worse, Notes: notes(a, b), a: a, b: b}
	for _, figures := range [][]Figure{
		verdictFigures(a, b), latencyFigures(a, b, c), seriesFigures(a, b, c), totalFigures(a, b, c),
	} {
		out.Figures = append(out.Figures, figures...)
	}
	out.Regressed = slices.ContainsFunc(out.Figures, func(f Figure) bool { return f.Judgement == Regressed })
	return out
}

func (r *Result) run() Run {
	started := ""
	if !r.Started.IsZero() {
		started = r.Started.UTC().Format("2006-01-02T15:04:05Z")
	}
	return Run{r.Scenario, r.Seed, started, r.Seconds, r.Verdict}
}

// notes say what the reader should know before believing a change.
func notes(a, b *Result) []string {
	notes := []string{}
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	switch {
	case a.Scenario != b.Scenario:
		note("The scenarios differ, %q and %q: a change may come from that.", a.Scenario, b.Scenario)
	case a.Text != b.Text:
		note("The scenario was changed between the runs: a change may come from that.")
	}
	if a.Seed != b.Seed {
		note("The seeds differ, %d and %d: the runs didn't send the same orders.", a.Seed, b.Seed)
	}
	for i, r := range []*Result{a, b} {
		if r.Behind.late() {
			note("In %s the generator itself was late, by up to %s: its latencies are overstated.", [...]string{"A", "B"}[i], millis(r.Behind.MaxMillis))
		}
	}
	return notes
}

// judge fills Change and Judgement. noise < 0: it can't be told.
func (f Figure) judge(a, b, noise float64, m meaning, c CompareConfig) Figure {
	f.A, f.B = &a, &b
	delta := b - a
	big := delta != 0
	if a != 0 {
		change := delta / math.Abs(a)
		f.Change = &change
		big = math.Abs(change) > c.Worse
	}
	if noise >= 0 && m != neutral {
		f.Noise = &noise
	}
	switch {
	case m == neutral || noise < 0:
		f.Judgement = Shown
	case !big:
		f.Judgement = Same
	case math.Abs(delta) <= noise:
		f.Judgement = Noise
	case (delta > 0) == (m == worse):
		f.Judgement = Regressed
	default:
		f.Judgement = Improved
	}
	return f
}

// missing is a figure that one of the runs doesn't have.
func (f Figure) missing(a, b *float64) Figure {
	f.A, f.B, f.Judgement = a, b, Missing
	return f
}

// turned judges what is either kept or broken.
func (f Figure) turned(a, b bool) Figure {
	f.Judgement = Same
	if a && !b {
		f.Judgement = Regressed
	} else if b && !a {
		f.Judgement = Improved
	}
	return f
}

func verdictFigures(a, b *Result) []Figure {
	all := []Figure{Figure{Group: groupVerdicts, Name: "verdict", Words: [2]string{string(a.Verdict), string(b.Verdict)}}.
		turned(a.Verdict == Go, b.Verdict == Go)}
	if a.Audit != nil && b.Audit != nil {
		all = append(all, Figure{Group: groupVerdicts, Name: "audit", Words: [2]string{a.Audit.Verdict, b.Audit.Verdict}}.
			turned(a.Audit.Verdict == auditPass, b.Audit.Verdict == auditPass))
		oversold := Figure{Group: groupVerdicts, Name: "oversold units"}
		all = append(all, oversold.judge(float64(a.Audit.OversoldUnits), float64(b.Audit.OversoldUnits), 0, worse, CompareConfig{}))
	}
	for i := range a.Thresholds {
		x := &a.Thresholds[i]
		f := Figure{Group: groupVerdicts, Name: "threshold " + x.Name, Unit: x.Unit}
		j := slices.IndexFunc(b.Thresholds, func(y Threshold) bool { return y.Name == x.Name })
		if j < 0 {
			all = append(all, f.missing(measured(x), nil))
			continue
		}
		y := &b.Thresholds[j]
		// Which way it is to be better isn't known here; the figures behind it
		// are judged by themselves.
		if x.Value == Unknown || y.Value == Unknown {
			f = f.missing(measured(x), measured(y))
		} else {
			f = f.judge(x.Value, y.Value, 0, neutral, CompareConfig{})
		}
		f.Words = [2]string{keptWord(x.Kept), keptWord(y.Kept)}
		all = append(all, f.turned(x.Kept, y.Kept))
	}
	for i := range b.Thresholds {
		y := &b.Thresholds[i]
		if !slices.ContainsFunc(a.Thresholds, func(x Threshold) bool { return x.Name == y.Name }) {
			all = append(all, Figure{Group: groupVerdicts, Name: "threshold " + y.Name, Unit: y.Unit}.missing(nil, measured(y)))
		}
	}
	return all
}

// measured is the value of a threshold, nil when it wasn't measured.
func measured(t *Threshold) *float64 {
	if t.Value == Unknown {
		return nil
	}
	return &t.Value
}
