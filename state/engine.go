package state

import (
	"fmt"
	"log/slog"
	"math"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Shared holds what all stores of a process share: the cache of blocks and that of open files. Safe for concurrent use.
type Shared struct {
	fs     vfs.FS
	blocks *pebble.Cache
	files  *pebble.FileCache
	open   open

	restoring restoring
}

// sharedOpenFilesMax is far below the usual limit of open files of a process, and above the files of a hundred stores:
// with files of 2 MiB and more they hold some GiB.
const sharedOpenFilesMax = 2000

// CacheBytes is what NewShared wants for blocks and for the memtables of so many stores of the default size, which Pebble
// takes out of the same cache: one that is written and one that is flushed or kept for the next. Two dozen stores had
// left nothing for blocks of 192 MiB, and all four stages together ran at 60 % of their speed.
func CacheBytes(blockBytes int64, stores int) int64 {
	return blockBytes + int64(stores)*2*defaultMemTableBytes
}

// NewShared makes caches: cacheBytes for blocks and memtables, see CacheBytes. fs is that of stores whose Config names none; nil is the disk.
func NewShared(cacheBytes int64, fs vfs.FS) *Shared {
	return &Shared{
		fs:     fs,
		blocks: pebble.NewCache(cacheBytes),
		files:  pebble.NewFileCache(runtime.GOMAXPROCS(0), sharedOpenFilesMax),
	}
}

// Close lets go of the caches. Stores that are still open keep them.
func (s *Shared) Close() {
	s.files.Unref()
	s.blocks.Unref()
}

// engineFormat is Pebble's newest. By name: files can't go back to an older one, so a newer Pebble must not take them
// along by itself. A change raises the format of the directory too.
const engineFormat = pebble.FormatValueSeparation

// engineOptions are Pebble's, for a store that is one of many in a process, is rebuilt from elsewhere, and is read by
// point gets.
func engineOptions(c Config, shared *Shared, lock *pebble.Lock, report func(error) bool) *pebble.Options {
	o := &pebble.Options{
		FS:                 c.FS,
		Lock:               lock,
		Cache:              shared.blocks,
		FileCache:          shared.files,
		FormatMajorVersion: engineFormat,
		DisableWAL:         true,
		Logger:             engineLogger{c.Logger, c.Fatal},
		EventListener:      engineEvents(c.Logger, report),

		MemTableSize: uint64(c.MemTableBytes),
		// One is written while another is flushed. Beyond that the disk is too slow, and waiting is right.
		MemTableStopWritesThreshold: 4,

		// Pebble compacts at half as many files upon one another. Compacting was the largest part of a reservation's CPU, and
		// reading hardly needs it: keys that aren't there are told by the store's own filter (absence.go), and the others by
		// the filters of a few files in memory. On a real broker, lines per core-second at 8, 16, 24 and 32: 257, 285, 302
		// and 308 k with two million reservations, 200, 252, 272 and 270 k with six.
		L0CompactionThreshold: 24,
		L0StopWritesThreshold: 64,
		// Many stores compact side by side as it is.
		CompactionConcurrencyRange: func() (int, int) { return 1, max(1, runtime.GOMAXPROCS(0)/2) },
	}
	// Pebble would rewrite the last level for each file that holds many deletes, so that scans needn't step over them. Orders
	// and holds come and go all the time, and stages remember where to begin a scan: that was two fifths of the CPU of a
	// restore, and a rewrite of 7 MiB for a file of 500 KiB under load.
	o.Experimental.TombstoneDenseCompactionThreshold = -1
	// Bloom filters tell a reader which of the many files has its key. The last level needs none: who comes that far finds
	// it, as keys that are nowhere are told before (absence.go), and making it is a good part of writing a file.
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	o.Levels[len(o.Levels)-1].FilterPolicy = pebble.NoFilterPolicy
	if c.SyncFlush {
		o.DisableAutomaticCompactions = true
		o.DisableTableStats = true
		o.L0StopWritesThreshold = math.MaxInt32
		o.L0CompactionThreshold = math.MaxInt32
	}
	if c.FS == vfs.Default {
		o.FS = nil // Pebble then adds its watch over a slow disk.
	}
	if c.Disk != nil {
		if o.FS == nil {
			o.WithFSDefaults() // what Pebble would do itself, and must be below: waiting for room isn't slow
		}
		o.FS = c.Disk.wrap(o.FS)
	}
	return o
}

func engineEvents(log *slog.Logger, report func(error) bool) *pebble.EventListener {
	return &pebble.EventListener{
		// Pebble tries again at once, and fails again at once: only what news there is, is logged.
		BackgroundError: func(err error) {
			if report(err) {
				log.Error("state store: background work failed", "error", err)
			}
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			if report(info.Details) {
				log.Error("state store: corrupt file", "path", info.Path, "error", info.Details)
			}
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			log.Warn("state store: slow disk", "path", info.Path, "operation", info.OpType.String(), "seconds", info.Duration.Seconds())
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			log.Warn("state store: writes stall", "reason", info.Reason)
		},
	}
}

// engineLogger passes Pebble's messages on. Its infos are of no use without Pebble's source at hand.
type engineLogger struct {
	log   *slog.Logger
	fatal func(message string)
}

func (engineLogger) Infof(string, ...any) {}

func (l engineLogger) Errorf(format string, args ...any) {
	l.log.Error("state store: " + fmt.Sprintf(format, args...))
}

// Fatalf must not return: Pebble can't go on, for instance because the disk is full while it installs new files.
func (l engineLogger) Fatalf(format string, args ...any) {
	message := "FATAL: state store: " + fmt.Sprintf(format, args...)
	l.log.Error(message)
	if l.fatal != nil {
		l.fatal(message)
	}
	panic(message)
}
