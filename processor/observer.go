package processor

import (
	"time"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// Observer is told what happens, for metrics and tests. Its methods are called
// from the loops of all workers and must not block.
type Observer interface {
	// Ended is called once for every transaction that polled anything. t is good
	// until it returns.
	Ended(t *Transaction)
	Restored(stage string, tp TopicPartition, records, bytes int64, took time.Duration)
	Halted(stage string, tp TopicPartition, reason string)
	Wiped(stage string, tp TopicPartition, reason string)
	// Verified is called for each stretch of a store that was looked through.
	Verified(stage string, tp TopicPartition, v Verified)
}

// Verified is what a stretch of a store was like.
type Verified struct {
	Keys, Bytes int64 // read, those that a row was compared with too
	Findings    int   // the partition halts for it
	Whole       bool  // it was the last stretch of the store
}

// Result is what a worker knows when its transaction ends.
type Result uint8

const (
	// Committed is what the log has confirmed.
	Committed Result = iota
	// Aborted: the worker gave it up before it asked for a commit.
	Aborted
	// Unknown: the commit was asked for and not confirmed. What became of it is
	// found out before the next one begins, and isn't told.
	Unknown
)

var resultNames = [...]string{"committed", "aborted", "unknown"}

func (r Result) String() string { return resultNames[r] }

// Transaction is what an Observer is told of one. Of one that isn't known to be
// committed, only Stage, Result and Records mean something: its records are
// decided again, and what they led to counts then. So counts are never too high;
// they are too low by what was committed and not confirmed.
type Transaction struct {
	Stage   string
	Result  Result
	Records int // input records, ticks included
	Ticks   int
	// Took is from the first record polled to the end, EndTook its part from the
	// decision to commit: writing, flushing, ending.
	Took, EndTook time.Duration
	// Oldest is the smallest append time of its records.
	Oldest record.Millis
	// Sent is how many entries it sent to each internal log, Published how many
	// records to public topics, dead letters included.
	Sent           [stage.Logs]int
	Published      int
	ChangelogBytes int
	// Outcomes counts by the stage's list, DeadLetters has the reason of each.
	Outcomes    []uint64
	DeadLetters []string
}

type nobody struct{}

func (nobody) Ended(*Transaction)                                           {}
func (nobody) Restored(string, TopicPartition, int64, int64, time.Duration) {}
func (nobody) Halted(string, TopicPartition, string)                        {}
func (nobody) Wiped(string, TopicPartition, string)                         {}
func (nobody) Verified(string, TopicPartition, Verified)                    {}

// tell tells the observer how the batch's transaction ended, if there was one.
func (w *worker) tell(r Result) {
	b := w.batch
	if !b.open {
		return
	}
	b.told = Transaction{
		Stage: w.stage.Name, Result: r, Records: b.records, Ticks: b.ticks,
		Took: w.lastEnd.Sub(b.begun), EndTook: w.commitCost, Oldest: b.oldest,
		Published: len(b.public), ChangelogBytes: b.changelogBytes,
		Outcomes: b.outcomes, DeadLetters: b.dead,
	}
	for i := range b.logs {
		b.told.Sent[i] = b.logs[i].sent
	}
	w.cfg.Metrics.Ended(&b.told)
}
