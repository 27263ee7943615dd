package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
	"holdfast/topology/record"
)

type dlqCmd struct {
	Ls      dlqLsCmd      `cmd:"" help:"List dead letters, or count them by reason."`
	Show    dlqShowCmd    `cmd:"" help:"Show all of one letter, and what can be done with it."`
	Replay  dlqReplayCmd  `cmd:"" help:"Send the record of letters again, once."`
	Discard dlqDiscardCmd `cmd:"" help:"Note that letters are dealt with. They are kept."`
	Resume  dlqResumeCmd  `cmd:"" help:"Let a source partition go on that was paused for its dead letters."`
}

// letterFilter says which letters are meant.
type letterFilter struct {
	Reason []string `help:"Only letters of this reason. Can be repeated." placeholder:"REASON"`
	Topic  []string `help:"Only what came in on this topic, named with or without the application's prefix. Can be repeated." short:"t" placeholder:"TOPIC"`
	Since  string   `help:"Only letters since then: a time (RFC 3339), or how long ago (90m, 2d)." placeholder:"TIME"`
}

func (f *letterFilter) isEmpty() bool { return len(f.Reason)+len(f.Topic) == 0 && f.Since == "" }

// letterQuery is a filter that was read.
type letterQuery struct {
	reasons []string
	topics  []string      // full names
	since   record.Millis // 0: from the start
}

func (f *letterFilter) read(t *topology.Topology, now time.Time) (*letterQuery, error) {
	q := &letterQuery{reasons: f.Reason}
	for _, name := range f.Topic {
		topic, err := findTopic(t, name)
		if err != nil {
			return nil, err
		}
		q.topics = append(q.topics, topic.Name)
	}
	if f.Since == "" {
		return q, nil
	}
	if q.since.UnmarshalText([]byte(f.Since)) == nil {
		return q, nil
	}
	ago, err := parseDuration(f.Since)
	if err != nil || ago <= 0 {
		return nil, usageErrorf("--since %s: must be a time as 2026-11-11T00:00:00+07:00, or how long ago, as 90m or 2d", f.Since)
	}
	q.since = record.Millis(now.Add(-ago).UnixMilli())
	return q, nil
}

func (q *letterQuery) wants(l *letter) bool {
	return l.at >= q.since &&
		(len(q.reasons) == 0 || slices.Contains(q.reasons, l.reason)) &&
		(len(q.topics) == 0 || slices.Contains(q.topics, l.source.Topic))
}

// deadLetters is the topic dlq with what was done about it.
type deadLetters struct {
	app          *app
	client       *kgo.Client
	topology     *topology.Topology
	topic        string             // full name of dlq
	starts, ends kadm.ListedOffsets // of it, when the command began
	notes        letterNotes
}

func (a *app) openDeadLetters(ctx context.Context) (*deadLetters, error) {
	cl, t, err := a.connectExisting(ctx)
	if err != nil {
		return nil, err
	}
	d := &deadLetters{app: a, client: cl, topology: t, topic: t.Name(topology.DeadLetters)}
	if d.starts, d.ends, err = d.bounds(ctx, d.topic, false); err != nil {
		cl.Close()
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			err = d.missing(d.topic)
		}
		return nil, err
	}
	return d, nil
}

// bounds looks up where a topic starts and ends. What belongs to transactions that
// are open lies behind the end, unless it is to be waited for: that of a command
// that was killed stays open for a while, and who only looks needn't know.
func (d *deadLetters) bounds(ctx context.Context, topic string, wait bool) (starts, ends kadm.ListedOffsets, err error) {
	admin := kadm.NewClient(d.client)
	end := admin.ListCommittedOffsets
	if wait {
		end = admin.ListEndOffsets
	}
	if starts, err = admin.ListStartOffsets(ctx, topic); err == nil {
		err = starts.Error()
	}
	if err == nil {
		if ends, err = end(ctx, topic); err == nil {
			err = ends.Error()
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("looking up where %s starts and ends: %w", topic, err)
	}
	return starts, ends, nil
}

func (d *deadLetters) close() { d.client.Close() }

func (d *deadLetters) missing(topic string) error {
	return fmt.Errorf("topic %s is missing; create it with: %s", topic, d.app.applyCommand(d.client, d.topology))
}

// readNotes reads what was done. Who has taken over reads all of it. For others an
// application that is older than the topic has none: to look is fine.
func (d *deadLetters) readNotes(ctx context.Context, takenOver bool) error {
	d.notes = letterNotes{byLetter: map[letterID]*record.LetterNote{}, bySent: map[record.Origin]letterID{}}
	name := d.topology.Name(topology.DeadLettersDone)
	starts, ends, err := d.bounds(ctx, name, takenOver)
	if err == nil {
		err = readBetween(ctx, d.client, false, starts, ends, d.notes.add)
	}
	switch {
	case !errors.Is(err, kerr.UnknownTopicOrPartition):
	case takenOver:
		return d.missing(name)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading what was dealt with: %w", err)
	}
	return nil
}

// each calls fn with every letter since a time, each partition in order.
func (d *deadLetters) each(ctx context.Context, since record.Millis, fn func(*letter) error) error {
	from := d.starts
	if since > 0 {
		var err error
		if from, err = kadm.NewClient(d.client).ListOffsetsAfterMilli(ctx, int64(since), d.topic); err == nil {
			err = from.Error()
		}
		if err != nil {
			return fmt.Errorf("looking up where the letters since %s begin: %w", since, err)
		}
	}
	return readBetween(ctx, d.client, false, from, d.ends, func(r *kgo.Record) error {
		l := letterOf(r)
		return fn(&l)
	})
}

// get returns letters by name.
func (d *deadLetters) get(ctx context.Context, ids ...letterID) ([]letter, error) {
	var places []record.Origin
	for _, id := range ids {
		places = append(places, record.Origin{Topic: d.topic, Partition: record.Partition(id.partition), Offset: record.Offset(id.offset)})
	}
	found, err := recordsAt(ctx, d.client, places)
	if err != nil {
		return nil, err
	}
	var list []letter
	for i, place := range places {
		r := found[place]
		if r == nil {
			return nil, fmt.Errorf("there is no dead letter %s%s", ids[i], d.rangeWords(ids[i].partition))
		}
		list = append(list, letterOf(r))
	}
	return list, nil
}

func (d *deadLetters) rangeWords(partition int32) string {
	start, ok := d.starts.Lookup(d.topic, partition)
	end, _ := d.ends.Lookup(d.topic, partition)
	if !ok {
		return fmt.Sprintf(": topic %s has partitions 0 to %d", d.topic, len(d.starts[d.topic])-1)
	}
	return fmt.Sprintf(": what partition %d of %s holds lies between the offsets %d and %d", partition, d.topic, start.Offset, end.Offset)
}

// topicOf returns the topic that a letter came from, or nil where the application
// has none of that name.
func (d *deadLetters) topicOf(l *letter) *topology.Topic {
	short, _ := d.topology.Short(l.source.Topic)
	return d.topology.Lookup(short)
}

// sourceText names the public record, without the application's prefix.
func (d *deadLetters) sourceText(l *letter) string {
	if l.source.Topic == "" {
		return ""
	}
	short := l.source
	short.Topic = plainText(strings.TrimPrefix(short.Topic, d.topology.Prefix()))
	return short.String()
}

// recordsAt returns the committed records at some places; those that are gone are
// left out.
func recordsAt(ctx context.Context, cl *kgo.Client, places []record.Origin) (map[record.Origin]*kgo.Record, error) {
	found := map[record.Origin]*kgo.Record{}
	if len(places) == 0 {
		return found, nil
	}
	var topics []string
	for _, p := range places {
		if !slices.Contains(topics, p.Topic) {
			topics = append(topics, p.Topic)
		}
	}
	admin := kadm.NewClient(cl)
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("looking up where the logs start: %w", err)
	}
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("looking up where the logs end: %w", err)
	}
	for _, stretch := range stretches(places) {
		first, last := stretch[0], stretch[len(stretch)-1]
		start, ok1 := starts.Lookup(first.Topic, int32(first.Partition))
		end, ok2 := ends.Lookup(first.Topic, int32(first.Partition))
		if !ok1 || !ok2 || start.Err != nil || end.Err != nil {
			continue // no such partition
		}
		wanted := map[record.Offset]bool{}
		for _, p := range stretch {
			wanted[p.Offset] = true
		}
		at := func(offset int64) kadm.ListedOffsets {
			return kadm.ListedOffsets{first.Topic: {int32(first.Partition): {Topic: first.Topic, Partition: int32(first.Partition), Offset: offset}}}
		}
		from, to := max(int64(first.Offset), start.Offset), min(int64(last.Offset)+1, end.Offset)
		err := readBetween(ctx, cl, false, at(from), at(to), func(r *kgo.Record) error {
			if wanted[record.Offset(r.Offset)] {
				found[record.Origin{Topic: r.Topic, Partition: record.Partition(r.Partition), Offset: record.Offset(r.Offset)}] = r
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// stretchGapMax is how many offsets are read in vain rather than seeking anew.
const stretchGapMax = 1000

// stretches sorts places, and groups those that are read in one go.
func stretches(places []record.Origin) (out [][]record.Origin) {
	places = slices.Clone(places)
	slices.SortFunc(places, func(a, b record.Origin) int {
		if a.Topic != b.Topic {
			return strings.Compare(a.Topic, b.Topic)
		}
		if a.Partition != b.Partition {
			return int(a.Partition - b.Partition)
		}
		return int(min(max(a.Offset-b.Offset, -1), 1))
	})
	for i, p := range places {
		if i > 0 {
			last := places[i-1]
			if last.Topic == p.Topic && last.Partition == p.Partition && p.Offset-last.Offset <= stretchGapMax {
				out[len(out)-1] = append(out[len(out)-1], p)
				continue
			}
		}
		out = append(out, []record.Origin{p})
	}
	return out
}
