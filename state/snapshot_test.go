package state

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// TestSnapshotStandsStill: what is applied later, or only written so far, isn't
// seen by one; another goroutine may read it meanwhile.
func TestSnapshotStandsStill(t *testing.T) {
	s, log := openStore(t, testConfig(vfs.NewMem())), newFakeLog(nil)
	for _, kv := range []string{"a1", "b2", "d"} {
		s.Put([]byte(kv[:1]), []byte(kv[1:]))
	}
	commit(t, s, log, 1, 0)
	s.Put([]byte("c"), []byte("3"))
	v := s.Snapshot()
	require.Equal(t, s.Position(), v.Position())
	s.Put([]byte("a"), []byte("9"))
	s.Delete([]byte("b"))
	read := make(chan []string)
	go func() {
		var got []string
		for range 200 {
			got = got[:0]
			err := v.Scan(nil, nil, func(key, value []byte) bool {
				got = append(got, string(key)+"="+string(value))
				return true
			})
			if err != nil {
				got = append(got, err.Error())
			}
		}
		read <- got
	}()
	commit(t, s, log, 2, 0)
	require.Equal(t, []string{"a=1", "b=2", "d="}, <-read)

	value, ok, err := v.Get([]byte("b"))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "2", string(value))
	_, ok, err = v.Get([]byte("c"))
	require.NoError(t, err)
	require.False(t, ok)
	var some []string
	require.NoError(t, v.Scan([]byte("b"), []byte("d"), func(key, _ []byte) bool { some = append(some, string(key)); return true }))
	require.Equal(t, []string{"b"}, some)
	require.NoError(t, v.Scan([]byte("d"), []byte("b"), func(_, _ []byte) bool { some = nil; return true }))
	require.NoError(t, v.Scan([]byte("a"), nil, func(_, _ []byte) bool { some = nil; return false }))
	require.Nil(t, some)
	require.NoError(t, v.Close())
	require.NoError(t, s.Close())
}
