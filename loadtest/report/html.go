package report

import (
	"html/template"
	"io"
)

// WriteHTML writes the report as one HTML file that needs nothing else.
func WriteHTML(w io.Writer, r *Result) error {
	return page.Execute(w, r)
}

var page = template.Must(template.New("page").Parse(`<!doctype html><meta charset="utf-8"><title>{{.Scenario}}: {{.Verdict}}</title><h1>{{.Scenario}}: {{.Verdict}}</h1><ul>{{range .Reasons}}<li>{{.}}{{end}}</ul>`))
