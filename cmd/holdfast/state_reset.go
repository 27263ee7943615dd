package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"holdfast/processor"
	"holdfast/state"
	"holdfast/topology/record"
)

type stateResetCmd struct {
	stateFlags
	storeArgs
	Force bool `help:"Also when the changelog holds the same damage, which a new store would have too."`
	Yes   bool `help:"Do it. Without, it is only told what would be done."`
}

func (c *stateResetCmd) Help() string {
	return `For a store that is damaged, on a node that is stopped. First the changelog is folded into memory: only if it makes a whole and sound store is the damaged one moved aside, to the first free name of DIRECTORY.corrupt-1, -2 …; nothing is deleted. At its next start the node restores the partition from the changelog, exactly as it was.

Where the changelog holds the same damage, a new store would have it too: then the fault is in what decided, and a mended binary is what is needed.`
}

var errResetByHand = errors.New("put aside by holdfast state reset")

// resetReport is what reset tells.
type resetReport struct {
	Stage      string          `json:"stage"`
	Partition  int32           `json:"partition"`
	Keys       int64           `json:"keys"`       // that the changelog makes
	Impossible []impossibleRow `json:"impossible"` // of them
	MovedTo    string          `json:"moved_to,omitempty"`
}

func (c *stateResetCmd) Run(ctx context.Context, a *app) error {
	r, err := openStores(ctx, a)
	if err != nil {
		return err
	}
	defer r.close()
	report, err := c.reset(ctx, r)
	if err != nil {
		return err
	}
	switch {
	case c.json():
		err = a.printJSON(report)
	case report.MovedTo != "":
		_, err = fmt.Fprintf(a.Stdout, "The store of %s/%d is at %s now. When its node starts, it is built anew from the changelog: %d keys.\n", c.Stage, c.Partition, report.MovedTo, report.Keys)
	default:
		_, err = fmt.Fprintf(a.Stdout, "The changelog makes a whole store of %d keys. With --yes, the one of %s/%d is put aside.\n", report.Keys, c.Stage, c.Partition)
	}
	return err
}

func (c *stateResetCmd) reset(ctx context.Context, r *storeReader) (*resetReport, error) {
	partition := record.Partition(c.Partition)
	config, _, err := r.config(c.Stage, partition)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(config.Dir); err != nil {
		return nil, fmt.Errorf("no store of %s/%d: %w", c.Stage, c.Partition, err)
	}
	fold, _, _, err := r.fold(ctx, c.Stage, partition)
	if err != nil {
		return nil, fmt.Errorf("the changelog doesn't make a store of %s/%d, so nothing was touched: %w", c.Stage, c.Partition, err)
	}
	report := &resetReport{Stage: c.Stage, Partition: c.Partition}
	d, err := fold.Digest()
	report.Keys = d.Keys
	if err == nil {
		report.Impossible, err = impossible(c.Stage, fold)
	}
	committed, hasCommitted, cerr := r.cluster.Committed(ctx, r.topology.Stage(c.Stage).Group, r.input(c.Stage, partition))
	position := fold.Position()
	if err = errors.Join(err, cerr, fold.Close()); err != nil {
		return nil, err
	}
	if hasCommitted && record.Offset(position.Input) < committed {
		return nil, fmt.Errorf("the changelog of %s/%d ends at input offset %d, and the group has committed %d: it has lost records, and the store may hold what it lacks; nothing was touched", c.Stage, c.Partition, position.Input, committed)
	}
	if len(report.Impossible) > 0 && !c.Force {
		i := report.Impossible[0]
		return nil, violationErrorf("the changelog of %s/%d makes the same damage: %s at key %s: expected %s, found %s; nothing was touched", c.Stage, c.Partition, i.Rule, i.Key, i.Expected, i.Found)
	}
	if !c.Yes {
		return report, nil
	}
	report.MovedTo, err = state.Quarantine(config.FS, config.Dir, errResetByHand)
	return report, err
}

// input is a partition of the log that a stage reads.
func (r *storeReader) input(stage string, partition record.Partition) processor.TopicPartition {
	return processor.TopicPartition{Topic: r.topology.Name(r.topology.Stage(stage).Inputs[0]), Partition: partition}
}
