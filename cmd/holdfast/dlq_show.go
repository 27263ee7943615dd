package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"holdfast/topology/record"
)

type dlqShowCmd struct {
	Letter string `arg:"" help:"The letter, as dlq ls names it." placeholder:"PARTITION:OFFSET"`
	clusterFlags
	outputFlag
}

func (c *dlqShowCmd) Help() string {
	return `What came in is shown as it was: a value that is JSON as JSON, other text as text, other bytes as base64. Bodies of orders hold names and addresses of buyers.`
}

// letterShown is all of a letter.
type letterShown struct {
	letterLine
	Headers tailHeaders `json:"headers"` // as the record came
	Value   any         `json:"value"`
	Replay  replayWords `json:"replay"`
	// CameBackAs is the letter by which the replay of this one ended.
	CameBackAs *letterID `json:"came_back_as,omitempty"`
}

// replayWords says whether a replay makes sense.
type replayWords struct {
	Possible bool   `json:"possible"`
	Force    bool   `json:"needs_force"`
	Why      string `json:"why"`
}

func (c *dlqShowCmd) Run(ctx context.Context, a *app) error {
	id, err := parseLetterID(c.Letter)
	if err != nil {
		return err
	}
	d, err := a.openDeadLetters(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.readNotes(ctx, false); err != nil {
		return err
	}
	list, err := d.get(ctx, id)
	if err != nil {
		return err
	}
	l := &list[0]
	shown := letterShown{letterLine: d.line(l), Headers: l.headers, Value: jsonValue(l.value), Replay: d.replayWords(l)}
	if note := shown.Note; note != nil && note.Sent != nil {
		back, err := d.cameBack(ctx, max(1, note.At-clockSkewMax), map[record.Origin]bool{note.Sent.Origin(): true})
		if err != nil {
			return err
		}
		if b, ok := back[note.Sent.Origin()]; ok {
			shown.CameBackAs = &b.id
		}
	}
	if c.json() {
		return a.printJSON(shown)
	}
	return shown.writeText(a.Stdout, d, l)
}

func (d *deadLetters) replayWords(l *letter) replayWords {
	switch f, why := judgeReplay(d.topology, l, d.notes.of(l)); f {
	case fateGo:
		_, why = replayHelps(l.reason)
		return replayWords{Possible: true, Why: why}
	case fateForce:
		return replayWords{Possible: true, Force: true, Why: why}
	default:
		return replayWords{Why: why}
	}
}

// clockSkewMax is how far this machine's clock may be ahead of a node's: letters
// carry the time of the node that wrote them.
const clockSkewMax = 10 * 60 * 1000

// cameBack looks for the letters that records have become which were sent since
// then.
func (d *deadLetters) cameBack(ctx context.Context, since record.Millis, sent map[record.Origin]bool) (map[record.Origin]*letter, error) {
	back := map[record.Origin]*letter{}
	err := d.each(ctx, since, func(l *letter) error {
		if sent[l.source] {
			l.value, l.headers = nil, nil
			back[l.source] = l
		}
		return nil
	})
	return back, err
}

func (s *letterShown) writeText(w io.Writer, d *deadLetters, l *letter) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(table, "%s\t%s\n", name, value) }
	row("letter", l.id.String())
	row("time", localTime(l.at))
	row("reason", reasonWord(l.reason))
	row("message", plainText(l.message))
	row("from", d.sourceText(l))
	row("key", plainText(string(l.key)))
	state := s.State
	if s.Note != nil {
		state = noteWords(s.Note)
		if s.Note.Sent != nil {
			state += ", sent as " + s.Note.Sent.Origin().String()
		}
	}
	row("state", state)
	if s.CameBackOf != nil {
		row("came back of", s.CameBackOf.String())
	}
	if s.CameBackAs != nil {
		row("came back as", s.CameBackAs.String())
	}
	row("replay", s.Replay.String())
	for _, h := range l.headers {
		row("header "+plainText(h.Key), plainText(string(h.Value)))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "value, %s:\n%s\n", countOf(l.bytes, "byte"), valueText(l.value))
	return err
}

func (r replayWords) String() string {
	switch {
	case !r.Possible:
		return "nothing to do, " + r.Why
	case r.Force:
		return "only with --force: " + r.Why
	}
	return "helps " + r.Why
}

// valueText is a value as people read it: JSON indented, other text by lines.
func valueText(b []byte) string {
	switch v := jsonValue(b).(type) {
	case nil:
		return "(none)"
	case string:
		lines := strings.Split(v, "\n")
		for i := range lines {
			lines[i] = plainText(lines[i])
		}
		return strings.Join(lines, "\n")
	default:
		return string(indentJSON(v))
	}
}
