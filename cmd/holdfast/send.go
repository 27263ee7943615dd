package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
)

type sendCmd struct {
	Topic     string   `help:"Public topic, with or without the application's prefix; unless named, each file's own name without its ending." short:"t" placeholder:"TOPIC"`
	Files     []string `arg:"" optional:"" name:"file" help:"Files with JSON lines, or with one JSON value; - is standard input."`
	Key       *string  `help:"Key of all records, instead of the one found in each."`
	Header    []string `help:"Header of all records. Can be repeated." placeholder:"NAME=VALUE" sep:"none" short:"H"`
	Tombstone []string `help:"Delete the row of a key from a table. Can be repeated." placeholder:"KEY" sep:"none"`
	Wait      bool     `help:"Come back when all of it is decided and told; for a minute at most. Takes a running node."`
	clusterFlags
	outputFlag
}

func (c *sendCmd) Help() string {
	return `Each line is a record's value. A value may also span lines, and a file may hold a single one: an object with "body" is a payload file, whose body becomes the value and whose "headers" become headers. Without --key the key is found in the value: the order key, the SKU, the row's key.

A file named after a topic needs no --topic: warehouses.jsonl, stock.feed.jsonl, channel.web.orders.jsonl.

Nothing is validated, so that bad input can be sent too; what isn't JSON is sent line by line as it is.`
}

// sendReport is what was sent.
type sendReport struct {
	Topic      string          `json:"topic"`
	Records    int             `json:"records"`
	Partitions []sentPartition `json:"partitions"`
}

type sentPartition struct {
	Partition   int32 `json:"partition"`
	Records     int   `json:"records"`
	FirstOffset int64 `json:"first_offset"`
	LastOffset  int64 `json:"last_offset"`
}

func (c *sendCmd) Run(ctx context.Context, a *app) error {
	if len(c.Files) == 0 && len(c.Tombstone) == 0 {
		return usageErrorf("nothing to send: name a file, - for standard input, or --tombstone KEY")
	}
	headers, err := parseHeaders(c.Header)
	if err != nil {
		return err
	}
	s, err := a.settings()
	if err != nil {
		return err
	}
	t, err := s.Topology(1)
	if err != nil {
		return usageErrorf("%w", err)
	}
	batches, err := c.batches(t)
	if err != nil {
		return err
	}
	most := int64(0)
	for _, b := range batches {
		most = max(most, maxMessageBytes(b.topic))
	}
	cl, err := a.connect(ctx, kgo.ProducerBatchMaxBytes(int32(most)), kgo.UnknownTopicRetries(1))
	if err != nil {
		return err
	}
	defer cl.Close()
	for _, b := range batches {
		report, err := c.sendBatch(ctx, a, &sending{cl: cl, apply: a.applyCommand(cl, t)}, b, headers)
		if err != nil {
			return err
		}
		if err := a.reportSent(c.outputFlag, report); err != nil {
			return err
		}
	}
	if !c.Wait {
		return nil
	}
	return c.wait(ctx, a, s, cl, t)
}

// sendWaitMax is how long --wait waits. What a person sends is decided within
// seconds; a backlog that takes longer is seen with other commands.
const sendWaitMax = time.Minute

func (c *sendCmd) wait(ctx context.Context, a *app, s *Settings, cl *kgo.Client, t *topology.Topology) error {
	options, err := clientOptions(&s.Kafka)
	if err != nil {
		return usageErrorf("%w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendWaitMax)
	defer cancel()
	return settle(ctx, cl, options, t, s.Updates.Window, nil)
}

// batch is what goes to one topic.
type batch struct {
	topic *topology.Topic
	files []string
	keys  []string // of rows to delete
}

// batches sorts the files by topic, in the order in which they are named.
func (c *sendCmd) batches(t *topology.Topology) ([]*batch, error) {
	var list []*batch
	of := func(name string) (*batch, error) {
		topic, err := publicInput(t, name)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(list, func(b *batch) bool { return b.topic == topic }); i >= 0 {
			return list[i], nil
		}
		list = append(list, &batch{topic: topic})
		return list[len(list)-1], nil
	}
	if c.Topic == "" && (len(c.Tombstone) > 0 || slices.Contains(c.Files, "-")) {
		return nil, usageErrorf("--topic: a deletion or standard input doesn't say where it goes")
	}
	if len(c.Tombstone) > 0 {
		b, err := of(c.Topic)
		if err != nil {
			return nil, err
		}
		b.keys = c.Tombstone
	}
	for _, file := range c.Files {
		name := c.Topic
		if name == "" {
			base := filepath.Base(file)
			name = strings.TrimSuffix(base, filepath.Ext(base))
		}
		b, err := of(name)
		if err != nil {
			if c.Topic == "" {
				return nil, fmt.Errorf("%s: the file's name isn't a topic's; name one with --topic: %w", file, err)
			}
			return nil, err
		}
		b.files = append(b.files, file)
	}
	return list, nil
}

func (c *sendCmd) sendBatch(ctx context.Context, a *app, out *sending, b *batch, headers []kgo.RecordHeader) (*sendReport, error) {
	for _, key := range b.keys {
		if err := out.send(ctx, &kgo.Record{Topic: b.topic.Name, Key: []byte(key), Headers: headers}); err != nil {
			return nil, err
		}
	}
	err := eachFile(a, b.files, func(r io.Reader) error {
		return eachPayload(r, func(p payload) error {
			rec := &kgo.Record{Topic: b.topic.Name, Value: p.value, Headers: append(p.headers, headers...)}
			if c.Key != nil {
				rec.Key = []byte(*c.Key)
			} else {
				rec.Key = deriveKey(b.topic.Short, rec)
			}
			return out.send(ctx, rec)
		})
	})
	report, sendErr := out.finish(ctx, b.topic.Name)
	return report, errors.Join(err, sendErr)
}

func eachFile(a *app, files []string, fn func(io.Reader) error) error {
	for _, name := range files {
		if name == "-" {
			if err := fn(a.Stdin); err != nil {
				return fmt.Errorf("standard input: %w", err)
			}
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return usageErrorf("%w", err)
		}
		err = fn(f)
		f.Close() //nolint:errcheck // it was only read
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// publicInput finds the topic that is meant. Others than those that the world
// writes to are refused: a foreign record on an internal log is a bug that the
// stages halt on, and one among the events is what the audit exists to find.
func publicInput(t *topology.Topology, name string) (*topology.Topic, error) {
	topic, err := findTopic(t, name)
	if err != nil {
		return nil, err
	}
	if topic.Role != topology.RolePublicIn && topic.Role != topology.RoleTable {
		return nil, usageErrorf("topic %s is written by Holdfast alone", topic.Name)
	}
	return topic, nil
}

// findTopic looks a topic up by its name with or without the prefix.
func findTopic(t *topology.Topology, name string) (*topology.Topic, error) {
	if short, ok := t.Short(name); ok && t.Lookup(short) != nil {
		return t.Lookup(short), nil
	}
	if topic := t.Lookup(name); topic != nil {
		return topic, nil
	}
	var names []string
	for i := range t.Topics {
		names = append(names, t.Topics[i].Short)
	}
	return nil, usageErrorf("no topic %s in application %s; there are %s", name, t.AppID, strings.Join(names, ", "))
}

func maxMessageBytes(t *topology.Topic) int64 { return atoi(t.Configs["max.message.bytes"]) }

func parseHeaders(pairs []string) (headers []kgo.RecordHeader, err error) {
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usageErrorf("--header %s: must be NAME=VALUE", pair)
		}
		headers = append(headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	return headers, nil
}

// sending collects what became of the records. The client calls back from one
// goroutine, and finish waits for it, so there is no lock.
type sending struct {
	cl    *kgo.Client
	apply string
	parts []sentPartition
	err   error // of the first record that failed
}

// send hands a record to the client, which waits when too many are on their way.
func (s *sending) send(ctx context.Context, r *kgo.Record) error {
	s.cl.Produce(ctx, r, s.sent)
	return ctx.Err()
}

func (s *sending) sent(r *kgo.Record, err error) {
	if err != nil {
		if s.err == nil {
			s.err = fmt.Errorf("sending to %s: %w", r.Topic, denied(err, topology.OperationWrite, topology.ResourceTopic, r.Topic))
			if errors.Is(err, kerr.UnknownTopicOrPartition) {
				s.err = fmt.Errorf("topic %s is missing; create it with: %s", r.Topic, s.apply)
			}
		}
		return
	}
	i := slices.IndexFunc(s.parts, func(p sentPartition) bool { return p.Partition == r.Partition })
	if i < 0 {
		i = len(s.parts)
		s.parts = append(s.parts, sentPartition{Partition: r.Partition, FirstOffset: r.Offset, LastOffset: r.Offset})
	}
	p := &s.parts[i]
	p.Records++
	p.FirstOffset, p.LastOffset = min(p.FirstOffset, r.Offset), max(p.LastOffset, r.Offset)
}

func (s *sending) finish(ctx context.Context, topic string) (*sendReport, error) {
	if err := s.cl.Flush(ctx); err != nil {
		return nil, err
	}
	if s.err != nil {
		return nil, s.err
	}
	slices.SortFunc(s.parts, func(a, b sentPartition) int { return int(a.Partition - b.Partition) })
	r := &sendReport{Topic: topic, Partitions: append([]sentPartition{}, s.parts...)}
	for i := range s.parts {
		r.Records += s.parts[i].Records
	}
	return r, nil
}

func (a *app) reportSent(o outputFlag, r *sendReport) error {
	if o.json() {
		return a.printJSON(r)
	}
	var where []string
	for _, p := range r.Partitions {
		where = append(where, fmt.Sprintf("%d@%d..%d", p.Partition, p.FirstOffset, p.LastOffset))
	}
	_, err := fmt.Fprintf(a.Stdout, "%s sent to %s (partition@offsets %s)\n", countOf(r.Records, "record"), r.Topic, strings.Join(where, " "))
	return err
}
