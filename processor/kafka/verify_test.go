package kafka_test

import (
	"encoding/binary"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/processor/stage"
)

// verifies turns the walk through the stores on, far faster than in production.
func verifies(verifier stage.Verifier) option {
	return func(c *processor.Config, _ *kafka.Config) {
		c.VerifyKeys, c.VerifyBytes = 100_000, 1<<30
		c.Stages[0].Verifier = func() stage.Verifier { return verifier }
	}
}

type verifierFunc func(v stage.View, key, value []byte, report func(stage.Finding))

func (f verifierFunc) Verify(v stage.View, key, value []byte, report func(stage.Finding)) {
	f(v, key, value, report)
}

// below finds keys that have counted to a number or beyond.
func below(key string, bound uint64) verifierFunc {
	return func(v stage.View, k, value []byte, report func(stage.Finding)) {
		if again, ok := v.Get(k); !ok || string(again) != string(value) {
			report(stage.Finding{Rule: "views differ", Key: k})
		}
		if n := binary.BigEndian.Uint64(value); string(k) == string(stateKey([]byte(key))) && n >= bound {
			report(stage.Finding{Rule: "counted", Key: k, Expected: "below " + strconv.FormatUint(bound, 10), Found: strconv.FormatUint(n, 10)})
		}
	}
}

func (o *observer) wholes(p int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.whole[p]
}

// TestAViolationHaltsItsPartition: state that can't be halts its partition with
// what is needed to explain it, and the others go on. What finds it right, a mended
// binary say, goes on where it halted.
func TestAViolationHaltsItsPartition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := w.keyOn(2, 0)
	l := w.start("a", nil, verifies(below(bad, 5)), workers(2))
	w.write(4, w.keys()...)
	w.settled()
	w.until("each store is found right", func() bool {
		for p := range partitions {
			if l.seen.wholes(p) == 0 {
				return false
			}
		}
		return true
	}, l)
	require.Empty(t, l.seen.reasons())
	verified := 0
	for _, p := range l.node.Status() {
		if !p.Verified.IsZero() {
			verified++
		}
	}
	require.Equal(t, partitions, verified)

	w.write(2, w.keys()...)
	l.awaitPhase("halted", 1)
	reason := l.seen.reasons()[2]
	require.Contains(t, reason, `counted at key "n`+bad)
	require.Contains(t, reason, "expected below 5, found ")
	require.Contains(t, reason, "in the changelog before offset ")
	others := map[string]uint64{}
	for _, p := range []int{0, 1, 3} {
		w.write(3, w.keyOn(p, 0))
		others[w.keyOn(p, 0)] = w.fed[w.keyOn(p, 0)]
	}
	w.out.await(t, others)
	l.awaitPhase("running", 3)
	require.NoError(t, l.stop())

	l = w.start("a", l.fs, verifies(below(bad, 1000)))
	w.write(1, w.keys()...)
	w.settled()
	require.Empty(t, l.seen.reasons())
	require.NoError(t, l.stop())
}

// TestAStoreIsClosedWhileItIsVerified: who reads a store is told to stop, and
// waited for, before it is closed.
func TestAStoreIsClosedWhileItIsVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reading, stopped := make(chan struct{}, 1000), make(chan struct{})
	l := w.start("a", nil, verifies(verifierFunc(func(v stage.View, _, _ []byte, report func(stage.Finding)) {
		select {
		case reading <- struct{}{}:
		default:
		}
		for more := true; more; { // until it is told to stop
			more = false
			v.Scan(nil, nil, func(_, _ []byte) bool { more = true; return false })
		}
		select {
		case <-stopped:
		default:
			close(stopped)
		}
		report(stage.Finding{Rule: "what wasn't read isn't there", Key: []byte("k")})
	})))
	w.write(2, w.keys()...)
	w.settled()
	<-reading
	require.NoError(t, l.stop())
	<-stopped
	require.Empty(t, l.seen.reasons())
}
