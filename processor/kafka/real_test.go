//go:build kafka

package kafka_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/processor/kafka"
)

// TestOnKafka does on a real Kafka what doesn't need an embedded one: there,
// transactions end over time, and groups have more states.
func TestOnKafka(t *testing.T) {
	addr := os.Getenv("HOLDFAST_KAFKA")
	require.NotEmpty(t, addr, "HOLDFAST_KAFKA must name a broker; make test-kafka does all that is needed")
	type body struct {
		name string
		run  func(w *world)
	}
	bodies := []body{
		{"answer lost, retries", func(w *world) { failing(w, wireFault{key: kmsg.EndTxn, lose: true}, 0) }},
		{"answer lost", func(w *world) { failing(w, wireFault{key: kmsg.EndTxn, lose: true}, 4, impatient) }},
		{"answer unknown", func(w *world) { failing(w, wireFault{key: kmsg.EndTxn, after: unknownEnd}, 4) }},
		{"replaced while deciding", stoppedDeciding},
		{"twice", twice},
		{"stopped", stopped},
		{"members come and go", comeAndGo},
		{"a member hangs", hanging},
		{"a standby takes over", standbyTakesOver},
		{"partitions go to their stores", goToTheirStores},
		{"a restart moves nothing", restartMovesNothing},
		{"a restart with more topics", moreTopics},
	}
	for _, at := range steps() {
		bodies = append(bodies, body{"replaced before " + at.Name(), func(w *world) { stoppedAt(w, at) }})
	}
	for _, at := range steps()[1:] {
		bodies = append(bodies,
			body{"timed out before " + at.Name(), func(w *world) { timedOut(w, at) }},
			body{"crashed before " + at.Name(), func(w *world) { crashedAt(w, at) }},
			body{"gone before " + at.Name(), func(w *world) { goneAt(w, at) }})
	}
	for _, fence := range []bool{true, false} {
		bodies = append(bodies, body{fmt.Sprintf("readers are held, fencing %t", fence), func(w *world) { held(w, fence) }})
	}
	for i, b := range bodies {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			w := newWorldAt(t, addr, fmt.Sprintf("test-%d-%d", time.Now().UnixNano(), i))
			t.Cleanup(func() {
				var names []string
				for _, topic := range w.topology.Topics {
					names = append(names, topic.Name)
				}
				ctx, cancel := context.WithTimeout(context.Background(), limit)
				defer cancel()
				_, err := kadm.NewClient(w.feed).DeleteTopics(ctx, names...)
				require.NoError(t, err)
			})
			b.run(w)
		})
	}
}

// held reports for how long a transaction that a node left open when it died keeps
// readers waiting, from when its session is over.
func held(w *world, fence bool) {
	const session = time.Second
	options := func(_ *processor.Config, k *kafka.Config) {
		k.SessionTimeout, k.TransactionTimeout, k.FenceGone = session, kafka.Default().TransactionTimeout, fence
	}
	a, b := w.start("a", nil, options), w.start("b", nil, options)
	w.until("both have partitions", func() bool {
		return a.count("running") > 0 && a.count("running")+b.count("running") == partitions
	}, a, b)
	w.write(3, w.keys()...)
	w.settled()
	stopped := a.wire.fault(1, wireFault{key: kmsg.EndTxn, before: a.wire.freeze})
	w.write(3, w.keys()...)
	require.NoError(w.t, stopped.await(w.ctx))
	a.crash()
	died := time.Now()
	w.settled()
	w.t.Logf("fencing %t: everything had come out %v after the death, with a session timeout of %v and a transaction timeout of %v",
		fence, time.Since(died).Round(100*time.Millisecond), session, kafka.Default().TransactionTimeout)
	require.NoError(w.t, b.stop())
}
