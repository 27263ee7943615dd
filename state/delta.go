package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// deltaVersion is the first byte of every part.
const deltaVersion = 1

// Offsets in a header; see the drawing in doc.go. What follows headerShared is the same in all parts, and checksummed.
const (
	headerPart     = 1
	headerParts    = 3
	headerChecksum = 5
	headerShared   = 13
	headerEnds     = headerShared
	headerState    = headerEnds + 3*4
	headerBytes    = headerState + stateBytes
	partsMax       = math.MaxUint16
	bodyBytesMax   = math.MaxUint32
)

// recordOverheadBytes is about what the broker stores beside a part: the head of its batch, and its share of the commit
// marker. Counted in, so that an idle task with tiny deltas doesn't fill the disk with what nobody counts.
const recordOverheadBytes = 150

// deltaBytes is what a delta counts in the length of the changelog.
func deltaBytes(bodyBytes, parts int) int64 {
	return int64(bodyBytes) + int64(parts)*(headerBytes+recordOverheadBytes)
}

// delta is what one transaction did to the store. Its slices point into the body that it was decoded from.
type delta struct {
	writes []byte // entries: puts and deletes
	swept  []byte // entries: puts of what is in the store already
	after  state  // where the store stands when it is applied
	bytes  int64  // deltaBytes
}

// header is the decoded head of a part.
type header struct {
	part, parts                  int
	checksum                     uint64
	writesEnd, sweptEnd, bodyEnd int
	state                        state // without the cursor, which is in the body
}

var (
	errNoDelta      = errors.New("not a delta")
	errTruncated    = errors.New("an entry is longer than its section")
	errKey          = errors.New("an entry's key is not a key")
	errSweptDelete  = errors.New("a swept entry is a delete")
	errChecksum     = errors.New("the checksum is wrong")
	errSectionEnds  = errors.New("its section ends are out of order")
	errPartNumber   = errors.New("its part number is out of range")
	errBodyTooLarge = errors.New("a transaction's delta is too large")
)

// decodeHeader checks the form of a part's header and returns the part of the body behind it.
func decodeHeader(record []byte) (h header, chunk []byte, err error) {
	switch {
	case len(record) == 0:
		return h, nil, errNoDelta
	case record[0] > deltaVersion: // first of all: another version's header may be shorter
		return h, nil, fmt.Errorf("a delta of version %d, known is %d: a newer Holdfast wrote it, and that or a newer one must run here", record[0], deltaVersion)
	case record[0] != deltaVersion:
		return h, nil, fmt.Errorf("%w of version %d, the only one known here: its version is %d", errNoDelta, deltaVersion, record[0])
	case len(record) < headerBytes:
		return h, nil, errNoDelta
	}
	h.part = int(binary.LittleEndian.Uint16(record[headerPart:]))
	h.parts = int(binary.LittleEndian.Uint16(record[headerParts:]))
	h.checksum = binary.LittleEndian.Uint64(record[headerChecksum:])
	h.writesEnd = int(binary.LittleEndian.Uint32(record[headerEnds:]))
	h.sweptEnd = int(binary.LittleEndian.Uint32(record[headerEnds+4:]))
	h.bodyEnd = int(binary.LittleEndian.Uint32(record[headerEnds+8:]))
	if h.part >= h.parts {
		return h, nil, errPartNumber
	}
	if h.writesEnd > h.sweptEnd || h.sweptEnd > h.bodyEnd {
		return h, nil, errSectionEnds
	}
	h.state, err = decodeState(record[headerState:headerBytes])
	return h, record[headerBytes:], err
}

// decodeDelta takes apart a body that was put together from all parts; shared is what their headers share.
func decodeDelta(h *header, shared, body []byte) (delta, error) {
	if len(body) != h.bodyEnd {
		return delta{}, fmt.Errorf("its body has %d bytes instead of %d", len(body), h.bodyEnd)
	}
	if checksum(shared, body) != h.checksum {
		return delta{}, errChecksum
	}
	d := delta{
		writes: body[:h.writesEnd],
		swept:  body[h.writesEnd:h.sweptEnd],
		after:  h.state,
		bytes:  deltaBytes(len(body), h.parts),
	}
	d.after.sweep.cursor = body[h.sweptEnd:]
	return d, nil
}

func sharedHeader(record []byte) []byte { return record[headerShared:headerBytes] }

func checksum(shared, body []byte) uint64 {
	var sum xxhash.Digest
	sum.Reset()
	_, _ = sum.Write(shared)
	_, _ = sum.Write(body)
	return sum.Sum64()
}

// encoder builds the records of one delta. buffer is the header's place and the body behind it, so that the first part,
// which as a rule is all, is never copied.
type encoder struct {
	buffer              []byte
	bufferHabit         habit
	writesEnd, sweptEnd int
	parts               [][]byte
}

// encoderBytesKept bounds the memory that a store keeps after its largest transaction.
const encoderBytesKept = 4 << 20

// reset begins a delta of about so many bytes.
func (e *encoder) reset(bytes int) {
	keep, shrink := e.bufferHabit.ends(len(e.buffer), cap(e.buffer))
	switch {
	case cap(e.buffer) > encoderBytesKept:
		e.buffer = nil
	case shrink:
		e.buffer = make([]byte, 0, keep)
	}
	e.buffer = slices.Grow(e.buffer[:0], headerBytes+bytes)[:headerBytes]
	clear(e.parts)
	e.parts = e.parts[:0]
}

// forget gives up all memory: what was handed to a producer may still be read by it when the outcome is unknown.
func (e *encoder) forget() { *e = encoder{} }

func (e *encoder) body() []byte { return e.buffer[headerBytes:] }

func (e *encoder) put(key, value []byte) {
	e.buffer = binary.AppendUvarint(e.buffer, uint64(len(key))<<1)
	e.buffer = append(e.buffer, key...)
	e.buffer = binary.AppendUvarint(e.buffer, uint64(len(value)))
	e.buffer = append(e.buffer, value...)
}

func (e *encoder) delete(key []byte) {
	e.buffer = binary.AppendUvarint(e.buffer, uint64(len(key))<<1|1)
	e.buffer = append(e.buffer, key...)
}

// entryBytes is what a put takes.
func entryBytes(key, value []byte) int64 {
	return int64(uvarintBytes(uint64(len(key))<<1) + len(key) + uvarintBytes(uint64(len(value))) + len(value))
}

// endWrites and endSwept close a section; the cursor follows and needs no end of its own.
func (e *encoder) endWrites() { e.writesEnd = len(e.body()) }
func (e *encoder) endSwept()  { e.sweptEnd = len(e.body()) }

// partsFor is how many parts of partBytesMax the body needs.
func (e *encoder) partsFor(partBytesMax int) int {
	chunk := partBytesMax - headerBytes
	return max(1, (len(e.body())+chunk-1)/chunk)
}

// finish writes the headers and cuts the body into parts, of partBytesMax at most.
func (e *encoder) finish(after state, partBytesMax int) ([][]byte, error) {
	body := e.body()
	parts := e.partsFor(partBytesMax)
	if len(body) > bodyBytesMax || parts > partsMax {
		return nil, fmt.Errorf("%w: %d bytes, %d parts", errBodyTooLarge, len(body), parts)
	}
	head := e.buffer[:headerBytes]
	head[0] = deltaVersion
	binary.LittleEndian.PutUint16(head[headerPart:], 0)
	binary.LittleEndian.PutUint16(head[headerParts:], uint16(parts))
	binary.LittleEndian.PutUint32(head[headerEnds:], uint32(e.writesEnd))
	binary.LittleEndian.PutUint32(head[headerEnds+4:], uint32(e.sweptEnd))
	binary.LittleEndian.PutUint32(head[headerEnds+8:], uint32(len(body)))
	after.encode(head[headerState:])
	binary.LittleEndian.PutUint64(head[headerChecksum:], checksum(sharedHeader(head), body))

	// The first part stands in the buffer as it is. Only what is too much for it is copied, behind headers of its own.
	first := min(len(e.buffer), partBytesMax)
	e.parts = append(e.parts, e.buffer[:first:first])
	rest := e.buffer[first:]
	more := make([]byte, 0, len(rest)+(parts-1)*headerBytes)
	for part := 1; part < parts; part++ {
		from := len(more)
		n := min(len(rest), partBytesMax-headerBytes)
		more = append(append(more, head...), rest[:n]...)
		rest = rest[n:]
		binary.LittleEndian.PutUint16(more[from+headerPart:], uint16(part))
		e.parts = append(e.parts, more[from:len(more):len(more)])
	}
	return e.parts, nil
}

// entryReader walks a section. Nothing in it is trusted: no length is believed before it is compared with what is there.
type entryReader struct{ rest []byte }

// next returns the next entry; ok is false at the section's end and on an error. A delete has no value.
func (r *entryReader) next() (key, value []byte, isDelete, ok bool, err error) {
	if len(r.rest) == 0 {
		return nil, nil, false, false, nil
	}
	head, n := binary.Uvarint(r.rest)
	if n <= 0 || head>>1 > uint64(len(r.rest)-n) {
		return nil, nil, false, false, errTruncated
	}
	keyEnd := n + int(head>>1)
	key = r.rest[n:keyEnd]
	if !validKey(key) {
		return nil, nil, false, false, errKey
	}
	r.rest = r.rest[keyEnd:]
	if head&1 != 0 {
		return key, nil, true, true, nil
	}
	size, n := binary.Uvarint(r.rest)
	if n <= 0 || size > uint64(len(r.rest)-n) {
		return nil, nil, false, false, errTruncated
	}
	value = r.rest[n : n+int(size)]
	r.rest = r.rest[n+int(size):]
	return key, value, false, true, nil
}
