package processor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"

	"holdfast/state"
	"holdfast/topology/record"
)

func TestFate(t *testing.T) {
	f := func(err error, want fate) {
		t.Helper()
		require.Equal(t, want, fateOf(err), "%v", err)
		require.Equal(t, want, fateOf(fmt.Errorf("doing something: %w", err)), "wrapped: %v", err)
		require.Equal(t, want, fateOf(errors.Join(errors.New("another"), err)), "joined: %v", err)
	}
	// The cause goes away by itself.
	f(fmt.Errorf("%w: %w", ErrUnreachable, io.EOF), fateRetry)
	f(kerr.NotLeaderForPartition, fateRetry)
	f(kerr.CoordinatorLoadInProgress, fateRetry)
	f(kerr.UnknownTopicOrPartition, fateRetry)
	f(&fs.PathError{Op: "write", Path: "000004.sst", Err: syscall.ENOSPC}, fateRetry)

	// The session is of no use any longer.
	f(ErrSessionLost, fateRejoin)
	f(context.Canceled, fateRejoin)
	f(context.DeadlineExceeded, fateRejoin)
	f(fmt.Errorf("%w: %w", ErrSessionLost, kerr.NotCoordinator), fateRejoin)
	f(kerr.InvalidProducerEpoch, fateRejoin)
	f(kerr.InvalidTxnState, fateRejoin)
	f(kerr.UnknownMemberID, fateRejoin)
	f(kerr.UnknownServerError, fateRejoin)

	// One partition.
	f(&taskError{cause: errors.New("a bug")}, fateHalt)
	f(&taskError{cause: kerr.ProducerFenced}, fateHalt)
	f(&taskError{cause: &state.MismatchError{}}, fateHalt)
	f(&state.DeltaError{}, fateHalt)
	f(&state.CorruptError{Err: io.ErrUnexpectedEOF}, fateHalt)
	f(errors.New("input/output error"), fateHalt)

	// This process.
	f(&state.MismatchError{}, fateStop)
	f(kerr.ProducerFenced, fateStop)
	f(kerr.FencedInstanceID, fateStop)
	f(fmt.Errorf("%w: %w", ErrSessionLost, kerr.ProducerFenced), fateStop)
	f(kerr.TopicAuthorizationFailed, fateStop)
	f(kerr.GroupAuthorizationFailed, fateStop)
	f(kerr.SaslAuthenticationFailed, fateStop)
	f(kerr.InvalidSessionTimeout, fateStop)
	f(kerr.InvalidTransactionTimeout, fateStop)
	f(kerr.UnsupportedVersion, fateStop)
}

func TestBlame(t *testing.T) {
	who := &task{tp: TopicPartition{"log", 3}}
	huge := make([]byte, record.EnvelopeBytesMax+1)
	f := func(out *Out, err error, want *task) {
		t.Helper()
		got := blame(fmt.Errorf("producing: %w", &RefusedError{Out: out, Err: err}))
		te, ok := asTaskError(got)
		require.Equal(t, want != nil, ok)
		require.ErrorIs(t, got, err)
		if ok {
			require.Same(t, want, te.task)
			require.ErrorContains(t, got, "offset 7")
		}
	}
	f(&Out{Value: huge, by: who, at: 7}, kerr.MessageTooLarge, who)
	f(&Out{Key: huge, by: who, at: 7}, kerr.RecordListTooLarge, who)
	f(&Out{Value: huge, by: who, at: 7}, kerr.NotEnoughReplicas, nil)
	f(&Out{Value: huge}, kerr.MessageTooLarge, nil)
	f(&Out{Value: huge[1:], by: who, at: 7}, kerr.MessageTooLarge, nil)
	require.Equal(t, io.EOF, blame(io.EOF))
}
