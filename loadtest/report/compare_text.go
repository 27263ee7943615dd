package report

import (
	"fmt"
	"io"
)

// WriteText writes the comparison for a terminal.
func (c *Comparison) WriteText(w io.Writer) error {
	t := newTable(w)
	for i, r := range []*Run{&c.A, &c.B} {
		fmt.Fprintf(t, "%s: %s\n", [...]string{"A", "B"}[i], oneLine(r.words()))
	}
	for _, n := range c.Notes {
		fmt.Fprintf(t, "  - %s\n", oneLine(n))
	}
	group := ""
	for i := range c.Figures {
		f := &c.Figures[i]
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(t, "\n%s\tA\tB\tCHANGE\tNOISE\n", upper(group))
		}
		v := f.view()
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(v.Name), oneLine(v.A), oneLine(v.B), v.Change, v.Noise, markOf(f.Judgement))
	}
	fmt.Fprintf(t, "\n%s\n", c.Conclusion())
	return t.flush()
}

func (r *Run) words() string {
	s := fmt.Sprintf("%s, %s, ran %s, seed %d", r.Verdict, r.Scenario, clock(r.Seconds), r.Seed)
	if r.Started != "" {
		s += ", started " + r.Started
	}
	return s
}

// Conclusion says in one sentence whether something regressed.
func (c *Comparison) Conclusion() string {
	n := int64(0)
	for i := range c.Figures {
		if c.Figures[i].Judgement == Regressed {
			n++
		}
	}
	if n == 0 {
		return fmt.Sprintf("Nothing is worse by more than %s and more than noise.", share(c.Worse))
	}
	if n == 1 {
		return fmt.Sprintf("1 figure regressed: worse by more than %s and more than noise.", share(c.Worse))
	}
	return fmt.Sprintf("%s regressed: worse by more than %s and more than noise.", plural(n, "figure"), share(c.Worse))
}

func markOf(j Judgement) string {
	switch j {
	case Regressed:
		return "REGRESSED"
	case Same, Shown:
		return ""
	}
	return string(j)
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// figureView is a Figure in words.
type figureView struct {
	Name, A, B, Change, Noise string
	Judgement                 Judgement
	Mark                      string
}

func (f *Figure) view() figureView {
	side := func(x *float64, words string) string {
		s := words
		if x != nil {
			s = figure(*x, f.Unit)
			if words != "" {
				s += ", " + words
			}
		}
		if s == "" {
			return "–"
		}
		return s
	}
	v := figureView{Name: f.Name, A: side(f.A, f.Words[0]), B: side(f.B, f.Words[1]), Judgement: f.Judgement, Mark: markOf(f.Judgement)}
	switch {
	case f.A == nil || f.B == nil || *f.A == *f.B:
	case f.Change != nil:
		v.Change = signed(100**f.Change) + " %"
	default:
		v.Change = "from 0"
	}
	if f.Noise != nil && *f.Noise > 0 {
		v.Noise = "± " + figure(*f.Noise, f.Unit)
	}
	return v
}

// signed writes a change, of which one digit behind the point is enough.
func signed(x float64) string {
	if x > -10 && x < 10 {
		return fmt.Sprintf("%+.1f", x)
	}
	return fmt.Sprintf("%+.0f", x)
}
