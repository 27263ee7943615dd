package run

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/report"
	"holdfast/topology"
	"holdfast/topology/record"
)

// watcher reads what the system says as a channel would, read_committed, from the
// moment on at which it was made.
type watcher struct {
	client  *kgo.Client
	begun   time.Time
	pending *pending
	kinds   map[string]kind // by topic
	cancel  context.CancelFunc
	done    chan struct{}
	changed chan struct{}

	mu       sync.Mutex // below it: all that follows
	totals   report.Totals
	accepted *meter
	decided  *meter
	channels map[string]*meter
	bursts   bursts
	outages  outages
	answered []float64 // orders decided, by second
	refused  []float64
	dead     []float64
	next     map[string]map[int32]int64
	err      error // of reading, the last
}

// kind is what a topic holds.
type kind struct {
	role    role
	channel string
}

type role uint8

const (
	orderEvents role = iota
	channelStock
	deadLetters
)

// watched returns the topics to read.
func watched(t *topology.Topology) map[string]kind {
	kinds := map[string]kind{}
	for i := range t.Topics {
		topic := &t.Topics[i]
		switch channel, isChannel := strings.CutPrefix(topic.Short, "channel."); {
		case topic.Short == topology.OrderEvents:
			kinds[topic.Name] = kind{role: orderEvents}
		case topic.Short == topology.DeadLetters:
			kinds[topic.Name] = kind{role: deadLetters}
		case isChannel && strings.HasSuffix(channel, ".stock"):
			kinds[topic.Name] = kind{role: channelStock, channel: strings.TrimSuffix(channel, ".stock")}
		}
	}
	return kinds
}

// watch begins at the ends of the topics. Nothing is counted before start is
// called.
func watch(ctx context.Context, s *System, p *pending, o outages) (*watcher, error) {
	w := &watcher{kinds: watched(s.Topology), pending: p, done: make(chan struct{}), changed: make(chan struct{}, 1),
		accepted: newMeter("accepted", o), decided: newMeter("decided", o), channels: map[string]*meter{}, outages: o, next: map[string]map[int32]int64{}}
	var names []string
	for name := range w.kinds {
		names = append(names, name)
	}
	ends, err := kadm.NewClient(s.Client).ListCommittedOffsets(ctx, names...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ends of the outputs: %w", err)
	}
	from := map[string]map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		if from[o.Topic] == nil {
			from[o.Topic], w.next[o.Topic] = map[int32]kgo.Offset{}, map[int32]int64{}
		}
		from[o.Topic][o.Partition], w.next[o.Topic][o.Partition] = kgo.NewOffset().At(o.Offset), o.Offset
	})
	w.client, err = kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxWait(100 * time.Millisecond), kgo.DisableClientMetrics(),
	}, s.Options...)...)
	if err != nil {
		return nil, fmt.Errorf("making a reader: %w", err)
	}
	return w, nil
}

// start reads until close. Times count from begun.
func (w *watcher) start(begun time.Time) {
	ctx, cancel := context.WithCancel(context.Background())
	w.begun, w.cancel = begun, cancel
	go w.read(ctx)
}

func (w *watcher) read(ctx context.Context) {
	defer close(w.done)
	for ctx.Err() == nil {
		fetches := w.client.PollFetches(ctx)
		now := time.Since(w.begun)
		w.mu.Lock()
		if err := fetches.Err(); err != nil && ctx.Err() == nil {
			w.err = err
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			k := w.kinds[p.Topic]
			for _, r := range p.Records {
				if !r.Attrs.IsControl() {
					w.take(k, r, now)
				}
			}
			if n := len(p.Records); n > 0 {
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

func (w *watcher) take(k kind, r *kgo.Record, now time.Duration) {
	switch k.role {
	case orderEvents:
		w.order(r, now)
	case channelStock:
		w.totals.ChannelUpdates++
		w.bursts.note([]byte(k.channel), text(r.Value, `"shop":"`), r.Key, r.Timestamp)
		w.totals.ChannelUpdatesBurst = int64(w.bursts.most)
		if bytes.Contains(r.Value, []byte(`"urgent":true`)) {
			w.urgent(k.channel, r.Value, now)
		}
	case deadLetters:
		w.totals.DeadLetters++
		count(&w.dead, now)
	}
}

func (w *watcher) order(r *kgo.Record, now time.Duration) {
	w.totals.OrderEvents++
	said := text(r.Value, `"type":"`)
	decided := string(said) == record.UpdateAccepted || string(said) == record.UpdateRejected
	// A refused event may come before the decision; anything else that isn't one
	// (a create that met its cancel) is all that there will be.
	intended, ours, first := w.pending.seen(r.Key, decided || string(said) != record.UpdateRefused)
	if ours && first {
		if hit := w.accepted.note(intended, now); hit != nil {
			hit.orders++
		}
	}
	if ours && decided {
		w.decided.note(intended, now)
		count(&w.answered, now)
	}
	switch string(said) {
	case record.UpdateAccepted:
		w.totals.Accepted++
		if status := string(text(r.Value, `"status":"`)); status == "short" || status == "partly_short" {
			w.totals.Short++
		}
	case record.UpdateRejected:
		w.totals.Rejected++
		count(&w.refused, now)
	case record.UpdateExpired:
		w.totals.Expired++
	case record.UpdateCancelled:
		if string(text(r.Value, `"status":"`)) == "cancelled" {
			w.totals.Cancelled++
		}
	case record.UpdateShipped:
		w.totals.Shipped++
	case record.UpdateReturned:
		w.totals.Returned++
	}
}

// urgent measures an update that couldn't wait, from the time of the log record
// that made it so. Which order that was isn't in the update.
func (w *watcher) urgent(channel string, value []byte, now time.Duration) {
	at, err := time.Parse(time.RFC3339Nano, string(text(value, `"at":"`)))
	if err != nil {
		return
	}
	if origin := at.Sub(w.begun.Round(0)); origin >= 0 { // before, it isn't the load's doing
		m := w.channels[channel]
		if m == nil {
			m = newMeter("channel "+channel, w.outages)
			w.channels[channel] = m
		}
		m.note(origin, now)
	}
}

// text returns what follows mark up to the next quote: the value of a field that
// holds a word. The mark, with its quotes, can't be part of a string in JSON, and
// the fields looked for are in no object inside the record.
func text(value []byte, mark string) []byte {
	at := bytes.Index(value, []byte(mark))
	if at < 0 {
		return nil
	}
	value = value[at+len(mark):]
	end := bytes.IndexByte(value, '"')
	return value[:max(end, 0)]
}

func count(list *[]float64, now time.Duration) {
	*list = grow(*list, second(now))
	(*list)[second(now)]++
}

// catchUp waits until all that is committed now has been seen.
func (w *watcher) catchUp(ctx context.Context, cl *kgo.Client) error {
	var names []string
	for name := range w.kinds {
		names = append(names, name)
	}
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, names...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("reading the ends of the outputs: %w", err)
	}
	for {
		left := 0
		w.mu.Lock()
		ends.Each(func(o kadm.ListedOffset) {
			if w.next[o.Topic][o.Partition] < o.Offset {
				left++
			}
		})
		failed := w.err
		w.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			if failed != nil {
				return fmt.Errorf("reading the outputs, %d partitions to go: %w", left, failed)
			}
			return fmt.Errorf("reading the outputs, %d partitions to go: %w", left, ctx.Err())
		case <-w.changed:
		}
	}
}

func (w *watcher) close() {
	if w.cancel != nil {
		w.cancel()
		<-w.done
	}
	w.client.Close()
}
