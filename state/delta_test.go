package state

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"holdfast/internal/golden"
)

// goldenDelta is two parts with all there is: puts, deletes, swept entries and a cursor, in a round that began before.
func goldenDelta() encoder {
	var e encoder
	e.reset(0)
	e.put([]byte("key-1"), []byte("value"))
	e.delete([]byte("key-2"))
	e.put([]byte("key-3"), bytes.Repeat([]byte("v"), 130))
	e.endWrites()
	e.put([]byte("swept"), nil)
	e.endSwept()
	e.buffer = append(e.buffer, "swept"...)
	return e
}

func goldenState() state {
	return state{input: 7, streamTime: 1_762_794_000_000, sweep: sweep{
		round: 3, start: 100, previous: 90, credit: -5, passedBytes: 1000, stateBytes: 2000,
		logBytes: 30_000, startBytes: 20_000, previousBytes: 10_000,
	}}
}

// The bytes of a delta are a contract with every changelog that exists. A change needs a new version.
func TestDeltaBytesAreGolden(t *testing.T) {
	e := goldenDelta()
	parts, err := e.finish(goldenState(), partBytesLeast)
	require.NoError(t, err)
	require.Len(t, parts, 2)
	golden.Check(t, "delta_first_part", deltaVersion, parts[0])
	golden.Check(t, "delta_last_part", deltaVersion, parts[1])

	// Whatever version wrote them, both parts are the delta.
	last := map[int][]byte{}
	golden.Each(t, "delta_last_part", func(version int, b []byte) { last[version] = b })
	golden.Each(t, "delta_first_part", func(version int, b []byte) {
		_, first, err := decodeHeader(b)
		require.NoError(t, err)
		h, rest, err := decodeHeader(last[version])
		require.NoError(t, err)
		d, err := decodeDelta(&h, sharedHeader(b), append(bytes.Clone(first), rest...))
		require.NoError(t, err)
		require.Equal(t, "swept", string(d.after.sweep.cursor))
		require.Equal(t, goldenState().input, d.after.input)
	})
}

// A changelog that a newer Holdfast has written to stops the partition with words
// that say what to do, however the newer form looks; the store keeps what it had.
func TestNewerDeltaIsRefused(t *testing.T) {
	for _, record := range [][]byte{{deltaVersion + 1}, bytes.Repeat([]byte{deltaVersion + 1}, 500)} {
		s := openStore(t, testConfig(vfs.NewMem()))
		before := s.Position()
		r := s.NewRestore()
		require.NoError(t, r.LogStart(0))
		var wrong *DeltaError
		require.ErrorAs(t, r.Feed(0, record), &wrong)
		require.Equal(t, "a delta of version 2, known is 1: a newer Holdfast wrote it, and that or a newer one must run here", wrong.Reason)
		require.Equal(t, before, s.Position())
	}
}

func TestDeltaRoundTrip(t *testing.T) {
	e := goldenDelta()
	after := goldenState()
	for partBytesMax := headerBytes + 1; partBytesMax < headerBytes+200; partBytesMax++ {
		e.parts = nil
		parts, err := e.finish(after, partBytesMax)
		require.NoError(t, err)
		var body []byte
		for i, part := range parts {
			require.LessOrEqual(t, len(part), partBytesMax)
			h, chunk, err := decodeHeader(part)
			require.NoError(t, err)
			require.Equal(t, i, h.part)
			require.Equal(t, len(parts), h.parts)
			body = append(body, chunk...)
			if i < len(parts)-1 {
				continue
			}
			d, err := decodeDelta(&h, sharedHeader(part), body)
			require.NoError(t, err)
			require.Equal(t, "swept", string(d.after.sweep.cursor))
			require.Equal(t, deltaBytes(len(body), len(parts)), d.bytes)
			want := after
			want.sweep.cursor = []byte("swept")
			require.Equal(t, want, d.after)
			require.Equal(t, []string{"key-1=value", "-key-2", "key-3=" + strings.Repeat("v", 130)}, entries(t, d.writes))
			require.Equal(t, []string{"swept="}, entries(t, d.swept))
		}
	}
}

func entries(t *testing.T, section []byte) (all []string) {
	for r := (entryReader{section}); ; {
		key, value, isDelete, ok, err := r.next()
		require.NoError(t, err)
		switch {
		case !ok:
			return all
		case isDelete:
			all = append(all, "-"+string(key))
		default:
			all = append(all, string(key)+"="+string(value))
		}
	}
}

// Whatever a record says, decoding it ends, and takes no more memory than the record has bytes.
func FuzzDelta(f *testing.F) {
	e := goldenDelta()
	whole, err := e.finish(goldenState(), 1<<20)
	require.NoError(f, err)
	f.Add(whole[0], false)
	e.parts = nil
	cut, err := e.finish(goldenState(), partBytesLeast)
	require.NoError(f, err)
	f.Add(cut[1], true)
	f.Add([]byte{deltaVersion}, true)
	f.Fuzz(func(t *testing.T, record []byte, mend bool) {
		if mend && len(record) >= headerBytes {
			mendChecksum(record)
		}
		s, err := Open(testConfig(vfs.NewMem()))
		require.NoError(t, err)
		defer s.Abandon()
		for _, completeAfter := range []int64{complete, completeUnknown} {
			s.meta.completeAfter = completeAfter
			before := s.meta
			r := s.NewRestore()
			require.NoError(t, r.LogStart(0))
			if err := r.Feed(0, record); err != nil {
				var wrong *DeltaError
				require.ErrorAs(t, err, &wrong)
				require.Equal(t, before, s.meta)
				require.Empty(t, contents(t, s))
				continue
			}
			// What was applied can be read again.
			if s.meta.changelog == 1 {
				m, err := decodeMeta(s.meta.append(nil))
				require.NoError(t, err)
				require.Equal(t, s.meta, m)
			}
			return
		}
	})
}

// mendChecksum makes a record pass the checksum, so that what lies behind it is tried too.
func mendChecksum(record []byte) {
	h, chunk, err := decodeHeader(record)
	if err != nil || h.parts != 1 {
		return
	}
	sum := checksum(sharedHeader(record), chunk)
	for i := range 8 {
		record[headerChecksum+i] = byte(sum >> (8 * i))
	}
}

// The same with sections that are nearly right, where the fuzzer would need long to come to.
func TestEntriesWithLyingLengths(t *testing.T) {
	e := goldenDelta()
	section := e.body()[:e.writesEnd]
	random := rand.New(rand.NewPCG(9, 0))
	for range 20_000 {
		broken := bytes.Clone(section)
		for range 1 + random.IntN(3) {
			broken[random.IntN(len(broken))] = byte(random.IntN(256))
		}
		broken = broken[:random.IntN(len(broken)+1)]
		for r := (entryReader{broken}); ; {
			key, _, _, ok, err := r.next()
			if err != nil || !ok {
				break
			}
			require.True(t, validKey(key))
		}
	}
	for _, lie := range []string{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01k", "\x04k", "\x02k\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x02k\x01", "\x02k", "\x00\x00", "\x02\x00\x00", "\x02\xff\x00"} {
		r := entryReader{[]byte(lie)}
		_, _, _, ok, err := r.next()
		require.Error(t, err, "%q", lie)
		require.False(t, ok)
	}
}
