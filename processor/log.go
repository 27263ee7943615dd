package processor

import (
	"context"
	"fmt"
	"time"

	"holdfast/processor/placement"
	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// TopicPartition names one partition. Topic is the full name, with prefix.
type TopicPartition struct {
	Topic     string
	Partition record.Partition
}

func (a TopicPartition) compare(b TopicPartition) int {
	switch {
	case a.Topic < b.Topic:
		return -1
	case a.Topic > b.Topic:
		return 1
	}
	return int(a.Partition) - int(b.Partition)
}

// Cluster is what the run time needs of a log beside the transactions. Kafka is
// behind it in production, an in-memory log with a seeded scheduler in
// simulation. All its methods may be called from several goroutines. An error is
// ErrUnreachable where no answer came.
type Cluster interface {
	// Join makes a member of a consumer group that is a transactional producer
	// too. It returns only after the transaction that an earlier life of the
	// same transactional id left open has been aborted or completed.
	Join(ctx context.Context, m Member) (Session, error)
	// Committed returns the group's committed offset, waiting while a
	// transaction could still change it; ok is false where there is none.
	Committed(ctx context.Context, group string, tp TopicPartition) (offset record.Offset, ok bool, err error)
	// Bounds returns the first offset and the one after the last (markers and
	// open transactions included).
	Bounds(ctx context.Context, tp TopicPartition) (start, end record.Offset, err error)
	// Read opens a read_committed reader that shows control records too.
	Read(ctx context.Context, tp TopicPartition, from record.Offset) (ChangelogReader, error)
	// Trim deletes the records below an offset.
	Trim(ctx context.Context, tp TopicPartition, before record.Offset) error
	// Tick appends a tick, outside any transaction. It doesn't wait; a tick
	// that gets lost is sent again by whoever still has something due.
	Tick(tp TopicPartition, value []byte)
}

// Member says as whom a session joins.
type Member struct {
	Group           string
	TransactionalID string   // also the static member id
	Topics          []string // full names
	// Claim says what the process has stores of, whenever the member joins, so
	// that partitions go to where their stores are. It is called from other
	// goroutines. nil: nothing to say.
	Claim func() placement.Claim
}

// ChangelogRecord is a record of a changelog; of a transaction's marker there is
// only the offset.
type ChangelogRecord struct {
	Offset  record.Offset
	Value   []byte
	Control bool
}

// ChangelogReader reads one partition in order.
type ChangelogReader interface {
	// Read returns the next records, waiting for at least one until ctx ends.
	// The slice is the reader's and good until the next call. ErrTruncated
	// means that the log now starts above the reader's place.
	Read(ctx context.Context) ([]ChangelogRecord, error)
	Close()
}

// Session is one member of a stage's group with at most one open transaction. It
// belongs to one goroutine.
type Session interface {
	// Poll waits up to wait for records of partitions that aren't paused, at
	// most max of them, into f. From its return until AllowRebalance no
	// partition is taken away. What was polled is what a commit commits.
	Poll(ctx context.Context, f *Fetches, max int, wait time.Duration) error
	// Assigned returns the partitions that the member owns, sorted. It changes
	// in Poll only. The slice is the session's.
	Assigned() []TopicPartition
	// Joined tells whether the group has let the member in, so that Assigned is
	// what it was given, be it nothing.
	Joined() bool
	Pause(tp TopicPartition)
	Resume(tp TopicPartition)
	// Seek sets the offset to read next, and drops what was fetched ahead.
	Seek(offsets map[TopicPartition]record.Offset)

	// Begin refuses when a transaction couldn't be ended soon.
	Begin() error
	// Produce adds to the transaction; Flush waits until all is there and
	// returns the first error of any record, as a RefusedError. Offsets are set
	// then.
	Produce(out *Out)
	Flush(ctx context.Context) error
	// End ends the transaction with the consumed offsets. Only (true, nil)
	// means that it was committed; all else says nothing.
	End(ctx context.Context, commit bool) (committed bool, err error)
	// Settle makes sure that no transaction of this member is undecided. An
	// error means that the session can't be used any longer.
	Settle(ctx context.Context) error

	AllowRebalance()
	// Close ends the session; leave gives the partitions up at once instead of
	// after the session timeout.
	Close(leave bool)
}

// Fetches is the result of a poll.
type Fetches struct {
	// Rebalanced means that partitions were taken away since the last End. The
	// session couldn't commit now: what is in Parts must be dropped, and the
	// session settled.
	Rebalanced bool
	Parts      []Fetch
	// Failed partitions deliver nothing until the cause is mended.
	Failed []FailedPartition
}

// Fetch is the records of one partition in order.
type Fetch struct {
	TopicPartition
	Records []stage.Record
}

// FailedPartition is a partition that can't be read, with the cause.
type FailedPartition struct {
	TopicPartition
	Err error
}

// Out is a record to be produced.
type Out struct {
	TopicPartition
	Key     []byte
	Value   []byte
	Headers []stage.Header
	Offset  record.Offset // after Flush

	// Whose decision led to it, and at which offset of its log; nil where it
	// gathers many small ones.
	by *task
	at record.Offset
}

// RefusedError says that a record couldn't be written, and which.
type RefusedError struct {
	Out *Out
	Err error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s/%d, %d bytes: %v", e.Out.Topic, e.Out.Partition, len(e.Out.Key)+len(e.Out.Value), e.Err)
}

func (e *RefusedError) Unwrap() error { return e.Err }

// Env is the outside world other than the log.
type Env struct {
	Now func() time.Time
	// Spawn runs fn beside the loop: a goroutine in production, at once or
	// whenever the scheduler likes in simulation.
	Spawn func(fn func())
	// At is told the name of every step of the loop as it is reached, so that a
	// simulation can crash there. nil in production.
	At func(point string)
}
