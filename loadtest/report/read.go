package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// What Read takes at most. A run of a day with a dozen latencies has some 40 MB.
const (
	fileBytesMax = 64 << 20
	// Objects and commas of a file bound the memory that its values take: a few
	// bytes of JSON may be a hundred in memory.
	fileObjectsMax = 1 << 20
	fileCommasMax  = 1 << 23
)

// Read reads a Result from JSON and validates it. Fields that it doesn't know
// are left out; any other version is an error.
func Read(r io.Reader) (*Result, error) {
	data, err := io.ReadAll(io.LimitReader(r, fileBytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	return parse(data)
}

func parse(data []byte) (*Result, error) {
	if err := limit(data); err != nil {
		return nil, err
	}
	if err := outline(data); err != nil {
		return nil, err
	}
	r := &Result{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("not the JSON of a load test's result: %w", err)
	}
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return r, nil
}

// outline looks at the version, since what another one means by a field isn't
// known, and at how long the lists are, since {} in one of them is a hundred
// bytes and more in memory.
func outline(data []byte) error {
	var o struct {
		Version    *int              `json:"version"`
		Reasons    []json.RawMessage `json:"reasons"`
		Thresholds []json.RawMessage `json:"thresholds"`
		Phases     []json.RawMessage `json:"phases"`
		Markers    []json.RawMessage `json:"markers"`
		Outages    []json.RawMessage `json:"outages"`
		Latencies  []json.RawMessage `json:"latencies"`
		Series     []json.RawMessage `json:"series"`
		Growth     []json.RawMessage `json:"growth"`
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return fmt.Errorf("not the JSON of a load test's result: %w", err)
	}
	switch {
	case o.Version == nil:
		return errors.New("not a load test's result: it has no version")
	case *o.Version != Version:
		return fmt.Errorf("a load test's result of version %d: this program reads version %d; use the one that wrote it, or a newer one", *o.Version, Version)
	}
	v := &validator{}
	v.list("reasons", len(o.Reasons), listMax)
	v.list("thresholds", len(o.Thresholds), listMax)
	v.list("phases", len(o.Phases), listMax)
	v.list("markers", len(o.Markers), listMax)
	v.list("outages", len(o.Outages), listMax)
	v.list("latencies", len(o.Latencies), latenciesMax)
	v.list("series", len(o.Series), seriesMax)
	v.list("growth", len(o.Growth), seriesMax)
	return v.err()
}

// limit counts before anything is allocated. Braces and commas inside strings
// count too: a scenario has few of them.
func limit(data []byte) error {
	if len(data) > fileBytesMax {
		return fmt.Errorf("the file has more than %d MiB, more than a load test's result may have", fileBytesMax>>20)
	}
	objects, commas := 0, 0
	for _, b := range data {
		switch b {
		case '{':
			objects++
		case ',':
			commas++
		}
	}
	if objects > fileObjectsMax || commas > fileCommasMax {
		return fmt.Errorf("the file has %d objects and %d commas, a load test's result may have %d and %d",
			objects, commas, fileObjectsMax, fileCommasMax)
	}
	return nil
}

// Write writes the Result as JSON that Read takes. Its version is set, and texts
// that are too long are cut: a long error must not cost what a run of hours has
// measured. What isn't valid otherwise is an error, and nothing is written.
func (r *Result) Write(w io.Writer) error {
	r.Version = Version
	r.cutTexts()
	if err := r.Validate(); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing a result: %w", err)
	}
	if err := limit(data); err != nil {
		return fmt.Errorf("writing a result: %w", err)
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// cutTexts cuts those that tell of what happened, which nobody has limited yet.
func (r *Result) cutTexts() {
	r.Reasons = r.Reasons[:min(len(r.Reasons), listMax)]
	for i, reason := range r.Reasons {
		r.Reasons[i] = cutTo(reason, lineBytesMax)
	}
	for i := range r.Markers {
		r.Markers[i].Text = cutTo(r.Markers[i].Text, lineBytesMax)
	}
}
