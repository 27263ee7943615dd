package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/audit"
)

// TestAuditGoesOnFromACheckpoint: an audit with a file reads only what is new,
// knows what was before, and doesn't take another's file.
func TestAuditGoesOnFromACheckpoint(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply")
	n := h.startNode(t.TempDir())
	events := h.follow("order.events")
	order := func(id, event, what string) {
		h.sendText(`{"holdfast":1,"event_id":"`+event+`","channel":"web","order_id":"`+id+`",`+what+`}`, "channel.web.orders")
	}
	h.sendText(`{"id":"HCM-1"}`, "warehouses")
	h.sendText(`{"holdfast":1,"event_id":"s-1","type":"stock.count","sku":"TEE","warehouse":"HCM-1","qty":100}`, "stock.feed")
	h.follow("channel.web.stock").until(func(r tailed) bool { return r.field("sellable") == 100.0 })
	order("1", "e-1", `"type":"order.created","order":{"payment":"unpaid","lines":[{"sku":"TEE","qty":3}]}`)
	require.Equal(t, "held", events.next().field("status"))

	file := filepath.Join(t.TempDir(), "checkpoint")
	run := func(args ...string) audit.Report {
		return decodeJSON[audit.Report](t, h.good(append([]string{"audit", "--settle", "-o", "json"}, args...)...))
	}
	first := run("--checkpoint", file)
	require.Equal(t, []any{audit.Pass, 1, int64(3), 1}, []any{first.Verdict, first.Orders, int64(first.UnitsHeld), first.OpenHolds})
	require.Positive(t, first.RSSMiB)
	require.Positive(t, first.Seconds)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())

	order("1", "e-2", `"type":"order.paid"`)
	require.Equal(t, "allocated", events.next().field("status"))
	order("2", "e-3", `"type":"order.created","order":{"payment":"prepaid","lines":[{"sku":"TEE","qty":2}]}`)
	require.Equal(t, "allocated", events.next().field("status"))
	whole, second := run(), run("--checkpoint", file)
	for _, r := range []*audit.Report{&whole, &second} {
		r.Seconds, r.RSSMiB, r.Records = 0, 0, 0 // ticks come in between
	}
	require.Equal(t, whole, second)
	require.Equal(t, []any{audit.Pass, 2, int64(0), int64(5)}, []any{second.Verdict, second.Orders, int64(second.UnitsHeld), int64(second.UnitsAllocated)})

	damaged := readFile(t, file)
	require.NoError(t, os.WriteFile(file, append([]byte(damaged), 'x'), 0o600))
	require.Contains(t, h.bad(1, "audit", "--checkpoint", file), "the checkpoint can't be used: it is damaged")
	n.stop()
}
