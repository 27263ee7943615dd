package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
	"holdfast/topology/record"
)

type dlqReplayCmd struct {
	dealFlags
	Because string `help:"Why, for those who come after." placeholder:"TEXT"`
	Force   bool   `help:"Replay also what sending again doesn't cure by itself, and letters named that were discarded."`
	Wait    bool   `help:"Come back when all of it is decided, and tell which came back as new letters; for a minute at most. Takes a running node."`
	clusterFlags
	outputFlag
}

func (c *dlqReplayCmd) Help() string {
	return `Sends the record that a letter is about again: key, value, headers, partition and time as they came. A record that is sent is noted in the same transaction, so a letter is replayed once, however often this is called, wherever it is killed, and whoever else is at it: of two, the one that began last goes on.

What doesn't change won't be cured: mend what the reason names first. What isn't cured comes back as a new letter, which is replayed by name only. A letter whose record itself is wrong needs --force.

Nothing is done without --yes.`
}

func (c *dlqReplayCmd) Run(ctx context.Context, a *app) error {
	if _, err := c.check(); err != nil {
		return err
	}
	if c.Wait && !c.Yes {
		return usageErrorf("--wait: nothing is sent without --yes")
	}
	d, err := a.openDeadLetters(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	r, err := c.deal(ctx, d, dealing{action: record.LetterReplayed, because: c.Because, prepare: c.prepare})
	if r == nil {
		return err
	}
	if err == nil && c.Wait && r.count(outcomeDone) > 0 {
		err = c.wait(ctx, a, d, r)
	}
	return errors.Join(err, r.tell(a, d, &c.dealFlags, c.outputFlag))
}

// prepare judges the letters and finds the records that they are about.
func (c *dlqReplayCmd) prepare(ctx context.Context, d *deadLetters, list []*dealtLetter) error {
	var later []record.Origin // of letters that don't hold the record
	for _, l := range list {
		f, why := judgeReplay(d.topology, l.letter, d.notes.of(l.letter))
		if f == fateGo && l.CameBackOf != nil && len(c.Letters) == 0 {
			// Whoever replays all of a kind again and again would send it for ever.
			f, why = fateForce, fmt.Sprintf("it came back of %s already; mend what its reason names, and replay it by name", *l.CameBackOf)
		}
		l.settle(f, why, c.Force)
		if l.Outcome == outcomeWould && l.letter.writtenLater(d.topicOf(l.letter).Role) {
			later = append(later, l.letter.source)
		}
	}
	if err := c.checkPartitions(ctx, d, list); err != nil {
		return err
	}
	found, err := recordsAt(ctx, d.client, later)
	if err != nil {
		return err
	}
	newest, err := newestRows(ctx, d, list)
	if err != nil {
		return err
	}
	records := map[record.Origin]*kgo.Record{} // letters of one record send it once
	for _, l := range list {
		if l.Outcome != outcomeWould {
			continue
		}
		from := l.letter.source
		if at, ok := newest[rowKey{from.Topic, string(l.letter.key)}]; ok && at > from.Offset && !c.Force {
			l.settle(fateForce, fmt.Sprintf("a newer row of that key is at offset %d: this one would take its place", at), false)
			continue
		}
		if l.letter.writtenLater(d.topicOf(l.letter).Role) && found[from] == nil {
			l.settle(fateNever, "its record is gone from "+d.sourceText(l.letter)+", and the letter holds the event in Holdfast's own form only", false)
			continue
		}
		if records[from] == nil {
			records[from] = recordAgain(l.letter, found[from])
		}
		l.record = records[from]
	}
	return nil
}

// recordAgain is the record that a letter is about: as it stands in its topic
// where it was looked up, else as the letter keeps it. It keeps its time: a count
// or an order that says no time of its own is as old as its record.
func recordAgain(l *letter, is *kgo.Record) *kgo.Record {
	r := &kgo.Record{
		Topic: l.source.Topic, Partition: int32(l.source.Partition),
		Key: l.key, Value: l.value, Headers: l.headers, Timestamp: l.at.Time(),
	}
	if is != nil {
		r.Key, r.Value, r.Headers, r.Timestamp = is.Key, is.Value, is.Headers, is.Timestamp
	}
	return r
}

// checkPartitions finds letters from partitions that there are no longer.
func (c *dlqReplayCmd) checkPartitions(ctx context.Context, d *deadLetters, list []*dealtLetter) error {
	var topics []string
	for _, l := range list {
		if l.Outcome == outcomeWould {
			topics = append(topics, l.letter.source.Topic)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	details, err := kadm.NewClient(d.client).ListTopics(ctx, topics...)
	if err != nil {
		return fmt.Errorf("listing the topics that letters came from: %w", err)
	}
	for _, l := range list {
		from := l.letter.source
		if l.Outcome != outcomeWould {
			continue
		}
		if _, ok := details[from.Topic].Partitions[int32(from.Partition)]; !ok {
			l.settle(fateNever, fmt.Sprintf("topic %s has no partition %d on this cluster", from.Topic, from.Partition), false)
		}
	}
	return nil
}

type rowKey struct{ topic, key string }

// newestRows reads the tables that letters came from: where the newest row of
// each key stands.
func newestRows(ctx context.Context, d *deadLetters, list []*dealtLetter) (map[rowKey]record.Offset, error) {
	tables := map[string]bool{}
	for _, l := range list {
		if l.Outcome == outcomeWould && d.topicOf(l.letter).Role == topology.RoleTable {
			tables[l.letter.source.Topic] = true
		}
	}
	newest := map[rowKey]record.Offset{}
	for table := range tables {
		err := readCommitted(ctx, d.client, false, []string{table}, func(r *kgo.Record) error {
			newest[rowKey{table, string(r.Key)}] = record.Offset(r.Offset)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading the table %s: %w", table, err)
		}
	}
	return newest, nil
}

// wait waits until everything is decided, and looks what came back.
func (c *dlqReplayCmd) wait(ctx context.Context, a *app, d *deadLetters, r *dealtReport) error {
	limit, cancel := context.WithTimeout(ctx, sendWaitMax)
	defer cancel()
	options, err := clientOptions(&a.loaded.Kafka)
	if err != nil {
		return usageErrorf("%w", err)
	}
	if err := settle(limit, d.client, options, d.topology, a.loaded.Updates.Window, nil); err != nil {
		return err
	}
	r.Waited = true
	sent := map[record.Origin]bool{}
	for _, l := range r.Letters {
		if l.Sent != nil {
			sent[l.Sent.Origin()] = true
		}
	}
	before := d.ends
	if _, d.ends, err = d.bounds(ctx, d.topic, true); err != nil {
		return err
	}
	d.starts = before
	back, err := d.cameBack(ctx, 0, sent)
	if err != nil {
		return err
	}
	for _, l := range r.Letters {
		if l.Sent == nil {
			continue
		}
		if b := back[l.Sent.Origin()]; b != nil {
			line := d.line(b)
			line.CameBackOf = &l.Letter
			l.CameBack = &line
		}
	}
	return nil
}
