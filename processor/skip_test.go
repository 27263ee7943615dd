package processor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/topology"
	"holdfast/topology/record"
)

// picky decides entries but those whose body is "bad"; of what isn't an envelope,
// nothing.
type picky struct{ decided []string }

func (p *picky) Decide(_ stage.Tx, r *stage.Record) {
	err := record.Entries(r.Value, func(e record.Entry) error {
		if string(e.Body) == "bad" {
			return fmt.Errorf("entry %s is bad", e.Key)
		}
		p.decided = append(p.decided, fmt.Sprintf("%s@%d", e.Key, r.Offset))
		return nil
	})
	if err != nil {
		panic("BUG: " + err.Error())
	}
}

func (p *picky) Finish(stage.Tx)                    {}
func (p *picky) Reset()                             { p.decided = nil }
func (p *picky) Due(stage.Tx) (record.Millis, bool) { return 0, false }

func skippingTask(t *testing.T, changelog string, skips ...Place) (*task, *picky) {
	t.Helper()
	top, err := topology.New(topology.Default())
	require.NoError(t, err)
	p := &picky{}
	tk := &task{tp: TopicPartition{"log", 1}, changelog: TopicPartition{changelog, 1}, stage: p}
	tk.tx = tx{batch: newBatch(top, nil, 0)}
	tk.skipsFrom(skips)
	return tk, p
}

// attempts decides the records until it works, and returns what the others ended
// with.
func attempts(t *testing.T, tk *task, records []stage.Record) (failed []string) {
	t.Helper()
	for range 10 {
		err := tk.decide(records, 0, time.Hour)
		if err == nil {
			return failed
		}
		first, _, _ := strings.Cut(err.Error(), "\n")
		failed = append(failed, first)
		if _, halts := asTaskError(err); halts {
			return failed
		}
		tk.stage.Reset()
		tk.tx.batch.reset()
	}
	require.Fail(t, "it never works")
	return nil
}

func envelopeOf(entries ...string) []byte {
	var b record.EnvelopeBuilder
	for _, e := range entries {
		key, body, _ := strings.Cut(e, "=")
		b.Add(record.KindCommand, []byte(key), record.Origin{Topic: "web", Partition: 2, Offset: 7}, []byte(body))
	}
	return b.Close()
}

// letters are the dead letters of the open batch.
func letters(b *batch) (out []string) {
	for _, o := range b.public {
		said := map[string]string{}
		for _, h := range o.Headers {
			said[h.Key] = string(h.Value)
		}
		out = append(out, fmt.Sprintf("%s=%s %s %s@%s %s %s", o.Key, o.Value, said[record.HeaderErrorException], said[record.HeaderErrorTopic],
			said[record.HeaderErrorOffset], said[headerSkippedEntry], said[headerSkippedOrigin]))
	}
	return out
}

// TestSkip: of a record that was named, the entries that can't be decided become
// dead letters, and all others are decided once. Of all other records they halt.
func TestSkip(t *testing.T) {
	records := []stage.Record{
		{Topic: "log", Partition: 1, Offset: 4, Value: envelopeOf("a=1")},
		{Topic: "log", Partition: 1, Offset: 5, Value: envelopeOf("b=bad", "c=1", "d=bad", "e=1")},
		{Topic: "log", Partition: 1, Offset: 9, Value: envelopeOf("f=1")},
	}
	here := Place{TopicPartition{"log", 1}, 5}
	tk, p := skippingTask(t, "changelog", here, Place{TopicPartition{"log", 1}, 4}, Place{TopicPartition{"log", 2}, 5})
	failed := attempts(t, tk, records)
	require.Len(t, failed, 3, "the record, then its first and its third entry")
	require.Contains(t, failed[0], "what can't be decided of log/1@5 becomes dead letters, as was asked")
	require.Equal(t, []string{"a@4", "c@5", "e@5", "f@9"}, p.decided)
	require.Equal(t, []string{"b=bad skipped log@5 0 command web/2@7", "d=bad skipped log@5 2 command web/2@7"}, letters(tk.tx.batch))
	require.Equal(t, record.Offset(10), tk.next)

	// Done again, as after an unknown outcome, it knows.
	tk.stage.Reset()
	tk.tx.batch.reset()
	require.Empty(t, attempts(t, tk, records[1:]))
	require.Len(t, letters(tk.tx.batch), 2)

	for _, other := range []Place{{TopicPartition{"log", 1}, 4}, {TopicPartition{"log", 2}, 5}, {TopicPartition{"other", 1}, 5}} {
		tk, _ = skippingTask(t, "changelog", other)
		failed = attempts(t, tk, records)
		require.Len(t, failed, 1)
		require.Contains(t, failed[0], "deciding log/1: offset 5: BUG: entry b is bad")
	}
}

// TestSkipWhole: a record that isn't made of entries, or can't be taken apart,
// becomes a dead letter as it came.
func TestSkipWhole(t *testing.T) {
	records := []stage.Record{{Topic: "log", Partition: 1, Offset: 5, Key: []byte("k"), Value: []byte("no envelope")}}
	here := Place{TopicPartition{"log", 1}, 5}
	tk, p := skippingTask(t, "changelog", here)
	require.Len(t, attempts(t, tk, records), 2)
	require.Equal(t, []string{"k=no envelope skipped log@5  "}, letters(tk.tx.batch))
	require.Empty(t, p.decided)

	tk, _ = skippingTask(t, "", here) // intake: public records
	require.Len(t, attempts(t, tk, records), 1)
	require.Equal(t, []string{"k=no envelope skipped log@5  "}, letters(tk.tx.batch))
}

// TestSkipNeedsTheRecordToBeTheCause: a failed read and a clock aren't.
func TestSkipNeedsTheRecordToBeTheCause(t *testing.T) {
	here := Place{TopicPartition{"log", 1}, 5}
	records := []stage.Record{{Topic: "log", Partition: 1, Offset: 5, At: 9_000_000_000, Value: envelopeOf("b=bad")}}
	tk, _ := skippingTask(t, "changelog", here)
	tk.tx.err = fmt.Errorf("the disk is gone")
	require.ErrorContains(t, tk.decide(records, 0, time.Hour*10_000), "the disk is gone")
	require.False(t, tk.skips[5].began)
	tk.tx.err, tk.tx.now = nil, 1
	require.ErrorContains(t, tk.decide(records, 0, time.Hour), "a broker's clock is wrong")
	require.False(t, tk.skips[5].began)
}
