package main

import (
	"encoding/base64"
	"encoding/hex"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStateDump: both outputs hold the same entries.
func TestStateDump(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply", "--set", "topics.log_partitions=1")
	dir := t.TempDir()
	n := h.startNode(dir, "--set", "topics.log_partitions=1")
	h.sendText(`{"id":"HCM-1"}`, "warehouses")
	h.sendText(`{"holdfast":1,"event_id":"s-1","type":"stock.count","sku":"TEE-RED-M","warehouse":"HCM-1","qty":100}`, "stock.feed")
	h.follow("channel.web.stock").until(func(r tailed) bool { return r.field("sellable") == 100.0 })
	n.stop()
	dump := []string{"state", "dump", "inventory", "0", "--data-dir", dir, "--set", "topics.log_partitions=1"}
	type entry struct {
		Key   any
		Value []byte
	}
	got := decodeJSON[struct {
		Stage     string
		Partition int
		Entries   []entry
	}](t, h.good(append(dump, "-o", "json")...))
	require.Equal(t, "inventory", got.Stage)
	require.NotEmpty(t, got.Entries)
	var lines []string
	for _, e := range got.Entries {
		key, ok := e.Key.(string)
		if !ok {
			b, err := base64.StdEncoding.DecodeString(e.Key.(map[string]any)["bytes"].(string))
			require.NoError(t, err)
			key = string(b)
		}
		lines = append(lines, strconv.Quote(key)+" "+hex.EncodeToString(e.Value)+"\n")
	}
	text := h.good(dump...)
	require.Equal(t, strings.Join(lines, ""), text)
	require.Contains(t, text, "TEE-RED-M")

	dump[2] = "intake"
	require.Contains(t, h.bad(exitUsage, dump...), `stage "intake" keeps no state`)
	dump[2], dump[3] = "inventory", "7"
	require.Contains(t, h.bad(exitFailed, dump...), filepath.Join("inventory", "7"))
}
