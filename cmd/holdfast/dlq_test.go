package main

import (
	"context"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/loadtest/audit"
	"holdfast/processor/kafka/embedded"
	"holdfast/topology/record"
)

// shownLetter is a letter as the commands print it.
type shownLetter struct {
	Letter     string             `json:"letter"`
	State      string             `json:"state"`
	Reason     string             `json:"reason"`
	Topic      string             `json:"topic"`
	CameBackOf string             `json:"came_back_of"`
	CameBackAs string             `json:"came_back_as"`
	Note       *record.LetterNote `json:"note"`
	Headers    map[string]string  `json:"headers"`
	Value      any                `json:"value"`
	Outcome    string             `json:"outcome"`
	Why        string             `json:"why"`
	Sent       *record.Sent       `json:"sent"`
	CameBack   *shownLetter       `json:"came_back"`
}

type shownLetters struct {
	Letters []shownLetter `json:"letters"`
	More    int           `json:"more"`
	Hidden  int           `json:"hidden"`
}

func (h *harness) letters(args ...string) shownLetters {
	h.t.Helper()
	return decodeJSON[shownLetters](h.t, h.good(append([]string{"dlq", "ls", "-o", "json"}, args...)...))
}

// deal runs dlq replay or discard, which ends with code.
func (h *harness) deal(code int, args ...string) []shownLetter {
	h.t.Helper()
	r := h.run(append(append([]string{"dlq"}, args...), "-o", "json")...)
	require.Equal(h.t, code, r.code, "%v\n%s%s", args, r.out, r.errout)
	return decodeJSON[shownLetters](h.t, r.out).Letters
}

// TestDeadLettersOfANode: a letter that a change cures is replayed twice and
// taken once; one that nothing cures comes back, is told as such, and discarded.
func TestDeadLettersOfANode(t *testing.T) {
	h, _ := withBroker(t)
	h.environ = append(h.environ, "HOLDFAST_CHANNELS=shopee")
	h.good("topics", "apply")
	h.sendText(`{"channel":"shopee","shop":"main","ids":["1"]}`+"\n"+`{"channel":"shopee","shop":"outlet","ids":["2"]}`, "channels")
	n := h.startNode(t.TempDir(), "--set", "orders.accept_age=off")
	dead := h.follow("dlq")
	h.good("send", "-t", "channel.shopee.orders", "../../channel/shopee/testdata/get_order_detail.json", "-H", "x-request=77")
	dead.next()

	list := h.letters()
	require.Len(t, list.Letters, 1)
	first := list.Letters[0]
	require.Equal(t, []string{"shop_unknown", "holdfast.channel.shopee.orders", "open"}, []string{first.Reason, first.Topic, first.State})
	shown := decodeJSON[shownLetter](t, h.good("dlq", "show", first.Letter, "-o", "json"))
	require.Equal(t, map[string]string{"x-request": "77"}, shown.Headers)
	require.NotEmpty(t, shown.Value)

	require.Equal(t, "would", h.deal(exitGood, "replay", first.Letter)[0].Outcome)
	require.Contains(t, h.good("dlq", "replay", "--all"), "1 letter would be replayed; nothing was done, --yes does it\n")
	require.Len(t, h.tail("channel.shopee.orders"), 1)

	h.good("send", "-t", "channels", "--tombstone", "shopee/outlet", "--wait")
	done := h.deal(exitGood, "replay", first.Letter, "--yes", "--wait", "--by", "ann")
	require.Equal(t, "done", done[0].Outcome)
	require.Nil(t, done[0].CameBack)
	events := h.tail("order.events")
	require.NotEmpty(t, events)
	records := h.tail("channel.shopee.orders")
	require.Len(t, records, 2)
	require.Equal(t, records[0].Value, records[1].Value)
	require.Equal(t, records[0].Headers, records[1].Headers)
	require.Equal(t, records[0].Key, records[1].Key)

	again := h.deal(exitGood, "replay", first.Letter, "--yes", "--force")
	require.Equal(t, "nothing_to_do", again[0].Outcome)
	require.Contains(t, again[0].Why, "by ann")
	require.Empty(t, h.deal(exitGood, "replay", "--all", "--yes"))
	require.Len(t, h.tail("channel.shopee.orders"), 2)
	require.Equal(t, shownLetters{Letters: []shownLetter{}, Hidden: 1}, h.letters())
	require.Equal(t, "replayed", h.letters("--all").Letters[0].State)

	h.sendText(`{"holdfast":1,"event_id":"e-1","type":"order.dance","order_id":"X"}`, "channel.shopee.orders")
	dead.next()
	poison := h.letters().Letters[0]
	require.Contains(t, h.good("dlq", "show", poison.Letter), "helps once all nodes run a version that knows it")
	back := h.deal(exitFailed, "replay", "--reason", "unknown_type", "--yes", "--wait")
	require.NotNil(t, back[0].CameBack)
	require.Equal(t, poison.Letter, back[0].CameBack.CameBackOf)
	list = h.letters()
	require.Len(t, list.Letters, 1)
	require.Equal(t, poison.Letter, list.Letters[0].CameBackOf)
	require.Contains(t, h.good("dlq", "ls"), "open, came back of "+poison.Letter)
	held := h.deal(exitFailed, "replay", "--all", "--yes")
	require.Equal(t, "needs_force", held[0].Outcome, "or it would go round for ever")
	require.Contains(t, held[0].Why, "it came back of "+poison.Letter)
	require.Equal(t, "would", h.deal(exitGood, "replay", list.Letters[0].Letter)[0].Outcome)
	shown = decodeJSON[shownLetter](t, h.good("dlq", "show", poison.Letter, "-o", "json"))
	require.Equal(t, list.Letters[0].Letter, shown.CameBackAs)

	require.Contains(t, h.bad(exitUsage, "dlq", "discard", "--all", "--yes"), "missing flags: --because")
	gone := h.deal(exitGood, "discard", "--all", "--yes", "--because", "no such type")
	require.Equal(t, "done", gone[0].Outcome)
	require.Empty(t, h.letters().Letters)
	require.Contains(t, h.good("dlq", "show", gone[0].Letter), ": no such type")

	report := decodeJSON[audit.Report](t, h.good("audit", "--settle", "-o", "json"))
	require.Equal(t, audit.Pass, report.Verdict)
	require.Len(t, h.tail("order.events"), len(events), "nothing was applied twice")
	n.stop()
}

// letterBox writes dead letters as the stages do.
type letterBox struct {
	t  *testing.T
	cl *kgo.Client
}

func newLetterBox(t *testing.T, b *embedded.Broker) *letterBox {
	return &letterBox{t, plainClient(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()))}
}

func (b *letterBox) put(partition int32, at time.Time, reason, topic string, offset int64, key, value string) {
	b.t.Helper()
	r := &kgo.Record{Topic: "holdfast.dlq", Partition: partition, Timestamp: at, Key: []byte(key), Value: []byte(value)}
	for name, text := range map[string]string{"exception": reason, "message": "about \x1b[2J" + key, "topic": topic, "partition": "0", "offset": strconv.FormatInt(offset, 10)} {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "__streams.errors." + name, Value: []byte(text)})
	}
	b.write(r)
}

func (b *letterBox) write(r *kgo.Record) {
	b.t.Helper()
	require.NoError(b.t, b.cl.ProduceSync(b.t.Context(), r).FirstErr())
}

func TestDeadLettersAreListed(t *testing.T) {
	h, b := withBroker(t)
	h.good("topics", "apply")
	require.Equal(t, "0 letters\n", h.good("dlq", "ls"))
	box, now := newLetterBox(t, b), time.Now()
	for i := range int64(6) { // 1:2 is the newest
		reason, topic := "unknown_type", "holdfast.channel.web.orders"
		if i%3 == 0 {
			reason, topic = "malformed", "holdfast.stock.feed"
		}
		box.put(int32(i%2), now.Add(time.Duration(i-6)*time.Hour), reason, topic, i, "k"+strconv.Itoa(int(i)), "{}")
	}
	names := func(args ...string) (out []string) {
		for _, l := range h.letters(args...).Letters {
			out = append(out, l.Letter)
		}
		return out
	}
	require.Equal(t, []string{"1:2", "0:2", "1:1", "0:1", "1:0", "0:0"}, names())
	require.Equal(t, []string{"0:0", "1:0"}, names("--oldest", "-n", "2"))
	require.Equal(t, 4, h.letters("-n", "2").More)
	require.Equal(t, []string{"1:1", "0:0"}, names("--reason", "malformed"))
	require.Equal(t, []string{"1:1", "0:0"}, names("--topic", "stock.feed", "--topic", "holdfast.fulfilment.feed"))
	require.Equal(t, []string{"1:2", "0:2"}, names("--since", "150m"))
	require.Equal(t, []string{"1:2"}, names("--since", now.Add(-90*time.Minute).Format(time.RFC3339)))
	require.Contains(t, h.bad(exitUsage, "dlq", "ls", "--since", "yesterday"), "--since yesterday: must be a time")
	require.Contains(t, h.bad(exitUsage, "dlq", "ls", "--topic", "nowhere"), "no topic nowhere")
	require.Contains(t, h.bad(exitUsage, "dlq", "ls", "-n", "0"), "--limit 0")

	s := decodeJSON[letterSummaryText](t, h.good("dlq", "ls", "--summary", "-o", "json"))
	require.Equal(t, 6, s.Letters)
	require.Equal(t, []letterReasonText{{"unknown_type", 4}, {"malformed", 2}}, s.Reasons)
	text := h.good("dlq", "ls", "--summary")
	require.Regexp(t, `4 +unknown_type +channel\.web\.orders +\d{4}-`, text)
	text = h.good("dlq", "ls", "-n", "5")
	require.Contains(t, text, `about \x1b[2Jk5`)
	require.Contains(t, text, "channel.web.orders/0@5")
	require.Contains(t, text, "5 of 6 letters (--limit shows more)\n")

	require.Contains(t, h.bad(exitFailed, "dlq", "show", "0:9"), "there is no dead letter 0:9: what partition 0 of holdfast.dlq holds lies between the offsets 0 and 3")
	require.Contains(t, h.bad(exitFailed, "dlq", "show", "7:0"), "holdfast.dlq has partitions 0 to 3")
	require.Contains(t, h.bad(exitUsage, "dlq", "show", "7"), "must be PARTITION:OFFSET")
	text = h.good("dlq", "show", "1:1")
	require.Contains(t, text, "only with --force: the record itself can't be taken")
	require.Contains(t, text, "value, 2 bytes:\n{}\n")
}

type letterSummaryText struct {
	Letters int                `json:"letters"`
	Reasons []letterReasonText `json:"reasons"`
}

type letterReasonText struct {
	Reason  string `json:"reason"`
	Letters int    `json:"letters"`
}

// TestReplayHoldsBack: what sending again doesn't cure, what it would undo, and
// what can't be sent.
func TestReplayHoldsBack(t *testing.T) {
	h, b := withBroker(t)
	h.good("topics", "apply")
	box, now := newLetterBox(t, b), time.Now()
	row := func(value string) {
		box.write(&kgo.Record{Topic: "holdfast.channels", Key: []byte("x/main"), Value: []byte(value)})
	}
	box.put(0, now, "malformed", "holdfast.stock.feed", 0, "TEE", "{")
	row("old")
	box.put(0, now, "channel_unknown", "holdfast.channels", 0, "x/main", "old")
	row("new")
	// Of what a stage behind intake wrote off, the record is read where it stands.
	box.write(&kgo.Record{Topic: "holdfast.fulfilment.feed", Value: []byte("as it came"), Timestamp: now.Add(-time.Hour)})
	box.put(0, now, "order_unknown", "holdfast.fulfilment.feed", 0, "web/main/1", "in our form")
	box.put(0, now, "order_unknown", "holdfast.fulfilment.feed", 1, "web/main/2", "in our form")
	box.put(0, now, "unknown_type", "holdfast.log.orders", 0, "k", "v")
	box.write(&kgo.Record{Topic: "holdfast.dlq", Partition: 0, Value: []byte("whose?")})
	box.put(0, now, "inbox_full", "holdfast.fulfilment.feed", 0, "web/main/3", "in our form") // of the same record

	ids := []string{"0:0", "0:1", "0:2", "0:3", "0:4", "0:5", "0:6"}
	outcomes := func(list []shownLetter) (out []string) {
		for _, l := range list {
			out = append(out, l.Outcome)
		}
		return out
	}
	planned := h.deal(exitGood, append([]string{"replay"}, ids...)...)
	require.Equal(t, []string{"needs_force", "needs_force", "would", "impossible", "impossible", "impossible", "would"}, outcomes(planned))
	require.Contains(t, planned[1].Why, "a newer row of that key is at offset 1")
	require.Contains(t, planned[3].Why, "its record is gone from fulfilment.feed/0@1")

	done := h.deal(exitFailed, append([]string{"replay", "--yes"}, ids...)...)
	require.Equal(t, []string{"needs_force", "needs_force", "done", "impossible", "impossible", "impossible", "done"}, outcomes(done))
	fed := h.tail("fulfilment.feed")
	require.Len(t, fed, 2, "one record, sent once for both letters")
	require.Equal(t, "as it came", fed[1].Value)
	require.Equal(t, fed[0].At, fed[1].At, "it keeps its time")
	require.Equal(t, done[2].Sent, done[6].Sent)
	require.Empty(t, h.tail("stock.feed"))

	h.deal(exitGood, "discard", "0:0", "--yes", "--because", "mended")
	require.Equal(t, []string{"nothing_to_do"}, outcomes(h.deal(exitGood, "discard", "0:2", "--yes", "--because", "x")))
	held := h.deal(exitFailed, "replay", "0:0", "--yes")
	require.Contains(t, held[0].Why, "discarded at")
	require.Equal(t, []string{"done", "done"}, outcomes(h.deal(exitGood, "replay", "0:0", "0:1", "--yes", "--force")))
	require.Len(t, h.tail("stock.feed"), 1)
	require.Equal(t, "replayed", h.letters("--all", "--reason", "malformed").Letters[0].State)

	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"replay"}, "which letters?"},
		{[]string{"replay", "0:1", "--reason", "x"}, "letters are named"},
		{[]string{"replay", "0:1", "--all"}, "letters are named"},
		{[]string{"replay", "x"}, "must be PARTITION:OFFSET"},
		{[]string{"replay", "0:1", "--wait"}, "nothing is sent without --yes"},
		{[]string{"replay", "--all", "-n", "0"}, "--limit 0"},
	} {
		require.Contains(t, h.bad(exitUsage, append([]string{"dlq"}, c.args...)...), c.want)
	}
}

// operator is a command that got as far as having taken over.
func (h *harness) operator() *letterWriter {
	h.t.Helper()
	a := &app{Process: Process{Stderr: io.Discard}, sources: settingSources{environ: h.environ}}
	w, err := a.openLetterWriter(h.t.Context(), defaultTopology(h.t))
	require.NoError(h.t, err)
	h.t.Cleanup(w.close)
	return w
}

func workOn(id letterID) []letterWork {
	return []letterWork{{id: id, record: &kgo.Record{Topic: "holdfast.stock.feed", Value: []byte("again")},
		note: &record.LetterNote{Letter: id.String(), Action: record.LetterReplayed}}}
}

// TestReplayIsKilled: whatever it had written of a transaction that didn't end
// never was, so the next replay sends it, once.
func TestReplayIsKilled(t *testing.T) {
	h, b := withBroker(t)
	h.good("topics", "apply")
	newLetterBox(t, b).put(1, time.Now(), "unknown_type", "holdfast.stock.feed", 0, "TEE", "again")
	dying := h.operator()
	require.NoError(t, dying.write(t.Context(), workOn(letterID{1, 0})))
	dying.client.Close() // record and note are written, and nobody says that they count

	require.Equal(t, "done", h.deal(exitGood, "replay", "--all", "--yes")[0].Outcome)
	fed := h.tail("stock.feed")
	require.Len(t, fed, 1, "what the dead one wrote is aborted")
	require.EqualValues(t, 2, fed[0].Offset, "behind the dead one's record and its marker")
	require.Equal(t, "nothing_to_do", h.deal(exitGood, "replay", "1:0", "--yes")[0].Outcome)
	require.Len(t, h.tail("stock.feed"), 1)
	require.Len(t, h.tail("dlq.done"), 1)
}

// TestReplayIsInterrupted: it leaves nothing open that others would wait for.
func TestReplayIsInterrupted(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply")
	w := h.operator()
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, w.write(ctx, workOn(letterID{1, 0})))
	cancel()
	w.abort(ctx)
	require.ErrorIs(t, w.chunk(ctx, workOn(letterID{1, 0})), context.Canceled)
	require.ErrorIs(t, w.deal(ctx, workOn(letterID{1, 0}), func([]letterWork) { t.Error("it was interrupted") }), context.Canceled)
	// Behind a transaction that is open, a stable end wouldn't move.
	cl := kadm.NewClient(w.client)
	ends, err := cl.ListEndOffsets(t.Context(), "holdfast.stock.feed")
	require.NoError(t, err)
	stable, err := cl.ListCommittedOffsets(t.Context(), "holdfast.stock.feed")
	require.NoError(t, err)
	require.Equal(t, ends.Offsets(), stable.Offsets())
	require.Empty(t, h.tail("stock.feed"))
	require.Empty(t, h.tail("dlq.done"))

	require.NoError(t, w.chunk(t.Context(), workOn(letterID{1, 0})))
	require.Len(t, h.tail("stock.feed"), 1)
}

// TestTwoOperators: who came second goes on, and what the first then writes
// doesn't count.
func TestTwoOperators(t *testing.T) {
	h, b := withBroker(t)
	h.good("topics", "apply")
	newLetterBox(t, b).put(1, time.Now(), "unknown_type", "holdfast.stock.feed", 0, "TEE", "again")
	first := h.operator()
	require.Equal(t, "done", h.deal(exitGood, "replay", "1:0", "--yes")[0].Outcome)
	err := first.deal(t.Context(), workOn(letterID{1, 0}), func([]letterWork) { t.Error("the first did it too") })
	require.ErrorIs(t, err, errLetterFenced)
	require.Len(t, h.tail("stock.feed"), 1)

	halfway := h.operator()
	require.NoError(t, halfway.write(t.Context(), workOn(letterID{1, 9})))
	h.operator()
	require.Error(t, halfway.client.EndTransaction(t.Context(), kgo.TryCommit))
	require.Len(t, h.tail("stock.feed"), 1)
}

// TestWhoTakesOverReadsTheNotesAfterThat: what the one before committed up to the
// last moment is known.
func TestWhoTakesOverReadsTheNotesAfterThat(t *testing.T) {
	h, b := withBroker(t)
	h.good("topics", "apply")
	newLetterBox(t, b).put(1, time.Now(), "unknown_type", "holdfast.stock.feed", 0, "TEE", "again")
	var before result
	held := false
	b.Cluster().ControlKey(kmsg.InitProducerID.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		if !held {
			held = true
			b.Cluster().SleepControl(func() { before = h.run("dlq", "replay", "1:0", "--yes") })
		}
		return nil, nil, false
	})
	require.Equal(t, "nothing_to_do", h.deal(exitGood, "replay", "1:0", "--yes")[0].Outcome)
	require.Equal(t, exitGood, before.code, before.errout)
	require.Contains(t, before.out, "1 letter replayed\n")
	require.Len(t, h.tail("stock.feed"), 1)
}

// TestNotesOfGoneLettersAreDeleted: the topic of notes doesn't grow for ever.
func TestNotesOfGoneLettersAreDeleted(t *testing.T) {
	h, b := withBroker(t)
	h.good("topics", "apply")
	box := newLetterBox(t, b)
	for i := range int64(3) {
		box.put(0, time.Now(), "unknown_type", "holdfast.stock.feed", i, "TEE", "v")
	}
	h.deal(exitGood, "discard", "0:0", "0:1", "--yes", "--because", "x")
	require.NoError(t, b.Cluster().DeleteRecords("holdfast.dlq", 0, 1))
	h.deal(exitGood, "discard", "0:2", "--yes", "--because", "x")
	left := map[string]bool{}
	for _, r := range h.tail("dlq.done") {
		left[*r.Key] = r.Value != nil
	}
	require.Equal(t, map[string]bool{"0:0": false, "0:1": true, "0:2": true}, left)
}

// TestApplicationOlderThanTheNotes: nodes run and letters are shown; who wants to
// deal with them is told what creates the topic.
func TestApplicationOlderThanTheNotes(t *testing.T) {
	h, b := withBroker(t)
	h.good("topics", "apply")
	newLetterBox(t, b).put(0, time.Now(), "unknown_type", "holdfast.stock.feed", 0, "TEE", "v")
	_, err := kadm.NewClient(plainClient(t, b)).DeleteTopics(t.Context(), "holdfast.dlq.done")
	require.NoError(t, err)
	_, err = checkCluster(t.Context(), plainClient(t, b), defaultTopology(t))
	require.NoError(t, err)
	require.Len(t, h.letters().Letters, 1)
	h.good("dlq", "show", "0:0")
	require.Contains(t, h.bad(exitFailed, "dlq", "replay", "--all", "--yes"), "topic holdfast.dlq.done is missing; create it with: holdfast topics apply --brokers "+b.Addr())
	require.True(t, strings.HasPrefix(h.good("topics", "plan"), "would create holdfast.dlq.done: 1 partition"))
	h.good("topics", "apply")
	h.deal(exitGood, "replay", "--all", "--yes")
}
