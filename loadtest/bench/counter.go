package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/processor"
)

// counter is told of every ended transaction.
type counter struct {
	processor.Observer
	records      atomic.Int64
	transactions atomic.Int64
	commitNanos  atomic.Int64
	restored     atomic.Int64
	changed      chan struct{}
	halted       chan string

	mu       sync.Mutex
	marks    []mark // of every committed transaction since reset
	restores map[processor.TopicPartition]restoredPartition
}

// restoredPartition is the end of a restore.
type restoredPartition struct {
	at             time.Time
	cpu            float64 // seconds, of the process until then
	records, bytes int64
	took           time.Duration
}

// mark is the end of a transaction, and what the process had used by then.
type mark struct {
	stage   string
	at      time.Time
	cpu     float64 // seconds
	records int
	took    time.Duration
}

func newCounter() *counter {
	return &counter{changed: make(chan struct{}, 1), halted: make(chan string, 1), restores: map[processor.TopicPartition]restoredPartition{}}
}

func (c *counter) Ended(t *processor.Transaction) {
	if t.Result != processor.Committed {
		return
	}
	c.records.Add(int64(t.Records - t.Ticks)) // the load has no ticks, an idle task has many
	c.transactions.Add(1)
	c.commitNanos.Add(int64(t.EndTook))
	m, err := c.mark(t.Stage)
	if err == nil { // else it is missing, and the measurement ends at a later one
		m.records, m.took = t.Records, t.EndTook
		c.mu.Lock()
		c.marks = append(c.marks, m)
		c.mu.Unlock()
	}
	c.wake()
}

// Restored may be told of a partition again: it has moved to another worker.
func (c *counter) Restored(_ string, tp processor.TopicPartition, records, bytes int64, took time.Duration) {
	m, _ := c.mark("") // without CPU time it is 0, which shows
	c.mu.Lock()
	if _, ok := c.restores[tp]; !ok {
		c.restores[tp] = restoredPartition{at: m.at, cpu: m.cpu, records: records, bytes: bytes, took: took}
	}
	c.restored.Store(int64(len(c.restores)))
	c.mu.Unlock()
	c.wake()
}

func (c *counter) Halted(_ string, tp processor.TopicPartition, reason string) {
	select {
	case c.halted <- fmt.Sprintf("%s/%d: %s", tp.Topic, tp.Partition, reason):
	default:
	}
}
func (c *counter) Wiped(string, processor.TopicPartition, string) {}

func (c *counter) Verified(string, processor.TopicPartition, processor.Verified) {}

func (c *counter) wake() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// wait returns when value reaches want.
func (c *counter) wait(ctx context.Context, value *atomic.Int64, want int64, progress func(done, total int64)) error {
	for {
		n := value.Load()
		if progress != nil {
			progress(n, want)
		}
		if n >= want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d done: %w", n, want, ctx.Err())
		case reason := <-c.halted:
			return fmt.Errorf("partition halted: %s", reason)
		case <-c.changed:
		}
	}
}

// mark notes time and CPU as they are now.
func (c *counter) mark(stage string) (mark, error) {
	cpu, err := cpuSeconds()
	return mark{stage: stage, at: time.Now(), cpu: cpu}, err
}

func (c *counter) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marks = nil
}

// endAfter returns the first end of a transaction of the stage at or after t.
func (c *counter) endAfter(stage string, t time.Time) (mark, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.marks {
		if m.stage == stage && !m.at.Before(t) {
			return m, true
		}
	}
	return mark{}, false
}

// StageWork is what one stage did for the load.
type StageWork struct {
	Stage        string  `json:"stage"`
	Records      int64   `json:"records"` // of its input log: one carries many entries
	Transactions int64   `json:"transactions"`
	CommitMillis float64 `json:"commit_ms"` // mean

	took time.Duration
}

// stages sums up the transactions until the end, by stage.
func (c *counter) stages(end time.Time) []StageWork {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []StageWork
	index := map[string]int{}
	for _, m := range c.marks {
		if m.at.After(end) {
			continue
		}
		i, ok := index[m.stage]
		if !ok {
			i = len(out)
			index[m.stage] = i
			out = append(out, StageWork{Stage: m.stage})
		}
		s := &out[i]
		s.Records += int64(m.records)
		s.Transactions++
		s.took += m.took
		s.CommitMillis = s.took.Seconds() * 1000 / float64(s.Transactions)
	}
	return out
}
