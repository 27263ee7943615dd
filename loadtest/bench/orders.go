package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor"
	"holdfast/topology"
)

// OrdersConfig is one measurement of the whole path.
type OrdersConfig struct {
	Topology *topology.Topology
	Client   []kgo.Opt // how to reach the brokers
	Progress func(done, total int64)
	// Start runs a node with all stages, as in production, that tells the
	// observer; stop ends it gracefully.
	Start func(context.Context, processor.Observer) (stop func() error, err error)

	Lines         int     // order lines in all
	LinesPerOrder int     // each about a SKU of its own draw; 0: by the mix
	Mix           Mix     //
	SKUs          int     //
	Zipf          float64 // 0: uniform
	Warehouses    int     // that may serve an order, and have a SKU's stock
	Stock         int     // units a SKU (all warehouses together)
	AcceptAll     bool
	Seed          int64
}

// channel is the channel that the orders come from: one of ours, so an order
// that can't be had whole is rejected.
const channel = "web"

// Validate reports all problems at once.
func (c *OrdersConfig) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Lines > 0 && c.Lines <= 100_000_000, "lines %d, must be 1 to 100,000,000", c.Lines)
	check(c.LinesPerOrder >= 0 && c.LinesPerOrder <= 1000, "lines per order %d, must be 1 to 1,000, or 0 for the mix", c.LinesPerOrder)
	if c.LinesPerOrder == 0 {
		if err := c.Mix.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	check(c.SKUs > 0 && c.SKUs <= 10_000_000, "skus %d, must be 1 to 10,000,000", c.SKUs)
	check(c.Zipf == 0 || c.Zipf > 1, "zipf %g, must be above 1, or 0 for uniform", c.Zipf)
	check(c.Warehouses > 0 && c.Warehouses <= 1000, "warehouses %d, must be 1 to 1,000", c.Warehouses)
	check(c.AcceptAll || c.Stock >= c.Warehouses && c.Stock <= 1_000_000_000, "stock %d, must be a unit for each warehouse to 1,000,000,000", c.Stock)
	return errors.Join(errs...)
}

// each is how many units of a SKU a warehouse has.
func (c *OrdersConfig) each() int64 {
	if c.AcceptAll {
		return 1_000_000_000
	}
	return int64(c.Stock / c.Warehouses)
}

// Orders measures all four stages: from canonical JSON on a channel's topic to
// the updates of the channel's stock. Afterwards the outputs are read back: each
// order must have its first event, and the last update of each SKU must say what
// those events left of its stock.
func Orders(ctx context.Context, c OrdersConfig) (r Result, err error) {
	if err := c.Validate(); err != nil {
		return Result{}, err
	}
	n := newCounter()
	stop, err := c.Start(ctx, n)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	stores := int64(0)
	for i := range c.Topology.Stages {
		if log := c.Topology.Stages[i].Log; log != "" {
			stores += int64(c.Topology.Lookup(log).Partitions)
		}
	}
	if err := n.wait(ctx, &n.restored, stores, nil); err != nil {
		return Result{}, fmt.Errorf("waiting for the node: %w", err)
	}
	l, err := newPublicLoader(&c)
	if err != nil {
		return Result{}, err
	}
	defer l.client.Close()
	b := newReadback(&c, n, len(l.sizes))
	if err := c.preload(ctx, l, b); err != nil {
		return Result{}, fmt.Errorf("loading warehouses and stock: %w", err)
	}
	if err := l.orders(ctx); err != nil {
		return Result{}, fmt.Errorf("loading orders: %w", err)
	}
	debug.FreeOSMemory()
	before, err := n.mark("")
	if err != nil {
		return Result{}, err
	}
	n.reset()
	if err := l.end(ctx); err != nil {
		return Result{}, fmt.Errorf("committing the load: %w", err)
	}
	after, err := b.await(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("reading the outcomes back: %w", err)
	}
	return c.result(b, n, before, after)
}

// preload brings warehouses and stock in and waits until the channel has been
// told of all of it.
func (c *OrdersConfig) preload(ctx context.Context, l *publicLoader, b *readback) error {
	// Rows first: stock at a warehouse without one serves nobody.
	if err := l.warehouses(ctx); err != nil {
		return err
	}
	if err := l.stock(ctx); err != nil {
		return err
	}
	return b.awaitStock(ctx)
}

func (c *OrdersConfig) result(b *readback, n *counter, before, after mark) (Result, error) {
	rss, err := peakRSSMiB()
	if err != nil {
		return Result{}, err
	}
	r := Result{Bench: "orders", Records: int64(len(b.seen)), Lines: int64(c.Lines), Seconds: after.at.Sub(before.at).Seconds(),
		CPUSeconds: after.cpu - before.cpu, RSSMiB: rss, Accepted: &b.accepted, Rejected: &b.rejected, ChannelUpdates: b.updates}
	r.PerSecond, r.PerCoreSecond = float64(r.Records)/r.Seconds, float64(r.Records)/r.CPUSeconds
	r.Stages = n.stages(after.at)
	slices.SortFunc(r.Stages, func(x, y StageWork) int { return c.place(x.Stage) - c.place(y.Stage) })
	var took time.Duration
	for _, s := range r.Stages {
		r.Transactions += s.Transactions
		took += s.took
	}
	if r.Transactions > 0 {
		r.CommitMillis = took.Seconds() * 1000 / float64(r.Transactions)
	}
	return r, nil
}

// place is where a stage stands on a record's way.
func (c *OrdersConfig) place(stage string) int {
	return slices.IndexFunc(c.Topology.Stages, func(s topology.Stage) bool { return s.Name == stage })
}
