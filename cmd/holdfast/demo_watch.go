package main

import (
	"context"
	"encoding/json"
	"fmt"
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
	sample  record.OrderKey // an order worth explaining
	orders  map[record.OrderKey]bool
	changed chan struct{}
}

type watchCounts struct {
	decided, accepted, short, rejected, expired, cancelled, shipped int
	deadLetters, channelUpdates, stockChanges, soldOut              int
	byChannel                                                       map[string]int
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
		n:     watchCounts{byChannel: map[string]int{}},
		stock: map[record.SKU]map[record.WarehouseID]record.Quantity{}, next: map[string]map[int32]int64{},
		orders: map[record.OrderKey]bool{}, changed: make(chan struct{}, 1)}
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
	var u struct {
		Type   string `json:"type"`
		Status string `json:"status"`
	}
	if err := json.Unmarshal(r.Value, &u); err != nil {
		return
	}
	if !w.orders[key] {
		w.orders[key] = true
		w.n.decided++
		channel, _, _, _ := key.Cut()
		w.n.byChannel[channel]++
	}
	switch u.Type {
	case record.UpdateAccepted:
		w.n.accepted++
		if u.Status == "short" || u.Status == "partly_short" {
			w.n.short++
		}
	case record.UpdateRejected:
		w.n.rejected++
	case record.UpdateExpired:
		w.n.expired++
	case record.UpdateCancelled:
		w.n.cancelled++
	case record.UpdateShipped:
		w.n.shipped++
		w.sample = key
	}
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
