package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// diskFull: a node's data directory is a small file system of its own, and
// somebody else fills it to the last byte, in the middle of what Pebble writes by
// itself. The node must say so, its partitions wait, and go on when there is room;
// it must not end.
func diskFull() Drill {
	const size, least = 48 << 20, 16 << 20
	return Drill{
		Name: "disk-full", Fault: "the disk of one of two nodes is filled to the last byte under load, then emptied",
		Expected: "the node says that there is no room and isn't ready; it doesn't end; the other one's partitions go on; with room again, all decide; audit passes",
		Bound:    15 * time.Second, Timeout: 3 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			if err := s.Apply(ctx); err != nil {
				return err
			}
			a := s.Node("a", sessionTimeout)
			// Small flushes often: there must be some while the disk is full.
			b := s.Node("b", sessionTimeout, fmt.Sprintf("state.free_bytes_min=%d", least), "state.flush_every=1s")
			if err := s.mount(ctx, b.Dir, size); err != nil {
				return err
			}
			w, err := s.Under(ctx, Rate{Orders: 200, SKUs: 2000}, a, b)
			if err != nil {
				return err
			}
			ballast := filepath.Join(b.Dir, "somebody-elses-file")
			full := time.Now()
			if err := fill(ballast); err != nil {
				return err
			}
			if err := b.awaitUnready(ctx, "no room on the disk of "+b.Dir); err != nil {
				return err
			}
			s.Took("the node says that there is no room", time.Since(full), 10*time.Second)
			// The others go on, and this one lives, for longer than flushes are apart.
			if err := await(ctx, watchEvery, func(ctx context.Context) (string, error) {
				if !b.Alive() {
					return "", fmt.Errorf("node b has ended: %s", b.lastWords())
				}
				if left := 5*time.Second - time.Since(full); left > 0 {
					return fmt.Sprintf("%v until there is room", left), nil
				}
				return "", nil
			}); err != nil {
				return err
			}
			w.Mark()
			if err := os.Remove(ballast); err != nil {
				return fmt.Errorf("making room: %w", err)
			}
			took, err := w.Again(ctx)
			if err != nil {
				return err
			}
			s.Took("all partitions decide again", took, s.Drill.Bound)
			if err := s.Judge(ctx); err != nil {
				return err
			}
			return s.StopAll(ctx)
		},
	}
}

// mount has dir be a file system of its own, of so many bytes, until the end of
// the drill.
func (s *Scene) mount(ctx context.Context, dir string, bytes int64) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making a small disk: %w", err)
	}
	if out, err := exec.CommandContext(ctx, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d,mode=0700,nosuid,nodev", bytes), "holdfast-drill", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("mounting a small file system (this drill must be root, on Linux): %w: %s", err, out)
	}
	s.Closing(func() {
		if out, err := exec.Command("umount", "--lazy", dir).CombinedOutput(); err != nil {
			s.Note("%s is still mounted: %v: %s", dir, err, out)
		}
	})
	return nil
}

// fill writes to a file until nothing more goes in.
func fill(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("filling a disk: %w", err)
	}
	defer func() { _ = f.Close() }() // what counts is that nothing goes in
	for size := 1 << 20; ; {
		switch _, err := f.Write(make([]byte, size)); {
		case err == nil:
		case !errors.Is(err, syscall.ENOSPC):
			return fmt.Errorf("filling a disk: %w", err)
		case size == 1:
			return nil
		default:
			size /= 2
		}
	}
}
