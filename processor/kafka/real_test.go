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
	}
	for _, at := range steps() {
		bodies = append(bodies, body{"replaced before " + at.Name(), func(w *world) { stoppedAt(w, at) }})
	}
	for _, at := range steps()[1:] {
		bodies = append(bodies,
			body{"timed out before " + at.Name(), func(w *world) { timedOut(w, at) }},
			body{"crashed before " + at.Name(), func(w *world) { crashedAt(w, at) }})
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
