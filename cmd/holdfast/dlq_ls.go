package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"holdfast/topology/record"
)

type dlqLsCmd struct {
	letterFilter
	Oldest  bool `help:"The oldest first; the newest unless given."`
	Limit   int  `help:"At most so many." default:"50" short:"n"`
	All     bool `help:"Those too that were replayed or discarded." short:"a"`
	Summary bool `help:"Count them by reason and topic instead."`
	clusterFlags
	outputFlag
}

func (c *dlqLsCmd) Help() string {
	return `A letter's name is PARTITION:OFFSET of the topic dlq, which the other commands take. Times are in this machine's zone (TZ).`
}

// letterLine is a letter in a list.
type letterLine struct {
	Letter    letterID         `json:"letter"`
	At        record.Millis    `json:"at"`
	State     string           `json:"state"` // open, replayed, discarded
	Reason    string           `json:"reason"`
	Message   string           `json:"message"`
	Topic     string           `json:"topic"` // with partition and offset: the record that came in; "" where nobody knows
	Partition record.Partition `json:"partition"`
	Offset    record.Offset    `json:"offset"`
	Key       any              `json:"key"`
	Bytes     int              `json:"bytes"` // of the value
	// CameBackOf is the letter by whose replay this one came.
	CameBackOf *letterID          `json:"came_back_of,omitempty"`
	Note       *record.LetterNote `json:"note,omitempty"` // what was done
}

const letterOpen = "open"

func (d *deadLetters) line(l *letter) letterLine {
	line := letterLine{
		Letter: l.id, At: l.at, State: letterOpen, Reason: l.reason, Message: l.message,
		Topic: l.source.Topic, Partition: l.source.Partition, Offset: l.source.Offset,
		Key: textValue(l.key), Bytes: l.bytes, Note: d.notes.of(l),
	}
	if line.Note != nil {
		line.State = line.Note.Action
	}
	if of, ok := d.notes.bySent[l.source]; ok {
		line.CameBackOf = &of
	}
	return line
}

func (l *letterLine) stateWords() string {
	if l.CameBackOf != nil {
		return fmt.Sprintf("%s, came back of %s", l.State, *l.CameBackOf)
	}
	return l.State
}

// letterList is the answer of dlq ls.
type letterList struct {
	Letters []letterLine `json:"letters"`
	More    int          `json:"more"`   // that match, beyond the limit
	Hidden  int          `json:"hidden"` // that match, and were dealt with
}

// letterSummary is the answer of dlq ls --summary.
type letterSummary struct {
	Letters int            `json:"letters"`
	Hidden  int            `json:"hidden"`
	Reasons []letterReason `json:"reasons"` // the most frequent first
}

type letterReason struct {
	Reason  string        `json:"reason"`
	Topic   string        `json:"topic"`
	Letters int           `json:"letters"`
	Oldest  record.Millis `json:"oldest"`
	Newest  record.Millis `json:"newest"`
}

func (c *dlqLsCmd) Run(ctx context.Context, a *app) error {
	if c.Limit < 1 {
		return usageErrorf("--limit %d: must be above 0", c.Limit)
	}
	d, err := a.openDeadLetters(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	query, err := c.read(d.topology, time.Now())
	if err != nil {
		return err
	}
	if err := d.readNotes(ctx, false); err != nil {
		return err
	}
	pick := letterPick{max: c.Limit, newest: !c.Oldest}
	counts := map[[2]string]*letterReason{}
	hidden := 0
	err = d.each(ctx, query.since, func(l *letter) error {
		switch {
		case !query.wants(l):
		case !c.All && d.notes.of(l) != nil:
			hidden++
		case c.Summary:
			count(counts, l)
		default:
			l.value, l.headers = nil, nil
			pick.add(*l)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if c.Summary {
		return c.tellSummary(a, d, counts, hidden)
	}
	pick.cut()
	list := letterList{Letters: []letterLine{}, More: pick.total - len(pick.list), Hidden: hidden}
	for i := range pick.list {
		list.Letters = append(list.Letters, d.line(&pick.list[i]))
	}
	if c.json() {
		return a.printJSON(list)
	}
	return list.writeText(a.Stdout, d, pick.list)
}

func count(counts map[[2]string]*letterReason, l *letter) {
	key := [2]string{l.reason, l.source.Topic}
	n := counts[key]
	if n == nil {
		n = &letterReason{Reason: l.reason, Topic: l.source.Topic, Oldest: l.at, Newest: l.at}
		counts[key] = n
	}
	n.Letters++
	n.Oldest, n.Newest = min(n.Oldest, l.at), max(n.Newest, l.at)
}

func (c *dlqLsCmd) tellSummary(a *app, d *deadLetters, counts map[[2]string]*letterReason, hidden int) error {
	s := letterSummary{Hidden: hidden, Reasons: []letterReason{}}
	for _, n := range counts {
		s.Letters += n.Letters
		s.Reasons = append(s.Reasons, *n)
	}
	slices.SortFunc(s.Reasons, func(x, y letterReason) int {
		return cmp.Or(y.Letters-x.Letters, cmp.Compare(x.Reason, y.Reason), cmp.Compare(x.Topic, y.Topic))
	})
	if c.json() {
		return a.printJSON(s)
	}
	table := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	if len(s.Reasons) > 0 {
		fmt.Fprintln(table, "LETTERS\tREASON\tTOPIC\tOLDEST\tNEWEST")
	}
	for i := range s.Reasons {
		n := &s.Reasons[i]
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", n.Letters, reasonWord(n.Reason), plainText(shortName(d, n.Topic)), localTime(n.Oldest), localTime(n.Newest))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return tellRest(a.Stdout, s.Letters, 0, s.Hidden)
}

const (
	letterKeyMax     = 40  // characters of a key in a list
	letterMessageMax = 100 // of a message
)

func (l *letterList) writeText(w io.Writer, d *deadLetters, letters []letter) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(letters) > 0 {
		fmt.Fprintln(table, "LETTER\tTIME\tREASON\tFROM\tKEY\tSTATE\tMESSAGE")
	}
	for i := range letters {
		line, from := &l.Letters[i], &letters[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", line.Letter, localTime(line.At), reasonWord(line.Reason), d.sourceText(from),
			cutText(plainText(string(from.key)), letterKeyMax), line.stateWords(), cutText(plainText(line.Message), letterMessageMax))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return tellRest(w, len(letters), l.More, l.Hidden)
}

// tellRest says how much there is, and how much of it isn't shown.
func tellRest(w io.Writer, shown, more, hidden int) error {
	text := countOf(shown, "letter")
	if more > 0 {
		text = fmt.Sprintf("%d of %s (--limit shows more)", shown, countOf(shown+more, "letter"))
	}
	if hidden > 0 {
		text += fmt.Sprintf("; %d more dealt with (--all shows them)", hidden)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

func reasonWord(reason string) string {
	if reason == "" {
		return "-" // not one of ours
	}
	return plainText(reason)
}

func localTime(at record.Millis) string { return at.Time().Local().Format("2006-01-02 15:04:05") }

func shortName(d *deadLetters, topic string) string {
	if short, ok := d.topology.Short(topic); ok {
		return short
	}
	return topic
}
