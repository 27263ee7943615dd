// Package golden keeps the bytes of what is stored and sent, one file for each
// version of a format, so that what was written once can always be read.
//
//	testdata/formats/FORMAT/v1.hex    as version 1 was written; never changed again
//	testdata/formats/FORMAT/v2.hex
//
// Check fails when today's bytes aren't those of today's version: whoever changed
// them needs a new version, or has broken every store and log that there is. Each
// hands out the bytes of all versions, to be read by today's decoder. A file is
// written once, where there is none yet, and by nobody's flag a second time.
//
// It is for tests alone. FORMATS.md lists the formats.
package golden

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	folder = "testdata/formats"
	suffix = ".hex"
	// newEnv asks for the file of a version that has none.
	newEnv = "HOLDFAST_NEW_FORMAT"
	// lineBytes keeps diffs readable.
	lineBytes = 64
)

// Check holds today's bytes of a format, of a sample that stays the same, against
// those of its version.
func Check(t testing.TB, format string, version int, today []byte) {
	t.Helper()
	if err := check(folder, format, version, today, os.Getenv(newEnv) != ""); err != nil {
		t.Error(err)
	}
}

func check(folder, format string, version int, today []byte, write bool) error {
	path := file(folder, format, version)
	then, err := read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && write:
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(lines(today)), 0o644)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s has no golden bytes of version %d: %s=1 writes %s, once", format, version, newEnv, path)
	case err != nil:
		return err
	case string(then) != string(today):
		return fmt.Errorf("the bytes of %s version %d have changed. What was written must always be read: give the format a new version, and let it read this one too (FORMATS.md).\n%s has\n%stoday they are\n%s",
			format, version, path, lines(then), lines(today))
	}
	return nil
}

// Each calls fn with the bytes of every version that there is, the oldest first.
// There must be one.
func Each(t testing.TB, format string, fn func(version int, bytes []byte)) {
	t.Helper()
	versions, err := versions(folder, format)
	if err != nil {
		t.Error(err)
	}
	for _, v := range versions {
		b, err := read(file(folder, format, v))
		if err != nil {
			t.Error(err)
			continue
		}
		fn(v, b)
	}
}

func versions(folder, format string) (list []int, err error) {
	paths, err := filepath.Glob(filepath.Join(folder, format, "*"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		name, isHex := strings.CutSuffix(filepath.Base(path), suffix)
		number, isVersion := strings.CutPrefix(name, "v")
		v, err := strconv.Atoi(number)
		if !isHex || !isVersion || err != nil {
			return nil, fmt.Errorf("%s isn't named after a version", path)
		}
		list = append(list, v)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no golden bytes of any version", format)
	}
	slices.Sort(list)
	return list, nil
}

func file(folder, format string, version int) string {
	return filepath.Join(folder, format, "v"+strconv.Itoa(version)+suffix)
}

func read(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

func lines(b []byte) string {
	var s strings.Builder
	for chunk := range slices.Chunk(b, lineBytes) {
		s.WriteString(hex.EncodeToString(chunk) + "\n")
	}
	return s.String()
}
