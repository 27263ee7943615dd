package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNodeWithoutBroker(t *testing.T) {
	h := &harness{t: t}
	address := freeAddress(t)
	errout := h.bad(exitFailed, "run", "--data-dir", t.TempDir(), "--brokers", address, "--connect-timeout", "600ms")
	require.Contains(t, errout, "waiting for Kafka")
	require.Contains(t, errout, "no broker could be reached at "+address+" for 600ms")
	require.Contains(t, errout, "connection refused")
}

func TestNodeWithoutTopics(t *testing.T) {
	h, b := withBroker(t)
	dir := t.TempDir()
	errout := h.bad(exitFailed, "run", "--data-dir", dir, "--app-id", "shop")
	require.Contains(t, errout, "topics are missing: shop.channel.shopee.orders, ")
	require.Contains(t, errout, "create them with: holdfast topics apply --brokers "+b.Addr()+" --app-id shop")
	h.good("topics", "apply", "--app-id", "shop")
	topics := b.Cluster()
	require.NotNil(t, topics.TopicInfo("shop.log.orders"))
	require.Nil(t, topics.TopicInfo("holdfast.log.orders"))
}
