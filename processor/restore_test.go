package processor

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/state"
	"holdfast/topology/record"
)

func TestPlace(t *testing.T) {
	const none = -1
	f := func(store state.Offset, group, logStart, want record.Offset, problem string) {
		t.Helper()
		next, err := place(TopicPartition{"log", 3}, state.Position{Input: store}, group, group != none, logStart)
		if problem != "" {
			require.ErrorContains(t, err, problem)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, next)
	}
	f(10, 10, 0, 10, "")
	f(10, 10, 10, 10, "")
	f(10, 4, 0, 10, "") // set back by hand: skip what is decided
	f(10, 0, 0, 10, "")
	f(10, none, 0, 10, "") // the group has forgotten
	f(none, none, 0, 0, "")
	f(none, none, 6, 6, "") // nothing decided yet: from what there is
	f(none, 0, 0, 0, "")
	f(none, 6, 6, 6, "")
	f(0, none, 0, 0, "")

	f(10, 11, 0, 0, "log/3: the group has committed offset 11 and the state ends at 10")
	f(none, 1, 0, 0, "the group has committed offset 1 and the state ends at 0")
	f(10, 10, 12, 0, "log/3: records 10 to 11 were deleted before they were decided (the log starts at 12)")
	f(10, none, 12, 0, "records 10 to 11 were deleted")
	f(0, 0, 1, 0, "records 0 to 0 were deleted")
}

func TestRestoreProgress(t *testing.T) {
	f := func(first, next, end int64, elapsed time.Duration, wantLeft int64, wantETA time.Duration) {
		t.Helper()
		begun := time.Unix(1000, 0)
		p := &restoreProgress{}
		p.first.Store(first)
		p.next.Store(next)
		p.end.Store(end)
		p.begun.Store(begun.UnixNano())
		left, eta := p.left(begun.Add(elapsed))
		require.Equal(t, wantLeft, left)
		require.Equal(t, wantETA, eta)
	}
	f(0, 0, 0, 0, 0, 0)
	f(0, 0, 100, time.Second, 100, 0) // nothing read yet: no estimate
	f(0, 25, 100, time.Second, 75, 3*time.Second)
	f(100, 150, 200, 2*time.Second, 50, 2*time.Second)
	f(100, 200, 200, 2*time.Second, 0, 0)
	f(100, 210, 200, 2*time.Second, 0, 0)
}

func TestStatus(t *testing.T) {
	board := newStatusBoard()
	begun := time.Unix(1000, 0)
	progress := &restoreProgress{}
	progress.end.Store(100)
	progress.next.Store(50)
	progress.begun.Store(begun.UnixNano())
	board.set("orders", &task{tp: TopicPartition{"log.orders", 1}, phase: phaseRestoring, progress: progress})
	board.set("orders", &task{tp: TopicPartition{"log.orders", 0}, phase: phaseHalted, reason: "why"})
	// A task that runs had been restored once.
	board.set("inventory", &task{tp: TopicPartition{"log.inventory", 7}, phase: phaseRunning, progress: progress})
	board.set("intake", &task{tp: TopicPartition{"feed", 0}, phase: phaseWaiting})
	board.remove("intake", &task{tp: TopicPartition{"feed", 0}})
	require.Equal(t, []PartitionStatus{
		{Stage: "inventory", Topic: "log.inventory", Partition: 7, Phase: "running", Next: -1},
		{Stage: "orders", Topic: "log.orders", Partition: 0, Phase: "halted", Reason: "why", Next: -1},
		{Stage: "orders", Topic: "log.orders", Partition: 1, Phase: "restoring", RecordsLeft: 50, ETA: 2 * time.Second, Next: -1},
	}, board.list(begun.Add(2*time.Second)))
}

func TestHealth(t *testing.T) {
	board := newStatusBoard()
	f := func(state string, ready bool, reason string) {
		t.Helper()
		require.Equal(t, Health{State: state, Ready: ready, Reason: reason}, board.health(time.Unix(2000, 0)))
	}
	f(StateRestoring, false, "0 of 0 workers are members of their groups; 0 of 0 partitions are running")
	board.member("orders", 0, false)
	board.member("orders", 1, false)
	f(StateRestoring, false, "0 of 2 workers are members of their groups; 0 of 0 partitions are running")
	board.member("orders", 0, true)
	f(StateRestoring, false, "1 of 2 workers are members of their groups; 0 of 0 partitions are running")
	board.member("orders", 1, true)
	f(StateRunning, true, "no partition assigned yet: a spare, all workers are members of their groups")

	a, b := &task{tp: TopicPartition{"log.orders", 0}}, &task{tp: TopicPartition{"log.orders", 1}}
	for _, p := range []phase{phaseWaiting, phaseRestoring} {
		a.phase, b.phase = p, phaseRunning
		board.set("orders", a)
		board.set("orders", b)
		f(StateRestoring, false, "1 of 2 partitions wait or restore")
	}
	a.phase = phaseRunning
	board.set("orders", a)
	f(StateRunning, true, "2 partitions")
	a.phase = phaseHalted
	board.set("orders", a)
	f(StateRunning, false, "1 of 2 partitions have halted")
	board.member("orders", 0, false)
	f(StateRestoring, false, "1 of 2 workers are members of their groups; 1 of 2 partitions are running")
	board.member("orders", 0, true)
	a.phase = phaseRunning
	board.set("orders", a)

	// A worker that ends a transaction, first at its usual speed, and then with brokers that don't answer.
	var wait waiting
	board.watch("orders", 1, &wait)
	at := func(seconds float64) time.Time {
		return time.Unix(2000, 0).Add(-time.Duration(seconds * float64(time.Second)))
	}
	wait.begin(at(4.9))
	f(StateRunning, true, "2 partitions")
	wait.begin(at(5))
	waits := func(seconds float64, cause, reason string) {
		t.Helper()
		h := board.health(time.Unix(2000, 0))
		require.Equal(t, []Waiting{{Stage: "orders", Worker: 1, Seconds: seconds, Cause: cause}}, h.Waiting)
		require.Equal(t, reason, h.Reason)
		require.False(t, h.Ready)
	}
	waits(5, "", "stage orders, worker 1 has been waiting for the brokers for 5 s: a transaction is being ended, and they don't answer; 2 partitions")
	// It is given up and tried again: what counts is since when.
	wait.fail(at(4), errors.New("NOT_ENOUGH_REPLICAS"))
	wait.begin(at(1))
	wait.fail(at(0), errors.New("KAFKA_STORAGE_ERROR"))
	waits(5, "KAFKA_STORAGE_ERROR", "stage orders, worker 1 has been waiting for the brokers for 5 s: KAFKA_STORAGE_ERROR; 2 partitions")
	wait.idle(at(-30))
	waits(5, "KAFKA_STORAGE_ERROR", "stage orders, worker 1 has been waiting for the brokers for 5 s: KAFKA_STORAGE_ERROR; 2 partitions")
	wait.done()
	f(StateRunning, true, "2 partitions")
	// Nothing to do since: nobody knows.
	wait.fail(at(100), errors.New("NOT_ENOUGH_REPLICAS"))
	wait.idle(at(69))
	f(StateRunning, true, "2 partitions")
	// The next try's beginning isn't the first one's.
	wait.fail(at(3), errors.New("NOT_ENOUGH_REPLICAS"))
	f(StateRunning, true, "2 partitions")
	board.stop()
	f(StateStopping, false, "finishing transactions and closing stores")
}
