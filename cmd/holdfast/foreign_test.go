package main

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/kafka/embedded"
)

// TestForeignState: the stores of another application, and of another cluster,
// are refused, and stay as they are.
func TestForeignState(t *testing.T) {
	h, _ := withBroker(t)
	few := []string{"--set", "channels=web", "--set", "topics.log_partitions=2"}
	for _, app := range []string{"a", "b"} {
		h.good(append([]string{"topics", "apply", "--app-id", app}, few...)...)
	}
	dir := t.TempDir()
	n := h.startNode(dir, append(few, "--app-id", "a")...)
	h.sendText(`{"id":"HCM-1"}`, "warehouses", append(few, "--app-id", "a")...)
	h.sendText(`{"event_id":"s-1","type":"stock.count","sku":"TEE","warehouse":"HCM-1","qty":100}`, "stock.feed", append(few, "--app-id", "a")...)
	h.follow("channel.web.stock", append(few, "--app-id", "a")...).next()
	n.stop()
	before := files(t, dir)
	require.NotEmpty(t, before)

	refused := func(h *harness, app, field string) {
		t.Helper()
		n := h.startNode(dir, append(few, "--app-id", app)...)
		require.Equal(t, exitFailed, n.ended())
		require.Contains(t, n.log.String(), "data directory "+dir)
		require.Contains(t, n.log.String(), field)
		require.Equal(t, before, files(t, dir))
	}
	refused(h, "b", "belongs to application a")

	other, err := embedded.Start(embedded.Config{InMemory: true})
	require.NoError(t, err)
	t.Cleanup(other.Close)
	elsewhere := &harness{t: t, environ: []string{"KAFKA_BROKERS=" + other.Addr()}}
	elsewhere.good(append([]string{"topics", "apply", "--app-id", "a"}, few...)...)
	refused(elsewhere, "a", "belongs to cluster ")

	n = h.startNode(dir, append(few, "--app-id", "a")...)
	h.good(append([]string{"audit", "--settle", "--app-id", "a"}, few...)...)
	n.stop()
}

// files returns a hash of every file below dir.
func files(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	hashes := map[string][32]byte{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		hashes[path] = sha256.Sum256(b)
		return err
	}))
	return hashes
}
