package golden

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A version's bytes are written once; after that they are the law, whoever asks.
func TestWrittenOnce(t *testing.T) {
	dir := t.TempDir()
	first, other := make([]byte, 100), []byte("other")
	require.ErrorContains(t, check(dir, "order", 3, first, false), "order has no golden bytes of version 3")
	require.NoError(t, check(dir, "order", 3, first, true))
	require.NoError(t, check(dir, "order", 3, first, false))
	for _, write := range []bool{false, true} {
		require.ErrorContains(t, check(dir, "order", 3, other, write), "the bytes of order version 3 have changed")
	}
	require.NoError(t, check(dir, "order", 3, first, true), "nobody wrote them anew")
	require.NoError(t, check(dir, "order", 12, other, true))
	all, err := versions(dir, "order")
	require.NoError(t, err)
	require.Equal(t, []int{3, 12}, all)
	b, err := read(file(dir, "order", 12))
	require.NoError(t, err)
	require.Equal(t, other, b)
}

func TestWhatIsNoVersion(t *testing.T) {
	dir := t.TempDir()
	_, err := versions(dir, "order")
	require.ErrorContains(t, err, "no golden bytes of any version")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "order"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "order", "v1.hex"), []byte("xy"), 0o600))
	require.ErrorContains(t, check(dir, "order", 1, nil, true), "v1.hex: encoding/hex")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "order", "old.hex"), nil, 0o600))
	_, err = versions(dir, "order")
	require.ErrorContains(t, err, "isn't named after a version")
}
