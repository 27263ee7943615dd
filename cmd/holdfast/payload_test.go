package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPayloads(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string // value, or name=value,… | value
	}{
		{"nothing", "\n \n", nil},
		{"lines", "{\"a\":1}\n\n{\"b\":2}\r\n{\"c\":3}", []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}},
		{"one pretty value", "{\n  \"a\": [\n    1\n  ]\n}\n", []string{"{\n\"a\": [\n1\n]\n}"}},
		{"pretty values and lines", "{\n\"a\":1\n}\n{\"b\":2}\n[\n3]\n4\n", []string{"{\n\"a\":1\n}", `{"b":2}`, "[\n3]", "4"}},
		{"brackets in strings", `{"a":"}{\"["}` + "\n" + `{"b":"\\"}`, []string{`{"a":"}{\"["}`, `{"b":"\\"}`}},
		{"no JSON", "hello\n}\n{]\n", []string{"hello", "}", "{]"}},
		{"cut off at the end", "{\"a\":1}\n{\"b\":\n", []string{`{"a":1}`, `{"b":`}},
		{"cut off in the middle", "{\"a\":1,\n{\"b\":2}\n{\"c\":3}\n", []string{`{"a":1,`, `{"b":2}`, `{"c":3}`}},
		{"cut off inside a string", "{\"a\":\"x\n{\"b\":2}\n", []string{`{"a":"x`, `{"b":2}`}},
		{"payload file", `{"_meta":{"channel":"x"},"headers":{"X-Topic":"orders/create","N":7},"body":{"id":5}}`, []string{`N=7,X-Topic=orders/create | {"id":5}`}},
		{"payload files as lines", "{\"body\":[1]}\n{\"body\":null}\n{\"body\":\"a=b&c\"}\n", []string{"[1]", "null", "a=b&c"}},
		{"headers without body", `{"headers":{"a":"b"}}`, []string{`{"headers":{"a":"b"}}`}},
		{"headers of another form", `{"body":1,"headers":[]}`, []string{`{"body":1,"headers":[]}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			require.NoError(t, eachPayload(strings.NewReader(c.in), func(p payload) error {
				var headers []string
				for _, h := range p.headers {
					headers = append(headers, h.Key+"="+string(h.Value))
				}
				text := string(p.value)
				if headers != nil {
					text = strings.Join(headers, ",") + " | " + text
				}
				got = append(got, text)
				return nil
			}))
			require.Equal(t, c.want, got)
		})
	}
}

func TestPayloadsStream(t *testing.T) {
	// A value is sent when its line is there, not when the input ends.
	in := make(lineReader)
	got := make(chan string)
	go func() {
		defer close(got)
		err := eachPayload(in, func(p payload) error { got <- string(p.value); return nil })
		if err != nil {
			got <- err.Error()
		}
	}()
	for i := range 3 {
		line := fmt.Sprintf(`{"n":%d}`, i)
		in <- line + "\n"
		require.Equal(t, line, <-got)
	}
	close(in)
	_, more := <-got
	require.False(t, more)
}

type lineReader chan string

func (r lineReader) Read(b []byte) (int, error) {
	line, ok := <-r
	if !ok {
		return 0, io.EOF
	}
	return copy(b, line), nil
}

func TestValueThatNeverEnds(t *testing.T) {
	line := `{"` + strings.Repeat("x", 1<<20) + `":`
	n := 0
	require.NoError(t, eachPayload(strings.NewReader(strings.Repeat(line+"\n", 40)), func(p payload) error {
		require.Equal(t, line, string(p.value))
		n++
		return nil
	}))
	require.Equal(t, 40, n)
}

func TestLineThatNeverEnds(t *testing.T) {
	f, err := os.Open("/dev/zero")
	require.NoError(t, err)
	defer f.Close()
	require.ErrorContains(t, eachPayload(f, func(payload) error { return nil }), "a line of more than 33554432 bytes")
}

// Whatever a file says, it is sent line by line or value by value, and nothing of
// it is lost but space.
func FuzzPayload(f *testing.F) {
	for _, seed := range []string{"{\"a\":1}\n{\"b\":2}", "{\n\"a\": [\n1]}\n", `{"body":{"a":1},"headers":{"x":"y"}}`, `{"body":"text","headers":{"x":1}}`, "not json", "{\"a\":\"b\n", "]]]\n{", "{\n\n}", "\"\\", "{\"body\":null}", "\xff\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		total, files := 0, bytes.Contains(bytes.ToLower(text), []byte("body"))
		require.NoError(t, eachPayload(bytes.NewReader(text), func(p payload) error {
			require.LessOrEqual(t, len(p.value), len(text))
			total += len(bytes.Join(bytes.Fields(p.value), nil))
			return nil
		}))
		if want := len(bytes.Join(bytes.Fields(text), nil)); !files && !bytes.Contains(text, []byte(`\u`)) {
			require.Equal(t, want, total)
		}
	})
}
