package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// Report is all that was rehearsed, and on what.
type Report struct {
	At      string   `json:"at"`
	CPUs    int      `json:"cpus"`
	Kafka   string   `json:"kafka"`
	Seconds float64  `json:"seconds"`
	Passed  bool     `json:"passed"`
	Results []Result `json:"results"`
}

// failed counts the drills that did.
func (r *Report) failed() (n int) {
	for i := range r.Results {
		if !r.Results[i].Passed {
			n++
		}
	}
	return n
}

// write is the table for people, with a line below it for each measure and for
// each failure.
func (r *Report) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(t, "| fault\t| expected\t| how\t| result\t| took\t|")
	fmt.Fprintln(t, "|---\t|---\t|---\t|---\t|---\t|")
	for i := range r.Results {
		one := &r.Results[i]
		result := "pass"
		if !one.Passed {
			result = "FAIL"
		}
		var measured []string
		for _, m := range one.Measured {
			text := fmt.Sprintf("%s: %.1f s", m.What, m.Seconds)
			if m.Bound > 0 {
				text += fmt.Sprintf(" of %.0f s", m.Bound)
			}
			measured = append(measured, text)
		}
		if len(measured) > 0 {
			result += " (" + strings.Join(measured, "; ") + ")"
		}
		fmt.Fprintf(t, "| %s\t| %s\t| %s\t| %s\t| %.0f s\t|\n", one.Fault, one.Expected, one.How, result, one.Seconds)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	for i := range r.Results {
		if one := &r.Results[i]; !one.Passed {
			fmt.Fprintf(w, "%s FAILED: %s (see %s)\n", one.Name, one.Reason, one.Dir)
		}
	}
	fmt.Fprintf(w, "%d of %d drills passed in %.0f s, on %d CPUs\n", len(r.Results)-r.failed(), len(r.Results), r.Seconds, r.CPUs)
	return nil
}

func (r *Report) save(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	return nil
}
