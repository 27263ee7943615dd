package state

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// gathered are deltas that a restore has read and not yet brought into Pebble. It brings them there together, as one
// sorted table:
//
//	deltas, in log order     ┌ d1: b a c ┐┌ d2: a d ┐┌ d3: c b ┐
//	                                       │ sort by key, the newest of each key stays
//	one table, ingested      ┌ position after d3 │ a(d2) b(d3) c(d3) d(d2) ┐
//
// That is what memtable, flush and compaction come to in the end, at a fraction of their price: no skip list, no second
// writing of what was written several times. Pebble ingests a table as a whole or not at all, and the position is in it.
// So after a crash the store is a prefix of the changelog, as always.
//
// What is too little for a table of its own goes through the memtable, in one batch.
type gathered struct {
	bodies     []gatheredBody
	entries    []gatheredEntry
	bodyBytes  int
	deltaBytes int64
	sorter     sorter
}

// gatheredBody is the body of a delta, which entries point into: nothing is copied.
type gatheredBody struct {
	bytes []byte
	round int64
}

// gatheredEntry is an entry of a delta. The later of two has the larger body, or the larger place in the same one.
type gatheredEntry struct {
	word uint64 // eight bytes of the key, of which, the sorter knows
	body uint32 // index
	at   uint32 // of the key in the body
	key  uint32 // bytes
	is   gatheredIs
}

type gatheredIs uint32

const (
	gatheredPut gatheredIs = iota
	gatheredDelete
	gatheredOld // there is a later entry of its key
)

const (
	// gatheredEntryBytes is what an entry takes beside its body.
	gatheredEntryBytes = 24
	// gatherEntriesFirst is room for, to begin with; then it doubles.
	gatherEntriesFirst = 1 << 10
	// gatherBytesAll is what all restores of a process gather in memory together, about. More would find more keys that
	// are written twice; this is eight partitions' 16 MiB.
	gatherBytesAll = 128 << 20
	// gatherBytesLeast of a store, be there ever so many: smaller tables would be too many of them.
	gatherBytesLeast = 1 << 20
	// tableBytesLeast: fewer go through the memtable, as a restart's few do.
	tableBytesLeast = 1 << 20
)

// restoring counts the stores of a process that gather.
type restoring struct{ stores atomic.Int64 }

// gatherBytesMax is how much a store may gather now. FlushBytes bounds what isn't on disk.
func (s *Store) gatherBytesMax() int {
	if s.cfg.SyncFlush {
		return syncFlushBytes / 4 // short lives have little, and should meet tables too
	}
	share := gatherBytesAll / max(1, s.shared().restoring.stores.Load())
	return int(min(s.cfg.FlushBytes, max(gatherBytesLeast, share)))
}

func (s *Store) tableBytesLeast() int {
	if s.cfg.SyncFlush {
		return syncFlushBytes / 16
	}
	return tableBytesLeast
}

func (g *gathered) bytes() int { return g.bodyBytes + gatheredEntryBytes*len(g.entries) }

func (g *gathered) reset() {
	clear(g.bodies)
	g.bodies, g.entries, g.bodyBytes, g.deltaBytes = g.bodies[:0], g.entries[:0], 0, 0
}

// add takes over the entries of a section, which begins at a place in the last body.
func (g *gathered) add(section []byte, at int, deletes bool) error {
	body := uint32(len(g.bodies) - 1)
	end := at + len(section)
	for entries := (entryReader{section}); ; {
		head := end - len(entries.rest)
		key, _, isDelete, ok, err := entries.next()
		if err != nil || !ok {
			return err
		}
		if isDelete && !deletes {
			return errSweptDelete
		}
		_, n := binary.Uvarint(section[head-at:])
		e := gatheredEntry{body: body, at: uint32(head + n), key: uint32(len(key))}
		if isDelete {
			e.is = gatheredDelete
		}
		if len(g.entries) == cap(g.entries) {
			g.entries = slices.Grow(g.entries, max(gatherEntriesFirst, len(g.entries)))
		}
		g.entries = append(g.entries, e)
	}
}

func (g *gathered) key(e *gatheredEntry) []byte { return g.bodies[e.body].bytes[e.at:][:e.key] }

// value returns the value of a put as the store has it, in buffer.
func (g *gathered) value(e *gatheredEntry, buffer []byte) []byte {
	body := &g.bodies[e.body]
	rest := body.bytes[e.at+e.key:]
	size, n := binary.Uvarint(rest) // add has looked at it
	buffer = binary.AppendUvarint(buffer, uint64(body.round))
	return append(buffer, rest[n:][:size]...)
}

// Gather has the restore gather what it is fed, and bring it into the store some MiB at a time: much faster where there
// is much. Until then it keeps the values that Feed was given, the store's Position lags behind Next, and what was
// gathered is lost with the Restore. Finish must end it.
func (r *Restore) Gather() {
	if r.gathered == nil {
		r.gathered = &gathered{}
	}
	if !r.s.gathers {
		r.s.gathers = true
		r.s.shared().restoring.stores.Add(1)
	}
}

// Finish brings all that was gathered into the store. After an error the store must be closed.
func (r *Restore) Finish() error {
	err := r.writeGathered()
	r.gathered = nil
	r.s.endGathering()
	return err
}

func (s *Store) endGathering() {
	if s.gathers {
		s.gathers = false
		s.shared().restoring.stores.Add(-1)
	}
}

// gather takes a whole delta that leads to next; body is where its sections are.
func (r *Restore) gather(d *delta, body []byte, next meta) error {
	g := r.gathered
	before := len(g.entries)
	g.bodies = append(g.bodies, gatheredBody{body, d.after.sweep.round})
	err := g.add(d.writes, 0, true)
	if err == nil && r.at.completeAfter != complete {
		err = g.add(d.swept, len(d.writes), false)
	}
	if err != nil {
		g.bodies, g.entries = g.bodies[:len(g.bodies)-1], g.entries[:before]
		return &DeltaError{Offset: r.first, Reason: err.Error()}
	}
	g.bodyBytes += len(body)
	g.deltaBytes += d.bytes
	r.at = next
	if g.bytes() < r.s.gatherBytesMax() {
		return nil
	}
	return r.writeGathered()
}

// writeGathered brings what was gathered into Pebble.
func (r *Restore) writeGathered() (err error) {
	g, s := r.gathered, r.s
	if g == nil || g.deltaBytes == 0 {
		return nil
	}
	if g.bytes() >= s.tableBytesLeast() {
		err = s.ingest(g, r.at)
	} else {
		err = s.applyGathered(g, r.at)
	}
	g.reset()
	return firstError(err, s.backgroundError())
}

func (s *Store) applyGathered(g *gathered, next meta) error {
	s.batch.Reset()
	var value []byte
	for i := range g.entries {
		e := &g.entries[i]
		var err error
		if e.is == gatheredDelete {
			err = s.batch.Delete(g.key(e), nil)
		} else {
			value = g.value(e, value[:0])
			s.absence.applied(g.key(e))
			err = s.batch.Set(g.key(e), value, nil)
		}
		if err != nil {
			return s.wrap("applying deltas", err)
		}
	}
	if err := s.applyBatch(next, g.deltaBytes); err != nil {
		return err
	}
	s.flushIfDue(false, s.flushDueBytes())
	return nil
}

// ingestFile is where a table is written before Pebble takes it over. Pebble removes temporary files of such a name when
// it opens a directory that a crash has left.
const ingestFile = "temporary.000000.dbtmp"

// ingest brings what was gathered into Pebble as a table, with the position that it leads to. It is on disk then.
func (s *Store) ingest(g *gathered, next meta) error {
	// A memtable with older versions of these keys would have to be flushed before; better here, where it can be waited for.
	if err := firstError(s.Flush(), s.closeIterator()); err != nil {
		return err
	}
	path := s.cfg.FS.PathJoin(s.cfg.Dir, pebbleDir, ingestFile)
	err := s.writeTable(path, g, next)
	if err == nil {
		err = s.db.Ingest(context.Background(), []string{path})
	}
	if err != nil {
		return s.wrap("bringing deltas in as a table", err)
	}
	s.meta = next
	s.flush.trim = max(s.flush.trim, next.redundantBelow())
	return nil
}

func (s *Store) writeTable(path string, g *gathered, next meta) error {
	file, err := s.cfg.FS.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(file), s.options.MakeWriterOptions(0, s.db.TableFormat()))
	s.metaBuffer = next.append(s.metaBuffer[:0])
	err = w.Set(metaKey, s.metaBuffer)
	g.sorter.sort(g.bodies, g.entries)
	var value []byte
	for i := 0; i < len(g.entries) && err == nil; i++ {
		switch e := &g.entries[i]; e.is {
		case gatheredPut:
			value = g.value(e, value[:0])
			s.absence.applied(g.key(e))
			err = w.Set(g.key(e), value)
		case gatheredDelete:
			err = w.Delete(g.key(e))
		case gatheredOld:
		}
	}
	return errors.Join(err, w.Close()) // which syncs
}
