package golden

import (
	"fmt"
	"strings"
	"testing"
)

// Packed checks a form [version, field, …] in msgpack as a whole: Check; every
// version that there ever was is read; and what a newer Holdfast wrote, with other
// fields, is refused in words that say what to do. decode returns an error, or
// panics with one.
func Packed(t testing.TB, format string, version int, today []byte, decode func([]byte) error) {
	t.Helper()
	Check(t, format, version, today)
	Each(t, format, func(v int, b []byte) {
		if err := caught(decode, b); err != nil {
			t.Errorf("%s: what version %d wrote can't be read: %v", format, v, err)
		}
	})
	err := caught(decode, newer(version))
	want := fmt.Sprintf("version %d, known is %d: a newer Holdfast wrote it", version+1, version)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: a newer version must be refused with %q, and what was said is: %v", format, want, err)
	}
}

// newer is [version+1, nil]: as a later version may be, which has other fields.
func newer(version int) []byte { return []byte{0x92, byte(version + 1), 0xc0} }

func caught(decode func([]byte) error, b []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return decode(b)
}
