package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor"
	"holdfast/processor/inventory"
	"holdfast/processor/stage"
	"holdfast/topology"
	"holdfast/topology/record"
)

// Inventory measures the inventory stage with all that it does in production:
// find the hold (has this line been decided before?), read the stock, choose the
// warehouse, write hold and stock, emit decision and availability, changelog,
// sweep, store.
func Inventory(ctx context.Context, c Config) (Result, error) {
	return c.run(ctx, "inventory", func(processor.TopicPartition) stage.Stage { return inventory.New(inventory.Config{}) }, true, c.countOutcomes)
}

// Pipe measures the same records through the same loop with a stage that decides
// nothing: it sends every line on as it is. What is left is the price of exactly
// once.
func Pipe(ctx context.Context, c Config) (Result, error) {
	return c.run(ctx, "pipe", func(processor.TopicPartition) stage.Stage { return &pipe{} }, false, c.countSent)
}

// pipe sends every entry on.
type pipe struct{}

func (*pipe) Decide(tx stage.Tx, r *stage.Record) {
	err := record.Entries(r.Value, func(e record.Entry) error {
		tx.Send(stage.LogOrders, e.Kind, e.Key, e.Origin, e.Body)
		return nil
	})
	if err != nil {
		panic("BUG: " + err.Error())
	}
}
func (*pipe) Finish(stage.Tx)                    {}
func (*pipe) Reset()                             {}
func (*pipe) Due(stage.Tx) (record.Millis, bool) { return 0, false }

func (c *Config) run(ctx context.Context, name string, newStage func(processor.TopicPartition) stage.Stage, withStock bool, count func(context.Context, *Result) error) (r Result, err error) {
	if err := c.Validate(); err != nil {
		return Result{}, err
	}
	n, err := c.start(ctx, newStage)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	l, err := newLoader(c)
	if err != nil {
		return Result{}, err
	}
	defer l.client.Close()
	if err := n.counter.wait(ctx, &n.counter.restored, int64(c.Topology.Lookup(topology.LogInventory).Partitions), nil); err != nil {
		return Result{}, fmt.Errorf("waiting for the node: %w", err)
	}
	if withStock {
		records, err := l.stock(ctx)
		if err == nil {
			err = l.end(ctx)
		}
		if err != nil {
			return Result{}, fmt.Errorf("loading stock: %w", err)
		}
		if err := n.counter.wait(ctx, &n.counter.records, int64(records), nil); err != nil {
			return Result{}, fmt.Errorf("deciding stock: %w", err)
		}
	}
	records, err := l.lines(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("loading lines: %w", err)
	}
	debug.FreeOSMemory()
	r, err = c.measure(ctx, name, n, func() error { return l.end(ctx) }, records)
	if err != nil {
		return r, err
	}
	return r, count(ctx, &r)
}

// countOutcomes reads all decisions back and fails unless every line has exactly
// one.
func (c *Config) countOutcomes(ctx context.Context, r *Result) error {
	var d record.Decision
	var accepted, rejected int64
	r.Accepted, r.Rejected = &accepted, &rejected
	return c.countLines(ctx, func(e record.Entry) (record.OrderKey, error) {
		if err := d.Decode(e.Body); err != nil {
			return "", err
		}
		if d.Outcome == record.OutcomeGranted {
			accepted++
		} else {
			rejected++
		}
		return d.OrderKey, nil
	})
}

// countSent does the same for lines that were sent on as they came.
func (c *Config) countSent(ctx context.Context, _ *Result) error {
	var line record.Command
	return c.countLines(ctx, func(e record.Entry) (record.OrderKey, error) {
		err := line.Decode(e.Body)
		return line.OrderKey, err
	})
}

// countLines reads the output log until each line was seen once.
func (c *Config) countLines(ctx context.Context, orderOf func(record.Entry) (record.OrderKey, error)) error {
	topic := c.Topology.Lookup(topology.LogOrders)
	offsets := map[int32]kgo.Offset{}
	for p := range topic.Partitions {
		offsets[p] = kgo.NewOffset().AtStart()
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic.Name: offsets}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.DisableClientMetrics(),
	}, c.Client...)...)
	if err != nil {
		return fmt.Errorf("making a reader: %w", err)
	}
	defer client.Close()
	seen := make([]bool, c.Lines)
	for total := 0; total < c.Lines; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("counting outcomes, %d of %d seen: %w", total, c.Lines, err)
		}
		for _, rec := range fetches.Records() {
			err := record.Entries(rec.Value, func(e record.Entry) error {
				key, err := orderOf(e)
				if err != nil {
					return err
				}
				i, err := lineOf(key)
				if err != nil || i >= c.Lines || seen[i] {
					return fmt.Errorf("line %s came out twice, or was never sent", key)
				}
				seen[i] = true
				total++
				return nil
			})
			if err != nil {
				return fmt.Errorf("counting outcomes: %w", err)
			}
		}
	}
	return nil
}

func lineOf(key record.OrderKey) (int, error) {
	number, ok := strings.CutPrefix(string(key), orderPrefix)
	if !ok {
		return 0, fmt.Errorf("%s is no line", key)
	}
	return strconv.Atoi(number)
}
