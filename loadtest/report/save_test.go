package report

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSaveWritesAFileForEachUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	r := small()
	second := r.Latencies[0]
	second.Name = "Accepted"
	r.Latencies = append(r.Latencies, second, Latency{Name: "channel tiktok"})
	files, err := r.Save(dir, "rush")
	require.NoError(t, err)
	var names []string
	for _, f := range files {
		info, err := os.Stat(f)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o644), info.Mode())
		names = append(names, filepath.Base(f))
	}
	require.Equal(t, []string{"rush.json", "rush.html", "rush.accepted.hgrm", "rush.accepted-2.hgrm"}, names)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, len(files), "nothing else is left there")
}

func TestSaveOfWhatIsNotValidLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	_, err := (&Result{}).Save(dir, "x")
	require.ErrorContains(t, err, "scenario is empty")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestFileName(t *testing.T) {
	for name, want := range map[string]string{"accepted": "accepted", "channel Shopee": "channel-shopee", "../../etc/x": "etc-x", "…": "unnamed", "": "unnamed"} {
		require.Equal(t, want, FileName(name))
	}
}
