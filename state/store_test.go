package state

import (
	"fmt"
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

func TestMisuseIsABug(t *testing.T) {
	s := openStore(t, testConfig(vfs.NewMem()))
	for _, key := range []string{"", "\x00", "\x00local", "\xff"} {
		require.Panics(t, func() { s.Put([]byte(key), nil) })
		require.Panics(t, func() { s.Delete([]byte(key)) })
		require.Panics(t, func() { _, _, _ = s.Get([]byte(key)) })
	}
	require.Panics(t, func() { _ = s.Commit(0, 0) }, "without Prepare")
	_, err := s.Prepare(5, 100, 0)
	require.NoError(t, err)
	require.Panics(t, func() { s.Put([]byte("a"), nil) }, "after Prepare")
	require.Panics(t, func() { s.Delete([]byte("a")) }, "after Prepare")
	require.Panics(t, func() { _, _ = s.Prepare(5, 100, 0) }, "twice")
	require.Panics(t, func() { s.NewRestore() }, "within a transaction")
	require.Panics(t, func() { _ = s.Commit(1, 0) }, "last before first")
	require.NoError(t, s.Commit(7, 7))
	require.Panics(t, func() { _, _ = s.Prepare(4, 100, 0) }, "the input goes back")
	require.Panics(t, func() { _, _ = s.Prepare(5, 99, 0) }, "time goes back")
	_, err = s.Prepare(5, 100, 0)
	require.NoError(t, err, "a transaction may go on at the same input")
	require.Panics(t, func() { _ = s.Commit(7, 7) }, "the changelog goes back")
	s.Drop()
}

// A panic in a scan's callback is the run time's to handle; it must be able to close the store.
func TestPanicInScan(t *testing.T) {
	s := openStore(t, testConfig(vfs.NewMem()))
	s.Put([]byte("a"), nil)
	require.Panics(t, func() {
		_ = s.Scan(nil, nil, func(_, _ []byte) bool {
			return s.Scan(nil, nil, func(_, _ []byte) bool { panic("BUG") }) == nil
		})
	})
	s.Drop()
	require.NoError(t, s.Close())
}

// What a transaction puts and takes away again leaves no trace in the changelog, when it looked first.
func TestPassingKeysCostNothing(t *testing.T) {
	s := openStore(t, testConfig(vfs.NewMem()))
	prepare := func() []byte {
		parts, err := s.Prepare(1, 1, 0)
		require.NoError(t, err)
		defer s.Drop()
		return parts[0]
	}
	empty := len(prepare())
	_, _, err := s.Get([]byte("hold"))
	require.NoError(t, err)
	s.Put([]byte("hold"), []byte("1"))
	s.Delete([]byte("hold"))
	require.Len(t, prepare(), empty)
	s.Put([]byte("hold"), []byte("1"))
	s.Delete([]byte("hold"))
	require.Greater(t, len(prepare()), empty, "nobody looked: it may be in the store")
}

func TestSharedCaches(t *testing.T) {
	fs := vfs.NewMem()
	shared := NewShared(1<<20, fs)
	var stores []*Store
	for partition := range int32(4) {
		c := testConfig(nil)
		c.Dir = "/data/" + string('a'+partition)
		c.Identity.Partition = partition
		c.Shared = shared
		stores = append(stores, openStore(t, c))
	}
	shared.Close()
	for _, s := range stores {
		s.Put([]byte("a"), []byte("1"))
		commit(t, s, newFakeLog(nil), 1, 0)
		require.NoError(t, s.Close())
	}
	names, err := fs.List("/data")
	require.NoError(t, err)
	require.Len(t, names, 4)
}

// A task that looks for what is due between transactions leaves nothing behind that pins what a flush replaces.
func TestLookingWithoutATransaction(t *testing.T) {
	c := testConfig(vfs.NewMem())
	c.Dir = "data/relative"
	s, log := openStore(t, c), newFakeLog(nil)
	look := func() (keys []string) {
		require.NoError(t, s.Scan(nil, nil, func(key, _ []byte) bool { keys = append(keys, string(key)); return true }))
		return keys
	}
	for i, key := range []string{"a", "b", "c"} {
		require.Len(t, look(), i)
		require.NoError(t, s.Flush())
		require.Len(t, look(), i)
		s.Put([]byte(key), nil)
		require.Len(t, look(), i+1)
		commit(t, s, log, Offset(i), 0)
	}
	require.Equal(t, []string{"a", "b", "c"}, look())
	require.NoError(t, s.Flush())
	require.Nil(t, s.iterator)
}

func TestMetricsOfAllStores(t *testing.T) {
	fs := vfs.NewMem()
	shared := NewShared(1<<20, fs)
	defer shared.Close()
	require.Equal(t, Metrics{}, shared.Metrics())
	var stores []*Store
	for p := range int32(2) {
		c := Config{Dir: fmt.Sprint("p", p), FS: fs, Shared: shared, Identity: Identity{ClusterID: "c", Topic: "t", TopicID: [16]byte{1}, Partition: p}}
		s, err := Open(c)
		require.NoError(t, err)
		stores = append(stores, s)
		s.Put([]byte("key"), make([]byte, 10_000))
		_, err = s.Prepare(1, 1, 0)
		require.NoError(t, err)
		require.NoError(t, s.Commit(0, 0))
		require.NoError(t, s.Flush())
	}
	m := shared.Metrics()
	require.Equal(t, 2, m.Stores)
	require.EqualValues(t, 2, m.Flushes)
	require.Greater(t, m.DiskBytes, int64(1000))
	require.Positive(t, m.FlushedBytes)
	require.Positive(t, m.MemTableBytes)

	require.NoError(t, stores[0].Close())
	after := shared.Metrics()
	require.Equal(t, 1, after.Stores)
	require.GreaterOrEqual(t, after.Flushes, m.Flushes, "what grows doesn't fall when a store is closed")
	require.GreaterOrEqual(t, after.FlushedBytes, m.FlushedBytes)
	require.Less(t, after.DiskBytes, m.DiskBytes)
	require.NoError(t, stores[1].Close())
	require.Zero(t, shared.Metrics().Stores)
}
