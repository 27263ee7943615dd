package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("data directory %s is in use by another process", path)
	}
	return &dataDir{path: path, lock: lock}, nil
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
	if err := os.WriteFile(file+".new", []byte(id+"\n"), 0o644); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	return id, nil
}
