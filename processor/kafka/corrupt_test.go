package kafka_test

import (
	"errors"
	"io"
	"path"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology"
)

// badDisk is a file system that gives back other bytes than were written, in the
// tables of one directory.
type badDisk struct {
	vfs.FS
	dir   atomic.Pointer[string]
	times atomic.Int64 // until the directory was moved so often
}

func newBadDisk(fs vfs.FS) *badDisk {
	b := &badDisk{FS: fs}
	b.dir.Store(new(string))
	return b
}

// option lets a life have its stores on the disk.
func (b *badDisk) option(c *processor.Config, _ *kafka.Config) { c.Store.FS = b }

func (b *badDisk) corrupt(dir string, times int64) {
	b.times.Store(times)
	b.dir.Store(&dir)
}

func (b *badDisk) Rename(from, to string) error {
	if from == *b.dir.Load() {
		b.times.Add(-1)
	}
	return b.FS.Rename(from, to)
}

func (b *badDisk) Open(name string, options ...vfs.OpenOption) (vfs.File, error) {
	f, err := b.FS.Open(name, options...)
	if err != nil || path.Ext(name) != ".sst" {
		return f, err
	}
	return &badFile{f, b, name}, nil
}

type badFile struct {
	vfs.File
	disk *badDisk
	name string
}

func (f *badFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	if dir := *f.disk.dir.Load(); dir != "" && f.disk.times.Load() > 0 && strings.HasPrefix(f.name, dir+"/") {
		for i := range p[:n] {
			p[i] ^= 0xa5
		}
	}
	return n, err
}

// storeDir is where a node has the store of a partition.
func storeDir(p int) string { return path.Join("data", topology.StageInventory, string(rune('0'+p))) }

// storeFiles lists Pebble's files of a store whose name has a part.
func (l *life) storeFiles(p int, part string) (paths []string) {
	l.w.t.Helper()
	dir := path.Join(storeDir(p), "pebble")
	names, err := l.fs.List(dir)
	require.NoError(l.w.t, err)
	for _, name := range names {
		if strings.Contains(name, part) && !strings.HasPrefix(name, "marker") {
			paths = append(paths, path.Join(dir, name))
		}
	}
	require.NotEmpty(l.w.t, paths, "%s of %s", part, dir)
	return paths
}

// garble overwrites a file in place, so that who has it open sees it too.
func garble(t *testing.T, fs vfs.FS, name string) {
	t.Helper()
	about, err := fs.Stat(name)
	require.NoError(t, err)
	f, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	require.NoError(t, err)
	junk := make([]byte, about.Size())
	for i := range junk {
		junk[i] = 0xa5
	}
	_, err = f.WriteAt(junk, 0)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// aside lists the directories that were put aside for a partition.
func (l *life) aside(p int) (names []string) {
	l.w.t.Helper()
	all, err := l.fs.List(path.Dir(storeDir(p)))
	require.NoError(l.w.t, err)
	for _, name := range all {
		if strings.HasPrefix(name, path.Base(storeDir(p))+".corrupt-") {
			names = append(names, name)
		}
	}
	return names
}

// Whatever happens to the files of one store while a node is down: it is put aside
// with the reason, built anew, and the other partitions keep theirs.
func TestDamagedStoreIsRebuiltAlone(t *testing.T) {
	t.Parallel()
	const hurt = 2
	for name, damage := range map[string]func(l *life){
		"table":      func(l *life) { garble(l.w.t, l.fs, l.storeFiles(hurt, ".sst")[0]) },
		"manifest":   func(l *life) { garble(l.w.t, l.fs, l.storeFiles(hurt, "MANIFEST")[0]) },
		"identity":   func(l *life) { garble(l.w.t, l.fs, path.Join(storeDir(hurt), "IDENTITY")) },
		"table gone": func(l *life) { require.NoError(l.w.t, l.fs.Remove(l.storeFiles(hurt, ".sst")[0])) },
		"manifest gone": func(l *life) {
			require.NoError(l.w.t, l.fs.Remove(l.storeFiles(hurt, "MANIFEST")[0]))
		},
		"identity gone": func(l *life) { require.NoError(l.w.t, l.fs.Remove(path.Join(storeDir(hurt), "IDENTITY"))) },
		"another partition's": func(l *life) {
			require.NoError(l.w.t, l.fs.RemoveAll(storeDir(hurt)))
			_, err := vfs.Clone(l.fs, l.fs, storeDir(1), storeDir(hurt))
			require.NoError(l.w.t, err)
		},
		"another cluster's": func(l *life) {
			c := state.Config{Dir: storeDir(hurt), FS: l.fs, Identity: state.Identity{ClusterID: "elsewhere", Topic: l.w.changelog(hurt).Topic, TopicID: l.w.ids[l.w.changelog(hurt).Topic], Partition: hurt}}
			require.NoError(l.w.t, l.fs.RemoveAll(storeDir(hurt)))
			s, err := state.Open(c)
			require.NoError(l.w.t, err)
			require.NoError(l.w.t, s.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l := w.start("a", nil)
			w.write(3, w.keys()...)
			w.settled()
			require.NoError(t, l.stop())
			damage(l)

			l = w.start("a", l.fs)
			l.awaitPhase("running", partitions)
			w.write(2, w.keys()...)
			w.settled()
			l.seen.read(func(o *observer) {
				require.Empty(t, o.halted)
				require.Len(t, o.wiped, 1)
				for _, r := range o.restored {
					require.Equal(t, int(r.partition) == hurt, r.records > 0, "partition %d read %d deltas", r.partition, r.records)
				}
			})
			require.Equal(t, []string{"2.corrupt-1"}, l.aside(hurt))
			reason, err := l.fs.Open(path.Join("data", topology.StageInventory, "2.corrupt-1", "REASON"))
			require.NoError(t, err)
			text, err := io.ReadAll(reason)
			require.NoError(t, errors.Join(err, reason.Close()))
			require.Contains(t, string(text), "It was put aside because:")
			require.NoError(t, l.stop())
			require.Equal(t, w.fed, w.stored(l.fs))
		})
	}
}

// A whole store that is gone is nothing to put aside.
func TestMissingStoreIsRebuiltAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start("a", nil)
	w.write(3, w.keys()...)
	w.settled()
	require.NoError(t, l.stop())
	require.NoError(t, l.fs.RemoveAll(storeDir(2)))
	l = w.start("a", l.fs)
	w.write(2, w.keys()...)
	w.settled()
	require.Empty(t, l.aside(2))
	require.Empty(t, l.seen.reasons())
	require.NoError(t, l.stop())
	require.Equal(t, w.fed, w.stored(l.fs))
}

// Damage that shows only when a key is read, in the middle of a transaction: the
// transaction is abandoned, the store put aside and built anew, and the other
// partitions go on. Nothing halts.
func TestCorruptionAtRunTimeIsMended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start("a", nil)
	keys := w.keys()
	w.write(3, keys...)
	w.settled()
	require.NoError(t, l.stop())

	bad := newBadDisk(l.fs)
	l = w.start("a", l.fs, bad.option)
	l.awaitPhase("running", partitions)
	bad.corrupt(storeDir(2), 1)
	w.write(2, keys...)
	w.settled()
	l.awaitPhase("running", partitions)
	require.Empty(t, l.seen.reasons())
	require.Equal(t, []string{"2.corrupt-1"}, l.aside(2))
	require.NoError(t, l.stop())
	require.Equal(t, w.fed, w.stored(l.fs))
}

// A disk that breaks what is written on it again and again is given up: the
// partition halts, with that reason, and no more than a few broken stores are kept.
func TestCorruptionAgainAndAgainHalts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start("a", nil)
	keys := w.keys()
	w.write(3, keys...)
	w.settled()
	require.NoError(t, l.stop())

	bad := newBadDisk(l.fs)
	l = w.start("a", l.fs, bad.option, func(c *processor.Config, _ *kafka.Config) { c.Store.FlushBytes = 1 })
	l.awaitPhase("running", partitions)
	// Every transaction reads all there is, from files that were just written.
	l.hook.set(func(tx stage.Tx, _ *stage.Record) {
		tx.Scan([]byte("n"), []byte("o"), func(_, _ []byte) bool { return true })
	})
	bad.corrupt(storeDir(2), 1<<30)
	for l.count("halted") == 0 {
		before, _ := l.seen.transactions()
		w.write(1, w.keyOn(2, 0))
		w.until("it is decided, or never will be", func() bool {
			now, _ := l.seen.transactions()
			return l.count("halted") > 0 || now > before
		}, l)
	}
	require.Contains(t, l.seen.reasons()[2], "corrupt again and again")
	l.awaitPhase("running", partitions-1)
	others := []string{w.keyOn(0, 0), w.keyOn(1, 0), w.keyOn(3, 0)}
	w.write(2, others...)
	w.out.await(t, pick(w.fed, others...))
	require.LessOrEqual(t, len(l.aside(2)), 2)
	require.NoError(t, l.stop())
}
