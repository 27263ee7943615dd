package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"holdfast/processor"
	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology/record"
)

type stateVerifyCmd struct{ stateFlags }

func (c *stateVerifyCmd) Help() string {
	return "Each store is rolled forward to the end of its changelog, the changelog is folded anew from its start into memory, and the two must hold the same. Then the store is looked through for what can't be, as a running node does in the background. Exit code 3 when either finds something."
}

// storeReport is what verify says of one store.
type storeReport struct {
	Stage            string           `json:"stage"`
	Partition        record.Partition `json:"partition"`
	Keys             int64            `json:"keys"`
	Bytes            int64            `json:"bytes"`
	Digest           string           `json:"digest"`
	TailRecords      int64            `json:"tail_records"` // rolled forward
	ChangelogRecords int64            `json:"changelog_records"`
	ChangelogBytes   int64            `json:"changelog_bytes"`
	Different        []string         `json:"different"` // some of the keys, printable
	Impossible       []impossibleRow  `json:"impossible"`
}

// impossibleRow is something in a store that can't be.
type impossibleRow struct {
	Rule     string `json:"rule"`
	Key      string `json:"key"`
	Expected string `json:"expected"`
	Found    string `json:"found"`
}

// listedMax bounds what is told of a store: one fault may show in every row.
const listedMax = 5

func (r *storeReport) bad() bool { return len(r.Different)+len(r.Impossible) > 0 }

// write tells it in lines; the first is all there is when nothing is wrong.
func (r *storeReport) write(w io.Writer) {
	verdict := "same, and sound"
	if r.bad() {
		verdict = "WRONG"
	}
	fmt.Fprintf(w, "%s/%d: %s: %d keys, %d bytes, changelog of %d records, %d bytes, digest %s\n", r.Stage, r.Partition, verdict, r.Keys, r.Bytes, r.ChangelogRecords, r.ChangelogBytes, r.Digest)
	for _, key := range r.Different {
		fmt.Fprintf(w, "  key %s isn't as in the changelog; look at it: holdfast state explain %s %d %s\n", key, r.Stage, r.Partition, shellQuote(key))
	}
	for _, i := range r.Impossible {
		fmt.Fprintf(w, "  %s at key %s: expected %s, found %s; look at it: holdfast state explain %s %d %s\n", i.Rule, i.Key, i.Expected, i.Found, r.Stage, r.Partition, shellQuote(i.Key))
	}
}

// shellQuote makes one word of a text for a shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (c *stateVerifyCmd) Run(ctx context.Context, a *app) error {
	r, err := openStores(ctx, a)
	if err != nil {
		return err
	}
	defer r.close()
	reports := []storeReport{}
	bad := 0
	err = r.each(func(stage string, partition record.Partition) error {
		report, err := r.verify(ctx, stage, partition)
		if err != nil {
			return fmt.Errorf("store %s/%d: %w", stage, partition, err)
		}
		reports = append(reports, report)
		if report.bad() {
			bad++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if c.json() {
		err = a.printJSON(struct {
			Stores []storeReport `json:"stores"`
			Wrong  int           `json:"wrong"`
		}{reports, bad})
	} else {
		for _, s := range reports {
			s.write(a.Stdout)
		}
	}
	if err == nil && bad > 0 {
		err = violationErrorf("%d of %d stores are wrong", bad, len(reports))
	}
	return err
}

// verify folds the changelog into memory and compares.
func (r *storeReader) verify(ctx context.Context, stage string, partition record.Partition) (report storeReport, err error) {
	c, tp, err := r.config(stage, partition)
	if err != nil {
		return report, err
	}
	store, err := state.Open(c)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	report = storeReport{Stage: stage, Partition: partition, Different: []string{}}
	if report.TailRecords, _, err = processor.RollForward(ctx, r.cluster, tp, store, r.settings.Node.RestoreStalled); err != nil {
		return report, err
	}
	fold, records, bytes, err := r.fold(ctx, stage, partition)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, fold.Close()) }()
	report.ChangelogRecords, report.ChangelogBytes = records, bytes
	err = state.Diff(store, fold, func(key, _, _ []byte) bool {
		report.Different = append(report.Different, strconv.Quote(string(key)))
		return len(report.Different) < listedMax
	})
	if err != nil {
		return report, err
	}
	if report.Impossible, err = impossible(stage, store); err != nil {
		return report, err
	}
	d, err := store.Digest()
	report.Keys, report.Bytes, report.Digest = d.Keys, d.Bytes, fmt.Sprintf("%016x", d.Hash)
	return report, err
}

// impossible looks through a store for what can't be.
func impossible(stageName string, store *state.Store) (list []impossibleRow, err error) {
	list = []impossibleRow{}
	snapshot := store.Snapshot()
	_, err = processor.VerifyState(snapshot, verifierOf(stageName)(), nil, 0, func() bool { return len(list) == listedMax }, func(f stage.Finding) {
		list = append(list, impossibleRow{f.Rule, strconv.Quote(string(f.Key)), f.Expected, f.Found})
	})
	return list, errors.Join(err, snapshot.Close())
}
