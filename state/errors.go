package state

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
)

// MismatchError says that a directory belongs to something else: to another cluster, topic or partition, to a newer
// format, or not to a store at all. Nothing in it was changed.
type MismatchError struct {
	Dir   string
	Field string // what differs: "cluster id", "topic", "topic id", "partition", "format", "contents"
	Want  string
	Have  string
}

// Misplaced says that the directory holds a store of this format, and only the wrong one: of another partition, topic or
// cluster. It can be put aside (Quarantine) for one that is restored; any other mismatch may be anything.
func (e *MismatchError) Misplaced() bool { return e.Field != "format" && e.Field != "contents" }

func (e *MismatchError) Error() string {
	if e.Field == "format" {
		return fmt.Sprintf("state directory %s was written by another version of Holdfast: its format is %s, wanted %s. Run the version that wrote it, or a newer one; or move the directory away, and its state is restored from Kafka", e.Dir, e.Have, e.Want)
	}
	return fmt.Sprintf("state directory %s belongs to something else: its %s is %s, wanted %s", e.Dir, e.Field, e.Have, e.Want)
}

// CorruptError says that a store's files can't be trusted. The changelog can: move the directory aside (Quarantine) and
// restore.
type CorruptError struct {
	Dir string
	Err error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("state directory %s is corrupt: %v", e.Dir, e.Err)
}
func (e *CorruptError) Unwrap() error { return e.Err }

// DeltaError says that a record of the changelog isn't a delta, or doesn't follow the deltas before it. The changelog is
// wrong, or it was read wrongly: wiping the store doesn't help, and deciding on would spread the damage.
type DeltaError struct {
	Offset Offset
	Reason string
}

func (e *DeltaError) Error() string {
	return fmt.Sprintf("changelog record at offset %d: %s", e.Offset, e.Reason)
}

// wrap says what the store was doing, and tells corruption from other failures of the disk.
func (s *Store) wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	var corrupt *CorruptError
	switch {
	case errors.As(err, &corrupt):
		return err
	case isCorruption(err):
		return &CorruptError{Dir: s.cfg.Dir, Err: fmt.Errorf("%s: %w", doing, err)}
	}
	return fmt.Errorf("state directory %s: %s: %w", s.cfg.Dir, doing, err)
}

// isCorruption: a file that Pebble knows of and that is gone is as bad as one that is garbled.
func isCorruption(err error) bool {
	return pebble.IsCorruptionError(err) || errors.Is(err, fs.ErrNotExist)
}

// isEnvironment says that the system refused, as with a full disk or a lack of rights. When Pebble opens a store and it
// isn't that, then something in the files doesn't fit, whether Pebble calls it corruption or not.
func isEnvironment(err error) bool {
	var number syscall.Errno
	return errors.As(err, &number) && !errors.Is(err, fs.ErrNotExist)
}

// IsDiskFull says that there was no room for what had to be written, on the disk or within a quota. It goes away by itself
// as soon as there is.
func IsDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
