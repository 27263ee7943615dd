package main

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDataDirIsPrivate(t *testing.T) {
	var log bytes.Buffer
	open := func(path string) string {
		t.Helper()
		log.Reset()
		d, err := openDataDir(path, slog.New(slog.NewTextHandler(&log, nil)))
		require.NoError(t, err)
		defer d.close()
		_, err = d.instanceID("")
		require.NoError(t, err)
		return log.String()
	}
	mode := func(path string) fs.FileMode {
		t.Helper()
		about, err := os.Stat(path)
		require.NoError(t, err)
		return about.Mode().Perm()
	}
	path := filepath.Join(t.TempDir(), "holdfast", "node")
	require.Empty(t, open(path))
	require.Equal(t, fs.FileMode(0o700), mode(path))
	require.Equal(t, fs.FileMode(0o600), mode(filepath.Join(path, "lock")))
	require.Equal(t, fs.FileMode(0o600), mode(filepath.Join(path, "instance-id")))
	require.Empty(t, open(path))

	require.NoError(t, os.Chmod(path, 0o755)) // as older versions made it
	require.Contains(t, open(path), "level=INFO")
	require.Equal(t, fs.FileMode(0o700), mode(path))
	require.Empty(t, open(path))

	empty := filepath.Join(t.TempDir(), "volume") // as somebody made it for us
	require.NoError(t, os.Mkdir(empty, 0o755))
	require.Contains(t, open(empty), "level=INFO")
	require.Equal(t, fs.FileMode(0o700), mode(empty))

	shared := filepath.Join(t.TempDir(), "home") // not ours to close
	require.NoError(t, os.Mkdir(shared, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(shared, "letter"), nil, 0o600))
	require.Contains(t, open(shared), "level=WARN")
	require.Equal(t, fs.FileMode(0o755), mode(shared))
}

// TestNodeKeepsItsStatePrivate: what a running node makes is closed all the way.
func TestNodeKeepsItsStatePrivate(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply", "--set", "channels=web", "--set", "topics.log_partitions=1")
	dir := filepath.Join(t.TempDir(), "node")
	n := h.startNode(dir, "--set", "channels=web", "--set", "topics.log_partitions=1")
	h.sendText(`{"id":"HCM-1"}`, "warehouses", "--wait", "--set", "channels=web", "--set", "topics.log_partitions=1")
	n.stop()
	folders := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		if e.IsDir() {
			about, err := e.Info()
			require.NoError(t, err)
			require.Equal(t, fs.FileMode(0o700), about.Mode().Perm(), path)
			folders++
		}
		return nil
	}))
	require.Greater(t, folders, 3, "stores were made")
}

func TestDataDirBelongsToACluster(t *testing.T) {
	path := t.TempDir() + "/node"
	d, err := openDataDir(path, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer d.close()
	logs := map[string]string{"a.log.orders": "1111", "a.log.inventory": "2222"}
	require.NoError(t, d.belongsTo("one", "a", nil))
	require.NoError(t, d.belongsTo("one", "a", logs), "made before logs were noted")
	require.NoError(t, d.belongsTo("one", "a", logs))
	require.ErrorContains(t, d.belongsTo("two", "a", logs), "belongs to cluster one, and this is cluster two")
	require.ErrorContains(t, d.belongsTo("one", "b", logs), "belongs to application a, and this is application b")
	require.ErrorContains(t, d.belongsTo("one", "a", map[string]string{"a.log.orders": "1111", "a.log.inventory": "3333"}), "log a.log.inventory was deleted and made anew")
	require.NoError(t, d.belongsTo("one", "a", logs), "nothing was changed")
	require.NoError(t, os.WriteFile(path+"/belongs-to", []byte("cluster one\n"), 0o600))
	require.ErrorContains(t, d.belongsTo("one", "a", logs), "belongs to application nobody knows which, and this is application a")
}
