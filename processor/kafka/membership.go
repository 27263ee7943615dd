package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/topology/record"
)

// membership follows the client's way through its group, which the client tells
// by callbacks and hooks in goroutines of its own:
//
//	          revoked, lost,                       answer of
//	          or join request                      the sync request
//	member ─────────────────────> joining ───────────────────────────> member
//	                              (until all others have joined)
//
// While it joins, the client lets nobody commit offsets: an end of a transaction
// waits inside for the slowest member of the group, or for one that hangs until
// its session times out. A transaction that is open by then is aborted by its own
// timeout and its producer fenced. So while the member joins, nothing is polled
// and no transaction is begun.
type membership struct {
	letIn func(first bool) // told of every join; nil: nobody is
	// stable waits until the offsets of what was given can be fetched; nil: nobody
	// does.
	stable func(ctx context.Context, given map[string][]int32)

	mu      sync.Mutex
	joining chan struct{} // closed when the member has joined; nil: it isn't joining
	err     error         // the group refuses this member, and always will
	given   []processor.TopicPartition
	taken   bool // partitions were taken away since it was cleared
	// was: the group has let the member in at least once; first is how many
	// partitions it gave it then, until any are taken away.
	was   bool
	first int
}

var (
	_ kgo.HookBrokerWrite      = (*membership)(nil)
	_ kgo.HookBrokerRead       = (*membership)(nil)
	_ kgo.HookGroupManageError = (*membership)(nil)
)

// OnBrokerWrite is part of kgo.HookBrokerWrite.
func (m *membership) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	if kmsg.Key(key) == kmsg.JoinGroup {
		m.join()
	}
}

// OnBrokerRead is part of kgo.HookBrokerRead.
func (m *membership) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if kmsg.Key(key) == kmsg.SyncGroup && err == nil {
		m.joined()
	}
}

// OnGroupManageError is part of kgo.HookGroupManageError. The client joins again
// by itself, for ever; whoever can't be let in has to be told.
func (m *membership) OnGroupManageError(err error) {
	var ke *kerr.Error
	if !errors.As(err, &ke) || ke.Retriable {
		return
	}
	switch ke {
	case kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.UnknownServerError:
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

// onAssigned runs before anything of the partitions is fetched. It is called
// after every join, be nothing new.
func (m *membership) onAssigned(ctx context.Context, cl *kgo.Client, assigned map[string][]int32) {
	cl.PauseFetchPartitions(assigned)
	m.note(assigned)
	if m.stable != nil {
		m.stable(ctx, assigned)
	}
}

func (m *membership) note(assigned map[string][]int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.letIn != nil {
		m.letIn(!m.was)
	}
	if !m.was {
		m.was = true
		for _, partitions := range assigned {
			m.first += len(partitions)
		}
	}
	for topic, partitions := range assigned {
		for _, p := range partitions {
			m.given = append(m.given, processor.TopicPartition{Topic: topic, Partition: record.Partition(p)})
		}
	}
}

// onRevoked runs before the member joins again, at the least; mostly there is
// nothing to give up.
func (m *membership) onRevoked(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
	if len(revoked) > 0 {
		m.take()
	}
	m.join()
}

// onLost counts even with nothing lost: the session's wrapper, which aborts the
// next transaction now, keeps the next loss from coming here until then.
func (m *membership) onLost(context.Context, *kgo.Client, map[string][]int32) {
	m.take()
	m.join()
}

func (m *membership) take() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken, m.first = true, 0
}

func (m *membership) join() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.joining == nil {
		m.joining = make(chan struct{})
	}
}

func (m *membership) joined() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.joining != nil {
		close(m.joining)
		m.joining = nil
	}
}

// gave returns how many partitions the group gave the member when it let it in, 0
// once it has taken any away, and whether it has let it in.
func (m *membership) gave() (partitions int, joined bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.first, m.was
}

// isJoining tells whether an end of a transaction would have to wait.
func (m *membership) isJoining() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.joining != nil
}

// await waits until the member has joined, at most for a while, and tells whether
// it has. An error means that it never will.
func (m *membership) await(ctx context.Context, wait time.Duration) (bool, error) {
	m.mu.Lock()
	joining, err := m.joining, m.err
	m.mu.Unlock()
	if err != nil || joining == nil {
		return err == nil, err
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-joining:
		return true, nil
	case <-t.C:
	case <-ctx.Done():
	}
	return false, nil
}

// changed tells whether partitions were taken away since the last end of a
// transaction. A partition that was owned and has been given again was away too,
// whether the client told of it or not.
func (m *membership) changed(owned func(processor.TopicPartition) bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, tp := range m.given {
		m.taken = m.taken || owned(tp)
	}
	m.given = m.given[:0]
	return m.taken
}

// ending forgets that partitions were taken away: the end of a transaction that
// comes now clears the client's own mark of it. Called before, so that what comes
// meanwhile is told once too often, and not once too little.
func (m *membership) ending() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken = false
}
