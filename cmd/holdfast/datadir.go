package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"holdfast/topology"
)

// dataDir is a node's directory, ours alone while it is open: two processes with
// the same state and the same instance id would fence each other for ever.
type dataDir struct {
	path string
	lock *os.File
}

// lockFile holds nothing; who has it open has the directory.
const lockFile = "lock"

func openDataDir(path string, log *slog.Logger) (*dataDir, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := keepPrivate(path, log); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("data directory %s is in use by another process", path)
	}
	return &dataDir{path: path, lock: lock}, nil
}

// keepPrivate closes a directory to other users of the machine: state holds who
// ordered what. One that is already there is closed only if it is ours, empty or
// with our lock in it; of others it is said that they are open.
func keepPrivate(path string, log *slog.Logger) error {
	about, err := os.Stat(path)
	if err != nil {
		return err
	}
	const others = 0o077
	mode := about.Mode().Perm()
	if mode&others == 0 {
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	because := "it holds what isn't Holdfast's"
	if len(entries) == 0 || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == lockFile }) {
		err := os.Chmod(path, mode&^others)
		if err == nil {
			log.Info("the data directory was open to other users, and isn't any more", "path", path, "mode_was", mode)
			return nil
		}
		because = err.Error()
	}
	log.Warn("other users of this machine may read the data directory, and it was left so", "path", path, "mode", mode, "because", because)
	return nil
}

// close lets others have the directory; nothing was written to the lock file.
func (d *dataDir) close() { _ = d.lock.Close() }

// instanceID returns the configured name, or the one made when the directory was
// first used.
func (d *dataDir) instanceID(configured string) (string, error) {
	if configured != "" {
		return configured, nil
	}
	file := filepath.Join(d.path, "instance-id")
	b, err := os.ReadFile(file)
	if err == nil {
		id := strings.TrimSpace(string(b))
		if !topology.IsInstanceID(id) {
			return "", fmt.Errorf("%s holds no instance id", file)
		}
		return id, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("data directory: %w", err)
	}
	var random [6]byte
	rand.Read(random[:])
	id := "node-" + hex.EncodeToString(random[:])
	// Written aside and renamed, so that a crash leaves a whole name or none.
	if err := os.WriteFile(file+".new", []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	return id, nil
}

// belongsTo refuses a directory that was used with another cluster or by another application: its stores would be put aside one
// by one, and all state restored, where somebody most likely took the wrong brokers, name or directory. And it refuses a log
// that was deleted and made anew since: the stores say how far the old one was decided, and of the new one as much would be
// skipped without a word. The first use of a directory decides; logs are its internal ones, by name, with their ids.
func (d *dataDir) belongsTo(clusterID, appID string, logs map[string]string) error {
	file := filepath.Join(d.path, "belongs-to")
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("data directory: %w", err)
	}
	if err == nil {
		if err := d.compareOwner(string(b), clusterID, appID); err != nil {
			return err
		}
	}
	text := "cluster " + clusterID + "\napplication " + appID + "\n"
	for _, log := range slices.Sorted(maps.Keys(logs)) {
		if have := lineAfter(string(b), "log "+log+" "); have != "" && have != logs[log] {
			return fmt.Errorf("log %s was deleted and made anew since data directory %s was used (its id was %s and is %s): nothing was changed; what the new one holds below the old one's place would be skipped, so it isn't gone on with: give the application another name, or, if all of it may be lost, delete its topics, groups and data directories", log, d.path, have, logs[log])
		}
		text += "log " + log + " " + logs[log] + "\n"
	}
	if text == string(b) {
		return nil
	}
	if err = os.WriteFile(file+".new", []byte(text), 0o600); err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

func (d *dataDir) compareOwner(text, clusterID, appID string) error {
	for _, want := range [][2]string{{"cluster", clusterID}, {"application", appID}} {
		have := lineAfter(text, want[0]+" ")
		if have == want[1] {
			continue
		}
		if have == "" {
			have = "nobody knows which"
		}
		return fmt.Errorf("data directory %s belongs to %s %s, and this is %s %s: nothing was changed; use another directory, other brokers or another name, or delete the directory (its state is restored from Kafka)", d.path, want[0], have, want[0], want[1])
	}
	return nil
}

// lineAfter returns the rest of the line that begins so; "": there is none.
func lineAfter(text, begin string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, begin); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
