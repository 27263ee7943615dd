package pack

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
)

// edges are the values at which the forms change.
func edges() []int64 {
	out := []int64{0, -32, -33, math.MinInt64, math.MaxInt64}
	for _, bits := range []uint{5, 7, 8, 15, 16, 31, 32} {
		for d := int64(-1); d <= 1; d++ {
			out = append(out, 1<<bits+d, -(1<<bits)+d)
		}
	}
	return out
}

func TestIntegers(t *testing.T) {
	for _, v := range edges() {
		b := AppendInt(nil, v)
		r := NewReader(b)
		require.Equal(t, v, r.Int())
		require.NoError(t, r.Close())
		var generic int64
		require.NoError(t, msgpack.Unmarshal(b, &generic))
		require.Equal(t, v, generic)
		// Others write the same numbers in other forms.
		for _, other := range [][]byte{marshal(t, v), marshal(t, int32(v)), marshal(t, int16(v)), marshal(t, int8(v))} {
			var want int64
			require.NoError(t, msgpack.Unmarshal(other, &want))
			r := NewReader(other)
			require.Equal(t, want, r.Int())
			require.NoError(t, r.Close())
		}
		if v < 0 {
			r := NewReader(b)
			r.Uint()
			require.ErrorIs(t, r.Err(), ErrForm, v)
			continue
		}
		require.Equal(t, b, AppendUint(nil, uint64(v)))
		r = NewReader(b)
		require.Equal(t, uint64(v), r.Uint())
		require.NoError(t, r.Close())
	}
	r := NewReader(AppendUint(nil, math.MaxUint64))
	require.Equal(t, uint64(math.MaxUint64), r.Uint())
	r = NewReader(AppendUint(nil, math.MaxUint64))
	r.Int()
	require.ErrorIs(t, r.Err(), ErrForm)
}

func marshal(t *testing.T, v any) []byte {
	b, err := msgpack.Marshal(v)
	require.NoError(t, err)
	return b
}

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		v  uint64
		ok bool
	}{{0, true}, {9, true}, {10, false}, {math.MaxUint64, false}} {
		r := NewReader(AppendUint(nil, c.v))
		got := r.UintMax(9)
		require.Equal(t, c.ok, r.Err() == nil)
		require.LessOrEqual(t, got, uint64(9))
	}
	for _, c := range []struct {
		v  int64
		ok bool
	}{{math.MaxInt32, true}, {math.MinInt32, true}, {math.MaxInt32 + 1, false}, {math.MinInt32 - 1, false}} {
		r := NewReader(AppendInt(nil, c.v))
		r.Int32()
		require.Equal(t, c.ok, r.Err() == nil)
	}
}

func TestStringsAndBytes(t *testing.T) {
	for _, n := range []int{0, 1, 31, 32, 255, 256, 65535, 65536} {
		s := strings.Repeat("x", n)
		b := AppendString(nil, s)
		var generic string
		require.NoError(t, msgpack.Unmarshal(b, &generic))
		require.Equal(t, s, generic)
		r := NewReader(b)
		require.Equal(t, s, r.String())
		require.NoError(t, r.Close())
		r = NewReader(b)
		require.Equal(t, s, r.View())
		require.NoError(t, r.Close())

		b = AppendBytes(nil, []byte(s))
		var generics []byte
		require.NoError(t, msgpack.Unmarshal(b, &generics))
		require.Equal(t, s, string(generics))
		r = NewReader(b)
		v := r.Bytes()
		require.Equal(t, s, string(v))
		require.Equal(t, len(v), cap(v), "appending to a view must not write into the input")
		require.NoError(t, r.Close())
	}
}

func TestViewsShareTheInput(t *testing.T) {
	b := AppendString(nil, "abc")
	r := NewReader(b)
	view := r.View()
	r = NewReader(b)
	own := r.String()
	b[1] = 'X'
	require.Equal(t, "Xbc", view)
	require.Equal(t, "abc", own)
}

func TestArrays(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 65535, 65536} {
		b := AppendArray(nil, n)
		for range n {
			b = AppendNil(b)
		}
		var generic []any
		require.NoError(t, msgpack.Unmarshal(b, &generic))
		require.Len(t, generic, n)
		r := NewReader(b)
		require.Equal(t, n, r.Array())
		for range n {
			require.True(t, r.Nil())
		}
		require.NoError(t, r.Close())
	}
	b, at := AppendOpenArray([]byte{})
	for range 20 {
		b = AppendBool(b, true)
	}
	CloseArray(b, at, 20)
	r := NewReader(b)
	r.ArrayOf(20)
	for range 20 {
		require.True(t, r.Bool())
	}
	require.NoError(t, r.Close())

	r = NewReader(b)
	r.ArrayOf(19)
	require.ErrorIs(t, r.Err(), ErrForm)
}

func TestElements(t *testing.T) {
	b := append(AppendArray(nil, 4), make([]byte, 12)...)
	for _, c := range []struct{ bytesMin, want int }{{1, 4}, {3, 4}, {4, 0}, {1000, 0}} {
		r := NewReader(b)
		require.Equal(t, c.want, r.Elements(c.bytesMin))
		require.Equal(t, c.want == 0, errors.Is(r.Err(), ErrShort))
	}
}

// A length is believed only as far as bytes follow.
func TestLyingLengths(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		read func(r *Reader)
	}{
		{"str8", []byte{0xd9, 0xff, 'a'}, func(r *Reader) { _ = r.String() }},
		{"str16", []byte{0xda, 0xff, 0xff, 'a'}, func(r *Reader) { _ = r.View() }},
		{"str32", []byte{0xdb, 0xff, 0xff, 0xff, 0xff, 'a'}, func(r *Reader) { _ = r.String() }},
		{"bin32", []byte{0xc6, 0xff, 0xff, 0xff, 0xff, 'a'}, func(r *Reader) { r.Bytes() }},
		{"array16", []byte{0xdc, 0xff, 0xff, 1}, func(r *Reader) { r.Array() }},
		{"array32", []byte{0xdd, 0xff, 0xff, 0xff, 0xff, 1}, func(r *Reader) { r.Array() }},
		{"fixstr", []byte{0xbf, 'a'}, func(r *Reader) { _ = r.String() }},
		{"fixarray", []byte{0x9f, 1}, func(r *Reader) { r.Array() }},
		{"cut length", []byte{0xdb, 0xff}, func(r *Reader) { _ = r.String() }},
		{"cut integer", []byte{0xcf, 1, 2, 3}, func(r *Reader) { r.Uint() }},
		{"nothing", nil, func(r *Reader) { r.Int() }},
	} {
		r := NewReader(c.b)
		c.read(&r)
		require.ErrorIs(t, r.Err(), ErrShort, c.name)
	}
}

// The first error stays, and everything after it is zero.
func TestErrorsStick(t *testing.T) {
	b := AppendInt(AppendString(AppendBool(nil, true), "x"), 7)
	r := NewReader(b)
	require.Equal(t, int64(0), r.Int()) // a boolean is there
	first := r.Err()
	require.ErrorIs(t, first, ErrForm)
	require.ErrorContains(t, first, "at byte 1")
	require.Zero(t, r.Uint())
	require.Zero(t, r.Int())
	require.Empty(t, r.String())
	require.Empty(t, r.View())
	require.Empty(t, r.Bytes())
	require.False(t, r.Bool())
	require.False(t, r.Nil())
	require.Zero(t, r.Array())
	r.ArrayOf(3)
	r.Fail(errors.New("another"))
	require.Equal(t, first, r.Close())

	r = NewReader(append(AppendInt(nil, 1), 0xc0))
	require.Equal(t, int64(1), r.Int())
	require.ErrorIs(t, r.Close(), ErrTrailing)
}

func TestNothingIsAllocated(t *testing.T) {
	b := AppendArray(nil, 5)
	b = AppendUint(b, 1<<40)
	b = AppendInt(b, -5)
	b = AppendBool(b, true)
	b = AppendString(b, "a string that isn't short any longer")
	b = AppendBytes(b, []byte("bytes"))
	out := make([]byte, 0, 100)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		r := NewReader(b)
		r.ArrayOf(5)
		o := AppendArray(out, 5)
		o = AppendUint(o, r.Uint())
		o = AppendInt(o, r.Int())
		o = AppendBool(o, r.Bool())
		o = AppendString(o, r.View())
		o = AppendBytes(o, r.Bytes())
		if r.Close() != nil || !bytes.Equal(o, b) {
			panic("not what was written")
		}
	}))
}

// Any reads of any bytes: no panic, never beyond the end, and nothing after an
// error.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0x93, 1, 0xa1, 'x', 0xc3}, []byte{7, 0, 3, 2})
	f.Add([]byte{0xdb, 0xff, 0xff, 0xff, 0xff}, []byte{3})
	f.Fuzz(func(t *testing.T, b, ops []byte) {
		r := NewReader(b)
		for _, op := range ops {
			failed := r.Err() != nil
			n := 0
			switch op % 10 {
			case 0:
				n = int(r.Uint() & 1)
			case 1:
				n = int(r.Int() & 1)
			case 2:
				r.Bool()
			case 3:
				n = len(r.String())
			case 4:
				n = len(r.View())
			case 5:
				n = len(r.Bytes())
			case 6:
				r.Nil()
			case 7:
				n = r.Array()
			case 8:
				n = r.Elements(int(op/10) + 1)
			case 9:
				n = int(r.UintMax(1))
			}
			require.GreaterOrEqual(t, r.Left(), 0)
			require.LessOrEqual(t, n, max(1, len(b)))
			if failed {
				require.Zero(t, n)
			}
		}
	})
}
