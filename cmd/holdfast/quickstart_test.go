package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	compiler "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"holdfast/topology/schema"
)

// TestQuickStart does what the README's quick start says, command by command, on
// the embedded broker: what a newcomer types must work as it stands there.
func TestQuickStart(t *testing.T) {
	h, _ := withBroker(t)
	quickStart(t, h)
}

// quickStart runs the README's commands against the broker that h knows.
func quickStart(t *testing.T, h *harness) {
	commands := quickStartCommands(t)
	require.LessOrEqual(t, len(commands), 7, "a start of more commands isn't quick")
	n := h.startNode(t.TempDir()) // waits for no topics: it is started again below
	require.Equal(t, exitFailed, n.ended(), "a node without topics says so and ends")
	require.Contains(t, n.log.String(), "topics apply")
	var said string
	for _, line := range commands {
		words := strings.Fields(strings.TrimSuffix(line, "&"))
		if words[0] == "make" {
			continue // the test is the binary
		}
		require.Equal(t, "bin/holdfast", words[0], line)
		args := expand(t, words[1:])
		switch args[0] {
		case "broker": // it runs
		case "run":
			require.Equal(t, "--data-dir", args[1], line)
			n = h.startNode(t.TempDir(), args[3:]...)
		default:
			said = h.good(args...)
		}
	}
	require.Contains(t, said, "W-1001")
	require.Contains(t, said, "shipped")
	quickStartCameOut(t, h)
	publicRecordsFitTheirSchemas(t, h)
	n.stop()
}

// quickStartCameOut checks what the example's orders became.
func quickStartCameOut(t *testing.T, h *harness) {
	status := map[string]string{}
	for _, r := range h.tail("order.events") {
		status[*r.Key], _ = r.field("status").(string)
	}
	require.Equal(t, map[string]string{
		"web/main/W-1001": "shipped", "web/main/W-1002": "allocated", "web/main/W-1003": "partly_short", "web/main/W-1004": "rejected",
		"shopee/main/251111AAAA": "allocated",
	}, status)
	require.Empty(t, h.tail("dlq"))
	h.good("audit", "--settle")
}

// quickStartCommands returns the commands of the README's section.
func quickStartCommands(t *testing.T) []string {
	b, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(b), "\n## Quick start\n")
	require.True(t, ok)
	_, rest, ok = strings.Cut(rest, "```sh\n")
	require.True(t, ok)
	block, _, ok := strings.Cut(rest, "```")
	require.True(t, ok)
	var commands []string
	for line := range strings.Lines(block) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			commands = append(commands, line)
		}
	}
	return commands
}

// expand resolves the shell's patterns, from the repository's root.
func expand(t *testing.T, words []string) (out []string) {
	for _, w := range words {
		if !strings.HasPrefix(w, "examples/") {
			out = append(out, w)
			continue
		}
		files, err := filepath.Glob("../../" + w)
		require.NoError(t, err)
		require.NotEmpty(t, files, w)
		out = append(out, files...)
	}
	return out
}

// publicRecordsFitTheirSchemas checks every record of every public topic.
func publicRecordsFitTheirSchemas(t *testing.T, h *harness) {
	c := compiler.NewCompiler()
	c.AssertFormat()
	schemas := map[string]*compiler.Schema{}
	for _, name := range schema.Names() {
		b, err := schema.JSON(name)
		require.NoError(t, err)
		doc, err := compiler.UnmarshalJSON(bytes.NewReader(b))
		require.NoError(t, err)
		require.NoError(t, c.AddResource(name, doc))
		schemas[name], err = c.Compile(name)
		require.NoError(t, err)
	}
	checked := map[string]int{}
	for _, topic := range []string{"warehouses", "channels", "catalog", "stock.feed", "fulfilment.feed", "channel.web.orders", "channel.shopee.orders",
		"order.events", "stock.events", "channel.web.stock", "channel.shopee.stock", "channel.web.status"} {
		name, ok := schema.OfTopic(topic)
		require.True(t, ok, topic)
		for _, r := range h.tail(topic) {
			b, err := json.Marshal(r.Value)
			require.NoError(t, err)
			v, err := compiler.UnmarshalJSON(bytes.NewReader(b))
			require.NoError(t, err)
			require.NoError(t, schemas[name].Validate(v), "%s: %s", topic, b)
			checked[name]++
		}
	}
	require.Len(t, checked, len(schemas), "each schema was used: %v", checked)
}
