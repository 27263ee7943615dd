package state

import (
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// absence knows of most keys that the store doesn't hold that it doesn't, without asking Pebble. Most keys that are looked
// up are new (an order's, a hold's: that is how news is told from repetitions), and Pebble has to ask its memtables, every
// file of level 0 and every level below before it may say so, with iterators made anew for each: 1.5 of the 4.5 µs of CPU
// that a reservation took.
//
// It is a Bloom filter over the keys' hashes. It must never call a key absent that is there, so:
//
//   - every key that is applied is added, before anybody can look it up;
//   - it answers only while it has all keys: those of a store that was opened empty, or else all that a scan found, and all
//     that were applied since the scan began.
//
// Deleted keys stay in it. Once as many were added as it was made for, a scan makes a new one, twice as large as the store
// then needs; until that is done, the old one goes on, and errs more often on the harmless side.
//
//	opened empty ──────── gathers ─┐
//	opened ─── nothing known ──────┤ first Get
//	                               ▼
//	                 scan, in a goroutine of its own ──> answers ──> full: scan …
type absence struct {
	filter   bloomFilter
	answers  bool
	gathers  bool     // since the store was empty: news has all of its keys
	news     []uint64 // hashes of what was applied since the scan began, or while gathering
	scanning *absenceScan
	hash     func(key []byte) uint64
}

// absenceScan reads the hashes of all keys.
type absenceScan struct {
	done   chan struct{}
	stop   atomic.Bool
	hashes []uint64 // when done
	err    error
}

// gatherMax bounds what gathering takes: 32 MiB. A store that grows larger before it is first asked is scanned.
const gatherMax = 4 << 20

// applied notes a key that is on its way into Pebble.
func (a *absence) applied(key []byte) {
	switch {
	case a.scanning != nil:
		h := a.hash(key)
		a.news = append(a.news, h)
		if a.answers {
			a.filter.add(h)
		}
	case a.answers:
		a.filter.add(a.hash(key))
	case a.gathers:
		if len(a.news) == gatherMax {
			a.gathers, a.news = false, nil
			return
		}
		a.news = append(a.news, a.hash(key))
	}
}

// absent tells that the store surely doesn't hold the key with this hash.
func (s *Store) absent(hash uint64) bool {
	a := &s.absence
	if !a.answers || a.scanning != nil || a.filter.isFull() {
		s.learnKeys()
	}
	return a.answers && !a.filter.mayHave(hash)
}

// learnKeys brings the filter nearer to answering.
func (s *Store) learnKeys() {
	a := &s.absence
	switch {
	case a.scanning != nil:
		select {
		case <-a.scanning.done:
			a.learn(a.scanning)
		default:
		}
	case a.gathers:
		a.gathers = false
		a.make(a.news, nil)
	default:
		a.startScan(s.db)
		if s.cfg.SyncFlush {
			<-a.scanning.done
			a.learn(a.scanning)
		}
	}
}

// learn takes up a scan's result. A scan that failed is the business of whoever reads next; the filter goes without.
func (a *absence) learn(scan *absenceScan) {
	a.scanning = nil
	if scan.err == nil {
		a.make(scan.hashes, a.news)
	}
	a.news = nil
}

func (a *absence) make(keys, more []uint64) {
	a.filter = newBloomFilter(2 * (len(keys) + len(more)))
	for _, h := range keys {
		a.filter.add(h)
	}
	for _, h := range more {
		a.filter.add(h)
	}
	a.news, a.answers = nil, true
}

func (a *absence) startScan(db *pebble.DB) {
	scan := &absenceScan{done: make(chan struct{})}
	a.scanning, a.news = scan, nil
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: lowestKey, KeyTypes: pebble.IterKeyTypePointsOnly})
	if err != nil {
		scan.err = err
		close(scan.done)
		return
	}
	go func() {
		defer close(scan.done)
		for valid := it.First(); valid && !scan.stop.Load(); valid = it.Next() {
			scan.hashes = append(scan.hashes, a.hash(it.Key()))
		}
		scan.err = it.Close()
	}()
}

// close ends a scan that runs: Pebble doesn't close over its iterator.
func (a *absence) close() {
	if a.scanning != nil {
		a.scanning.stop.Store(true)
		<-a.scanning.done
		a.scanning = nil
	}
	a.answers, a.gathers = false, false
}

// bloomFilter tells of hashes that they were surely not added. All bits of a hash lie in one line of the processor's cache.
type bloomFilter struct {
	blocks   []bloomBlock // a power of two
	added    int          // that weren't there, it seems
	capacity int
}

type bloomBlock [8]uint64

const (
	// bloomBitsPerKey and bloomProbes: about one in a hundred absent keys is asked of Pebble all the same.
	bloomBitsPerKey  = 12
	bloomProbes      = 6
	bloomCapacityMin = 1 << 12
)

func newBloomFilter(capacity int) bloomFilter {
	capacity = max(capacity, bloomCapacityMin)
	blocks := 1
	for blocks*64*8 < capacity*bloomBitsPerKey {
		blocks *= 2
	}
	return bloomFilter{blocks: make([]bloomBlock, blocks), capacity: blocks * 64 * 8 / bloomBitsPerKey}
}

func (f *bloomFilter) isFull() bool { return f.added >= f.capacity }

func (f *bloomFilter) block(hash uint64) *bloomBlock {
	return &f.blocks[hash>>32&uint64(len(f.blocks)-1)]
}

// places takes a hash's nine bits for each probe from all of it, so that keys of one block differ in them: the block was
// chosen by the upper half as it is.
func places(hash uint64) uint64 { return hash * 0x9e3779b97f4a7c15 >> (64 - 9*bloomProbes) }

func (f *bloomFilter) add(hash uint64) {
	b, at, missing := f.block(hash), places(hash), uint64(0)
	for range bloomProbes {
		word, bit := &b[at>>6&7], uint64(1)<<(at&63)
		missing |= bit &^ *word
		*word |= bit
		at >>= 9
	}
	if missing != 0 {
		f.added++
	}
}

func (f *bloomFilter) mayHave(hash uint64) bool {
	b, at, missing := f.block(hash), places(hash), uint64(0)
	for range bloomProbes {
		missing |= uint64(1) << (at & 63) &^ b[at>>6&7]
		at >>= 9
	}
	return missing == 0
}
