package state

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"holdfast/internal/golden"
)

// files lists everything below dir with its size.
func files(t *testing.T, fs vfs.FS, dir string) (all []string) {
	t.Helper()
	names, err := fs.List(dir)
	require.NoError(t, err)
	slices.Sort(names)
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, err := fs.Stat(path)
		require.NoError(t, err)
		if info.IsDir() {
			all = append(all, files(t, fs, path)...)
		} else {
			all = append(all, path+strings.Repeat("+", int(info.Size())))
		}
	}
	return all
}

func writeFile(t *testing.T, fs vfs.FS, path, data string) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	require.NoError(t, err)
	_, err = f.Write([]byte(data))
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestAnotherIdentityIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, testConfig(fs))
	s.Put([]byte("a"), []byte("1"))
	commit(t, s, newFakeLog(nil), 1, 0)
	require.NoError(t, s.Close())
	before := files(t, fs, "/data")

	for field, change := range map[string]func(*Identity){
		"cluster id": func(id *Identity) { id.ClusterID = "c2" },
		"topic":      func(id *Identity) { id.Topic = "other.changelog.inventory" },
		"topic id":   func(id *Identity) { id.TopicID[15] = 1 },
		"partition":  func(id *Identity) { id.Partition = 4 },
	} {
		c := testConfig(fs)
		change(&c.Identity)
		_, err := Open(c)
		var mismatch *MismatchError
		require.ErrorAs(t, err, &mismatch)
		require.Equal(t, field, mismatch.Field)
		require.True(t, mismatch.Misplaced())
		require.NotEqual(t, mismatch.Want, mismatch.Have)
		require.Equal(t, before, files(t, fs, "/data"), "nothing was changed")
	}
	require.Equal(t, map[string]string{"a": "1"}, contents(t, openStore(t, testConfig(fs))))
}

func TestAnotherFormatIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	require.NoError(t, openStore(t, testConfig(fs)).Close())
	for _, newer := range []string{`{"holdfast_state_format": 2, "something": "new"}`, `{"holdfast_state_format": 2, "cluster_id": ["now", "a list"]}`} {
		writeFile(t, fs, "/data/inventory-3/IDENTITY", newer)
		before := files(t, fs, "/data")
		_, err := Open(testConfig(fs))
		var mismatch *MismatchError
		require.ErrorAs(t, err, &mismatch)
		require.Equal(t, "format", mismatch.Field)
		require.False(t, mismatch.Misplaced())
		require.ErrorContains(t, err, "its format is 2, wanted 1. Run the version that wrote it, or a newer one")
		require.Equal(t, before, files(t, fs, "/data"), "nothing was changed")
	}
}

// The identity as each version wrote it.
func TestIdentityBytesAreGolden(t *testing.T) {
	fs := vfs.NewMem()
	require.NoError(t, openStore(t, testConfig(fs)).Close())
	path := "/data/inventory-3/IDENTITY"
	f, err := fs.Open(path)
	require.NoError(t, err)
	today, err := io.ReadAll(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	golden.Check(t, "identity", format, today)
	golden.Each(t, "identity", func(_ int, b []byte) {
		writeFile(t, fs, path, string(b))
		require.NoError(t, openStore(t, testConfig(fs)).Close())
	})
}

func TestForeignDirectoryIsRefused(t *testing.T) {
	for _, foreign := range []string{"notes.txt", "000004.sst", "pebble"} {
		fs := vfs.NewMem()
		require.NoError(t, fs.MkdirAll("/data/inventory-3", 0o755))
		writeFile(t, fs, "/data/inventory-3/"+foreign, "mine")
		before := files(t, fs, "/data")
		_, err := Open(testConfig(fs))
		var mismatch *MismatchError
		require.ErrorAs(t, err, &mismatch)
		require.Equal(t, "contents", mismatch.Field)
		require.False(t, mismatch.Misplaced())
		require.Equal(t, before, files(t, fs, "/data"))
	}
}

func TestSecondOpenerFails(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, testConfig(fs))
	_, err := Open(testConfig(fs))
	require.ErrorContains(t, err, "which another process or store may have open")
	require.NoError(t, s.Close())
	openStore(t, testConfig(fs))
}

func TestStoresOnDisk(t *testing.T) {
	c := testConfig(nil)
	c.Dir = t.TempDir() + "/a/b"
	c.SyncFlush = false
	c.Shared = NewShared(1<<20, nil)
	defer c.Shared.Close()
	s := openStore(t, c)
	s.Put([]byte("a"), []byte("1"))
	commit(t, s, newFakeLog(nil), 1, 0)
	_, err := Open(c)
	require.ErrorContains(t, err, "which another process or store may have open")
	other := c
	other.Dir, other.Identity.Partition = c.Dir+"2", 7
	openStore(t, other).Abandon()
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "twice does no harm")
	s = openStore(t, c)
	require.Equal(t, map[string]string{"a": "1"}, contents(t, s))
	s.Abandon()
	for _, dir := range []string{filepath.Dir(c.Dir), c.Dir, filepath.Join(c.Dir, pebbleDir)} {
		about, err := os.Stat(dir)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), about.Mode().Perm(), "%s is closed to other users", dir)
	}
}

// Whenever the crash comes, a directory that was being made can be opened, or is known to be corrupt.
func TestCrashWhileADirectoryIsMade(t *testing.T) {
	for seed := range uint64(100) {
		fs := vfs.NewCrashableMem()
		random := rand.New(rand.NewPCG(seed, 0))
		percent := random.IntN(101)
		config := vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: random}
		// A clone after each call that changes something.
		var clones []*vfs.MemFS
		watched := testConfig(nil)
		watched.FS = watchedFS{fs, func() { clones = append(clones, fs.CrashClone(config)) }}
		openStore(t, watched).Abandon()
		require.Greater(t, len(clones), 10)
		for _, clone := range clones {
			s, err := Open(testConfig(clone))
			if err != nil { // the disk kept what refers to a file, and not the file
				var wrong *CorruptError
				require.ErrorAs(t, err, &wrong, "seed %d", seed)
				_, err = Quarantine(clone, "/data/inventory-3", err)
				require.NoError(t, err)
				s = openStore(t, testConfig(clone))
			}
			require.Equal(t, Position{Input: -1}, s.Position())
			s.Abandon()
		}
	}
}

// watchedFS calls changed after each change of a directory.
type watchedFS struct {
	vfs.FS
	changed func()
}

func (w watchedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	defer w.changed()
	return w.FS.Create(name, category)
}

func (w watchedFS) Rename(from, to string) error {
	defer w.changed()
	return w.FS.Rename(from, to)
}

func (w watchedFS) Remove(name string) error {
	defer w.changed()
	return w.FS.Remove(name)
}

func (w watchedFS) MkdirAll(dir string, perm os.FileMode) error {
	defer w.changed()
	return w.FS.MkdirAll(dir, perm)
}

func (w watchedFS) OpenDir(name string) (vfs.File, error) {
	defer w.changed()
	return w.FS.OpenDir(name)
}

// A store that can't be trusted is told from one that isn't ours; moved aside, its place is free.
func TestCorruptStoreIsQuarantined(t *testing.T) {
	for name, corrupt := range map[string]func(fs *vfs.MemFS){
		"identity":      func(fs *vfs.MemFS) { writeFile(t, fs, "/data/inventory-3/IDENTITY", "\x00\x00\x00") },
		"identity gone": func(fs *vfs.MemFS) { require.NoError(t, fs.Remove("/data/inventory-3/IDENTITY")) },
		"table": func(fs *vfs.MemFS) {
			for _, path := range pebbleFiles(t, fs, ".sst") {
				writeFile(t, fs, path, "garbage instead of a table, long enough to have a footer, which is garbage too")
			}
		},
		"table gone": func(fs *vfs.MemFS) {
			for _, path := range pebbleFiles(t, fs, ".sst") {
				require.NoError(t, fs.Remove(path))
			}
		},
		"manifest": func(fs *vfs.MemFS) {
			for _, path := range pebbleFiles(t, fs, "MANIFEST") {
				writeFile(t, fs, path, "garbage")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewMem()
			log := newFakeLog(nil)
			s := openStore(t, testConfig(fs))
			s.Put([]byte("a"), []byte("1"))
			commit(t, s, log, 1, 0)
			require.NoError(t, s.Close())

			corrupt(fs)
			s, err := Open(testConfig(fs))
			if err == nil {
				_, _, err = s.Get([]byte("a"))
				s.Abandon()
			}
			var wrong *CorruptError
			require.ErrorAs(t, err, &wrong)

			for _, want := range []string{"/data/inventory-3.corrupt-1", "/data/inventory-3.corrupt-2", "/data/inventory-3.corrupt-3"} {
				moved, err := Quarantine(fs, "/data/inventory-3", wrong)
				require.NoError(t, err)
				require.Equal(t, want, moved)
				require.Contains(t, readFile(t, fs, moved+"/REASON"), wrong.Error())
				s = openStore(t, testConfig(fs))
				log.restore(t, s)
				require.Equal(t, map[string]string{"a": "1"}, contents(t, s))
				require.NoError(t, s.Close())
			}
			names, err := fs.List("/data")
			require.NoError(t, err)
			require.ElementsMatch(t, []string{"inventory-3", "inventory-3.corrupt-2", "inventory-3.corrupt-3"}, names, "the oldest went")
		})
	}
}

// There is nothing to put aside of a directory that somebody removed.
func TestQuarantineOfNothing(t *testing.T) {
	moved, err := Quarantine(vfs.NewMem(), "/data/inventory-3", io.ErrUnexpectedEOF)
	require.NoError(t, err)
	require.Empty(t, moved)
}

func readFile(t *testing.T, fs vfs.FS, path string) string {
	t.Helper()
	f, err := fs.Open(path)
	require.NoError(t, err)
	data, err := io.ReadAll(f)
	require.NoError(t, errors.Join(err, f.Close()))
	return string(data)
}

// Every batch carries the position, so keys without one, or with one that makes no sense, weren't written by a store.
func TestStoreWithoutPositionIsCorrupt(t *testing.T) {
	for _, damage := range []func(s *Store) error{
		func(s *Store) error { return s.db.Delete(metaKey, pebble.NoSync) },
		func(s *Store) error { return s.db.Set(metaKey, []byte("x"), pebble.NoSync) },
	} {
		fs := vfs.NewMem()
		s := openStore(t, testConfig(fs))
		s.Put([]byte("a"), []byte("1"))
		commit(t, s, newFakeLog(nil), 1, 0)
		require.NoError(t, damage(s))
		require.NoError(t, s.Close())
		_, err := Open(testConfig(fs))
		var wrong *CorruptError
		require.ErrorAs(t, err, &wrong)
	}
}

func pebbleFiles(t *testing.T, fs vfs.FS, part string) (paths []string) {
	t.Helper()
	dir := "/data/inventory-3/pebble"
	names, err := fs.List(dir)
	require.NoError(t, err)
	for _, name := range names {
		if strings.Contains(name, part) && !strings.HasPrefix(name, "marker") {
			paths = append(paths, fs.PathJoin(dir, name))
		}
	}
	require.NotEmpty(t, paths)
	return paths
}

func TestConfigReportsAllProblems(t *testing.T) {
	require.NoError(t, testConfig(vfs.NewMem()).Validate())
	err := Config{
		Identity:   Identity{Partition: -1},
		SweepShare: 1.5, FlushBytes: -1, FlushEvery: -1, LogBytesMin: -1, MemTableBytes: 1, PartBytesMax: 1,
	}.Validate()
	for _, field := range []string{"Dir", "ClusterID", "Topic ", "TopicID", "Partition", "SweepShare", "FlushBytes", "FlushEvery", "LogBytesMin", "MemTableBytes", "PartBytesMax"} {
		require.ErrorContains(t, err, field)
	}
	_, err = Open(Config{})
	require.Error(t, err)
}
