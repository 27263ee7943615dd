package state

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Disk watches the room under the stores of a process, and has Pebble wait for it. Safe for concurrent use.
//
// Below a least number of free bytes Room says so, and whoever decides should wait: what Pebble still writes then by
// itself (flushes of what it has in memory, compactions) has the rest. Should that be used up, too, or be no room because
// of a quota:
//
//	a table          fails after a moment, and what was written of it is removed; Pebble tries again
//	MANIFEST, marker wait until there is room: half of a version edit would end the process
//
// Nothing is lost by waiting, or by a process that is killed meanwhile: the changelog has all of it.
type Disk struct {
	files vfs.FS
	dir   string
	least int64

	free    atomic.Int64 // as of the last Look; -1: not known
	short   atomic.Bool  // less than the least, and not a quarter more since
	refused atomic.Int64 // when a write last was, in nanoseconds of Unix time; 0: never

	retryAfter time.Duration
	closed     chan struct{}
	close      sync.Once
}

// diskRetryAfter is how long a write that was refused waits before it is tried again. As long as there is something to
// flush Pebble tries all the time, and another store's small write may go well meanwhile: so there is room again only
// when no write was refused for refusedFor times as long.
const (
	diskRetryAfter = 500 * time.Millisecond
	refusedFor     = 10
)

// NewDisk watches the disk of dir, which must be there. Below leastBytes there is no room; 0: as long as writes go well,
// there is. A nil fs is the disk.
func NewDisk(files vfs.FS, dir string, leastBytes int64) *Disk {
	if files == nil {
		files = vfs.Default
	}
	d := &Disk{files: files, dir: dir, least: leastBytes, retryAfter: diskRetryAfter, closed: make(chan struct{})}
	d.free.Store(-1)
	d.Look()
	return d
}

// Look measures; call it every second or so.
func (d *Disk) Look() {
	usage, err := d.files.GetDiskUsage(d.dir)
	if err != nil {
		d.free.Store(-1) // nobody knows; then writes will tell
		d.short.Store(false)
		return
	}
	free := int64(usage.AvailBytes)
	d.free.Store(free)
	switch {
	case free < d.least:
		d.short.Store(true)
	case free >= d.least+d.least/4:
		d.short.Store(false)
	}
}

// FreeBytes is what was free at the last Look; -1: it couldn't be measured.
func (d *Disk) FreeBytes() int64 { return d.free.Load() }

// Close has writes that wait for room fail: the process is about to end.
func (d *Disk) Close() { d.close.Do(func() { close(d.closed) }) }

// NoRoomError says that nothing should be written that need not be.
type NoRoomError struct {
	Dir         string
	Free, Least int64 // bytes
	Refused     bool  // a write was
}

func (e *NoRoomError) Error() string {
	why := fmt.Sprintf("%d MiB are free, state.free_bytes_min is %d MiB", e.Free>>20, e.Least>>20)
	if e.Refused {
		why = fmt.Sprintf("a write was refused (full, or over a quota; %d MiB are free)", max(0, e.Free)>>20)
	}
	return fmt.Sprintf("no room on the disk of %s: %s", e.Dir, why)
}

// Room returns nil, or a NoRoomError.
func (d *Disk) Room() error {
	at := d.refused.Load()
	refused := at != 0 && time.Since(time.Unix(0, at)) < refusedFor*d.retryAfter
	if !refused && !d.short.Load() {
		return nil
	}
	return &NoRoomError{Dir: d.dir, Free: d.free.Load(), Least: d.least, Refused: refused}
}

// wrap returns files whose writes wait for room.
func (d *Disk) wrap(files vfs.FS) vfs.FS { return &roomyFS{files, d} }

// retry calls write until it isn't for want of room that it fails: twice, or, where it must go well, until the disk is
// closed.
func (d *Disk) retry(name string, write func() error) error {
	for tries := 1; ; tries++ {
		err := write()
		if !IsDiskFull(err) {
			return err
		}
		d.refused.Store(time.Now().UnixNano())
		if tries > 1 && !mustBeWritten(name) {
			return err
		}
		wait := time.NewTimer(d.retryAfter)
		select {
		case <-d.closed:
			wait.Stop()
			return err
		case <-wait.C:
		}
	}
}

// mustBeWritten tells the files of which Pebble takes a failed write for the end of the world.
func mustBeWritten(name string) bool {
	return strings.HasPrefix(name, "MANIFEST-") || strings.HasPrefix(name, "marker.")
}

type roomyFS struct {
	vfs.FS
	disk *Disk
}

// Unwrap is part of vfs.FS.
func (r *roomyFS) Unwrap() vfs.FS { return r.FS }

func (r *roomyFS) Create(name string, category vfs.DiskWriteCategory) (f vfs.File, err error) {
	base := r.PathBase(name)
	err = r.disk.retry(base, func() error {
		f, err = r.FS.Create(name, category)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &roomyFile{f, r.disk, base}, nil
}

type roomyFile struct {
	vfs.File
	disk *Disk
	name string
}

// Write goes on behind what was written before there was no room.
func (f *roomyFile) Write(p []byte) (n int, err error) {
	err = f.disk.retry(f.name, func() error {
		m, err := f.File.Write(p[n:])
		n += m
		return err
	})
	return n, err
}

// Sync is where some file systems find out.
func (f *roomyFile) Sync() error { return f.disk.retry(f.name, f.File.Sync) }

func (f *roomyFile) SyncData() error { return f.disk.retry(f.name, f.File.SyncData) }
