package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/state"
	"holdfast/topology"
	"holdfast/topology/record"
)

type tailCmd struct {
	Topic  string  `arg:"" help:"Topic, with or without the application's prefix."`
	Follow bool    `help:"Go on at the end, until interrupted." short:"f"`
	Key    *string `help:"Only what has this key; on internal logs, only entries that have it."`
	clusterFlags
}

func (c *tailCmd) Help() string {
	return `Prints from the log's start to its end as it is when the command starts: committed records only, one JSON object a line on standard output, with topic, partition, offset, at, key, headers and value.

On an internal log a record's value is a list of entries, each with kind, key, origin (the public record that it came from) and body.`
}

// tailLine is one record as it is printed.
type tailLine struct {
	Topic     string        `json:"topic"`
	Partition int32         `json:"partition"`
	Offset    int64         `json:"offset"`
	At        record.Millis `json:"at"`
	Key       any           `json:"key"`
	Headers   tailHeaders   `json:"headers"`
	Value     any           `json:"value"`
}

func (c *tailCmd) Run(ctx context.Context, a *app) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	t, err := s.Topology(1)
	if err != nil {
		return usageErrorf("%w", err)
	}
	topic, err := findTopic(t, c.Topic)
	if err != nil {
		return err
	}
	cl, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	out := bufio.NewWriter(a.Stdout)
	err = readCommitted(ctx, cl, c.Follow, []string{topic.Name}, func(r *kgo.Record) error {
		line, ok := c.line(topic, r)
		if !ok {
			return nil
		}
		if err := encodeJSON(out, line, ""); err != nil {
			return err
		}
		if c.Follow {
			return out.Flush()
		}
		return nil
	})
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return fmt.Errorf("topic %s is missing; create it with: %s", topic.Name, a.applyCommand(cl, t))
	case c.Follow && errors.Is(err, context.Canceled):
		err = nil // that is how following ends
	}
	return errors.Join(err, out.Flush())
}

// line returns what is printed of a record; ok is false when it isn't asked for.
func (c *tailCmd) line(topic *topology.Topic, r *kgo.Record) (line tailLine, ok bool) {
	line = tailLine{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, At: record.Millis(r.Timestamp.UnixMilli()),
		Key: textValue(r.Key), Headers: r.Headers,
	}
	switch topic.Role {
	case topology.RoleLog:
		entries, err := decodeEntries(r.Value, c.wantsEntry)
		if err != nil {
			line.Value = undecoded{err.Error(), r.Value}
			return line, true
		}
		line.Value = entries
		return line, c.Key == nil || len(entries) > 0
	case topology.RoleChangelog:
		line.Value = deltaValue(r.Value)
	default:
		line.Value = jsonValue(r.Value)
	}
	return line, c.wantsEntry(r.Key)
}

func (c *tailCmd) wantsEntry(key []byte) bool { return c.Key == nil || *c.Key == string(key) }

// undecoded is a value that couldn't be read, with its bytes (base64).
type undecoded struct {
	Error string `json:"error"`
	Bytes []byte `json:"bytes"`
}

// deltaValue shows a record of a changelog: keys as text where they are, values
// as they are stored (base64), since only the stage knows their form.
func deltaValue(b []byte) any {
	d, err := state.Describe(b)
	if err != nil {
		return undecoded{err.Error(), b}
	}
	type entry struct {
		Op    string `json:"op"`
		Key   any    `json:"key"`
		Value []byte `json:"value,omitempty"`
	}
	entries := make([]entry, len(d.Entries))
	for i, e := range d.Entries {
		entries[i] = entry{e.Op, textValue(e.Key), e.Value}
	}
	d.Entries = nil
	return struct {
		state.Description
		Entries []entry `json:"entries"`
	}{d, entries}
}

// jsonValue returns JSON as it is, and other text as a string. The library takes
// strings that aren't UTF-8 for JSON, and who reads our output wouldn't.
func jsonValue(b []byte) any {
	if utf8.Valid(b) && json.Valid(b) {
		return json.RawMessage(b)
	}
	return textValue(b)
}

// textValue returns text as a string, nothing as null, and other bytes as an
// object, so that no byte is lost to the replacement of what isn't UTF-8.
func textValue(b []byte) any {
	switch {
	case b == nil:
		return nil
	case utf8.Valid(b):
		return string(b)
	}
	return struct {
		Bytes []byte `json:"bytes"`
	}{b}
}

// tailHeaders prints headers as an object. Of several of one name the last
// counts, as it does for Kafka's own clients.
type tailHeaders []kgo.RecordHeader

func (h tailHeaders) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, header := range h {
		if h.again(i) {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(compactJSON(header.Key))
		b.WriteByte(':')
		b.Write(compactJSON(textValue(header.Value)))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (h tailHeaders) again(i int) bool {
	for _, later := range h[i+1:] {
		if later.Key == h[i].Key {
			return true
		}
	}
	return false
}
