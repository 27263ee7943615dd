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
	config := writeFile(t, "my shop.yaml", "channels: [web]\n")
	errout = h.bad(exitFailed, "run", "--data-dir", dir, "--config", config, "--set", "topics.log_partitions=4", "--set", "app_id=shop", "--set", "kafka.client_id=it's me")
	require.Contains(t, errout, "create them with: holdfast topics apply --brokers "+b.Addr()+" --app-id shop --config '"+config+`' --set 'kafka.client_id=it'\''s me' --set topics.log_partitions=4`)
	h.good("topics", "apply", "--app-id", "shop")
	topics := b.Cluster()
	require.NotNil(t, topics.TopicInfo("shop.log.orders"))
	require.Nil(t, topics.TopicInfo("holdfast.log.orders"))
}

func TestWorkersAreChecked(t *testing.T) {
	h := &harness{t: t}
	for workers, want := range map[string]string{
		"orders=0":                 "--workers orders=0: must be 1 to 256",
		"inventory=-3":             "--workers inventory=-3: must be 1 to 256",
		"channels=257":             "--workers channels=257: must be 1 to 256",
		"intake=1,warehouses=2":    "--workers warehouses=2: no such stage; there are channels, intake, inventory, orders",
		"orders=many":              "many",
		"orders=1,orders=2,intake": "intake",
	} {
		require.Contains(t, h.bad(exitUsage, "run", "--data-dir", t.TempDir(), "--workers", workers), want)
	}
}
