package record

import (
	"fmt"
	"math"

	"holdfast/topology/record/pack"
)

// An envelope is the value of a record on an internal log: all that one task
// sends to one partition in one transaction (or a part of it, where that would
// be too large). A record's fixed cost is a good part of the whole, so one
// record carries many entries. It is consumed as a whole.
//
//	[version, [entry, entry, …]]
//	entry = [kind, key bin, topic str|nil, partition, offset, body bin]
//
// topic, partition and offset are the entry's origin; nil stands for the topic
// of the entry before.
const envelopeVersion = 1

// EnvelopeBytesMax is where a builder is full: small enough that a record stays
// far below the broker's usual limit of 1 MiB with one more large entry.
const EnvelopeBytesMax = 256 << 10

// Entry is one message inside an envelope.
type Entry struct {
	Kind   Kind
	Key    []byte
	Origin Origin
	Body   []byte
}

// EnvelopeBuilder collects entries. The zero value is ready.
type EnvelopeBuilder struct {
	buf   []byte
	at    int
	n     int
	topic string
}

// Add appends an entry; key and body are copied.
func (e *EnvelopeBuilder) Add(kind Kind, key []byte, origin Origin, body []byte) {
	if e.n == 0 {
		e.buf = pack.AppendUint(pack.AppendArray(e.buf[:0], 2), envelopeVersion)
		e.buf, e.at = pack.AppendOpenArray(e.buf)
		e.topic = ""
	}
	b := pack.AppendArray(e.buf, 6)
	b = pack.AppendUint(b, uint64(kind))
	b = pack.AppendBytes(b, key)
	if origin.Topic == e.topic {
		b = pack.AppendNil(b)
	} else {
		b = pack.AppendString(b, origin.Topic)
		e.topic = origin.Topic
	}
	b = pack.AppendInt(b, int64(origin.Partition))
	b = pack.AppendInt(b, int64(origin.Offset))
	e.buf = pack.AppendBytes(b, body)
	e.n++
}

// Len returns the number of entries.
func (e *EnvelopeBuilder) Len() int { return e.n }

// Full tells that the envelope should be closed and another one begun.
func (e *EnvelopeBuilder) Full() bool { return len(e.buf) >= EnvelopeBytesMax }

// Close returns the envelope in memory that is the caller's from now on, and
// leaves the builder empty.
func (e *EnvelopeBuilder) Close() []byte {
	pack.CloseArray(e.buf, e.at, e.n)
	out := append(make([]byte, 0, len(e.buf)), e.buf...)
	e.Drop()
	return out
}

// Drop empties the builder and keeps its memory.
func (e *EnvelopeBuilder) Drop() { e.buf, e.n = e.buf[:0], 0 }

// Entries calls fn for every entry. The entry's slices and strings are views of
// the envelope. It stops at fn's error and returns it.
func Entries(envelope []byte, fn func(Entry) error) error {
	r := pack.NewReader(envelope)
	r.Form("envelope", envelopeVersion, 2, 2)
	n := r.Array()
	topic := ""
	for i := 0; i < n && r.Err() == nil; i++ {
		r.ArrayOf(6)
		var e Entry
		e.Kind = Kind(r.UintMax(math.MaxUint8))
		e.Key = r.Bytes()
		if !r.Nil() {
			topic = r.View()
		}
		e.Origin = Origin{Topic: topic, Partition: Partition(r.Int32()), Offset: Offset(r.Int())}
		e.Body = r.Bytes()
		if r.Err() != nil {
			break
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("envelope: %w", err)
	}
	return nil
}

// Tick returns the envelope of a single tick.
func Tick() []byte {
	var e EnvelopeBuilder
	e.Add(KindTick, nil, Origin{}, nil)
	return e.Close()
}
