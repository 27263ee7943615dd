package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/stretchr/testify/require"
)

// Entries are sorted as their keys are, and only the latest of a key counts, whatever the keys' lengths and zeros.
func TestSortEntries(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 0))
	for range 20 {
		var g gathered
		latest := map[string]string{}
		for body := range 1 + random.IntN(4) {
			var e encoder
			e.reset(0)
			seen := map[string]bool{}
			for i := range random.IntN(400) {
				key := append([]byte{keyFirst + byte(random.IntN(2))}, bytes.Repeat([]byte("same"), random.IntN(5))...)
				for range random.IntN(12) {
					key = append(key, byte(random.IntN(3)))
				}
				if seen[string(key)] {
					continue // once a section
				}
				seen[string(key)] = true
				value := fmt.Sprint(body, i)
				e.put(key, []byte(value))
				latest[string(key)] = value
			}
			section := bytes.Clone(e.body())
			g.bodies = append(g.bodies, gatheredBody{section, 300})
			require.NoError(t, g.add(section, 0, true))
		}
		g.sorter.sort(g.bodies, g.entries)
		var before []byte
		for i := range g.entries {
			e := &g.entries[i]
			key := g.key(e)
			require.LessOrEqual(t, bytes.Compare(before, key), 0, "%q before %q", before, key)
			isOld := i+1 < len(g.entries) && bytes.Equal(key, g.key(&g.entries[i+1]))
			require.Equal(t, isOld, e.is == gatheredOld)
			before = key
			if e.is != gatheredOld {
				round, n := binary.Uvarint(g.value(e, nil))
				require.EqualValues(t, 300, round)
				require.Equal(t, latest[string(key)], string(g.value(e, nil)[n:]))
				delete(latest, string(key))
			}
		}
		require.Empty(t, latest)
	}
}

// gatherAll restores from the log in the way of a node.
func gatherAll(t *testing.T, log *fakeLog, s *Store) *Restore {
	t.Helper()
	r := s.NewRestore()
	r.Gather()
	require.NoError(t, r.LogStart(log.start))
	for _, record := range log.records {
		require.NoError(t, r.Feed(record.offset, bytes.Clone(record.value)))
	}
	require.NoError(t, r.Finish())
	return r
}

// Wherever the log is cut, a restore that gathers comes to what one comes to that applies each delta as it is.
func TestGatherIsTheSame(t *testing.T) {
	for _, partBytesMax := range []int{0, partBytesLeast} {
		log, _ := longLog(t, partBytesMax)
		for start := Offset(0); start <= log.end; start += 17 {
			cut := *log
			cut.trim(start)
			want, have := fresh(t), fresh(t)
			wantOK, wantReason := cut.restore(t, want).Complete()
			ok, reason := gatherAll(t, &cut, have).Complete()
			require.Equal(t, wantOK, ok)
			require.Equal(t, wantReason, reason)
			require.Equal(t, want.meta, have.meta)
			if start == 0 {
				require.Greater(t, have.db.Metrics().Ingest.Count, uint64(2), "tables were made")
			}
			requireSame(t, contents(t, want), contents(t, have))
			require.Zero(t, have.shared().restoring.stores.Load())
			want.Abandon()
			have.Abandon()
		}
	}
}

// A restore that is given up leaves the store where the last table or batch has brought it, and the next one goes on there.
func TestGatherGivenUp(t *testing.T) {
	log, s := longLog(t, partBytesLeast)
	restored := fresh(t)
	moved := map[Offset]bool{}
	for _, upTo := range []int{10, len(log.records) / 2, len(log.records) - 1} {
		r := restored.NewRestore()
		r.Gather()
		require.NoError(t, r.LogStart(0))
		for _, record := range log.records[:upTo] {
			require.NoError(t, r.Feed(record.offset, bytes.Clone(record.value)))
		}
		require.LessOrEqual(t, restored.Position().Changelog, r.Next())
		moved[restored.Position().Changelog] = true
	}
	require.Len(t, moved, 3)
	gatherAll(t, log, restored)
	require.Equal(t, s.meta, restored.meta)
	requireSame(t, contents(t, s), contents(t, restored))
	for key, value := range contents(t, s) {
		have, ok, err := restored.Get([]byte(key))
		require.NoError(t, err)
		require.True(t, ok, key)
		require.Equal(t, value, string(have))
	}
	restored.Drop()

	r := restored.NewRestore()
	r.Gather()
	require.EqualValues(t, 1, restored.shared().restoring.stores.Load())
	shared := restored.shared()
	restored.Abandon()
	require.Zero(t, shared.restoring.stores.Load(), "a store that is closed gathers no more")
}

// Whenever the machine stops, also while a table is written and taken over, the store comes back as a prefix of the
// changelog.
func TestCrashWhileGathering(t *testing.T) {
	log, _ := longLog(t, partBytesLeast)
	whole := fresh(t)
	nothing, err := whole.Digest()
	require.NoError(t, err)
	prefix := map[Offset]Digest{0: nothing}
	r := whole.NewRestore()
	require.NoError(t, r.LogStart(0))
	for _, record := range log.records {
		require.NoError(t, r.Feed(record.offset, record.value))
		digest, err := whole.Digest()
		require.NoError(t, err)
		prefix[whole.Position().Changelog] = digest
	}

	disk := vfs.NewCrashableMem()
	random := rand.New(rand.NewPCG(13, 0))
	var clones []*vfs.MemFS
	crashes := errorfs.InjectorFunc(func(errorfs.Op) error {
		if random.IntN(20) == 0 {
			clones = append(clones, disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random}))
		}
		return nil
	})
	restored := openStore(t, testConfig(errorfs.Wrap(disk, crashes)))
	gatherAll(t, log, restored)
	restored.Abandon()

	seen := map[Offset]bool{}
	for _, clone := range clones {
		s, err := Open(testConfig(clone))
		require.NoError(t, err)
		at := s.Position().Changelog
		want, ok := prefix[at]
		require.True(t, ok, "at %d, within a delta", at)
		have, err := s.Digest()
		require.NoError(t, err)
		require.Equal(t, want, have, "at %d", at)
		seen[at] = true
		gatherAll(t, log, s)
		have, err = s.Digest()
		require.NoError(t, err)
		require.Equal(t, prefix[whole.Position().Changelog], have)
		s.Abandon()
	}
	require.Greater(t, len(seen), 5, "crashes at several places")
}
