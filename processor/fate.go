package processor

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"holdfast/state"
	"holdfast/topology/record"
)

// fate is what the program does next about an error. This file is the only
// place that looks into errors of Kafka or of a store; everywhere else an error
// is passed on, or its fate is asked for.
type fate uint8

const (
	// fateRetry: the same again; the cause goes away by itself.
	fateRetry fate = iota
	// fateRejoin: this session is of no use any longer; a new one is made, and
	// every task placed anew.
	fateRejoin
	// fateHalt: this partition stops, the others go on.
	fateHalt
	// fateStop: this process must not go on.
	fateStop
)

// ErrSessionLost is returned by a Session that can't be used any longer.
var ErrSessionLost = errors.New("session lost")

// ErrUnreachable is returned by a Cluster that got no answer.
var ErrUnreachable = errors.New("the cluster can't be reached")

func fateOf(err error) fate {
	var mismatch *state.MismatchError
	var task *taskError
	switch {
	case errors.As(err, &task):
		return fateHalt
	case errors.As(err, &mismatch):
		// A directory of another format, or with other things in it. Going on would
		// mean to overwrite it or to run without it; both are somebody's decision.
		return fateStop
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.FencedInstanceID):
		// Another process runs as this instance. Whoever is fenced must never
		// come back by itself, or the two fence each other for ever.
		return fateStop
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed), errors.Is(err, kerr.GroupAuthorizationFailed),
		errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed),
		errors.Is(err, kerr.SaslAuthenticationFailed):
		return fateStop
	case errors.Is(err, kerr.InvalidSessionTimeout), errors.Is(err, kerr.InvalidTransactionTimeout),
		errors.Is(err, kerr.InvalidGroupID), errors.Is(err, kerr.InconsistentGroupProtocol), errors.Is(err, kerr.UnsupportedVersion):
		// The brokers refuse how this process is set up; they always will.
		return fateStop
	case errors.Is(err, ErrUnreachable), state.IsDiskFull(err):
		return fateRetry
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrSessionLost):
		return fateRejoin
	}
	var ke *kerr.Error
	if errors.As(err, &ke) {
		if ke.Retriable {
			return fateRetry
		}
		return fateRejoin
	}
	return fateHalt
}

// tooLarge tells that a broker, or the client on its behalf, refused a record for
// its size. Only the record itself can be the reason when it is larger than
// anything that belongs to the usual: smaller ones share batches, and a batch is
// refused as a whole where a topic's limit was set too low.
func tooLarge(err error, size int) bool {
	return (errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge)) && size > record.EnvelopeBytesMax
}
