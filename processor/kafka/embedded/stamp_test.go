package embedded

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"
)

// rawBatch frames records as a producer's batch would.
func rawBatch(s *stamper, attributes uint16, records []byte) []byte {
	b := append(make([]byte, batchRecordsAt), records...)
	b[batchMagicAt] = 2
	binary.BigEndian.PutUint32(b[batchLengthAt:], uint32(len(b)-batchLengthBefore))
	binary.BigEndian.PutUint16(b[batchAttributesAt:], attributes)
	binary.BigEndian.PutUint32(b[batchChecksumAt:], crc32.Checksum(b[batchAttributesAt:], s.castagnoli))
	return b
}

func rawRecord(delta int64, rest string) []byte {
	body := append(binary.AppendVarint([]byte{0}, delta), rest...)
	return append(binary.AppendVarint(nil, int64(len(body))), body...)
}

func TestBatchesThatAreNotSoundStayAsTheyAre(t *testing.T) {
	s := newStamper(nil, nil)
	whole := rawBatch(s, 0, append(rawRecord(0, "a"), rawRecord(300, "b")...))
	wrongSum := append([]byte(nil), whole...)
	wrongSum[len(wrongSum)-1]++
	for name, b := range map[string][]byte{
		"empty": nil, "short": whole[:batchRecordsAt-1], "cut": whole[:len(whole)-1], "checksum": wrongSum,
		"old magic":      append(make([]byte, batchMagicAt), append([]byte{1}, whole[batchMagicAt+1:]...)...),
		"record too big": rawBatch(s, 0, []byte{0x7e, 0}),
		"no delta":       rawBatch(s, 0, []byte{4, 0, 0x80}),
		"not gzip":       rawBatch(s, 1, []byte("plain")),
	} {
		before := append([]byte(nil), b...)
		require.Equal(t, before, append([]byte(nil), s.batch(b, 7)...), name)
	}
	require.Equal(t, rawRecord(0, "b"), s.batch(whole, 7)[batchRecordsAt+len(rawRecord(0, "a")):])
}

// FuzzBatch: whatever a client sends, a stamped batch is sound and says one time.
func FuzzBatch(f *testing.F) {
	s := newStamper(nil, nil)
	f.Add(uint16(0), append(rawRecord(0, "a"), rawRecord(300, "b")...))
	f.Add(uint16(0), rawRecord(-1, ""))
	f.Add(uint16(2), []byte("snappy"))
	f.Fuzz(func(t *testing.T, attributes uint16, records []byte) {
		if attributes&attributesCodec != 0 && len(records) > 1<<10 {
			t.Skip("a bomb for the decompressor isn't what is tested")
		}
		out := s.batch(rawBatch(s, attributes, records), 7)
		require.Equal(t, len(out), int(binary.BigEndian.Uint32(out[batchLengthAt:]))+batchLengthBefore)
		require.Equal(t, crc32.Checksum(out[batchAttributesAt:], s.castagnoli), binary.BigEndian.Uint32(out[batchChecksumAt:]))
		if time := binary.BigEndian.Uint64(out[batchFirstTimeAt:]); time == 7 && attributes&attributesCodec == 0 {
			_, changed, ok := withoutDeltas(out[batchRecordsAt:])
			require.True(t, ok && !changed)
		}
	})
}
