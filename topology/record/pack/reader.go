package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"
)

var (
	// ErrShort means that the input ends before what it announces.
	ErrShort = errors.New("input is shorter than it announces")
	// ErrForm means that the input holds another form than the one asked for.
	ErrForm = errors.New("unexpected msgpack form")
	// ErrTrailing means that bytes follow the last value.
	ErrTrailing = errors.New("bytes after the last value")
)

// Reader reads values one after the other. The first error sticks: all later
// reads return zero values, so that a decoder checks once, at its end.
type Reader struct {
	buf []byte
	off int
	err error
}

// NewReader returns a Reader of b. It never writes to b and keeps views of it.
func NewReader(b []byte) Reader { return Reader{buf: b} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Left returns the number of bytes not read yet.
func (r *Reader) Left() int { return len(r.buf) - r.off }

// Close returns the first error, or ErrTrailing when bytes are left over.
func (r *Reader) Close() error {
	if r.err == nil && r.off != len(r.buf) {
		r.fail(ErrTrailing)
	}
	return r.err
}

// Fail makes err the reader's error, unless it has one.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = fmt.Errorf("at byte %d: %w", r.off, err)
	}
}

func (r *Reader) fail(err error) {
	r.Fail(err)
	r.off = len(r.buf)
}

// take returns the next n bytes, or nil and an error. n may be any number.
func (r *Reader) take(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.buf)-r.off) {
		r.fail(ErrShort)
		return nil
	}
	v := r.buf[r.off : r.off+int(n) : r.off+int(n)]
	r.off += int(n)
	return v
}

func (r *Reader) code() byte {
	if r.err != nil || r.off >= len(r.buf) {
		r.fail(ErrShort)
		return 0xc1 // never used in msgpack: no form matches it
	}
	c := r.buf[r.off]
	r.off++
	return c
}

func (r *Reader) bigEndian(n uint64) uint64 {
	v := r.take(n)
	if v == nil {
		return 0
	}
	switch n {
	case 1:
		return uint64(v[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(v))
	case 4:
		return uint64(binary.BigEndian.Uint32(v))
	}
	return binary.BigEndian.Uint64(v)
}

// Uint reads an integer that isn't negative.
func (r *Reader) Uint() uint64 {
	switch c := r.code(); {
	case c <= 0x7f:
		return uint64(c)
	case c >= 0xcc && c <= 0xcf:
		return r.bigEndian(1 << (c - 0xcc))
	}
	r.fail(ErrForm)
	return 0
}

// Int reads an integer.
func (r *Reader) Int() int64 {
	switch c := r.code(); {
	case c <= 0x7f:
		return int64(c)
	case c >= 0xe0:
		return int64(int8(c))
	case c >= 0xcc && c <= 0xcf:
		v := r.bigEndian(1 << (c - 0xcc))
		if v > 1<<63-1 {
			r.fail(ErrForm)
			return 0
		}
		return int64(v)
	case c == 0xd0:
		return int64(int8(r.bigEndian(1)))
	case c == 0xd1:
		return int64(int16(r.bigEndian(2)))
	case c == 0xd2:
		return int64(int32(r.bigEndian(4)))
	case c == 0xd3:
		return int64(r.bigEndian(8))
	}
	r.fail(ErrForm)
	return 0
}

// UintMax reads an integer of 0 to most. A larger one fails: cut to a smaller
// type it would turn into something that is known.
func (r *Reader) UintMax(most uint64) uint64 {
	v := r.Uint()
	if v > most {
		r.fail(ErrForm)
		return 0
	}
	return v
}

// Int32 reads an integer that fits into 32 bits.
func (r *Reader) Int32() int32 {
	v := r.Int()
	if v != int64(int32(v)) {
		r.fail(ErrForm)
		return 0
	}
	return int32(v)
}

// Bool reads a boolean.
func (r *Reader) Bool() bool {
	switch r.code() {
	case 0xc3:
		return true
	case 0xc2:
		return false
	}
	r.fail(ErrForm)
	return false
}

// Nil reads nil if nil is next, and tells whether it was.
func (r *Reader) Nil() bool {
	if r.err == nil && r.off < len(r.buf) && r.buf[r.off] == 0xc0 {
		r.off++
		return true
	}
	return false
}

func (r *Reader) stringBytes() []byte {
	switch c := r.code(); {
	case c&0xe0 == 0xa0:
		return r.take(uint64(c & 0x1f))
	case c >= 0xd9 && c <= 0xdb:
		return r.take(r.bigEndian(1 << (c - 0xd9)))
	}
	r.fail(ErrForm)
	return nil
}

// String reads a string into memory of its own.
func (r *Reader) String() string { return string(r.stringBytes()) }

// View reads a string without copying: it shares the input's memory and is
// right only as long as nobody writes to that.
func (r *Reader) View() string {
	v := r.stringBytes()
	return unsafe.String(unsafe.SliceData(v), len(v))
}

// Bytes reads a byte string as a view of the input.
func (r *Reader) Bytes() []byte {
	if c := r.code(); c >= 0xc4 && c <= 0xc6 {
		return r.take(r.bigEndian(1 << (c - 0xc4)))
	}
	r.fail(ErrForm)
	return nil
}

// Array reads an array's header. The length is at most the number of bytes
// left, so it can size an allocation of small elements.
func (r *Reader) Array() int {
	var n uint64
	switch c := r.code(); {
	case c&0xf0 == 0x90:
		n = uint64(c & 0x0f)
	case c == 0xdc:
		n = r.bigEndian(2)
	case c == 0xdd:
		n = r.bigEndian(4)
	default:
		r.fail(ErrForm)
		return 0
	}
	if n > uint64(r.Left()) {
		r.fail(ErrShort)
		return 0
	}
	return int(n)
}

// Elements reads the header of an array whose elements take at least bytesMin
// bytes each. Fewer bytes left than that fail here, so memory for the elements
// is never many times the input, whatever the header says.
func (r *Reader) Elements(bytesMin int) int {
	n := r.Array()
	if n > r.Left()/bytesMin {
		r.fail(ErrShort)
		return 0
	}
	return n
}

// ArrayOf reads an array's header and fails unless it has n elements.
func (r *Reader) ArrayOf(n int) {
	if got := r.Array(); r.err == nil && got != n {
		r.fail(fmt.Errorf("array of %d where %d is due: %w", got, n, ErrForm))
	}
}
