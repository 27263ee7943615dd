package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"text/tabwriter"
)

// Row is one contender in one case.
type Row struct {
	Name string   `json:"name"`
	Runs []Answer `json:"runs"` // in the order they were made

	// Medians, each of its own column: they need not be of the same run.
	PerSecond     float64 `json:"per_second"`
	PerCoreSecond float64 `json:"per_core_second"`
	RSSMiB        float64 `json:"rss_mib"`

	// This row's medians over the baseline's; 0 where there is no baseline.
	PerSecondRatio     float64 `json:"per_second_ratio,omitempty"`
	PerCoreSecondRatio float64 `json:"per_core_second_ratio,omitempty"`
	RSSRatio           float64 `json:"rss_ratio,omitempty"`
}

// Table is the contenders side by side.
type Table struct {
	Case     Case  `json:"case"`
	Lines    int64 `json:"lines"`
	Accepted int64 `json:"accepted"` // of the first run
	Rows     []Row `json:"rows"`
}

// fill computes medians, and ratios to the baseline.
func (t *Table) fill(baseline string) {
	for i := range t.Rows {
		r := &t.Rows[i]
		r.PerSecond = r.median(func(a *Answer) float64 { return a.PerSecond })
		r.PerCoreSecond = r.median(func(a *Answer) float64 { return a.PerCoreSecond })
		r.RSSMiB = r.median(func(a *Answer) float64 { return float64(a.RSSMiB) })
	}
	at := slices.IndexFunc(t.Rows, func(r Row) bool { return r.Name == baseline })
	if at < 0 {
		return
	}
	base := t.Rows[at]
	for i := range t.Rows {
		r := &t.Rows[i]
		r.PerSecondRatio = r.PerSecond / base.PerSecond
		r.PerCoreSecondRatio = r.PerCoreSecond / base.PerCoreSecond
		r.RSSRatio = r.RSSMiB / base.RSSMiB
	}
}

func (r *Row) median(of func(*Answer) float64) float64 {
	var values []float64
	for i := range r.Runs {
		values = append(values, of(&r.Runs[i]))
	}
	return median(values)
}

// median is the mean of the two in the middle where their number is even.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// checkShares fails where contenders weren't given the same work: with the same
// lines and stock they accept the same share, to within 1 %.
func (t *Table) checkShares() error {
	first := &t.Rows[0].Runs[0]
	for _, r := range t.Rows {
		for i := range r.Runs {
			if a := &r.Runs[i]; math.Abs(a.AcceptedShare()-first.AcceptedShare()) > 0.01*first.AcceptedShare() {
				return fmt.Errorf("%s: %s accepted %d of %d lines, and %s %d of %d: they had different work",
					t.Case.Name, t.Rows[0].Name, first.Accepted, first.Records, r.Name, a.Accepted, a.Records)
			}
		}
	}
	return nil
}

// write prints the table as Markdown that reads well as it is.
func (t *Table) write(w io.Writer, baseline string) error {
	fmt.Fprintf(w, "\n%s: %s lines, %s accepted (%.1f %%); medians of %s, the slowest and fastest run in brackets; ratios to %s\n\n", t.Case.Name,
		thousands(float64(t.Lines)), thousands(float64(t.Accepted)), 100*float64(t.Accepted)/float64(t.Lines), runs(len(t.Rows[0].Runs)), baseline)
	tab := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(tab, "| \t| lines/s\t| ratio\t| lines per core-second\t| ratio\t| peak RSS, MiB\t| ratio\t|")
	fmt.Fprintln(tab, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for i := range t.Rows {
		r := &t.Rows[i]
		slowest, fastest := r.span()
		fmt.Fprintf(tab, "| %s\t| %s (%s to %s)\t| %s\t| %s\t| %s\t| %s\t| %s\t|\n", r.Name, thousands(r.PerSecond), thousands(slowest), thousands(fastest),
			ratio(r.PerSecondRatio), thousands(r.PerCoreSecond), ratio(r.PerCoreSecondRatio), thousands(r.RSSMiB), ratio(r.RSSRatio))
	}
	return tab.Flush()
}

func runs(n int) string {
	if n == 1 {
		return "1 run"
	}
	return fmt.Sprintf("%d runs", n)
}

func (r *Row) span() (slowest, fastest float64) {
	for i := range r.Runs {
		v := r.Runs[i].PerSecond
		if i == 0 || v < slowest {
			slowest = v
		}
		fastest = max(fastest, v)
	}
	return slowest, fastest
}

func ratio(r float64) string {
	if r == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", r)
}

// thousands rounds to a whole number, and sets commas.
func thousands(v float64) string {
	s := strconv.FormatInt(int64(math.Round(v)), 10)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}
