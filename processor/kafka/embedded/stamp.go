package embedded

import (
	"encoding/binary"
	"hash/crc32"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// stamper gives records of LogAppendTime topics the broker's time.
type stamper struct {
	cluster    *kfake.Cluster
	skew       func() time.Duration
	castagnoli *crc32.Table
	unpack     kgo.Decompressor

	mu sync.Mutex
	// byID remembers which topics have append time. An id never names another
	// topic, and kfake changes settings by requests alone, which forget this.
	byID map[[16]byte]bool
}

func newStamper(c *kfake.Cluster, skew func() time.Duration) *stamper {
	return &stamper{
		cluster: c, skew: skew, byID: map[[16]byte]bool{},
		castagnoli: crc32.MakeTable(crc32.Castagnoli), unpack: kgo.DefaultDecompressor(),
	}
}

func (s *stamper) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byID)
}

// produce stamps what belongs to LogAppendTime topics. One request has one time.
func (s *stamper) produce(r *kmsg.ProduceRequest) {
	now := time.Now()
	if s.skew != nil {
		now = now.Add(s.skew())
	}
	for i := range r.Topics {
		t := &r.Topics[i]
		if !s.hasAppendTime(t) {
			continue
		}
		for j := range t.Partitions {
			p := &t.Partitions[j]
			p.Records = s.batch(p.Records, now.UnixMilli())
		}
	}
}

// hasAppendTime asks kfake about a topic: by its id, as new clients name it, or
// by its name, as older ones do.
func (s *stamper) hasAppendTime(t *kmsg.ProduceRequestTopic) bool {
	if t.TopicID == ([16]byte{}) {
		return appendTime(s.cluster.TopicInfo(t.Topic))
	}
	s.mu.Lock()
	known, ok := s.byID[t.TopicID]
	s.mu.Unlock()
	if ok {
		return known
	}
	info := s.cluster.TopicIDInfo(t.TopicID)
	known = appendTime(info)
	if info != nil {
		s.mu.Lock()
		s.byID[t.TopicID] = known
		s.mu.Unlock()
	}
	return known
}

func appendTime(t *kfake.TopicInfo) bool {
	if t == nil {
		return false
	}
	v := t.Configs["message.timestamp.type"]
	return v != nil && *v == "LogAppendTime"
}

// Where the fields of a record batch (magic 2) are.
const (
	batchMagicAt      = 16
	batchChecksumAt   = 17
	batchAttributesAt = 21 // the checksum covers all from here on
	batchFirstTimeAt  = 27
	batchMaxTimeAt    = 35
	batchRecordsAt    = 61
	batchLengthAt     = 8
	batchLengthBefore = 12 // bytes that the length doesn't count

	attributesCodec = 0x0007
)

// batch returns the batch with all its records at time millis. What isn't a
// sound batch is returned as it is, for kfake to refuse.
func (s *stamper) batch(b []byte, millis int64) []byte {
	if len(b) < batchRecordsAt || b[batchMagicAt] != 2 ||
		binary.BigEndian.Uint32(b[batchChecksumAt:]) != crc32.Checksum(b[batchAttributesAt:], s.castagnoli) {
		return b
	}
	attributes := binary.BigEndian.Uint16(b[batchAttributesAt:])
	records := b[batchRecordsAt:]
	if codec := attributes & attributesCodec; codec != 0 {
		plain, err := s.unpack.Decompress(records, kgo.CompressionCodecType(codec))
		if err != nil {
			return b
		}
		records = plain
	}
	level, changed, ok := withoutDeltas(records)
	if !ok {
		return b
	}
	if changed {
		// Compressing again would cost time and save a demo's disk.
		b = append(append(make([]byte, 0, batchRecordsAt+len(level)), b[:batchRecordsAt]...), level...)
		binary.BigEndian.PutUint16(b[batchAttributesAt:], attributes&^attributesCodec)
		binary.BigEndian.PutUint32(b[batchLengthAt:], uint32(len(b)-batchLengthBefore))
	}
	binary.BigEndian.PutUint64(b[batchFirstTimeAt:], uint64(millis))
	binary.BigEndian.PutUint64(b[batchMaxTimeAt:], uint64(millis))
	binary.BigEndian.PutUint32(b[batchChecksumAt:], crc32.Checksum(b[batchAttributesAt:], s.castagnoli))
	return b
}

// withoutDeltas sets the time of every record, which is relative to the batch's
// first, to zero. changed is false where all are zero already, as in a batch of
// one record; ok is false where the records can't be read.
//
//	record = length varint, attributes byte, time delta varint, rest
func withoutDeltas(records []byte) (out []byte, changed, ok bool) {
	for rest := records; len(rest) > 0; {
		length, n := binary.Varint(rest)
		if n <= 0 || length < 2 || length > int64(len(rest)-n) {
			return nil, false, false
		}
		body := rest[n : n+int(length)]
		rest = rest[n+int(length):]
		delta, m := binary.Varint(body[1:])
		if m <= 0 {
			return nil, false, false
		}
		if delta != 0 && !changed {
			// The records so far stay as they are.
			changed = true
			done := len(records) - len(rest) - n - len(body)
			out = append(make([]byte, 0, len(records)), records[:done]...)
		}
		if changed {
			out = binary.AppendVarint(out, length-int64(m)+1)
			out = append(out, body[0], 0)
			out = append(out, body[1+m:]...)
		}
	}
	return out, changed, true
}
