package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology/record"
)

// dealFlags belong to the commands that deal with letters.
type dealFlags struct {
	Letters []string `arg:"" optional:"" name:"letter" help:"Letters, as dlq ls names them: PARTITION:OFFSET."`
	letterFilter
	All   bool   `help:"All letters that are open." short:"a"`
	Limit int    `help:"At most so many, the oldest first." default:"1000" short:"n"`
	Yes   bool   `help:"Do it. Without it nothing is done: what would be done is shown." short:"y"`
	By    string `help:"Who does it, for those who come after; user and machine unless given."`
}

// letterBytesMax bounds what is held in memory of the letters that are dealt with.
const letterBytesMax = 256 << 20

// Outcomes of dealing with a letter.
const (
	outcomeDone       = "done"          // replayed or discarded
	outcomeWould      = "would"         // with --yes
	outcomeNothing    = "nothing_to_do" // it was dealt with before
	outcomeNeedsForce = "needs_force"
	outcomeImpossible = "impossible"
	outcomeNotDone    = "not_done" // it broke off before
)

// dealtLetter is a letter and what became of it.
type dealtLetter struct {
	letterLine
	Outcome string       `json:"outcome"`
	Why     string       `json:"why,omitempty"`
	Sent    *record.Sent `json:"sent,omitempty"`
	// CameBack is the letter that a replay ended with, where it was waited for.
	CameBack *letterLine `json:"came_back,omitempty"`

	letter *letter
	record *kgo.Record
}

// dealtReport is the answer of dlq replay and dlq discard.
type dealtReport struct {
	Action  string         `json:"action"` // replayed, discarded
	Applied bool           `json:"applied"`
	Waited  bool           `json:"waited"`
	Letters []*dealtLetter `json:"letters"` // the oldest first, unless they were named
	More    int            `json:"more"`    // that match, beyond the limit
}

// check finds what can't be meant.
func (f *dealFlags) check() ([]letterID, error) {
	var ids []letterID
	for _, text := range f.Letters {
		id, err := parseLetterID(text)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	filtered := !f.isEmpty()
	switch {
	case f.Limit < 1:
		return nil, usageErrorf("--limit %d: must be above 0", f.Limit)
	case len(ids) > 0 && (filtered || f.All):
		return nil, usageErrorf("letters are named, so --reason, --topic, --since and --all have nothing to say")
	case len(ids) == 0 && !filtered && !f.All:
		return nil, usageErrorf("which letters? Name them, or say --reason, --topic, --since or --all")
	}
	return ids, nil
}

// who is what the notes say of who did it.
func (f *dealFlags) who() string {
	if f.By != "" {
		return f.By
	}
	name, host := "somebody", "somewhere"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// choose returns the letters that are meant: those named in that order, else the
// oldest open ones that match.
func (f *dealFlags) choose(ctx context.Context, d *deadLetters, ids []letterID) (list []letter, more int, err error) {
	if len(ids) > 0 {
		list, err = d.get(ctx, ids...)
		return list, 0, err
	}
	query, err := f.read(d.topology, time.Now())
	if err != nil {
		return nil, 0, err
	}
	pick := letterPick{max: f.Limit}
	err = d.each(ctx, query.since, func(l *letter) error {
		if !query.wants(l) || d.notes.of(l) != nil {
			return nil
		}
		if pick.add(*l); pick.bytes > letterBytesMax {
			if pick.cut(); pick.bytes > letterBytesMax {
				return fmt.Errorf("the letters hold more than %d MiB: take fewer at a time (--limit)", letterBytesMax>>20)
			}
		}
		return nil
	})
	pick.cut()
	return pick.list, pick.total - len(pick.list), err
}

// dealing is what is different between the commands.
type dealing struct {
	action  string
	because string
	// prepare judges the letters, and gives those that go their record.
	prepare func(ctx context.Context, d *deadLetters, list []*dealtLetter) error
}

// deal does it, or shows what would be done.
func (f *dealFlags) deal(ctx context.Context, d *deadLetters, how dealing) (*dealtReport, error) {
	ids, err := f.check()
	if err != nil {
		return nil, err
	}
	var w *letterWriter
	if f.Yes {
		if w, err = d.app.openLetterWriter(ctx, d.topology); err != nil {
			return nil, err
		}
		defer w.close()
	}
	if err := d.readNotes(ctx, f.Yes); err != nil {
		return nil, err
	}
	letters, more, err := f.choose(ctx, d, ids)
	if err != nil {
		return nil, err
	}
	r := &dealtReport{Action: how.action, Applied: f.Yes, Letters: []*dealtLetter{}, More: more}
	for i := range letters {
		r.Letters = append(r.Letters, &dealtLetter{letterLine: d.line(&letters[i]), letter: &letters[i]})
	}
	if err := how.prepare(ctx, d, r.Letters); err != nil {
		return nil, err
	}
	if !f.Yes {
		return r, nil
	}
	return r, f.apply(ctx, d, w, how, r)
}

func (f *dealFlags) apply(ctx context.Context, d *deadLetters, w *letterWriter, how dealing, r *dealtReport) error {
	var work []letterWork
	byID := map[letterID]*dealtLetter{}
	now, by := record.Millis(time.Now().UnixMilli()), f.who()
	for _, l := range r.Letters {
		if l.Outcome != outcomeWould {
			continue
		}
		l.Outcome, byID[l.Letter] = outcomeNotDone, l
		work = append(work, letterWork{id: l.Letter, record: l.record, note: &record.LetterNote{
			Letter: l.Letter.String(), LetterAt: l.At, Action: how.action, At: now, By: by, Because: how.because,
		}})
	}
	w.forget = d.gone(notesForgottenMax)
	return w.deal(ctx, work, func(done []letterWork) {
		for i := range done {
			l := byID[done[i].id]
			l.Outcome, l.Why, l.Note, l.State, l.Sent = outcomeDone, "", done[i].note, done[i].note.Action, done[i].note.Sent
		}
	})
}

// gone returns letters with notes that the topic dlq no longer holds.
func (d *deadLetters) gone(most int) (ids []letterID) {
	for id := range d.notes.byLetter {
		if start, ok := d.starts.Lookup(d.topic, id.partition); ok && id.offset < start.Offset && len(ids) < most {
			ids = append(ids, id)
		}
	}
	return ids
}

// settle gives a letter its outcome by what was judged.
func (l *dealtLetter) settle(f fate, why string, force bool) {
	l.Why = why
	switch {
	case f == fateGo, f == fateForce && force:
		l.Outcome = outcomeWould
	case f == fateForce:
		l.Outcome = outcomeNeedsForce
	case f == fateDone:
		l.Outcome = outcomeNothing
	default:
		l.Outcome = outcomeImpossible
	}
}

func (r *dealtReport) count(outcome string) (n int) {
	for _, l := range r.Letters {
		if l.Outcome == outcome {
			n++
		}
	}
	return n
}

// tell prints the report, and returns an error where something that was asked for
// wasn't done.
func (r *dealtReport) tell(a *app, d *deadLetters, f *dealFlags, o outputFlag) error {
	if o.json() {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else if err := r.writeText(a.Stdout, d); err != nil {
		return err
	}
	held, back := r.count(outcomeNeedsForce)+r.count(outcomeImpossible), 0
	for _, l := range r.Letters {
		if l.CameBack != nil {
			back++
		}
	}
	var errs []error
	if held > 0 && f.Yes {
		errs = append(errs, fmt.Errorf("%s not %s", countOf(held, "letter"), r.Action))
	}
	if back > 0 {
		errs = append(errs, fmt.Errorf("of %s that were replayed %d came back, as new letters", countOf(r.count(outcomeDone), "letter"), back))
	}
	return errors.Join(errs...)
}

func (r *dealtReport) writeText(w io.Writer, d *deadLetters) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range r.Letters {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", l.Letter, reasonWord(l.Reason), d.sourceText(l.letter), l.outcomeWords(r.Action), l.whyWords())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	text := fmt.Sprintf("%s %s", countOf(r.count(outcomeDone), "letter"), r.Action)
	if !r.Applied {
		text = fmt.Sprintf("%s would be %s; nothing was done, --yes does it", countOf(r.count(outcomeWould), "letter"), r.Action)
	}
	for _, also := range []struct{ outcome, words string }{
		{outcomeNeedsForce, "held back (--force)"}, {outcomeImpossible, "impossible"}, {outcomeNothing, "dealt with before"}, {outcomeNotDone, "left"},
	} {
		if n := r.count(also.outcome); n > 0 {
			text += fmt.Sprintf("; %d %s", n, also.words)
		}
	}
	if r.More > 0 {
		text += fmt.Sprintf("; %d more match (--limit)", r.More)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

func (l *dealtLetter) outcomeWords(action string) string {
	switch l.Outcome {
	case outcomeDone:
		return action
	case outcomeWould:
		return "would be " + action
	}
	return strings.ReplaceAll(l.Outcome, "_", " ")
}

func (l *dealtLetter) whyWords() string {
	switch {
	case l.CameBack != nil:
		return fmt.Sprintf("CAME BACK as %s: %s, %s", l.CameBack.Letter, reasonWord(l.CameBack.Reason), cutText(plainText(l.CameBack.Message), letterMessageMax))
	case l.Sent != nil:
		return "sent as " + l.Sent.Origin().String()
	case l.CameBackOf != nil && l.Why == "":
		return "came back of " + l.CameBackOf.String()
	}
	return l.Why
}
