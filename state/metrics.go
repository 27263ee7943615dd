package state

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Metrics is how the stores of a process do, all of them together. What only grows counts closed stores too.
type Metrics struct {
	Stores                   int // that are open
	CacheHits, CacheMisses   int64
	CacheBytes               int64 // in use, of blocks
	DiskBytes, MemTableBytes int64
	// CompactionDebtBytes is an estimate of what has to be compacted yet: growing without end, the disk is too slow.
	CompactionDebtBytes int64
	// ReadAmplificationMax is that of the store in which a read has to look into the most places.
	ReadAmplificationMax     int
	Flushes, Compactions     int64
	FlushedBytes             int64
	CompactedBytes           int64 // written by compactions
	FilterHits, FilterMisses int64 // reads that a filter spared, and didn't
}

// open is which stores of a Shared are open. The lock is held while a store is closed, and while it is asked, since a
// closed one must not be.
type open struct {
	mu     sync.Mutex
	dbs    map[*pebble.DB]struct{}
	closed Metrics // what only grows, of those that were closed
}

func (o *open) add(db *pebble.DB) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dbs == nil {
		o.dbs = map[*pebble.DB]struct{}{}
	}
	o.dbs[db] = struct{}{}
}

// remove must be called before db is closed.
func (o *open) remove(db *pebble.DB) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.dbs[db]; ok {
		o.closed.grow(db.Metrics())
		delete(o.dbs, db)
	}
}

// grow adds what only grows.
func (m *Metrics) grow(p *pebble.Metrics) {
	m.Flushes += p.Flush.Count
	m.Compactions += p.Compact.Count
	for i := range p.Levels {
		m.FlushedBytes += int64(p.Levels[i].TableBytesFlushed)
		m.CompactedBytes += int64(p.Levels[i].TableBytesCompacted)
	}
	m.FilterHits += p.Filter.Hits
	m.FilterMisses += p.Filter.Misses
}

// Metrics asks every open store; some microseconds each. It may be called at any time, from any goroutine.
func (s *Shared) Metrics() Metrics {
	s.open.mu.Lock()
	defer s.open.mu.Unlock()
	m := s.open.closed
	m.Stores = len(s.open.dbs)
	cache := s.blocks.Metrics()
	m.CacheHits, m.CacheMisses, m.CacheBytes = cache.Hits, cache.Misses, cache.Size
	for db := range s.open.dbs {
		p := db.Metrics()
		m.grow(p)
		m.DiskBytes += int64(p.DiskSpaceUsage())
		m.MemTableBytes += int64(p.MemTable.Size)
		m.CompactionDebtBytes += int64(p.Compact.EstimatedDebt)
		m.ReadAmplificationMax = max(m.ReadAmplificationMax, p.ReadAmp())
	}
	return m
}
