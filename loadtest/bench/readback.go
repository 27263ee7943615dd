package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
	"holdfast/topology/record"
)

// readback reads the outputs as the world does, read_committed. While the load
// is decided it only asks how long the outputs are, since reading would take its
// share of the machine that is measured.
type readback struct {
	cfg     *OrdersConfig
	counter *counter

	seen               []bool // orders that have their first event
	accepted, rejected int64
	lastEvent          time.Time
	sold               map[record.SKU]record.Quantity

	next       map[string]map[int32]kgo.Offset // where to read channel updates on
	sellable   map[record.SKU]record.Quantity  // as told last
	updates    int64                           // since the orders
	lastUpdate time.Time
}

func newReadback(c *OrdersConfig, n *counter, orders int) *readback {
	b := &readback{cfg: c, counter: n, seen: make([]bool, orders), sold: map[record.SKU]record.Quantity{}, sellable: map[record.SKU]record.Quantity{}}
	b.next = b.fromStart(topology.ChannelStock(channel))
	return b
}

func (b *readback) fromStart(short string) map[string]map[int32]kgo.Offset {
	topic := b.cfg.Topology.Lookup(short)
	offsets := map[int32]kgo.Offset{}
	for p := range topic.Partitions {
		offsets[p] = kgo.NewOffset().AtStart()
	}
	return map[string]map[int32]kgo.Offset{topic.Name: offsets}
}

// read gives records to fn until done says so. A partition that halts ends it.
func (b *readback) read(ctx context.Context, from map[string]map[int32]kgo.Offset, done func() bool, fn func(*kgo.Record) error) error {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100 * time.Millisecond), kgo.DisableClientMetrics(),
	}, b.cfg.Client...)...)
	if err != nil {
		return fmt.Errorf("making a reader: %w", err)
	}
	defer client.Close()
	for !done() {
		poll, cancel := context.WithTimeout(ctx, time.Second)
		fetches := client.PollFetches(poll)
		cancel()
		if err := fetches.Err(); ctx.Err() != nil || err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return errors.Join(err, ctx.Err())
		}
		select {
		case reason := <-b.counter.halted:
			return fmt.Errorf("partition halted: %s", reason)
		default:
		}
		for _, r := range fetches.Records() {
			if err := fn(r); err != nil {
				return fmt.Errorf("%s/%d@%d: %w", r.Topic, r.Partition, r.Offset, err)
			}
			from[r.Topic][r.Partition] = kgo.NewOffset().At(r.Offset + 1)
		}
	}
	return nil
}

// awaitStock waits until the channel knows of the whole stock of every SKU.
func (b *readback) awaitStock(ctx context.Context) error {
	want := record.Quantity(b.cfg.each()) * record.Quantity(b.cfg.Warehouses)
	whole := 0
	err := b.read(ctx, b.next, func() bool { return whole == b.cfg.SKUs }, func(r *kgo.Record) error {
		was := b.sellable[record.SKU(r.Key)]
		u, err := b.update(r)
		if err == nil && u.Sellable == want && was != want {
			whole++
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%d of %d SKUs known to the channel: %w", whole, b.cfg.SKUs, err)
	}
	b.updates = 0
	return nil
}

func (b *readback) update(r *kgo.Record) (record.ChannelStock, error) {
	var u record.ChannelStock
	if err := json.Unmarshal(r.Value, &u); err != nil {
		return u, err
	}
	if b.sellable[u.SKU] != u.Sellable {
		b.lastUpdate = r.Timestamp
	}
	b.sellable[u.SKU] = u.Sellable
	b.updates++
	return u, nil
}

// await returns the end of the last transaction that the load led to: when all
// orders have their first event, and the channel knows what they left.
func (b *readback) await(ctx context.Context) (mark, error) {
	if err := b.awaitLength(ctx); err != nil {
		return mark{}, err
	}
	if err := b.readEvents(ctx); err != nil {
		return mark{}, err
	}
	if err := b.readUpdates(ctx); err != nil {
		return mark{}, err
	}
	end, ok1 := b.counter.endAfter(topology.StageOrders, b.lastEvent)
	told, ok2 := b.counter.endAfter(topology.StageChannels, b.lastUpdate)
	if !ok1 || len(b.sold) > 0 && !ok2 {
		return mark{}, errors.New("an output is older than the measurement: a clock was set")
	}
	if told.at.After(end.at) {
		end = told
	}
	return end, nil
}

// awaitLength waits until there may be as many events as orders. It counts
// offsets, of which markers have some: reading tells for sure.
func (b *readback) awaitLength(ctx context.Context) error {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.DisableClientMetrics()}, b.cfg.Client...)...)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	defer client.Close()
	admin, name, want := kadm.NewClient(client), b.cfg.Topology.Name(topology.OrderEvents), int64(len(b.seen))
	for n := int64(0); ; {
		ends, err := admin.ListEndOffsets(ctx, name)
		if err == nil {
			err = ends.Error()
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%d of %d orders decided: %w", n, want, ctx.Err())
		case err != nil:
			return fmt.Errorf("the end of %s: %w", name, err)
		}
		n = 0
		ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
		if b.cfg.Progress != nil {
			b.cfg.Progress(min(n, want), want)
		}
		if n >= want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d orders decided: %w", n, want, ctx.Err())
		case reason := <-b.counter.halted:
			return fmt.Errorf("partition halted: %s", reason)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// readEvents counts the first event of each order.
func (b *readback) readEvents(ctx context.Context) error {
	left := len(b.seen)
	err := b.read(ctx, b.fromStart(topology.OrderEvents), func() bool { return left == 0 }, func(r *kgo.Record) error {
		var u record.OrderUpdate
		if err := json.Unmarshal(r.Value, &u); err != nil {
			return err
		}
		i, err := numberOf(u.OrderKey)
		if err != nil || i >= len(b.seen) {
			return fmt.Errorf("an event of %s, which was never sent", u.OrderKey)
		}
		if u.Seq != 1 || b.seen[i] {
			return fmt.Errorf("%s has event %d, and one was all to be said of it", u.OrderKey, u.Seq)
		}
		b.seen[i] = true
		left--
		if r.Timestamp.After(b.lastEvent) {
			b.lastEvent = r.Timestamp
		}
		b.count(&u)
		return nil
	})
	if err != nil {
		return fmt.Errorf("%d of %d orders have no event: %w", left, len(b.seen), err)
	}
	return nil
}

func (b *readback) count(u *record.OrderUpdate) {
	if u.Type != record.UpdateAccepted {
		b.rejected++
		return
	}
	b.accepted++
	for i := range u.Lines {
		if u.Lines[i].State == record.LineAllocated {
			b.sold[u.Lines[i].SKU] += u.Lines[i].Qty
		}
	}
}

// readUpdates waits until the last update of every SKU says what is left of it.
func (b *readback) readUpdates(ctx context.Context) error {
	whole := record.Quantity(b.cfg.each()) * record.Quantity(b.cfg.Warehouses)
	open := map[record.SKU]bool{}
	for sku, n := range b.sold {
		if b.sellable[sku] != whole-n {
			open[sku] = true
		}
	}
	err := b.read(ctx, b.next, func() bool { return len(open) == 0 }, func(r *kgo.Record) error {
		u, err := b.update(r)
		if u.Sellable == whole-b.sold[u.SKU] {
			delete(open, u.SKU)
		} else {
			open[u.SKU] = true
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%d of %d SKUs: the channel wasn't told what is left: %w", len(open), len(b.sold), err)
	}
	return nil
}

func numberOf(key record.OrderKey) (int, error) {
	number, ok := strings.CutPrefix(string(key), publicOrderPrefix)
	if !ok {
		return 0, fmt.Errorf("%s is no order of this load", key)
	}
	return strconv.Atoi(number)
}
