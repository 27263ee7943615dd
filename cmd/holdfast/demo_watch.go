package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest"
	"holdfast/topology"
	"holdfast/topology/record"
)

// watcher reads the public outputs as a channel or a shop would, read_committed,
// and counts.
type watcher struct {
	client   *kgo.Client
	topology *topology.Topology
	latency  *loadtest.Latency
	cancel   context.CancelFunc
	done     chan struct{}

	mu      sync.Mutex
	n       watchCounts
	last    time.Time // when the last order got its first event
	stock   map[record.SKU]map[record.WarehouseID]record.Quantity
	next    map[string]map[int32]int64
	sample  record.OrderKey            // an order worth explaining
	orders  map[record.OrderKey][]byte // the last event of each, taken apart at the end
	channel map[string]*channelCounts
	changed chan struct{}
}

type watchCounts struct {
	decided, accepted, short, rejected, expired, cancelled, shipped int
	backordered, filled, lessened, delivered, returned, refused     int
	deadLetters, channelUpdates, stockChanges, soldOut              int
}

// channelCounts are the orders of one channel.
type channelCounts struct {
	Orders    int `json:"orders"`
	Accepted  int `json:"accepted"`
	Short     int `json:"short"` // of the accepted, at first
	Rejected  int `json:"rejected"`
	Expired   int `json:"expired"`
	Cancelled int `json:"cancelled"`
	Shipped   int `json:"shipped"`
}

// warehouseCounts are what one warehouse has of the orders in the end.
type warehouseCounts struct {
	Orders  int   `json:"orders"` // with units there
	Units   int64 `json:"units"`  // held, allocated, or gone from there
	Shipped int64 `json:"shipped_units"`
}

// watchedPart is what an order has at one warehouse.
type watchedPart struct {
	warehouse      record.WarehouseID
	units, shipped record.Quantity
}

func watch(ctx context.Context, options []kgo.Opt, t *topology.Topology, latency *loadtest.Latency) (*watcher, error) {
	var topics []string
	for i := range t.Topics {
		if short := t.Topics[i].Short; short == topology.OrderEvents || short == topology.StockEvents || short == topology.DeadLetters || strings.HasSuffix(short, ".stock") {
			topics = append(topics, t.Topics[i].Name)
		}
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(100 * time.Millisecond),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("making a reader: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &watcher{client: client, topology: t, latency: latency, cancel: cancel, done: make(chan struct{}),
		stock: map[record.SKU]map[record.WarehouseID]record.Quantity{}, next: map[string]map[int32]int64{},
		orders: map[record.OrderKey][]byte{}, channel: map[string]*channelCounts{}, changed: make(chan struct{}, 1)}
	go w.run(ctx)
	return w, nil
}

func (w *watcher) run(ctx context.Context) {
	defer close(w.done)
	for ctx.Err() == nil {
		fetches := w.client.PollFetches(ctx)
		now := time.Now()
		w.mu.Lock()
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			short, _ := w.topology.Short(p.Topic)
			for _, r := range p.Records {
				if !r.Attrs.IsControl() {
					w.take(short, r, now)
				}
			}
			if n := len(p.Records); n > 0 {
				if w.next[p.Topic] == nil {
					w.next[p.Topic] = map[int32]int64{}
				}
				w.next[p.Topic][p.Partition] = p.Records[n-1].Offset + 1
			}
		})
		w.mu.Unlock()
		select {
		case w.changed <- struct{}{}:
		default:
		}
	}
}

func (w *watcher) take(short string, r *kgo.Record, now time.Time) {
	switch {
	case short == topology.OrderEvents:
		w.order(r, now)
	case short == topology.StockEvents:
		w.stockEvent(r)
	case short == topology.DeadLetters:
		w.n.deadLetters++
	default:
		w.n.channelUpdates++
	}
}

func (w *watcher) order(r *kgo.Record, now time.Time) {
	key := record.OrderKey(r.Key)
	if w.latency.Seen(key, now) {
		w.last = now
	}
	var u watchedEvent
	if err := json.Unmarshal(r.Value, &u); err != nil {
		return
	}
	name, _, _, _ := key.Cut()
	c := w.channel[name]
	if c == nil {
		c = &channelCounts{}
		w.channel[name] = c
	}
	last, known := w.orders[key]
	if !known {
		w.n.decided++
		c.Orders++
	}
	w.orders[key] = append(last[:0], r.Value...)
	w.count(&u, c)
	if u.Type == record.UpdateShipped {
		w.sample = key
	}
}

// watchedEvent is what is counted of an event while the sale goes on.
type watchedEvent struct {
	Type   string `json:"type"`
	Status string `json:"status"`
}

func (w *watcher) count(u *watchedEvent, c *channelCounts) {
	switch u.Type {
	case record.UpdateAccepted:
		w.n.accepted++
		c.Accepted++
		switch u.Status {
		case "short", "partly_short":
			w.n.short++
			c.Short++
		case "backordered":
			w.n.backordered++
		}
	case record.UpdateRejected:
		w.n.rejected++
		c.Rejected++
	case record.UpdateExpired:
		w.n.expired++
		c.Expired++
	case record.UpdateFilled:
		w.n.filled++
	case record.UpdateCancelled:
		if u.Status != "cancelled" {
			w.n.lessened++
			return
		}
		w.n.cancelled++
		c.Cancelled++
	case record.UpdateShipped:
		w.n.shipped++
		c.Shipped++
	case record.UpdateDelivered:
		w.n.delivered++
	case record.UpdateReturned:
		w.n.returned++
	case record.UpdateRefused:
		w.n.refused++
	}
}

// watchedParts adds up an order's units by warehouse.
func watchedParts(parts []watchedPart, u *record.OrderUpdate) []watchedPart {
	for i := range u.Lines {
		l := &u.Lines[i]
		if l.Warehouse == "" {
			continue
		}
		at := slices.IndexFunc(parts, func(p watchedPart) bool { return p.warehouse == l.Warehouse })
		if at < 0 {
			at = len(parts)
			parts = append(parts, watchedPart{warehouse: l.Warehouse})
		}
		parts[at].units += l.Qty
		if l.State != record.LineHeld && l.State != record.LineAllocated {
			parts[at].shipped += l.Qty
		}
	}
	return parts
}

// byWarehouse adds up what the orders have where.
func (w *watcher) byWarehouse() map[record.WarehouseID]warehouseCounts {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[record.WarehouseID]warehouseCounts{}
	var parts []watchedPart
	for _, event := range w.orders {
		var u record.OrderUpdate
		if err := json.Unmarshal(event, &u); err != nil {
			continue
		}
		parts = watchedParts(parts[:0], &u)
		for _, p := range parts {
			c := out[p.warehouse]
			c.Orders++
			c.Units += int64(p.units)
			c.Shipped += int64(p.shipped)
			out[p.warehouse] = c
		}
	}
	return out
}

func (w *watcher) byChannel() map[string]channelCounts {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]channelCounts{}
	for name, c := range w.channel {
		out[name] = *c
	}
	return out
}

func (w *watcher) stockEvent(r *kgo.Record) {
	w.n.stockChanges++
	var u record.StockUpdate
	if err := json.Unmarshal(r.Value, &u); err != nil {
		return
	}
	rows := w.stock[u.SKU]
	if rows == nil {
		rows = map[record.WarehouseID]record.Quantity{}
		w.stock[u.SKU] = rows
	}
	before := soldOut(rows)
	rows[u.Warehouse] = u.Available
	if after := soldOut(rows); after && !before {
		w.n.soldOut++
	} else if before && !after && len(rows) > 1 {
		w.n.soldOut--
	}
}

// soldOut: nothing is left to promise anywhere.
func soldOut(rows map[record.WarehouseID]record.Quantity) bool {
	for _, available := range rows {
		if available > 0 {
			return false
		}
	}
	return len(rows) > 0
}

// counts returns what has been seen so far.
func (w *watcher) counts() watchCounts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}

// catchUp waits until all that is committed now has been seen.
func (w *watcher) catchUp(ctx context.Context, cl *kgo.Client) error {
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, w.client.GetConsumeTopics()...)
	if err != nil {
		return fmt.Errorf("reading the ends of the outputs: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		left := 0
		w.mu.Lock()
		ends.Each(func(o kadm.ListedOffset) {
			if w.next[o.Topic][o.Partition] < o.Offset {
				left++
			}
		})
		w.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("reading the outputs, %d partitions to go: %w", left, ctx.Err())
		case <-w.changed:
		}
	}
}

func (w *watcher) close() {
	w.cancel()
	<-w.done
	w.client.Close()
}
