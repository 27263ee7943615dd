package state

import (
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

// limitedFS has as much room as a test says.
type limitedFS struct {
	vfs.FS
	free atomic.Uint64
}

func (l *limitedFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: l.free.Load()}, nil
}

func TestRoom(t *testing.T) {
	fs := &limitedFS{FS: vfs.NewMem()}
	fs.free.Store(100 << 20)
	d := NewDisk(fs, "/data", 100<<20)
	f := func(freeMiB uint64, want string) {
		t.Helper()
		fs.free.Store(freeMiB << 20)
		d.Look()
		require.Equal(t, int64(freeMiB<<20), d.FreeBytes())
		if want == "" {
			require.NoError(t, d.Room())
		} else {
			require.EqualError(t, d.Room(), want)
		}
	}
	f(100, "")
	f(99, "no room on the disk of /data: 99 MiB are free, state.free_bytes_min is 100 MiB")
	f(124, "no room on the disk of /data: 124 MiB are free, state.free_bytes_min is 100 MiB")
	f(125, "")
	f(100, "")
}

// The disk is full in the middle of flushes, whichever file is being written: what
// is decided meanwhile is kept in memory, the store says that there is no room, and
// goes on when there is. Nothing is lost, and the process lives.
func TestFullDisk(t *testing.T) {
	for _, part := range []string{".sst", "MANIFEST", ""} {
		t.Run("no room for "+part, func(t *testing.T) {
			var full atomic.Bool
			mem := vfs.NewMem()
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if full.Load() && (op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileSync) && strings.Contains(op.Path, part) {
					return syscall.ENOSPC
				}
				return nil
			}))
			c := testConfig(fs)
			c.SyncFlush = false
			c.Disk = NewDisk(mem, "/data", 0)
			c.Disk.retryAfter = time.Millisecond
			defer c.Disk.Close()
			s, log := openStore(t, c), newFakeLog(nil)
			input := Offset(0)
			put := func(key byte) {
				input++
				s.Put([]byte{'k', key}, make([]byte, 1000))
				parts, err := s.Prepare(input, 0, 0)
				require.NoError(t, err)
				first, last := log.append(parts)
				if err := s.Commit(first, last); err != nil {
					require.True(t, IsDiskFull(err), "%v", err)
				}
			}
			put(0)
			require.NoError(t, s.Flush())
			require.NoError(t, c.Disk.Room())
			full.Store(true)
			var noRoom error
			for ; noRoom == nil; noRoom = c.Disk.Room() {
				if s.flush.running != nil {
					runtime.Gosched()
					continue
				}
				put(byte(input % 50))
				require.NoError(t, s.startFlush())
			}
			require.ErrorContains(t, noRoom, "a write was refused")
			put('<')
			full.Store(false)
			for { // what failed in the background is told once
				if err := s.Flush(); err == nil {
					break
				} else {
					require.True(t, IsDiskFull(err), "%v", err)
				}
			}
			for c.Disk.Room() != nil {
				require.NoError(t, s.Flush())
			}
			want := contents(t, s)
			require.Contains(t, want, "k<")
			require.NoError(t, s.Close())

			again := openStore(t, testConfig(mem))
			log.restore(t, again)
			requireSame(t, want, contents(t, again))
		})
	}
}
