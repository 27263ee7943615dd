package state

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// A store with more keys than the first filter is made for, and than are kept from one transaction to the next: filters
// fill and are made anew, and stores are opened again and restored, while every look-up is held against a map. With scans
// inline, as in a simulation, and beside, as in production.
func TestLookUpsFindWhatIsThere(t *testing.T) {
	for _, inline := range []bool{true, false} {
		t.Run(fmt.Sprintf("inline=%v", inline), func(t *testing.T) {
			const keys = 4 * bloomCapacityMin
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 1))
			c := testConfig(vfs.NewMem())
			c.SyncFlush, c.MemTableBytes = inline, 1<<20
			s, l := openStore(t, c), newFakeLog(random)
			want := map[string]string{}
			look := func(key string) {
				value, ok, err := s.Get([]byte(key))
				require.NoError(t, err)
				expect, is := want[key]
				require.Equal(t, is, ok, key)
				require.Equal(t, expect, string(value), key)
			}
			restore := func(s *Store) { // in the way of a node, or delta by delta
				if random.IntN(2) == 0 {
					gatherAll(t, l, s)
				} else {
					l.restore(t, s)
				}
			}
			input := Offset(0)
			for range 50 {
				dropped := random.IntN(8) == 0
				next := map[string]string{}
				for range random.IntN(1500) {
					key := fmt.Sprintf("k%d", random.IntN(keys))
					if _, mine := next[key]; !mine {
						look(key)
					}
					value := fmt.Sprint(random.IntN(1000))
					if random.IntN(5) == 0 {
						value = ""
						s.Delete([]byte(key))
					} else {
						s.Put([]byte(key), []byte(value))
					}
					next[key] = value
				}
				unknown := random.IntN(8) == 0
				switch {
				case dropped:
					s.Drop()
				case unknown: // it was committed, but nobody was told
					input++
					parts, err := s.Prepare(input, int64(input), 0)
					require.NoError(t, err)
					l.append(parts)
					s.Drop()
					restore(s)
				default:
					input++
					commit(t, s, l, input, 0)
				}
				if !dropped {
					for key, value := range next {
						if want[key] = value; value == "" {
							delete(want, key)
						}
					}
				}
				switch random.IntN(12) {
				case 0: // a restart, with a tail to catch up, or none
					s.Abandon()
					s = openStore(t, c)
					restore(s)
				case 1: // from nothing
					s.Abandon()
					c.FS, c.Shared = vfs.NewMem(), nil
					s = openStore(t, c)
					restore(s)
				}
			}
			for key := range want {
				look(key)
			}
			requireSame(t, want, contents(t, s))
		})
	}
}

// What a scan beside has found, and what was written meanwhile, is answered for.
func TestAbsenceAnswersAfterAScan(t *testing.T) {
	c := testConfig(vfs.NewMem())
	c.SyncFlush = false
	s, l := openStore(t, c), newFakeLog(rand.New(rand.NewPCG(1, 1)))
	key := func(kind string, i int) []byte { return fmt.Appendf(nil, "%s-%d", kind, i) }
	const each = 5000
	for i := range each {
		s.Put(key("old", i), []byte("v"))
	}
	commit(t, s, l, 1, 0)
	require.NoError(t, s.Close())

	s = openStore(t, c)
	require.False(t, s.absent(s.absence.hash(key("old", 0))), "nothing is known yet")
	scan := s.absence.scanning
	require.NotNil(t, scan)
	for i := range each {
		s.Put(key("new", i), []byte("v"))
	}
	commit(t, s, l, 2, 0)
	<-scan.done
	s.learnKeys()
	require.True(t, s.absence.answers)
	denied := 0
	for i := range each {
		require.False(t, s.absent(s.absence.hash(key("old", i))))
		require.False(t, s.absent(s.absence.hash(key("new", i))))
		if s.absent(s.absence.hash(key("never", i))) {
			denied++
		}
	}
	require.Greater(t, denied, each*97/100, "of %d absent keys", each)
}

// A store that is closed while its keys are scanned waits for the scan.
func TestAbsenceCloseDuringAScan(t *testing.T) {
	c := testConfig(vfs.NewMem())
	c.SyncFlush = false
	s, l := openStore(t, c), newFakeLog(rand.New(rand.NewPCG(1, 1)))
	for i := range 20_000 {
		s.Put(fmt.Appendf(nil, "k%d", i), []byte("v"))
	}
	commit(t, s, l, 1, 0)
	require.NoError(t, s.Close())
	s = openStore(t, c)
	_, ok, err := s.Get([]byte("k7"))
	require.NoError(t, err)
	require.True(t, ok)
	require.NotNil(t, s.absence.scanning)
	require.NoError(t, s.Close())
}

func BenchmarkBloomFilter(b *testing.B) {
	f := newBloomFilter(1 << 20)
	random := rand.New(rand.NewPCG(1, 1))
	for range 1 << 20 {
		f.add(random.Uint64())
	}
	may := 0
	for b.Loop() {
		if f.mayHave(random.Uint64()) {
			may++
		}
	}
	b.ReportMetric(float64(may)/float64(b.N)*100, "%wrong")
}
