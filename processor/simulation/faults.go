package simulation

import (
	"holdfast/processor"
	"holdfast/topology/record"
)

// Faults decides what goes wrong in the broker and on the way to it. A nil
// function means that nothing does.
type Faults struct {
	// Produce returns an error for a record that the broker refuses.
	Produce func(out *processor.Out) error
	// Begin, Flush, Settle and Join return an error instead of being done;
	// Request is for all that needs no session.
	Begin, Flush, Settle, Join, Request func() error
	// End says how the end of a transaction goes.
	End func(commit bool) EndFault
	// Fence is how late a request comes that ends the transaction of a member
	// that is gone, in milliseconds; 0: at once.
	Fence func() record.Millis
	// Delay is how long a late request is on its way, in milliseconds.
	Delay func() record.Millis
	// Tick says what becomes of a tick.
	Tick func() TickFault
	// Trim returns an error, and whether the records are deleted all the same.
	Trim func() (done bool, err error)
	// Skew is what the clock of a partition's leader is ahead.
	Skew func(tp processor.TopicPartition) record.Millis
	// Pick chooses one of n, and decides how much of what is there a poll or a
	// read brings.
	Pick func(n int) int
	// Eager: every rebalance takes all partitions from all members. Swap: this
	// partition gets another owner, needed or not.
	Eager, Swap func() bool
}

// EndFault is how the end of a transaction goes.
type EndFault uint8

const (
	// EndFine: as asked.
	EndFine EndFault = iota
	// EndAnswerLost: done as asked, and the answer gets lost.
	EndAnswerLost
	// EndDenied: done as asked, and taken for an abort: (false, nil).
	EndDenied
	// EndAborted: aborted whatever was asked: (false, nil).
	EndAborted
	// EndAbortedError: aborted whatever was asked, with an error.
	EndAbortedError
	// EndClaimed: aborted whatever was asked, and it looks like a commit that
	// met an error: (true, err).
	EndClaimed
	// EndUnsent: the request never gets there.
	EndUnsent
	// EndHalf: the offsets get there, the end doesn't.
	EndHalf
	// EndLate: the request gets there after the client has given up on it.
	EndLate
	// EndSessionLost: never gets there, and the session is of no use any longer.
	EndSessionLost

	endFaults
)

var endFaultNames = [endFaults]string{"fine", "answer-lost", "denied", "aborted", "aborted-error", "claimed", "unsent", "half", "late", "session-lost"}

func (f EndFault) String() string { return endFaultNames[f] }

// TickFault is what becomes of a tick.
type TickFault uint8

const (
	TickFine TickFault = iota
	TickLate
	TickLost
)

func (f *Faults) call(fn func() error) error {
	if fn == nil {
		return nil
	}
	return fn()
}

func (f *Faults) produce(out *processor.Out) error {
	if f.Produce == nil {
		return nil
	}
	return f.Produce(out)
}

func (f *Faults) end(commit bool) EndFault {
	if f.End == nil {
		return EndFine
	}
	return f.End(commit)
}

func (f *Faults) delay() record.Millis {
	if f.Delay == nil {
		return 1
	}
	return f.Delay()
}

func (f *Faults) tick() TickFault {
	if f.Tick == nil {
		return TickFine
	}
	return f.Tick()
}

func (f *Faults) trim() (done bool, err error) {
	if f.Trim == nil {
		return true, nil
	}
	return f.Trim()
}

func (f *Faults) skew(tp processor.TopicPartition) record.Millis {
	if f.Skew == nil {
		return 0
	}
	return f.Skew(tp)
}

// pick returns 0 to n-1, or 0 without a choice.
func (f *Faults) pick(n int) int {
	if f.Pick == nil || n <= 1 {
		return 0
	}
	return f.Pick(n)
}

// some returns 1 to n: how many of n records come at once. Without a choice all.
func (f *Faults) some(n int) int {
	if f.Pick == nil || n <= 1 {
		return n
	}
	return 1 + f.Pick(n)
}

func (f *Faults) eager() bool { return f.Eager != nil && f.Eager() }
func (f *Faults) swap() bool  { return f.Swap != nil && f.Swap() }
