package main

import (
	"bytes"
	"encoding/json"
	"io"
)

// encodeJSON writes v and a line break. Without indent it is one line. < and &
// stay as they are: nothing here ends in a web page.
func encodeJSON(w io.Writer, v any, indent string) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	return e.Encode(v)
}

// compactJSON returns v on one line.
func compactJSON(v any) []byte {
	var b bytes.Buffer
	if err := encodeJSON(&b, v, ""); err != nil {
		panic("BUG: a value that isn't JSON: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// indentJSON returns v as people read it.
func indentJSON(v any) []byte {
	var b bytes.Buffer
	if err := encodeJSON(&b, v, "  "); err != nil {
		panic("BUG: a value that isn't JSON: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
