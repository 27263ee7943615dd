package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"

	"holdfast/topology"
)

// TestStateDump: both outputs hold the same rows.
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
	text := h.good(dump...)
	var lines []string
	for line := range strings.Lines(h.good(append(dump, "-o", "json")...)) {
		row := decodeJSON[rowLine](t, line)
		require.Equal(t, "inventory", row.Stage)
		require.Equal(t, row.Key, strconv.Quote(string(row.KeyBytes)))
		require.NotEmpty(t, row.Value)
		require.Empty(t, row.Err)
		lines = append(lines, fmt.Sprintf("%s %s %s\n", row.Key, row.Kind, compactJSON(row.Row.Row)))
	}
	require.Len(t, lines, 4, "an item, an event id, its end, and the first of those")
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		key, _, _ := strings.Cut(lines[i], " ")
		require.True(t, strings.HasPrefix(line, key+" "), line)
	}
	require.Contains(t, text, `"iTEE-RED-M" item {"SKU":"","Fed":true,`)
	require.Contains(t, text, `"OnHand":100`)
	require.Equal(t, 1, strings.Count(h.good(append(dump, "--prefix", "iTEE")...), "\n"))
	require.Equal(t, 1, strings.Count(h.good(append(dump, "--prefix", `"eTEE-RED-M\x00"`)...), "\n"))
	require.Empty(t, h.good(append(dump, "--prefix", "z")...))
	require.Contains(t, h.bad(exitUsage, append(dump, "--prefix", `"z`)...), "isn't in quotes")

	dump[2] = "intake"
	require.Contains(t, h.bad(exitUsage, dump...), `stage "intake" keeps no state`)
	dump[2], dump[3] = "inventory", "7"
	require.Contains(t, h.bad(exitFailed, dump...), filepath.Join("inventory", "7"))
}

// TestDamageHaltsAndIsMended: a store that lost a row is told from sound ones by
// whoever looks; a running node halts its partition and goes on with the others;
// the store is put aside, built anew from the changelog, and nothing was lost.
func TestDamageHaltsAndIsMended(t *testing.T) {
	h, _ := withBroker(t)
	two := []string{"--set", "topics.log_partitions=2", "--set", "updates.window=20ms"}
	h.good(append([]string{"topics", "apply"}, two...)...)
	dir := t.TempDir()
	n := h.startNode(dir, two...)
	slots := topology.DefaultSlots(topology.LogInventory, 2)
	sku := map[int32]string{}
	for i := 0; len(sku) < 2; i++ {
		name := fmt.Sprintf("TEE-%d", i)
		sku[slots.Partition([]byte(name))] = name
	}
	h.sendText(`{"id":"HCM-1"}`, "warehouses")
	for _, name := range sku {
		h.sendText(fmt.Sprintf(`{"holdfast":1,"event_id":"s-%s","type":"stock.count","sku":%q,"warehouse":"HCM-1","qty":10}`, name, name), "stock.feed")
	}
	events := h.follow("order.events")
	order := func(id string, name string) {
		h.sendText(fmt.Sprintf(`{"holdfast":1,"event_id":"e-%s","type":"order.created","channel":"web","order_id":%q,"order":{"payment":"unpaid","hold_seconds":3600,"lines":[{"sku":%q,"qty":2}]}}`, id, id, name), "channel.web.orders")
	}
	held := func(id string) {
		events.until(func(r tailed) bool { return *r.Key == "web/main/"+id && r.field("status") == "held" })
	}
	order("W-1", sku[0])
	held("W-1")
	n.stop()
	stateCommand := func(args ...string) []string {
		return append(append([]string{"state"}, args...), append(two, "--data-dir", dir)...)
	}
	require.Contains(t, h.good(stateCommand("verify")...), "inventory/0: same, and sound: ")

	// The hold of W-1 gets lost.
	hold := "h" + sku[0] + "\x00web/main/W-1"
	loseKey(t, filepath.Join(dir, "inventory", "0", "pebble"), hold)
	said := h.run(stateCommand("verify")...)
	require.Equal(t, exitViolation, said.code, said.errout)
	require.Contains(t, said.out, "inventory/0: WRONG: ")
	require.Contains(t, said.out, fmt.Sprintf("key %q isn't as in the changelog", hold))
	require.Contains(t, said.out, fmt.Sprintf("counters at key %q: expected 0 holds", "i"+sku[0]))
	require.Contains(t, said.out, "inventory/1: same, and sound: ")
	story := h.good(stateCommand("explain", "inventory", "0", strconv.Quote(hold))...)
	require.Contains(t, story, "nothing is stored.\nThat ISN'T what the changelog says")
	require.Contains(t, story, ` put input `)
	require.Contains(t, story, `hold {"OrderKey":"web/main/W-1","Attempt":1,"Allocated":false,"Requested":2`)
	require.Contains(t, story, "holdfast explain 'web/main/W-1'\n")

	n = h.startNode(dir, append(two, "--set", "state.verify_keys=100000")...)
	require.Eventually(t, func() bool { return strings.Contains(n.log.String(), "partition halted") }, answerWithin, 5*time.Millisecond)
	require.Contains(t, n.log.String(), "BUG: its state can't be: counters at key ")
	order("W-2", sku[0]) // waits
	order("W-3", sku[1])
	held("W-3")
	require.Contains(t, h.bad(exitFailed, stateCommand("verify")...), "is in use by another process")
	n.cancel()
	require.Equal(t, exitGood, n.ended())
	require.Equal(t, 1, strings.Count(n.log.String(), "partition halted"))

	reset := stateCommand("reset", "inventory", "0")
	require.Contains(t, h.good(reset...), "With --yes, the one of inventory/0 is put aside.")
	require.Contains(t, h.good(append(reset, "--yes")...), filepath.Join("inventory", "0.corrupt-1"))
	require.Contains(t, h.bad(exitFailed, reset...), "no store of inventory/0")
	n = h.startNode(dir, append(two, "--set", "state.verify_keys=100000")...)
	held("W-2")
	h.good(append([]string{"audit", "--settle"}, two...)...)
	n.stop()
	require.Contains(t, h.good(stateCommand("verify")...), "inventory/0: same, and sound: ")
	story = h.good(stateCommand("explain", "inventory", "0", strconv.Quote(hold))...)
	require.NotContains(t, story, "ISN'T")
	require.Contains(t, h.bad(exitUsage, stateCommand("explain", "intake", "0", "k")...), "keeps no state")
}

// loseKey deletes a key behind the store's back.
func loseKey(t *testing.T, dir, key string) {
	t.Helper()
	db, err := pebble.Open(dir, &pebble.Options{Logger: quietPebble{}, DisableWAL: true, FormatMajorVersion: pebble.FormatValueSeparation})
	require.NoError(t, err)
	_, closer, err := db.Get([]byte(key))
	require.NoError(t, err)
	require.NoError(t, closer.Close())
	require.NoError(t, db.Delete([]byte(key), pebble.NoSync))
	require.NoError(t, db.Flush())
	require.NoError(t, db.Close())
}

type quietPebble struct{}

func (quietPebble) Infof(string, ...any)  {}
func (quietPebble) Errorf(string, ...any) {}
func (quietPebble) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}
