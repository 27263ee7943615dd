package state

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

func TestTransaction(t *testing.T) {
	fs := vfs.NewMem()
	log := newFakeLog(nil)
	s := openStore(t, testConfig(fs))
	require.Equal(t, Position{Changelog: 0, Input: -1}, s.Position())

	_, ok, err := s.Get([]byte("a"))
	require.NoError(t, err)
	require.False(t, ok)
	require.False(t, s.Dirty())

	s.Put([]byte("a"), []byte("1"))
	s.Put([]byte("b"), nil)
	require.True(t, s.Dirty())
	value, ok, err := s.Get([]byte("a"))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "1", string(value))
	s.Put([]byte("a"), []byte("22"))
	require.Equal(t, "1", string(value), "a value that was handed out doesn't change")

	commit(t, s, log, 5, 0)
	require.Equal(t, Position{Changelog: 1, Input: 5, StreamTimeMillis: 5}, s.Position())
	require.Equal(t, map[string]string{"a": "22", "b": ""}, contents(t, s))

	s.Delete([]byte("a"))
	s.Put([]byte("c"), []byte("3"))
	_, ok, _ = s.Get([]byte("a"))
	require.False(t, ok)
	s.Drop()
	require.Equal(t, map[string]string{"a": "22", "b": ""}, contents(t, s))

	s.Delete([]byte("a"))
	commit(t, s, log, 6, 0)
	require.Equal(t, map[string]string{"b": ""}, contents(t, s))
	require.NoError(t, s.Close())

	s = openStore(t, testConfig(fs))
	require.Equal(t, Position{Changelog: 3, Input: 6, StreamTimeMillis: 6}, s.Position())
	require.Equal(t, map[string]string{"b": ""}, contents(t, s))
}
