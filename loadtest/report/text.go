package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes the report for a terminal, without what only a plot shows.
func (r *Result) WriteText(w io.Writer) error {
	t := newTable(w)
	fmt.Fprintf(t, "%s: %s\n%s.\n", r.Verdict, oneLine(r.Scenario), r.facts())
	for _, reason := range r.Reasons {
		fmt.Fprintf(t, "  - %s\n", oneLine(reason))
	}
	if r.Behind.late() {
		fmt.Fprintf(t, "THE GENERATOR WAS LATE. %s\n", r.Behind.words())
	} else {
		fmt.Fprintf(t, "%s\n", r.Behind.words())
	}
	if len(r.Thresholds) > 0 {
		fmt.Fprint(t, "\nTHRESHOLD\tLIMIT\tMEASURED\n")
		for i := range r.Thresholds {
			x := &r.Thresholds[i]
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", oneLine(x.Name), oneLine(x.limitWords()), oneLine(x.valueWords()), keptWord(x.Kept))
		}
	}
	if len(r.Latencies) > 0 {
		fmt.Fprint(t, "\nLATENCY\tP50\tP90\tP99\tP99.9\tMAX\tCOUNT\n")
		for i := range r.Latencies {
			l := &r.Latencies[i]
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(l.Name), millis(l.P50), millis(l.P90), millis(l.P99), millis(l.P999), millis(l.Max), count(l.Count))
		}
	}
	fmt.Fprint(t, "\nTOTAL\n")
	for _, f := range r.Totals.figures() {
		fmt.Fprintf(t, "%s\t%s\n", f.label, count(f.count))
	}
	if len(r.Growth) > 0 {
		fmt.Fprint(t, "\nSHOULD BE FLAT\tSECOND FIFTH\tLAST FIFTH\tGROWTH\n")
		for i := range r.Growth {
			v := r.Growth[i].view()
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", oneLine(v.Name), oneLine(v.Then), oneLine(v.Now), v.Change)
		}
	}
	if len(r.Markers) > 0 {
		fmt.Fprint(t, "\nAT\tDONE TO THE SYSTEM\n")
		for i := range r.Markers {
			m := &r.Markers[i]
			fmt.Fprintf(t, "%s\t%s: %s\n", clock(m.At), oneLine(m.Kind), oneLine(m.Text))
		}
	}
	if len(r.Outages) > 0 {
		fmt.Fprint(t, "\nOUTAGE\n")
		for i := range r.Outages {
			fmt.Fprintf(t, "%s\n", r.Outages[i].words())
		}
		fmt.Fprintf(t, "%s\n", outageNote)
	}
	if r.Audit != nil {
		v := r.Audit.view()
		fmt.Fprintf(t, "\naudit: %s: %s\n", oneLine(v.Verdict), v.Text)
		for _, violation := range v.Violations {
			fmt.Fprintf(t, "  - %s\n", oneLine(violation))
		}
	}
	return t.flush()
}

// table aligns columns, and leaves no spaces at the ends of lines.
type table struct {
	*tabwriter.Writer
	text *strings.Builder
	to   io.Writer
}

func newTable(w io.Writer) table {
	t := table{text: &strings.Builder{}, to: w}
	t.Writer = tabwriter.NewWriter(t.text, 0, 0, 2, ' ', 0)
	return t
}

func (t table) flush() error {
	if err := t.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(t.text.String()) {
		if _, err := fmt.Fprintln(t.to, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func keptWord(kept bool) string {
	if kept {
		return "kept"
	}
	return "BROKEN"
}

// oneLine takes out what would break a line or drive a terminal: names come
// from a file that somebody else may have written.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return ' '
		}
		return c
	}, s)
}
