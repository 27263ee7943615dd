package report

import (
	"io"
	"strconv"
)

// compareView is a Comparison in words.
type compareView struct {
	shell
	A, B       runView
	Regressed  bool
	Conclusion string
	Notes      []string
	Groups     []groupView
}

type runView struct {
	Scenario, Facts string
	Verdict         Verdict
	Good            bool
}

type groupView struct {
	Name    string
	Figures []figureView
}

// WriteHTML writes the comparison as one HTML file that needs nothing else. It
// takes a Comparison that Compare made: one read from JSON has no plots to draw.
func (c *Comparison) WriteHTML(w io.Writer) error {
	v := compareView{shell: newShell(c.B.Scenario+": B against A", c.draw()), Regressed: c.Regressed, Conclusion: c.Conclusion(), Notes: c.Notes,
		A: runView{c.A.Scenario, c.a.facts(), c.A.Verdict, c.A.Verdict == Go}, B: runView{c.B.Scenario, c.b.facts(), c.B.Verdict, c.B.Verdict == Go}}
	for i := range c.Figures {
		f := &c.Figures[i]
		if n := len(v.Groups); n == 0 || v.Groups[n-1].Name != f.Group {
			v.Groups = append(v.Groups, groupView{Name: f.Group})
		}
		g := &v.Groups[len(v.Groups)-1]
		g.Figures = append(g.Figures, f.view())
	}
	return writePage(w, "compare.html", v)
}

// draw lays the lines of both runs over each other: A dashed, B solid. Phases
// and markers are those of B.
func (c *Comparison) draw() drawing {
	d := drawing{Bands: c.b.bands(), Markers: c.b.Markers}
	s := c.a.axis()
	if other := c.b.axis(); other.count*other.step > s.count*s.step {
		s = other
	}
	decided := plot{ID: "rate", Title: "Orders decided a second", Note: s.note("mean"), Kind: overTime, Unit: unitPerSecond, X: s.x()}
	for i, r := range []*Result{c.a, c.b} {
		if points, ok := r.series(SeriesDecided); ok {
			decided.Lines = append(decided.Lines, side(i, s.mean(points)))
		}
	}
	if len(decided.Lines) > 0 {
		d.Plots = append(d.Plots, decided)
	}
	for i := range c.b.Latencies {
		y := &c.b.Latencies[i]
		x := c.a.latency(y.Name)
		if x == nil {
			continue
		}
		over := plot{ID: "latency-" + strconv.Itoa(i), Title: "p99 of " + y.Name, Note: s.note("worst"), Kind: overTime, Unit: unitMillis, Log: true, Half: true, X: s.x()}
		var both []named
		for k, l := range []*Latency{x, y} {
			line := side(k, s.worst(l.Over, func(s *Second) float64 { return s.P99 }))
			over.Lines = append(over.Lines, line)
			both = append(both, named{line.Label, line.Colour, line.Role, l})
		}
		d.Plots = append(d.Plots, over)
		if p, ok := distribution(both); ok {
			p.ID, p.Title, p.Half = "distribution-"+strconv.Itoa(i), y.Name+" by percentile", true
			d.Plots = append(d.Plots, p)
		}
	}
	return d
}

// side is the line of run A (0) or B (1).
func side(i int, values numbers) line {
	if i == 0 {
		return line{Label: "A", Colour: "orange", Role: roleDashed, Values: values}
	}
	return line{Label: "B", Colour: "blue", Values: values}
}
