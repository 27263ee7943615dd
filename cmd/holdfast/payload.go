package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// payload is a record's value and headers as they were written down.
type payload struct {
	value   []byte
	headers []kgo.RecordHeader
}

// valueLinesMax bounds a line, and what is gathered of a value that spans lines:
// twice what any topic takes.
const valueLinesMax = 32 << 20

// eachPayload calls fn for everything to be sent in r.
//
// A line that ends outside of any bracket is a value, whatever it is. A line that
// opens more than it closes begins a value that goes on, up to the line that
// closes it. Where none does, the lines were no JSON, and are sent one by one.
func eachPayload(r io.Reader, fn func(payload) error) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	var v valueLines
	for {
		line, err := readLine(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		ended := err != nil
		if line = bytes.TrimSpace(line); len(line) > 0 {
			v.add(line)
		}
		for _, value := range v.take(ended) {
			if err := fn(readPayload(value)); err != nil {
				return err
			}
		}
		if ended {
			return nil
		}
	}
}

// readLine returns a line with its end, as ReadBytes does, up to a bound.
func readLine(from *bufio.Reader) (line []byte, err error) {
	for {
		part, err := from.ReadSlice('\n')
		if len(line)+len(part) > valueLinesMax {
			return nil, fmt.Errorf("a line of more than %d bytes, which no topic takes", valueLinesMax)
		}
		if line = append(line, part...); !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// valueLines gathers the lines of a value. It counts brackets and no more: what
// is well formed isn't decided here.
type valueLines struct {
	lines [][]byte
	bytes int
	depth int
	torn  bool // a line ended inside a string, which no JSON does
}

func (v *valueLines) add(line []byte) {
	v.lines = append(v.lines, line)
	v.bytes += len(line)
	inString, escaped := false, false
	for _, c := range line {
		switch {
		case escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			v.depth++
		case c == '}' || c == ']':
			v.depth--
		}
	}
	v.torn = v.torn || inString
}

// take returns the values that are complete, all there are at the end.
func (v *valueLines) take(ended bool) [][]byte {
	whole := v.depth <= 0 && !v.torn
	if len(v.lines) == 0 || !whole && !ended && !v.torn && v.bytes <= valueLinesMax {
		return nil
	}
	values := v.lines
	if whole {
		values = [][]byte{bytes.Join(v.lines, []byte("\n"))}
	}
	*v = valueLines{}
	return values
}

// readPayload takes a payload file apart; anything else is a value as it is.
func readPayload(value []byte) payload {
	var file struct {
		Body    json.RawMessage            `json:"body"`
		Headers map[string]json.RawMessage `json:"headers"`
	}
	if json.Unmarshal(value, &file) != nil || file.Body == nil {
		return payload{value: value}
	}
	p := payload{value: textOrJSON(file.Body)}
	for _, name := range slices.Sorted(maps.Keys(file.Headers)) {
		p.headers = append(p.headers, kgo.RecordHeader{Key: name, Value: textOrJSON(file.Headers[name])})
	}
	return p
}

// textOrJSON returns what a string says, and of anything else its JSON: so a
// payload file can hold a body that isn't JSON.
func textOrJSON(raw json.RawMessage) []byte {
	var text string
	if json.Unmarshal(raw, &text) == nil && !bytes.Equal(raw, []byte("null")) {
		return []byte(text)
	}
	return raw
}
