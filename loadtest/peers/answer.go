package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// Answer is what a contender measured: the JSON object on its standard output.
type Answer struct {
	Bench         string  `json:"bench"`
	Records       int64   `json:"records"`
	Seconds       float64 `json:"seconds"`
	PerSecond     float64 `json:"per_second"`
	CPUSeconds    float64 `json:"cpu_seconds"` // of the contender's process; the broker's isn't in it
	PerCoreSecond float64 `json:"per_core_second"`
	RSSMiB        int64   `json:"rss_mib"` // peak
	Accepted      int64   `json:"accepted"`
	Rejected      int64   `json:"rejected"`

	// What Holdfast says beyond that.
	Lines        int64   `json:"lines,omitempty"`
	Transactions int64   `json:"transactions,omitempty"`
	CommitMillis float64 `json:"commit_ms,omitempty"`
}

// required are the fields that no answer may leave out: a zero that nobody
// measured would look like a figure.
func required() []string {
	return []string{"bench", "records", "seconds", "per_second", "cpu_seconds", "per_core_second", "rss_mib", "accepted", "rejected"}
}

// ParseAnswer reads standard output: one JSON object with no field that isn't
// known, and nothing behind it. The figures must belong together. It reports
// all that is wrong at once.
func ParseAnswer(out []byte, lines int64) (Answer, error) {
	var a Answer
	d := json.NewDecoder(bytes.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return a, fmt.Errorf("reading the answer %.200q: %w", out, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return a, fmt.Errorf("reading the answer: more behind its JSON object: %.200q", out)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(out, &fields); err != nil {
		return a, fmt.Errorf("reading the answer: %w", err)
	}
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("the answer: "+format, args...))
		}
	}
	for _, name := range required() {
		value, ok := fields[name]
		check(ok && string(value) != "null", "%s is missing", name)
	}
	if len(errs) > 0 {
		return a, errors.Join(errs...)
	}
	check(a.Bench == "inventory", "bench %q, must be inventory", a.Bench)
	check(a.Records == lines, "%d records, must be the %d that were asked for", a.Records, lines)
	check(a.Accepted >= 0 && a.Rejected >= 0 && a.Accepted+a.Rejected == a.Records, "%d accepted and %d rejected of %d records", a.Accepted, a.Rejected, a.Records)
	check(a.Seconds > 0 && near(a.PerSecond, float64(a.Records)/a.Seconds), "%g a second, and %d records in %g s", a.PerSecond, a.Records, a.Seconds)
	check(a.CPUSeconds > 0 && near(a.PerCoreSecond, float64(a.Records)/a.CPUSeconds), "%g per core-second, and %d records in %g CPU seconds", a.PerCoreSecond, a.Records, a.CPUSeconds)
	check(a.RSSMiB > 0, "a peak resident set of %d MiB", a.RSSMiB)
	return a, errors.Join(errs...)
}

// AcceptedShare is 0 to 1.
func (a *Answer) AcceptedShare() float64 { return float64(a.Accepted) / float64(a.Records) }

// near allows for rounding in the text.
func near(a, b float64) bool { return math.Abs(a-b) <= 0.001*math.Abs(b) }
