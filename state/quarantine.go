package state

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A store that is put aside keeps its files, for people to look at what went wrong:
//
//	3                  the store, built anew
//	3.corrupt-7        the last one, as it was
//	   REASON          why it was put aside, and what may be done with it
//	3.corrupt-6        the one before; older ones are removed
const (
	quarantineMark = ".corrupt-"
	reasonFile     = "REASON"

	// quarantinesKept of each store: the newest, and one to compare it with. A disk that breaks stores must not be filled
	// with them.
	quarantinesKept = 2
)

// Quarantine moves a store's directory aside, to "<dir>.corrupt-1", "-2" and so on, with a file that says why, so that the
// store can be restored while people look at what went wrong. Of earlier ones it keeps the newest. The store must be closed.
// A directory that isn't there needs no moving; newDir is empty then. A nil fs is the disk.
func Quarantine(files vfs.FS, dir string, why error) (newDir string, err error) {
	if files == nil {
		files = vfs.Default
	}
	if _, err := files.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	before, err := quarantines(files, dir)
	if err != nil {
		return "", fmt.Errorf("looking for what was put aside of %s before: %w", dir, err)
	}
	n := 1
	if len(before) > 0 {
		n = before[len(before)-1] + 1
	}
	newDir = quarantineDir(dir, n)
	if err := files.Rename(dir, newDir); err != nil {
		return "", fmt.Errorf("moving %s aside: %w", dir, err)
	}
	if err := syncDir(files, files.PathDir(dir)); err != nil {
		return "", fmt.Errorf("moving %s aside: %w", dir, err)
	}
	// What is left is for people. A full disk, which is when it matters, must not keep the store from being built anew.
	_ = writeReason(files, newDir, dir, why)
	for len(before) >= quarantinesKept {
		_ = files.RemoveAll(quarantineDir(dir, before[0]))
		before = before[1:]
	}
	return newDir, nil
}

func quarantineDir(dir string, n int) string { return dir + quarantineMark + strconv.Itoa(n) }

// quarantines returns the numbers of a store's directories that were put aside, in order.
func quarantines(files vfs.FS, dir string) (numbers []int, err error) {
	names, err := files.List(files.PathDir(dir))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		number, ok := strings.CutPrefix(name, files.PathBase(dir)+quarantineMark)
		if n, err := strconv.Atoi(number); ok && err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func writeReason(files vfs.FS, newDir, dir string, why error) error {
	f, err := files.Create(files.PathJoin(newDir, reasonFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, `This was %s. It was put aside because:

%v

The store was built anew from its changelog, and this copy of it is needed no longer: look at it, then delete it.
`, dir, why)
	return errors.Join(err, f.Sync(), f.Close())
}
