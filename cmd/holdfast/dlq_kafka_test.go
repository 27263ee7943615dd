//go:build kafka

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology/record"
)

// TestReplayIsKilledOnKafka: replays that are killed with -9, later and later in
// their lives, until one comes to its end. Every record is sent once.
func TestReplayIsKilledOnKafka(t *testing.T) {
	const letters = 4000
	app, brokers := fmt.Sprintf("dlq-%d", time.Now().UnixNano()), kafkaBrokers(t)
	h := &harness{t: t, environ: []string{"KAFKA_BROKERS=" + brokers, "HOLDFAST_APP_ID=" + app, "HOLDFAST_CHANNELS=web"}, brokers: brokers}
	h.good("topics", "apply")
	defer deleteTopics(t, brokers, app, []string{"web"})
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer cl.Close()
	var records []*kgo.Record // from places beyond those that the replays write to
	for i := range letters {
		r := &kgo.Record{Topic: app + ".dlq", Partition: int32(i % 4), Value: []byte(strconv.Itoa(i))}
		for name, text := range map[string]string{record.HeaderErrorException: record.RefuseUnknownType, record.HeaderErrorTopic: app + ".stock.feed",
			record.HeaderErrorPartition: strconv.Itoa(i / 4 % 4), record.HeaderErrorOffset: strconv.Itoa(1_000_000 + i)} {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(text)})
		}
		records = append(records, r)
	}
	require.NoError(t, cl.ProduceSync(t.Context(), records...).FirstErr())

	binary := buildBinary(t)
	killed, between := 0, 0
	for after := 100 * time.Millisecond; ; after += 150 * time.Millisecond {
		replay := exec.Command(binary, "dlq", "replay", "--all", "--limit", strconv.Itoa(letters), "--yes")
		replay.Env = append(replay.Environ(), h.environ...)
		var said bytes.Buffer
		replay.Stderr = &said
		require.NoError(t, replay.Start())
		death := time.AfterFunc(after, func() { _ = replay.Process.Kill() })
		err := replay.Wait()
		if death.Stop() {
			require.NoError(t, err, said.String())
			break
		}
		killed++
		if n := h.letters().Hidden; n > 0 && n < letters {
			between++
		}
	}
	t.Logf("killed %d times, %d of them with some of the letters replayed", killed, between)
	require.NotZero(t, killed)
	sent := map[string]int{}
	for _, r := range h.tail("stock.feed") {
		sent[fmt.Sprint(r.Value)]++
	}
	require.Len(t, sent, letters)
	for value, n := range sent {
		require.Equal(t, 1, n, value)
	}
	require.Equal(t, letters, h.letters().Hidden)
}
