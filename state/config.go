package state

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Config says where a store is, whose it is and how it behaves. A zero field takes its default.
type Config struct {
	// Dir is the store's own directory; it is made when missing. Only one store can have it open.
	Dir string
	// Identity pins Dir to one changelog partition of one cluster.
	Identity Identity
	// Shared holds the caches of all stores of a process. Nil gives the store small ones of its own.
	Shared *Shared
	// FS is the file system; nil takes that of Shared, or the disk.
	FS vfs.FS
	// Disk has writes wait for room; nil: they fail, and a failed one can end the process.
	Disk *Disk
	// Fatal ends the process, with a message, where Pebble can't go on; nil panics.
	Fatal func(message string)
	// Logger is told of slow disks, corruption and failing background work. Nil discards.
	Logger *slog.Logger

	// MemTableBytes is what Pebble gathers in memory before it flushes by itself. Up to two are in memory for each store
	// under load. A transaction of more than half of it takes a slower way into Pebble. Default 4 MiB.
	MemTableBytes int64
	// FlushBytes and FlushEvery bound the tail of the changelog that a store has to replay after a crash: bytes of deltas,
	// and time, that aren't on disk. MaybeFlush starts at half of either, and waits for the disk rather than exceed them.
	// Defaults 16 MiB and 10 s.
	FlushBytes int64
	FlushEvery time.Duration
	// SyncFlush flushes inline and switches off all that Pebble does by itself in the background, so that a simulation is
	// repeatable. Files are never compacted: for short lives only.
	SyncFlush bool

	// SweepShare is how many bytes the sweep repeats for each byte that a transaction writes, above 0 and up to 1. The
	// changelog is at most about 2·(1+1/share) times as long as the state, and share more bytes are written to it. Default
	// 0.5: six times the state at worst. A quarter would give ten times, which is what a restore has to read; one gives
	// four times, and doubles what the broker has to store and replicate on the hot path.
	SweepShare float64
	// LogBytesMin is the length below which nobody cares how long the changelog is: rounds of the sweep aren't made
	// shorter than a quarter of it, and an idle store stops sweeping. Default 1 MiB.
	LogBytesMin int64
	// PartBytesMax bounds a changelog record. Default 900 KiB, below the broker's usual limit of 1 MiB for a batch.
	PartBytesMax int
}

const (
	defaultMemTableBytes = 4 << 20
	defaultFlushBytes    = 16 << 20
	defaultFlushEvery    = 10 * time.Second
	defaultSweepShare    = 0.5
	defaultLogBytesMin   = 1 << 20
	defaultPartBytesMax  = 900 << 10

	// A part has to hold its header and should hold far more; part numbers have two bytes.
	partBytesLeast = 2 * headerBytes
)

func (c Config) withDefaults() Config {
	setDefault(&c.MemTableBytes, defaultMemTableBytes)
	setDefault(&c.FlushBytes, defaultFlushBytes)
	setDefault(&c.FlushEvery, defaultFlushEvery)
	setDefault(&c.SweepShare, defaultSweepShare)
	setDefault(&c.LogBytesMin, defaultLogBytesMin)
	setDefault(&c.PartBytesMax, defaultPartBytesMax)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.FS == nil && c.Shared != nil {
		c.FS = c.Shared.fs
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.FS == vfs.Default && c.Dir != "" {
		// The lock within a process goes by name: one directory must have one.
		if abs, err := filepath.Abs(c.Dir); err == nil {
			c.Dir = abs
		}
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports everything that is wrong with c, defaults taken into account.
func (c Config) Validate() error {
	c = c.withDefaults()
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("state: "+format, args...))
		}
	}
	check(c.Dir != "", "Dir is empty")
	check(c.Identity.ClusterID != "", "Identity.ClusterID is empty")
	check(c.Identity.Topic != "", "Identity.Topic is empty")
	check(c.Identity.TopicID != [16]byte{}, "Identity.TopicID is zero")
	check(c.Identity.Partition >= 0, "Identity.Partition %d is negative", c.Identity.Partition)
	check(c.MemTableBytes >= 256<<10 && c.MemTableBytes <= 1<<30, "MemTableBytes %d is not within 256 KiB and 1 GiB", c.MemTableBytes)
	check(c.FlushBytes > 0, "FlushBytes %d is not above 0", c.FlushBytes)
	check(c.FlushEvery > 0, "FlushEvery %s is not above 0", c.FlushEvery)
	check(c.SweepShare > 0 && c.SweepShare <= 1, "SweepShare %g is not above 0 and up to 1", c.SweepShare)
	check(c.LogBytesMin > 0, "LogBytesMin %d is not above 0", c.LogBytesMin)
	check(c.PartBytesMax >= partBytesLeast, "PartBytesMax %d is less than %d", c.PartBytesMax, partBytesLeast)
	return errors.Join(problems...)
}
