package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"holdfast/loadtest/audit"
)

// TestBadInput sends what nobody should send to a node that runs, by the script
// in testdata: `send TOPIC` with the value below it, and what comes of it. A
// dead letter shows its value only where that isn't the one that was sent.
//
//	await=(dlq,order.events)  where something comes of it; dlq unless said
//	await=stock.events        the next about the same SKU
//	await=nothing             nothing comes of it, which the counts at the end show
//	key=K                     instead of the one found in the value
//	headers=N                 so many headers
//	lines=N fill=N            $LINES and $FILL stand for N order lines, N times "x"
//	hex                       the value is written in hexadecimal digits
//	tombstone=K               no value
func TestBadInput(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply")
	n := h.startNode(t.TempDir())
	s := &badInput{h: h, outputs: map[string]*follower{}, seen: map[string]int{}}
	for _, topic := range []string{"dlq", "order.events", "stock.events"} {
		s.outputs[topic] = h.follow(topic)
	}
	h.sendText(`{"id":"HCM-1"}`, "warehouses")
	h.sendText(`{"event_id":"s-1","type":"stock.count","sku":"TEE","warehouse":"HCM-1","qty":100}`, "stock.feed")
	h.follow("channel.web.stock").until(func(r tailed) bool { return r.field("sellable") == 100.0 })
	datadriven.RunTest(t, "testdata/bad_input", s.directive)

	report := decodeJSON[audit.Report](t, h.good("audit", "--settle", "-o", "json"))
	require.Equal(t, audit.Pass, report.Verdict)
	require.Zero(t, report.InFlight)
	for topic, n := range s.seen {
		require.Len(t, h.tail(topic), n, "%s: nothing beside what was awaited", topic)
	}
	n.stop()
}

// badInput is a run of the script.
type badInput struct {
	h       *harness
	outputs map[string]*follower
	seen    map[string]int // records of an output that were awaited
}

func (s *badInput) directive(t *testing.T, d *datadriven.TestData) string {
	if d.Cmd != "send" {
		d.Fatalf(t, "unknown directive %s", d.Cmd)
	}
	topic, value := d.CmdArgs[0].Key, valueOf(t, d)
	sent := s.h.sendText(value, topic, flagsOf(t, d)...)
	var await []string
	if !d.HasArg("await") {
		await = []string{"dlq"}
	}
	for _, arg := range d.CmdArgs {
		if arg.Key == "await" && arg.Vals[0] != "nothing" {
			await = arg.Vals
		}
	}
	var out strings.Builder
	for _, topic := range await {
		out.WriteString(s.outcome(t, topic, value, sent))
	}
	return out.String()
}

// outcome waits for what comes of a value, and puts it in words that are the same
// in every run.
func (s *badInput) outcome(t *testing.T, topic, value string, sent sendReport) string {
	f := s.outputs[topic]
	switch topic {
	case "stock.events":
		var in struct{ SKU string }
		require.NoError(t, json.Unmarshal([]byte(value), &in))
		r := f.until(func(r tailed) bool { return *r.Key == in.SKU })
		return fmt.Sprintf("%s at %v: %v on hand\n", *r.Key, r.field("warehouse"), r.field("on_hand"))
	case "order.events":
		r := f.next()
		s.seen[topic]++
		words := fmt.Sprintf("%s %v %v, %v", *r.Key, r.field("seq"), r.field("type"), r.field("status"))
		if reason := r.field("reason"); reason != "" {
			words += fmt.Sprintf(": %v", reason)
		}
		return words + "\n"
	}
	r := f.next()
	s.seen[topic]++
	require.True(t, isFrom(r, sent), "%v of %v", r.Headers, sent)
	message, _ := r.Headers["__streams.errors.message"].(string)
	words := fmt.Sprintf("dead letter %s: %s\n", r.reason(), regexp.MustCompile(`\d{4}\.\d days old`).ReplaceAllString(message, "… days old"))
	if !sameValue(t, value, r.Value) {
		b, err := json.Marshal(r.Value)
		require.NoError(t, err)
		words += fmt.Sprintf("value %s\n", regexp.MustCompile(`"occurred_at":"[^"]*"`).ReplaceAll(b, []byte(`"occurred_at":"…"`)))
	}
	return words
}

func valueOf(t *testing.T, d *datadriven.TestData) string {
	value := d.Input
	if d.HasArg("lines") {
		var n int
		d.ScanArgs(t, "lines", &n)
		lines := slices.Repeat([]string{`{"sku":"TEE","qty":1}`}, n)
		value = strings.Replace(value, "$LINES", strings.Join(lines, ","), 1)
	}
	if d.HasArg("fill") {
		var n int
		d.ScanArgs(t, "fill", &n)
		value = strings.Replace(value, "$FILL", strings.Repeat("x", n), 1)
	}
	if d.HasArg("hex") {
		b, err := hex.DecodeString(value)
		require.NoError(t, err)
		value = string(b)
	}
	return value
}

func flagsOf(t *testing.T, d *datadriven.TestData) (flags []string) {
	for _, name := range []string{"key", "tombstone"} {
		if d.HasArg(name) {
			var value string
			d.ScanArgs(t, name, &value)
			flags = append(flags, "--"+name, value)
		}
	}
	if d.HasArg("headers") {
		var n int
		d.ScanArgs(t, "headers", &n)
		for i := range n {
			flags = append(flags, "--header", fmt.Sprintf("h%d=x", i))
		}
	}
	return flags
}
