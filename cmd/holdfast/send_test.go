package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
)

// tailed is a line of tail as a program reads it.
type tailed struct {
	Topic     string
	Partition int32
	Offset    int64
	At        string
	Key       *string
	Headers   map[string]any
	Value     any
}

func (h *harness) tail(args ...string) (lines []tailed) {
	h.t.Helper()
	for line := range strings.Lines(h.good(append([]string{"tail"}, args...)...)) {
		lines = append(lines, decodeJSON[tailed](h.t, line))
	}
	return lines
}

func TestSendAndTail(t *testing.T) {
	h, _ := withBroker(t)
	require.Contains(t, h.bad(exitFailed, "send", "--topic", "stock.feed", writeFile(t, "a.json", "{}")),
		"topic holdfast.stock.feed is missing; create it with: holdfast topics apply --brokers "+h.brokers)
	require.Contains(t, h.bad(exitFailed, "tail", "stock.feed"), "topic holdfast.stock.feed is missing; create it with: ")
	h.good("topics", "apply")
	require.Empty(t, h.tail("stock.feed"))

	h.stdin = `{"holdfast":1,"event_id":"s-1","type":"stock.count","sku":"TEE","warehouse":"HCM-1","qty":5}` + "\n" +
		`{"holdfast":1,"event_id":"s-2","type":"stock.count","sku":"CAP","warehouse":"HCM-1","qty":99999999999999999999}` + "\nno JSON\n"
	out := decodeJSON[sendReport](t, h.good("send", "--topic", "stock.feed", "-", "-o", "json"))
	require.Equal(t, "holdfast.stock.feed", out.Topic)
	require.Equal(t, 3, out.Records)

	lines := h.tail("holdfast.stock.feed")
	require.Len(t, lines, 3)
	byKey := map[string]tailed{}
	for _, l := range lines {
		require.Equal(t, "holdfast.stock.feed", l.Topic)
		require.Regexp(t, `^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, l.At)
		require.Empty(t, l.Headers)
		if l.Key == nil {
			byKey[""] = l
		} else {
			byKey[*l.Key] = l
		}
	}
	require.Equal(t, "s-1", byKey["TEE"].Value.(map[string]any)["event_id"])
	require.Equal(t, "no JSON", byKey[""].Value)
	require.Equal(t, topology.KafkaPartition([]byte("TEE"), 4), byKey["TEE"].Partition, "where Kafka's own clients put it")
	require.Contains(t, h.good("tail", "stock.feed", "--key", "CAP"), `"qty":99999999999999999999`, "JSON comes back as it is")
	require.Len(t, h.tail("stock.feed", "--key", "TEE"), 1)
	require.Empty(t, h.tail("stock.feed", "--key", "HAT"))
}

func TestSendPayloadFileAndTombstone(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply")
	file := writeFile(t, "payload.json", "{\n \"_meta\": {},\n \"headers\": {\"X-Shop\": \"s1\"},\n \"body\": {\n  \"n\": [1,\n 2]\n }\n}\n")
	text := h.good("send", "-t", "holdfast.channel.web.orders", file, "--key", "k", "-H", "holdfast-shop=main", "-H", "x=a=b")
	require.Regexp(t, `^1 record sent to holdfast\.channel\.web\.orders \(partition@offsets \d@0\.\.0\)\n$`, text)
	lines := h.tail("channel.web.orders")
	require.Len(t, lines, 1)
	require.Equal(t, "k", *lines[0].Key)
	require.Equal(t, map[string]any{"X-Shop": "s1", "holdfast-shop": "main", "x": "a=b"}, lines[0].Headers)
	require.Equal(t, map[string]any{"n": []any{1.0, 2.0}}, lines[0].Value)

	h.good("send", "-t", "warehouses", writeFile(t, "w.json", `{"id":"HCM-1"}`+"\n"+`{"id":"HCM-2"}`))
	h.good("send", "-t", "warehouses", "--tombstone", "HCM-1", "--tombstone", "HCM-2")
	lines = h.tail("warehouses")
	require.Len(t, lines, 4)
	require.Equal(t, "HCM-1", *lines[2].Key)
	require.Nil(t, lines[2].Value)
	require.Contains(t, h.good("tail", "warehouses"), `"key":"HCM-2","headers":{},"value":null}`)
}

func TestSendRefuses(t *testing.T) {
	h, _ := withBroker(t)
	file := writeFile(t, "x.json", "{}")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-t", "stock.feed"}, "nothing to send"},
		{[]string{"-t", "log.orders", file}, "topic holdfast.log.orders is written by Holdfast alone"},
		{[]string{"-t", "order.events", file}, "is written by Holdfast alone"},
		{[]string{"-t", "channel.nobody.orders", file}, "no topic channel.nobody.orders in application holdfast; there are channel.shopee.orders"},
		{[]string{"-t", "stock.feed", file, "-H", "x"}, "--header x: must be NAME=VALUE"},
		{[]string{file}, "x.json: the file's name isn't a topic's; name one with --topic"},
		{[]string{"-"}, "--topic: a deletion or standard input doesn't say where it goes"},
		{[]string{"--tombstone", "K"}, "--topic: a deletion"},
	} {
		require.Contains(t, h.bad(exitUsage, append([]string{"send"}, c.args...)...), c.want)
	}
	h.good("topics", "apply")
	require.Contains(t, h.bad(exitUsage, "send", "-t", "stock.feed", "nowhere.json"), "nowhere.json")
}

func TestSendTooLarge(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply")
	h.stdin = strings.Repeat("x", 7<<20)
	h.good("send", "-t", "stock.feed", "-")
	h.stdin = strings.Repeat("x", 9<<20)
	require.Contains(t, h.bad(exitFailed, "send", "-t", "stock.feed", "-"), "sending to holdfast.stock.feed: MESSAGE_TOO_LARGE")
}

func TestKeysAreDerived(t *testing.T) {
	for _, c := range []struct{ topic, value, want string }{
		{"stock.feed", `{"sku":"A","warehouse":"W"}`, "A"},
		{"stock.feed", `{"sku":5}`, ""},
		{"stock.feed", `{"sku":"A","id":5,"order_id":[]}`, "A"},
		{"stock.feed", `[1]`, ""},
		{"fulfilment.feed", `{"order_key":"web/main/1/2"}`, "web/main/1/2"},
		{"warehouses", `{"id":"HCM-1"}`, "HCM-1"},
		{"catalog", `{"sku":"COMBO"}`, "COMBO"},
		{"channels", `{"channel":"shopee","shop":"two"}`, "shopee/two"},
		{"channels", `{"channel":"shopee"}`, "shopee/main"},
		{"channels", `{}`, ""},
		{"channel.web.orders", `{"holdfast":1,"order_id":"W-1"}`, "web/main/W-1"},
		{"channel.web.orders", `{"holdfast":1,"channel":"pos","shop":"s","order_id":"a/b"}`, "pos/s/a/b"},
		{"channel.web.orders", `{"holdfast":1}`, ""},
		{"channel.web.orders", `{"order_id":"W-1"}`, ""},
		{"dlq", `{"sku":"A"}`, ""},
	} {
		got := deriveKey(c.topic, &kgo.Record{Value: []byte(c.value)})
		require.Equal(t, c.want, string(got), "%s %s", c.topic, c.value)
		if c.want == "" {
			require.Nil(t, got)
		}
	}
}

func TestKeysOfTheChannelsOwnPayloads(t *testing.T) {
	for _, c := range []struct{ channel, file, want string }{
		{"shopee", "push_order_status", "shopee/"},
		{"shopify", "orders_create", "shopify/"},
	} {
		text := readFile(t, "../../channel/"+c.channel+"/testdata/"+c.file+".json")
		var rec *kgo.Record
		require.NoError(t, eachPayload(strings.NewReader(text), func(p payload) error {
			require.Nil(t, rec, "one payload")
			rec = &kgo.Record{Value: p.value, Headers: p.headers}
			return nil
		}))
		key := string(deriveKey("channel."+c.channel+".orders", rec))
		require.Regexp(t, `^`+c.want+`[^/]+/\w+$`, key)
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: "Holdfast-Shop", Value: []byte("main")})
		require.Regexp(t, `^`+c.want+`main/\w+$`, string(deriveKey("channel."+c.channel+".orders", rec)))
	}
}
