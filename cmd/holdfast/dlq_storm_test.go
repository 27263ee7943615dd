package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
)

// paused returns the node's paused partitions.
func (n *testNode) paused() (list []processor.PartitionStatus) {
	type report struct{ Partitions []processor.PartitionStatus }
	_, body := get(n.t, n.adminOf()+"/status")
	for _, p := range decodeJSON[report](n.t, body).Partitions {
		if p.Phase == "paused" {
			list = append(list, p)
		}
	}
	return list
}

// A channel sends garbage: its partition is paused, loudly, also by the next life
// of the node; the others go on; and once an operator lets it go on, every record
// is where it belongs.
func TestDeadLetterStorm(t *testing.T) {
	h, _ := withBroker(t)
	h.environ = append(h.environ, "HOLDFAST_CHANNELS=web,pos", "HOLDFAST_TOPICS_PUBLIC_PARTITIONS=1", "HOLDFAST_INTAKE_DEAD_LETTERS_MAX=20")
	h.good("topics", "apply")
	dir := t.TempDir()
	n := h.startNode(dir, "--admin-listen", "127.0.0.1:0")
	awaitReady(t, n.adminOf())

	order := func(channel, id string) string {
		return strings.NewReplacer("web", channel, "W-1", id).Replace(`{"holdfast":1,"event_id":"e-1","type":"order.created","channel":"web","order_id":"W-1","order":{"payment":"prepaid","allow":"all","lines":[{"line":"1","sku":"TEE","qty":1}]}}`) + "\n"
	}
	garbage := func(n int) string { return strings.Repeat(`{"holdfast":1,"type":"garbage"}`+"\n", n) }
	h.sendText(garbage(30), "channel.web.orders")
	lookUntil(t, "the partition is paused", func() bool { return len(n.paused()) == 1 })
	p := n.paused()[0]
	require.Equal(t, "holdfast.channel.web.orders", p.Topic)
	require.Contains(t, p.Reason, "too many dead letters")
	require.Contains(t, p.Reason, "holdfast dlq resume holdfast.channel.web.orders/0")
	_, ready := get(t, n.adminOf()+"/readyz")
	require.Contains(t, ready, "1 of them paused for their dead letters")
	require.Equal(t, 1.0, scrape(t, n.adminOf()).sum("holdfast_partitions", "stage=intake", "phase=paused"))

	// What comes now waits, and the others go on.
	orders := h.follow("order.events")
	h.sendText(order("web", "W-1")+garbage(50), "channel.web.orders")
	h.sendText(order("pos", "P-1"), "channel.pos.orders")
	require.Equal(t, "pos/main/P-1", orders.next().field("order_key"))
	require.Len(t, h.tail("dlq"), 30)

	// The next life counts anew, and pauses too: after a poll at most.
	n.cancel()
	require.Equal(t, exitGood, n.ended())
	n = h.startNode(dir, "--admin-listen", "127.0.0.1:0")
	lookUntil(t, "the partition is paused again", func() bool { return len(n.paused()) == 1 })
	require.Equal(t, "web/main/W-1", orders.next().field("order_key"))
	require.Len(t, h.tail("dlq"), 80)

	h.sendText(garbage(100)+order("web", "W-2"), "channel.web.orders")
	require.Contains(t, h.good("dlq", "resume", "channel.web.orders/0"), "would be let through before offset 182\nnothing was done, --yes does it\n")
	require.Contains(t, h.bad(exitUsage, "dlq", "resume", "order.events/0"), "only what intake reads is ever paused")
	require.Contains(t, h.bad(exitUsage, "dlq", "resume", "channel.web.orders/1"), "has partitions 0 to 0")
	require.Contains(t, h.good("dlq", "resume", "channel.web.orders/0", "--yes", "--because", "their release is rolled back"), "goes on, and is let through before offset 182")
	require.Equal(t, "web/main/W-2", orders.next().field("order_key"))
	require.Empty(t, n.paused())
	require.Len(t, h.tail("dlq"), 180)
	require.Len(t, h.letters("-n", "1000").Letters, 180, "the note about the partition is none about a letter")

	// A sender that isn't mended is paused again.
	h.sendText(garbage(30), "channel.web.orders")
	lookUntil(t, "the partition is paused once more", func() bool { return len(n.paused()) == 1 })
}
