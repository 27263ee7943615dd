package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// oldEnv names the commit of the older build: OLD=v1.2 make drill ONLY=rolling-upgrade.
const oldEnv = "OLD"

// rollingUpgrade: what one build wrote to logs, changelogs and stores the other
// one reads, both ways, since for a while both run.
func rollingUpgrade() Drill {
	return Drill{
		Name: "rolling-upgrade", Fault: "two nodes of an older build are replaced by this one, one at a time, under load",
		Expected: "each reads what the other wrote: all partitions decide again after each step; audit passes",
		Timeout:  6 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			old, err := s.oldBuild(ctx)
			if err != nil {
				return err
			}
			// The application is the old build's, as it is before an upgrade.
			today := s.config
			before := *today
			before.Holdfast = old
			s.config = &before
			err = s.Apply(ctx)
			s.config = today
			if err != nil {
				return err
			}
			a, b := s.Node("a", sessionTimeout), s.Node("b", sessionTimeout)
			a.Binary, b.Binary = old, old
			w, err := s.Under(ctx, Rate{Orders: 200, SKUs: 2000}, a, b)
			if err != nil {
				return err
			}
			if _, err := s.Run(ctx, "topics", "apply"); err != nil {
				return fmt.Errorf("with the new build: %w", err)
			}
			for _, n := range []*Node{a, b} {
				w.Mark()
				if err := n.Stop(ctx); err != nil {
					return err
				}
				n.Binary = ""
				if err := n.Start(); err != nil {
					return err
				}
				took, err := w.Again(ctx)
				if err != nil {
					return fmt.Errorf("after node %s is the new build: %w", n.Name, err)
				}
				s.Took("node "+n.Name+" is replaced, all partitions decide again", took, 0)
			}
			if err := s.Judge(ctx); err != nil {
				return err
			}
			return s.StopAll(ctx)
		},
	}
}

// oldBuild builds the program as it was at a commit: the one that OLD names, else
// the newest tag, else the commit before this one.
func (s *Scene) oldBuild(ctx context.Context) (binary string, err error) {
	commit := os.Getenv(oldEnv)
	if commit == "" {
		if commit, err = output(ctx, ".", "git", "describe", "--tags", "--abbrev=0"); err != nil {
			commit = "HEAD~1"
		}
	}
	about, err := output(ctx, ".", "git", "log", "-1", "--format=%h of %cs: %s", commit)
	if err != nil {
		return "", fmt.Errorf("the older build: %w (a clone without history has none; %s names a commit)", err, oldEnv)
	}
	tree := s.file("old")
	if _, err := output(ctx, ".", "git", "worktree", "add", "--detach", tree, commit); err != nil {
		return "", fmt.Errorf("the older build: %w", err)
	}
	s.Closing(func() {
		_, _ = output(context.WithoutCancel(ctx), ".", "git", "worktree", "remove", "--force", tree) // git prunes it some day
	})
	if binary, err = filepath.Abs(s.file("holdfast-old")); err != nil {
		return "", err
	}
	if _, err := output(ctx, tree, "go", "build", "-o", binary, "./cmd/holdfast"); err != nil {
		return "", fmt.Errorf("the older build: %w", err)
	}
	s.Note("the older build is %s", about)
	return binary, nil
}

// output runs a program and returns what it wrote.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	var errs strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, last(errs.String(), 500))
	}
	return strings.TrimSpace(string(out)), nil
}
