package state

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Store is the state of one task. It belongs to one goroutine at a time.
type Store struct {
	cfg       Config
	db        *pebble.DB
	options   *pebble.Options // db's
	lock      *pebble.Lock
	ownShared *Shared // closed with the store; nil when the caches are others'

	// meta is where the store stands: what all deltas that were applied led to.
	meta meta

	// The running transaction.
	overlay  overlay
	iterator *pebble.Iterator // over the store as it has been since the last Commit; nil until it is needed
	encoder  encoder
	cursor   []byte // scratch of the sweep
	prepared prepared
	absence  absence
	recent   recent

	batch      *pebble.Batch // reused
	metaBuffer []byte
	flush      flush
	background background
	gathers    bool // a restore gathers deltas
}

// prepared is what Prepare made and Commit or Drop ends.
type prepared struct {
	is    bool
	after state
	parts int
	bytes int64
}

// Open opens the store in c.Dir, or makes one. A directory of another identity or format, or with anything else in it, is
// a MismatchError, and nothing in it is changed; one that can't be trusted is a CorruptError. A directory that another
// store has open is an error too.
func Open(c Config) (*Store, error) {
	c = c.withDefaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := claimDir(c); err != nil {
		return nil, err
	}
	s := &Store{cfg: c, overlay: newOverlay(), background: make(background, 1)}
	s.absence.hash = s.overlay.hash
	if err := s.openEngine(); err != nil {
		return nil, err
	}
	if err := s.loadMeta(); err != nil {
		return nil, errors.Join(err, s.closeEngine())
	}
	s.batch = s.db.NewBatch(pebble.WithInitialSizeBytes(batchBytesFirst), pebble.WithMaxRetainedSizeBytes(batchBytesKept))
	s.flush.trim = s.meta.redundantBelow()
	return s, nil
}

// claimDir makes c.Dir the store's own, or finds that it is. Two that claim the same new directory at once both write
// their identity; who gets the lock looks again.
func claimDir(c Config) error {
	exists, err := inspectDir(c)
	if err != nil || exists {
		return err
	}
	if err := mkdirSynced(c.FS, c.Dir); err != nil {
		return fmt.Errorf("making state directory %s: %w", c.Dir, err)
	}
	if err := writeIdentity(c); err != nil {
		return fmt.Errorf("writing the identity of state directory %s: %w", c.Dir, err)
	}
	return nil
}

// mkdirSynced makes dir and its parents so that they are still there after a crash. They are closed to other users: state
// holds who ordered what, and Pebble makes its files readable to whoever gets at them.
func mkdirSynced(files vfs.FS, dir string) error {
	if _, err := files.Stat(dir); err == nil {
		return nil
	}
	parent := files.PathDir(dir)
	if parent != dir {
		if err := mkdirSynced(files, parent); err != nil {
			return err
		}
	}
	if err := files.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(files, parent)
}

func (s *Store) openEngine() (err error) {
	c := s.cfg
	dir := c.FS.PathJoin(c.Dir, pebbleDir)
	if err := mkdirSynced(c.FS, dir); err != nil {
		return s.wrap("making Pebble's directory", err)
	}
	if s.lock, err = pebble.LockDirectory(dir, c.FS); err != nil {
		return fmt.Errorf("locking state directory %s, which another process or store may have open: %w", c.Dir, err)
	}
	if _, err := inspectDir(c); err != nil {
		return errors.Join(err, s.lock.Close())
	}
	shared := c.Shared
	if shared == nil {
		s.ownShared = NewShared(ownCacheBytes, c.FS)
		shared = s.ownShared
	}
	s.options = engineOptions(c, shared, s.lock, s.background.report)
	s.options.EnsureDefaults()
	s.db, err = pebble.Open(dir, s.options)
	if err != nil {
		if !isEnvironment(err) {
			err = &CorruptError{Dir: c.Dir, Err: fmt.Errorf("opening Pebble: %w", err)}
		}
		return errors.Join(s.wrap("opening Pebble", err), s.closeEngine())
	}
	shared.open.add(s.db)
	return nil
}

func (s *Store) shared() *Shared {
	if s.ownShared != nil {
		return s.ownShared
	}
	return s.cfg.Shared
}

// ownCacheBytes is for a store that stands alone: in tests, and when a store is looked into.
const ownCacheBytes = 8 << 20

func (s *Store) closeEngine() error {
	s.absence.close()
	var errs []error
	if s.db != nil {
		s.shared().open.remove(s.db)
		errs = append(errs, s.db.Close())
	}
	errs = append(errs, s.lock.Close())
	if s.ownShared != nil {
		s.ownShared.Close()
	}
	return errors.Join(errs...)
}

// loadMeta reads where the store stands. A store without it must be empty: every batch carries it.
func (s *Store) loadMeta() error {
	s.meta = newMeta()
	value, closer, err := s.db.Get(metaKey)
	if errors.Is(err, pebble.ErrNotFound) {
		s.absence.gathers = true
		return s.mustBeEmpty()
	}
	if err != nil {
		return s.wrap("reading the position", err)
	}
	if s.meta, err = decodeMeta(value); err != nil {
		err = &CorruptError{Dir: s.cfg.Dir, Err: err}
	}
	return errors.Join(err, closer.Close())
}

func (s *Store) mustBeEmpty() error {
	it, err := s.borrowIterator(lowestKey, nil)
	if err != nil {
		return err
	}
	if it.First() {
		err = &CorruptError{Dir: s.cfg.Dir, Err: errors.New("it has keys but no position")}
	}
	return firstError(err, s.returnIterator(it, "reading the first key"), s.closeIterator())
}

// Position is where the store stands.
func (s *Store) Position() Position { return s.meta.position() }

// Identity is whose store it is.
func (s *Store) Identity() Identity { return s.cfg.Identity }

// Dir is the store's directory.
func (s *Store) Dir() string { return s.cfg.Dir }

// Get returns what the transaction sees at key: its own write, else the store's value. The value must not be changed; it
// stays valid, and as it is, until Commit or Drop.
func (s *Store) Get(key []byte) (value []byte, ok bool, err error) {
	index, at, hash := s.overlay.find(key)
	if index >= 0 {
		e := &s.overlay.entries[index]
		return e.value, e.is == written || e.is == readPresent, nil
	}
	if value, ok := s.recent.get(key, hash); ok {
		// Noted like any other read: entries are in the order of their first use, which is the delta's order, and whether a
		// key is still here hangs on a hash that is another one in each process.
		return s.overlay.read(key, value, true, at, hash), true, nil
	}
	mustBeKey(key)
	if s.absent(hash) {
		s.overlay.read(key, nil, false, at, hash)
		return nil, false, nil
	}
	stored, closer, err := s.db.Get(key)
	if err != nil && errors.Is(err, pebble.ErrNotFound) { // found is the usual case, and errors.Is isn't free
		s.overlay.read(key, nil, false, at, hash)
		return nil, false, nil
	}
	if err != nil {
		return nil, false, s.wrap("reading a key", err)
	}
	_, value, err = s.splitValue(key, stored)
	if err == nil {
		value = s.overlay.read(key, value, true, at, hash)
	}
	return value, err == nil, firstError(err, closer.Close())
}

// Put sets key to value in the transaction. Both are copied.
func (s *Store) Put(key, value []byte) {
	mustBeKey(key)
	s.mustBeDeciding()
	s.overlay.put(key, value)
}

// Delete removes key in the transaction; it need not exist.
func (s *Store) Delete(key []byte) {
	mustBeKey(key)
	s.mustBeDeciding()
	s.overlay.delete(key)
}

// Dirty says whether the transaction wrote or deleted anything.
func (s *Store) Dirty() bool { return s.overlay.writes > 0 }

// OverlayBytes is about how large the transaction's writes are in the changelog.
func (s *Store) OverlayBytes() int { return s.overlay.writeBytes }

func (s *Store) mustBeDeciding() {
	if s.prepared.is {
		panic("BUG: a write between Prepare and the transaction's end")
	}
}

// Close flushes and closes the store. What was neither committed nor dropped is dropped.
func (s *Store) Close() error {
	if s.db == nil {
		return nil
	}
	return firstError(s.Flush(), s.shut())
}

// Abandon closes the store as a crash would: what isn't on disk yet is lost.
func (s *Store) Abandon() {
	// Whatever went wrong doesn't matter to a store that is given up.
	_ = s.shut()
}

func (s *Store) shut() error {
	if s.db == nil {
		return nil
	}
	s.endGathering()
	err := firstError(s.closeIterator(), s.wrap("closing", s.batch.Close()))
	err = firstError(err, s.wrap("closing", s.closeEngine()))
	s.db = nil
	return err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
