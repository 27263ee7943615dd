package state

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// longLog is a log with many rounds of the sweep in it, never trimmed, and the state that it leads to.
func longLog(t *testing.T, partBytesMax int) (*fakeLog, *Store) {
	c := testConfig(vfs.NewMem())
	c.PartBytesMax = partBytesMax
	s := openStore(t, c)
	log := newFakeLog(nil)
	random := rand.New(rand.NewPCG(11, 0))
	for input := range Offset(300) {
		for range random.IntN(8) {
			if key := fmt.Appendf(nil, "k%02d", random.IntN(80)); random.IntN(3) == 0 {
				s.Delete(key)
			} else {
				s.Put(key, fmt.Appendf(nil, "%0*d", random.IntN(60), random.IntN(1000)))
			}
		}
		commit(t, s, log, input, 0)
	}
	require.Greater(t, s.Log().Round, int64(5))
	return log, s
}

func fresh(t *testing.T) *Store { return openStore(t, testConfig(vfs.NewMem())) }

// Wherever the log is cut, between deltas, within a round or within a delta, the restore either says that it isn't
// complete, or is.
func TestRestoreFromAnyLogStart(t *testing.T) {
	for _, partBytesMax := range []int{0, partBytesLeast} {
		log, s := longLog(t, partBytesMax)
		want := contents(t, s)
		completed := 0
		for start := Offset(0); start <= log.end; start += 7 {
			cut := *log
			cut.trim(start)
			restored := fresh(t)
			restore := cut.restore(t, restored)
			if ok, reason := restore.Complete(); ok {
				completed++
				requireSame(t, want, contents(t, restored))
				require.Equal(t, s.Position(), restored.Position())
			} else {
				require.NotEmpty(t, reason)
				_, err := restored.Prepare(1000, 1000, 0)
				require.ErrorIs(t, err, ErrIncomplete)
				_, ok := restored.TrimTo()
				require.False(t, ok, "who isn't complete trims nothing")
			}
			mayStart := start <= s.meta.redundantBelow()
			ok, _ := restore.Complete()
			require.True(t, ok || !mayStart, "start %d", start)
			restored.Abandon()
		}
		require.Greater(t, completed, 20)
	}
}

// The moment from which a restore is complete is the one from which it has everything.
func TestRestoreIsCompleteAtTheEndOfItsRound(t *testing.T) {
	log, _ := longLog(t, 0)
	for _, start := range []Offset{20, 101, 200, 201, 202} {
		cut := *log
		cut.trim(start)
		restored, whole := fresh(t), fresh(t)
		restore, all := restored.NewRestore(), whole.NewRestore()
		require.NoError(t, restore.LogStart(start))
		require.NoError(t, all.LogStart(0))
		for _, record := range log.records {
			require.NoError(t, all.Feed(record.offset, record.value))
			if record.offset < start {
				continue
			}
			require.NoError(t, restore.Feed(record.offset, record.value))
			if ok, _ := restore.Complete(); ok {
				requireSame(t, contents(t, whole), contents(t, restored))
			}
		}
		ok, reason := restore.Complete()
		require.True(t, ok, reason)
	}
}

// A crash in the middle of a restore that started within the log must not make the store look complete.
func TestCrashWithinARestoreFromTheMiddle(t *testing.T) {
	log, s := longLog(t, 0)
	want := contents(t, s)
	log.trim(s.meta.redundantBelow())
	sawBoth := map[bool]bool{}
	for stop := range len(log.records) + 1 {
		fs := vfs.NewCrashableMem()
		restored := openStore(t, testConfig(fs))
		restore := restored.NewRestore()
		require.NoError(t, restore.LogStart(log.start))
		for _, record := range log.records[:stop] {
			require.NoError(t, restore.Feed(record.offset, record.value))
		}
		require.NoError(t, restored.Flush())
		clone := fs.CrashClone(vfs.CrashCloneCfg{})
		restored.Abandon()

		again := openStore(t, testConfig(clone))
		require.Equal(t, restored.meta, again.meta)
		wasComplete, _ := again.NewRestore().Complete()
		before, _ := restore.Complete()
		require.Equal(t, before, wasComplete, "stopped after %d of %d", stop, len(log.records))
		sawBoth[before] = true
		ok, reason := log.restore(t, again).Complete()
		require.True(t, ok, reason)
		requireSame(t, want, contents(t, again))
		again.Abandon()
	}
	require.Len(t, sawBoth, 2)
}

func TestRestoreResumesAndRepeats(t *testing.T) {
	log, s := longLog(t, partBytesLeast)
	restored := fresh(t)
	restore := restored.NewRestore()
	require.NoError(t, restore.LogStart(0))
	random := rand.New(rand.NewPCG(5, 0))
	fed := 0
	for i := 0; i < len(log.records); {
		record := log.records[i]
		require.NoError(t, restore.Feed(record.offset, record.value))
		require.GreaterOrEqual(t, restore.Next(), record.offset+1)
		fed++
		i++
		switch random.IntN(6) {
		case 0: // the reader lost its connection, and begins again a little earlier
			i = max(0, i-random.IntN(10))
		case 1: // the restore is given up; the next one goes on at the store's position
			restore = restored.NewRestore()
			require.NoError(t, restore.LogStart(0))
			for i = 0; i < len(log.records) && log.records[i].offset < restore.Next(); i++ {
			}
		}
	}
	require.Equal(t, s.meta, restored.meta)
	requireSame(t, contents(t, s), contents(t, restored))

	restore = fresh(t).NewRestore()
	require.NoError(t, restore.LogStart(0))
	bytes := int64(0)
	for _, record := range log.records {
		require.NoError(t, restore.Feed(record.offset, record.value))
		require.NoError(t, restore.Feed(record.offset, record.value))
		bytes += int64(len(record.value))
	}
	records, read := restore.Stats()
	require.Equal(t, int64(len(log.records)), records, "what comes twice counts once")
	require.Equal(t, bytes, read)
}

// The log is trimmed past the reader while it reads: it begins again.
func TestRestoreFallsBelowTheLogStart(t *testing.T) {
	log, s := longLog(t, partBytesLeast)
	restored := fresh(t)
	restore := restored.NewRestore()
	require.NoError(t, restore.LogStart(0))
	for _, record := range log.records[:21] {
		require.NoError(t, restore.Feed(record.offset, record.value))
	}
	require.NotEmpty(t, contents(t, restored))
	log.trim(s.meta.redundantBelow())
	require.NoError(t, restore.LogStart(log.start))
	require.Equal(t, log.start, restore.Next())
	require.Empty(t, contents(t, restored))
	ok, reason := restore.Complete()
	require.False(t, ok)
	require.Contains(t, reason, "no delta was read")
	for _, record := range log.records {
		require.NoError(t, restore.Feed(record.offset, record.value))
	}
	ok, reason = restore.Complete()
	require.True(t, ok, reason)
	requireSame(t, contents(t, s), contents(t, restored))
}

// What isn't this store's one history is refused, and changes nothing.
func TestRestoreRefusesAnotherHistory(t *testing.T) {
	c := testConfig(vfs.NewMem())
	c.PartBytesMax = partBytesLeast
	c.LogBytesMin = 1 << 20 // no sweep
	writer, log := openStore(t, c), newFakeLog(nil)
	for i, bytes := range []int{20, 20, 20, 20, 150, 20, 270, 20} {
		writer.Put(fmt.Appendf(nil, "k%d", i), make([]byte, bytes))
		commit(t, writer, log, Offset(i), 0)
	}
	require.Len(t, log.records, 8+1+2)
	one, two, three := 2, 4, 7 // where a delta of so many parts begins; behind each lies one of a single part
	record := func(i int) []byte { return bytes.Clone(log.records[i].value) }
	flipped := func(i, at int) []byte { b := record(i); b[at] ^= 1; return b }

	for _, test := range []struct {
		name   string
		before int      // records that are fed as they are
		then   [][]byte // and what is fed after them
		reason string
	}{
		{"a delta is missing", one, [][]byte{record(one + 1)}, "a delta is missing, doubled, or made on another history"},
		{"a delta comes twice, at another offset", one + 1, [][]byte{record(one)}, "a delta is missing, doubled, or made on another history"},
		{"a part is missing at the front", two, [][]byte{record(two + 1)}, "without the parts before it"},
		{"a part is missing at the end", two + 1, [][]byte{record(two + 2)}, "only 1 of 2 parts of the one at"},
		{"a part is missing in the middle", three + 1, [][]byte{record(three + 2)}, "not part 1 of the delta at"},
		{"a part comes twice, at another offset", three + 2, [][]byte{record(three + 1)}, "not part 2 of the delta at"},
		{"a bit of the body", one, [][]byte{flipped(one, len(record(one))-1)}, "checksum"},
		{"a bit of the header", one, [][]byte{flipped(one, headerState+1)}, "checksum"},
		{"a bit of the second part's header", two + 1, [][]byte{flipped(two+1, headerState+1)}, "not part 1"},
		{"a bit of the version", one, [][]byte{flipped(one, 0)}, "its version is 0"},
		{"a part number", one, [][]byte{flipped(one, headerPart)}, "part number is out of range"},
		{"cut short", one, [][]byte{record(one)[:len(record(one))-1]}, "bytes instead of"},
		{"empty", one, [][]byte{nil}, "not a delta"},
	} {
		t.Run(test.name, func(t *testing.T) {
			restored := fresh(t)
			restore := restored.NewRestore()
			require.NoError(t, restore.LogStart(0))
			for _, record := range log.records[:test.before] {
				require.NoError(t, restore.Feed(record.offset, record.value))
			}
			meta, all := restored.meta, contents(t, restored)
			var err error
			for i := 0; i < len(test.then) && err == nil; i++ {
				err = restore.Feed(log.records[test.before].offset+Offset(i), test.then[i])
			}
			var wrong *DeltaError
			require.ErrorAs(t, err, &wrong)
			require.Contains(t, wrong.Reason, test.reason)
			require.Equal(t, meta, restored.meta)
			requireSame(t, all, contents(t, restored))
		})
	}
}

func TestRestoreHasToKnowTheLogStart(t *testing.T) {
	log, _ := longLog(t, 0)
	require.PanicsWithValue(t, "BUG: Feed before LogStart: records may be missing", func() {
		_ = fresh(t).NewRestore().Feed(0, log.records[0].value)
	})
}
