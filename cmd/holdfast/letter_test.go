package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
	"holdfast/topology/record"
)

func TestLetterNames(t *testing.T) {
	id, err := parseLetterID("3:17")
	require.NoError(t, err)
	require.Equal(t, letterID{3, 17}, id)
	require.Equal(t, "3:17", id.String())
	for _, text := range []string{"", "3", "3:", ":17", "3:17:1", "-1:2", "1:-2", "a:b", "99999999999:1", "3 :17"} {
		_, err := parseLetterID(text)
		require.ErrorContains(t, err, "must be PARTITION:OFFSET", text)
	}
}

// TestLetterIsTakenApart: ours are the last headers of their name, and none of
// them counts as the record's own.
func TestLetterIsTakenApart(t *testing.T) {
	header := func(name, value string) kgo.RecordHeader {
		return kgo.RecordHeader{Key: name, Value: []byte(value)}
	}
	ours := []kgo.RecordHeader{
		header("__streams.errors.exception", "unknown_type"), header("__streams.errors.message", "what"),
		header("__streams.errors.topic", "holdfast.channel.web.orders"), header("__streams.errors.partition", "2"), header("__streams.errors.offset", "17"),
	}
	own := []kgo.RecordHeader{header("__streams.errors.offset", "1"), header("__streams.errors.stacktrace", "x"), header("content-type", "a")}
	l := letterOf(&kgo.Record{Partition: 1, Offset: 5, Value: []byte("v"), Headers: append(own, ours...)})
	require.Equal(t, letterID{1, 5}, l.id)
	require.Equal(t, record.Origin{Topic: "holdfast.channel.web.orders", Partition: 2, Offset: 17}, l.source)
	require.Equal(t, []kgo.RecordHeader{header("content-type", "a")}, l.headers)
	require.Equal(t, "unknown_type", l.reason)
	for _, broken := range []kgo.RecordHeader{header("__streams.errors.partition", "-1"), header("__streams.errors.offset", "x"), header("__streams.errors.partition", "")} {
		l := letterOf(&kgo.Record{Headers: append(append([]kgo.RecordHeader{}, ours...), broken)})
		require.Empty(t, l.source.Topic, "%v", broken)
	}
}

func TestFateOfAReplay(t *testing.T) {
	topo := defaultTopology(t)
	replayed := &record.LetterNote{Action: record.LetterReplayed, By: "ann"}
	discarded := &record.LetterNote{Action: record.LetterDiscarded, By: "ann", Because: "a\ttest"}
	for _, c := range []struct {
		name, reason, topic string
		note                *record.LetterNote
		want                fate
		why                 string
	}{
		{"what a change cures", "shop_unknown", "holdfast.channel.shopee.orders", nil, fateGo, ""},
		{"a table's row", "channel_unknown", "holdfast.channels", nil, fateGo, ""},
		{"what nothing cures", "too_old", "holdfast.channel.web.orders", nil, fateForce, "it only gets older"},
		{"a broken record", "malformed", "holdfast.stock.feed", nil, fateForce, "send a mended one"},
		{"an id that is remembered", "below_zero", "holdfast.stock.feed", nil, fateForce, "within 24 hours nothing would come of it"},
		{"a reason of tomorrow", "moon_phase", "holdfast.stock.feed", nil, fateForce, "can't be taken"},
		{"replayed", "shop_unknown", "holdfast.channel.shopee.orders", replayed, fateDone, "replayed at "},
		{"discarded", "shop_unknown", "holdfast.channel.shopee.orders", discarded, fateForce, `by ann: a\ttest`},
		{"somebody else's", "shop_unknown", "", nil, fateNever, "Holdfast didn't write it"},
		{"another application's", "shop_unknown", "other.stock.feed", nil, fateNever, "no topic other.stock.feed in this application"},
		{"an internal log", "shop_unknown", "holdfast.log.orders", nil, fateNever, "written by Holdfast alone"},
		{"the letters themselves", "shop_unknown", "holdfast.dlq", nil, fateNever, "written by Holdfast alone"},
	} {
		l := &letter{reason: c.reason, source: record.Origin{Topic: c.topic}}
		got, why := judgeReplay(topo, l, c.note)
		require.Equal(t, c.want, got, c.name)
		require.Contains(t, why, c.why, c.name)
	}
}

// TestLettersWithoutTheirRecord: the values of stages behind intake aren't what
// came in.
func TestLettersWithoutTheirRecord(t *testing.T) {
	for _, c := range []struct {
		reason string
		bytes  int
		from   topology.Role
		want   bool
	}{
		{"order_unknown", 10, topology.RolePublicIn, true},
		{"event_id_conflict", 10, topology.RolePublicIn, true},
		{"count_too_old", 10, topology.RolePublicIn, true},
		{"unknown_type", 10, topology.RolePublicIn, false},
		{"too_large", record.ValueBytesMax, topology.RolePublicIn, true},
		{"too_large", record.ValueBytesMax + 1, topology.RolePublicIn, false},
		{"too_large", 70_000, topology.RoleTable, false},
	} {
		require.Equal(t, c.want, (&letter{reason: c.reason, bytes: c.bytes}).writtenLater(c.from), "%+v", c)
	}
}

func TestNotesOfLetters(t *testing.T) {
	n := letterNotes{byLetter: map[letterID]*record.LetterNote{}, bySent: map[record.Origin]letterID{}}
	add := func(key string, note *record.LetterNote) error {
		r := &kgo.Record{Key: []byte(key)}
		if note != nil {
			r.Value = note.Encode()
		}
		return n.add(r)
	}
	sent := &record.Sent{Topic: "t", Partition: 1, Offset: 9}
	require.NoError(t, add("0:5", &record.LetterNote{Letter: "0:5", LetterAt: 100, Action: record.LetterReplayed, Sent: sent}))
	require.NotNil(t, n.of(&letter{id: letterID{0, 5}, at: 100}))
	require.Nil(t, n.of(&letter{id: letterID{0, 5}, at: 101}), "a letter of the same name in a topic made anew")
	require.Equal(t, letterID{0, 5}, n.bySent[sent.Origin()])
	require.NoError(t, add("0:5", nil))
	require.Nil(t, n.of(&letter{id: letterID{0, 5}, at: 100}))
	require.Empty(t, n.bySent)

	require.ErrorContains(t, add("x", nil), "names no letter")
	for _, value := range []string{"", "{", `{"holdfast":2,"action":"replayed"}`, `{"holdfast":1,"action":"moved"}`} {
		err := n.add(&kgo.Record{Key: []byte("0:6"), Value: []byte(value)})
		require.Equal(t, value == "", err == nil, value)
	}
}

func TestLettersArePicked(t *testing.T) {
	pick := func(newest bool, most int) (got []int64) {
		p := letterPick{max: most, newest: newest}
		for i := range int64(10) {
			p.add(letter{id: letterID{0, i}, at: record.Millis((i * 7) % 10), value: make([]byte, 3)})
		}
		p.cut()
		require.Equal(t, 10, p.total)
		require.EqualValues(t, 3*len(p.list), p.bytes)
		for _, l := range p.list {
			got = append(got, int64(l.at))
		}
		return got
	}
	require.Equal(t, []int64{9, 8, 7}, pick(true, 3))
	require.Equal(t, []int64{0, 1}, pick(false, 2))
	require.Len(t, pick(false, 0), 10)
}

func TestTextFromOutside(t *testing.T) {
	require.Equal(t, "áo thun, 5 €", plainText("áo thun, 5 €"))
	require.Equal(t, `a\x1b[2Jb\n\xff`, plainText("a\x1b[2Jb\n\xff"))
	require.Equal(t, "áoáo", cutText("áoáo", 4))
	require.Equal(t, "áo…", cutText("áoáo", 3))
}

// Whatever stands in the topics dlq and dlq.done, reading it ends well or with an
// error: others may write there too.
func FuzzLetter(f *testing.F) {
	f.Add("3:17", []byte(`{"holdfast":1,"letter":"3:17","action":"replayed","sent":{"topic":"a","partition":1,"offset":2}}`), "__streams.errors.offset", "5")
	f.Add("3:17", []byte(``), "__streams.errors.partition", "-1")
	f.Add("x", []byte(`{}`), "h", "v")
	f.Fuzz(func(t *testing.T, key string, value []byte, header, headerValue string) {
		r := &kgo.Record{Topic: "holdfast.dlq", Partition: 3, Offset: 17, Key: []byte(key), Value: value, Headers: []kgo.RecordHeader{
			{Key: record.HeaderErrorPartition, Value: []byte("1")}, {Key: header, Value: []byte(headerValue)},
		}}
		l := letterOf(r)
		if l.source.Partition < 0 || l.source.Offset < 0 {
			t.Fatalf("source %v", l.source)
		}
		notes := letterNotes{byLetter: map[letterID]*record.LetterNote{}, bySent: map[record.Origin]letterID{}}
		if notes.add(r) != nil {
			return
		}
		notes.of(&l)
		if err := notes.add(r); err != nil || len(notes.byLetter) > 1 || len(notes.bySent) > 1 {
			t.Fatalf("the same note twice: %v, %d notes of %d records", err, len(notes.byLetter), len(notes.bySent))
		}
	})
}
