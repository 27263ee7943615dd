package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/audit"
	"holdfast/topology"
)

// identity says whose logs these are.
func identity(ctx context.Context, cl *kgo.Client, t *topology.Topology) (audit.Identity, error) {
	m, err := kadm.NewClient(cl).BrokerMetadata(ctx)
	if err != nil {
		return audit.Identity{}, fmt.Errorf("asking for the cluster's id: %w", err)
	}
	return audit.Identity{Cluster: m.Cluster, AppID: t.AppID}, nil
}

// resumeAudit starts from a checkpoint, or from nothing where there is no file yet.
func resumeAudit(config audit.Config, cut *audit.Cut, path string, id audit.Identity) (*audit.Audit, error) {
	file, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return audit.New(config, *cut), nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	a, err := audit.Resume(config, cut, file, id)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// writeCheckpoint replaces the file as a whole: whoever reads it finds the old
// one or the new one. It names orders, so it is the owner's alone.
func writeCheckpoint(a *audit.Audit, path string, id audit.Identity) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // made with 0600
	if err != nil {
		return fmt.Errorf("writing the checkpoint: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("writing the checkpoint %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	err = a.WriteCheckpoint(f, id)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
