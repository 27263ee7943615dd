package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/audit"
	"holdfast/loadtest/bench"
	"holdfast/loadtest/ledger"
	"holdfast/topology"
	"holdfast/topology/record"
)

type auditCmd struct {
	clusterFlags
	outputFlag
	Settle        bool          `help:"Wait until everything is decided and all windows are closed, and judge what channels were told last too. Nodes must be running."`
	SettleTimeout time.Duration `help:"How long to wait for that." default:"2m"`
	Checkpoint    string        `help:"File that holds what the last passing audit knew: this one starts from there, reads only what is new, and writes the file anew when it passes. It is made when it isn't there." type:"path" placeholder:"FILE"`
}

func (c *auditCmd) Help() string {
	return "Folds the committed logs with a model of its own and tells whether a unit was promised twice, lost or kept by nobody. Exit code 3 when a rule is broken."
}

func (c *auditCmd) Run(ctx context.Context, a *app) error {
	cl, t, err := a.connectExisting(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	options, err := clientOptions(&a.loaded.Kafka)
	if err != nil {
		return usageErrorf("%w", err)
	}
	if c.Settle {
		wait, cancel := context.WithTimeout(ctx, c.SettleTimeout)
		err := settle(wait, cl, options, t, a.loaded.Updates.Window, nil)
		cancel()
		if err != nil {
			return err
		}
	}
	report, err := runAudit(ctx, cl, options, t, a.loaded, auditScope{settled: c.Settle, checkpoint: c.Checkpoint}, a.progress("audit: records read"))
	if err != nil {
		return err
	}
	if c.json() {
		err = a.printJSON(report)
	} else {
		err = report.WriteText(a.Stdout)
	}
	if err == nil && report.Verdict != audit.Pass {
		err = violationErrorf("the audit found violations")
	}
	return err
}

// auditScope says what an audit judges.
type auditScope struct {
	settled    bool
	checkpoint string // file; "": none
}

// runAudit captures a cut and folds everything below it.
func runAudit(ctx context.Context, cl *kgo.Client, options []kgo.Opt, t *topology.Topology, s *Settings, scope auditScope, progress func(done, total int64)) (audit.Report, error) {
	begun := time.Now()
	// What is read is garbage at once, and what is kept is small: the collector
	// should rather work more often than let the heap double.
	defer debug.SetGCPercent(debug.SetGCPercent(auditGCPercent))
	cut, err := ledger.Capture(ctx, cl, t)
	if err != nil {
		return audit.Report{}, err
	}
	config := audit.Config{AppID: t.AppID, Settled: scope.settled, Channels: s.Channels,
		MarketplaceHold: record.Millis(s.Orders.HoldMarketplace.Milliseconds())}
	var fold *audit.Audit
	var id audit.Identity
	if scope.checkpoint == "" {
		fold = audit.New(config, cut)
	} else {
		if id, err = identity(ctx, cl, t); err != nil {
			return audit.Report{}, err
		}
		if fold, err = resumeAudit(config, &cut, scope.checkpoint, id); err != nil {
			return audit.Report{}, err
		}
	}
	if err := ledger.Read(ctx, options, t, cut, func(string) bool { return true }, fold.Add, progress); err != nil {
		return audit.Report{}, err
	}
	report := fold.Report()
	if scope.checkpoint != "" && report.Verdict == audit.Pass {
		if err := writeCheckpoint(fold, scope.checkpoint, id); err != nil {
			return report, err
		}
	}
	report.Seconds = time.Since(begun).Seconds()
	report.RSSMiB, err = bench.PeakRSSMiB()
	return report, err
}

// auditGCPercent bounds the heap of an audit to about one and a half times of
// what is in use.
const auditGCPercent = 50

// settle waits until every group has consumed its inputs to the end, and stays
// so for longer than a window of updates and a tick: then nothing is in flight.
// It takes nodes for that: where a stage has none, an open window stays open, and
// the silence means nothing.
func settle(ctx context.Context, cl *kgo.Client, options []kgo.Opt, t *topology.Topology, window time.Duration, progress func(lag int64)) error {
	quiet := window + time.Second
	var last audit.Cut
	var since time.Time
	unserved := ""
	for {
		rest, lag, err := unconsumed(ctx, cl, t)
		if err != nil {
			return err
		}
		if progress != nil {
			progress(lag)
		}
		now := time.Now()
		if !maps.Equal(last.Ends, rest.Ends) || !maps.Equal(last.Starts, rest.Starts) {
			last, since = rest, now
		} else if idle, err := withoutMembers(ctx, cl, t); err != nil {
			return err
		} else if idle != "" {
			since, unserved = now, idle
		} else if now.Sub(since) >= quiet {
			unserved = ""
			// What is left may be the markers of transactions, which nobody
			// consumes: reading tells.
			records := 0
			err := ledger.Read(ctx, options, t, rest, func(string) bool { return true }, func(audit.Record) error { records++; return nil }, nil)
			if err != nil {
				return err
			}
			if records == 0 {
				return nil
			}
			since = now
		}
		select {
		case <-ctx.Done():
			if unserved != "" {
				return fmt.Errorf("waiting until everything is decided: no node runs the stage %s: %w", unserved, ctx.Err())
			}
			return fmt.Errorf("waiting until everything is decided, %d records to go: %w", lag, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// withoutMembers names a stage whose group has no member, or "".
func withoutMembers(ctx context.Context, cl *kgo.Client, t *topology.Topology) (stage string, err error) {
	for i := range t.Stages {
		s := &t.Stages[i]
		groups, err := kadm.NewClient(cl).DescribeGroups(ctx, s.Group)
		if err != nil && nobodyYet(err) {
			return s.Name, nil
		}
		if err != nil {
			return "", fmt.Errorf("describing group %s: %w", s.Group, denied(err, topology.OperationDescribe, topology.ResourceGroup, s.Group))
		}
		if err := groups[s.Group].Err; isDenied(err) {
			return "", denied(err, topology.OperationDescribe, topology.ResourceGroup, s.Group)
		}
		if len(groups[s.Group].Members) == 0 {
			return s.Name, nil
		}
	}
	return "", nil
}

// nobodyYet tells that a group has no offsets because nobody has joined it, or
// that a young cluster is still making the topic that they are kept in: nothing is
// consumed.
func nobodyYet(err error) bool {
	return errors.Is(err, kerr.GroupIDNotFound) || ledger.CoordinatorAway(err)
}

// unconsumed returns what every stage has not consumed yet, as a cut from the
// committed offsets to the ends, and its length in offsets.
func unconsumed(ctx context.Context, cl *kgo.Client, t *topology.Topology) (rest audit.Cut, lag int64, err error) {
	admin := kadm.NewClient(cl)
	rest = audit.Cut{Starts: map[audit.TopicPartition]record.Offset{}, Ends: map[audit.TopicPartition]record.Offset{}}
	for i := range t.Stages {
		s := &t.Stages[i]
		var names []string
		for _, short := range s.Inputs {
			names = append(names, t.Name(short))
		}
		committed, err := admin.FetchOffsets(ctx, s.Group)
		if err != nil && !nobodyYet(err) {
			return rest, 0, fmt.Errorf("reading the offsets of group %s: %w", s.Group, denied(err, topology.OperationDescribe, topology.ResourceGroup, s.Group))
		}
		starts, err := admin.ListStartOffsets(ctx, names...)
		if err != nil {
			return rest, 0, fmt.Errorf("reading the starts of %s: %w", s.Name, err)
		}
		ends, err := admin.ListEndOffsets(ctx, names...)
		if err = listed(names, ends, err); err != nil {
			return rest, 0, fmt.Errorf("reading the ends of %s: %w", s.Name, err)
		}
		ends.Each(func(o kadm.ListedOffset) {
			short, _ := t.Short(o.Topic)
			tp := audit.TopicPartition{Topic: short, Partition: record.Partition(o.Partition)}
			at := int64(0)
			if start, ok := starts.Lookup(o.Topic, o.Partition); ok {
				at = start.Offset
			}
			if c, ok := committed.Lookup(o.Topic, o.Partition); ok {
				at = max(at, c.At)
			}
			rest.Starts[tp], rest.Ends[tp] = record.Offset(at), record.Offset(o.Offset)
			lag += o.Offset - at
		})
	}
	return rest, lag, nil
}
