package report

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
)

// uPlot draws. Its files are those of its npm package, see uplot/SOURCE.
//
//go:embed uplot/uPlot.iife.min.js uplot/uPlot.min.css
//go:embed page
var files embed.FS

// shell is what every page has around its content.
type shell struct {
	Title      string
	Drawing    drawing
	Markers    []markerView
	UPlot      template.JS
	UPlotStyle template.CSS
	Script     template.JS
	Style      template.CSS
}

type markerView struct {
	Number         int
	Class          string
	At, Kind, Text string
}

func newShell(title string, d drawing) shell {
	s := shell{Title: title, Drawing: d,
		UPlot: template.JS(embedded("uplot/uPlot.iife.min.js")), UPlotStyle: template.CSS(embedded("uplot/uPlot.min.css")),
		Script: template.JS(embedded("page/plots.js")), Style: template.CSS(embedded("page/style.css"))}
	for i := range d.Markers {
		m := &d.Markers[i]
		v := markerView{Number: i + 1, At: clock(m.At), Kind: m.Kind, Text: m.Text}
		if m.Kind == MarkerFault || m.Kind == MarkerRestore {
			v.Class = m.Kind
		}
		s.Markers = append(s.Markers, v)
	}
	return s
}

func embedded(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic("BUG: a file that isn't embedded: " + err.Error())
	}
	return string(b)
}

// writePage fills the page of this name.
func writePage(w io.Writer, name string, view any) error {
	t, err := template.ParseFS(files, "page/layout.html", "page/"+name)
	if err != nil {
		return fmt.Errorf("BUG: the page %s: %w", name, err)
	}
	return t.ExecuteTemplate(w, name, view)
}

// reportView is a Result in words.
type reportView struct {
	shell
	Scenario, Facts, Text string
	Verdict               Verdict
	Version               int
	Good, Late            bool
	Reasons               []string
	Behind                string
	Thresholds            []thresholdView
	Latencies             []latencyView
	Totals                []totalView
	Growth                []growthView
	Outages               []string
	OutageNote            string
	Audit                 *auditView
}

type thresholdView struct {
	Name, Limit, Value string
	Kept               bool
}

type latencyView struct {
	Name, P50, P90, P99, P999, Max, Count string
}

type totalView struct {
	Label, Count string
}

type auditView struct {
	Passed     bool
	Verdict    string
	Text       string
	Violations []string
}

// WriteHTML writes the report as one HTML file that needs nothing else, and no
// network.
func WriteHTML(w io.Writer, r *Result) error {
	v := reportView{shell: newShell(r.Scenario+": "+string(r.Verdict), r.draw()),
		Scenario: r.Scenario, Facts: r.facts(), Text: r.Text, Verdict: r.Verdict, Version: r.Version, Good: r.Verdict == Go,
		Late: r.Behind.late(), Reasons: r.Reasons, Behind: r.Behind.words(), OutageNote: outageNote, Audit: r.Audit.view()}
	for i := range r.Outages {
		v.Outages = append(v.Outages, r.Outages[i].words())
	}
	for i := range r.Thresholds {
		t := &r.Thresholds[i]
		v.Thresholds = append(v.Thresholds, thresholdView{t.Name, t.limitWords(), t.valueWords(), t.Kept})
	}
	for i := range r.Latencies {
		l := &r.Latencies[i]
		v.Latencies = append(v.Latencies, latencyView{l.Name, millis(l.P50), millis(l.P90), millis(l.P99), millis(l.P999), millis(l.Max), count(l.Count)})
	}
	for i := range r.Growth {
		v.Growth = append(v.Growth, r.Growth[i].view())
	}
	for _, f := range r.Totals.figures() {
		v.Totals = append(v.Totals, totalView{f.label, count(f.count)})
	}
	return writePage(w, "report.html", v)
}

func (a *Audit) view() *auditView {
	if a == nil {
		return nil
	}
	v := &auditView{Passed: a.Verdict == auditPass, Verdict: a.Verdict, Text: a.words()}
	for _, rule := range slices.Sorted(maps.Keys(a.Violations)) {
		v.Violations = append(v.Violations, rule+": "+count(a.Violations[rule]))
	}
	return v
}

// auditPass is the verdict of an audit that found nothing.
const auditPass = "pass"
