package state

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Identity pins a directory to one changelog partition. The topic's id is part of it: a topic that was deleted and made
// anew has the old name and none of the old records.
type Identity struct {
	ClusterID string
	Topic     string
	TopicID   [16]byte
	Partition int32
}

// A store's directory:
//
//	IDENTITY       whose it is, as JSON; written and synced before the first file of Pebble's
//	IDENTITY.tmp   left by a crash while IDENTITY was written
//	pebble/        Pebble's files, its lock among them
const (
	identityFile     = "IDENTITY"
	identityTempFile = "IDENTITY.tmp"
	pebbleDir        = "pebble"
)

// format is the version of all that is in the directory: keys, values, position. Deltas have their own.
const format = 1

// identityBytesMax bounds what is read of a file that may be anybody's.
const identityBytesMax = 64 << 10

type identityJSON struct {
	Format    int    `json:"holdfast_state_format"`
	ClusterID string `json:"cluster_id"`
	Topic     string `json:"topic"`
	TopicID   string `json:"topic_id"`
	Partition int32  `json:"partition"`
}

func (id Identity) json() identityJSON {
	return identityJSON{format, id.ClusterID, id.Topic, hex.EncodeToString(id.TopicID[:]), id.Partition}
}

// inspectDir reads, and never writes, what is in the store's directory. It returns whether an identity is there, which
// then is c.Identity; anything that isn't ours, or isn't ours alone, is an error.
func inspectDir(c Config) (exists bool, err error) {
	names, err := c.FS.List(c.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("listing state directory %s: %w", c.Dir, err)
	}
	exists = slices.Contains(names, identityFile)
	if !exists && lostIdentity(c, names) {
		return false, &CorruptError{Dir: c.Dir, Err: errors.New("its identity is gone")}
	}
	for _, name := range names {
		ours := name == identityFile || name == identityTempFile || (name == pebbleDir && exists)
		if !ours {
			return false, &MismatchError{Dir: c.Dir, Field: "contents", Want: "a store of this format, or nothing", Have: strconv.Quote(name)}
		}
	}
	if !exists {
		return false, nil
	}
	have, err := readIdentity(c.FS, c.FS.PathJoin(c.Dir, identityFile))
	if err != nil {
		return false, fmt.Errorf("reading the identity of state directory %s: %w", c.Dir, err)
	}
	return true, compareIdentity(c.Dir, c.Identity.json(), have)
}

// lostIdentity tells a store whose identity is gone from a directory that was never one: Pebble's files are there, and
// nothing else.
func lostIdentity(c Config, names []string) bool {
	if len(names) != 1 || names[0] != pebbleDir {
		return false
	}
	files, err := c.FS.List(c.FS.PathJoin(c.Dir, pebbleDir))
	return err == nil && slices.ContainsFunc(files, func(name string) bool { return strings.HasPrefix(name, "MANIFEST-") })
}

func compareIdentity(dir string, want identityJSON, have *identityJSON) error {
	if have == nil {
		return &CorruptError{Dir: dir, Err: errors.New("its identity can't be read")}
	}
	for _, field := range []struct{ name, want, have string }{
		{"format", strconv.Itoa(want.Format), strconv.Itoa(have.Format)},
		{"cluster id", want.ClusterID, have.ClusterID},
		{"topic", want.Topic, have.Topic},
		{"topic id", want.TopicID, have.TopicID},
		{"partition", strconv.Itoa(int(want.Partition)), strconv.Itoa(int(have.Partition))},
	} {
		if field.want != field.have {
			return &MismatchError{Dir: dir, Field: field.name, Want: field.want, Have: field.have}
		}
	}
	return nil
}

// readIdentity returns nil for a file that can be read but not understood.
func readIdentity(files vfs.FS, path string) (*identityJSON, error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, identityBytesMax))
	if err != nil {
		return nil, err
	}
	// The format first: in a newer one the other fields may be of other kinds.
	var newer struct {
		Format int `json:"holdfast_state_format"`
	}
	if json.Unmarshal(data, &newer) == nil && newer.Format > format {
		return &identityJSON{Format: newer.Format}, nil
	}
	var have identityJSON
	if json.Unmarshal(data, &have) != nil || have.Format == 0 {
		return nil, nil
	}
	return &have, nil
}

// writeIdentity makes the identity durable before it returns: written aside, synced, renamed, and the directory synced.
func writeIdentity(c Config) error {
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(c.Identity.json()); err != nil {
		return err
	}
	temp := c.FS.PathJoin(c.Dir, identityTempFile)
	f, err := c.FS.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err := f.Write(data.Bytes()); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := c.FS.Rename(temp, c.FS.PathJoin(c.Dir, identityFile)); err != nil {
		return err
	}
	return syncDir(c.FS, c.Dir)
}

func syncDir(files vfs.FS, dir string) error {
	d, err := files.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Stores lists what is in a directory of stores, by name; nothing where there is
// no such directory.
func (c *Config) Stores(dir string) []string {
	files := c.FS
	if files == nil && c.Shared != nil {
		files = c.Shared.fs
	}
	if files == nil {
		files = vfs.Default
	}
	names, err := files.List(dir)
	if err != nil {
		return nil
	}
	return names
}
